"""Claims for a person: a table of verdicts, and one claim with its numbers, intervals, picture and verdict."""

import textwrap
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from headway.claims.claim import Claim, Verdict
from headway.claims.condition import Judged
from headway.claims.evidence import Evidence
from headway.claims.run import Known
from headway.report.table import mean_and_spread, table
from headway.report.wording import short

WIDTH = 100


def verdict_table(seen: Sequence[Known]) -> str:
    """Number, statement, check and verdict of claims, and how often each stands; a star: the code has changed since."""
    old = {claim.id for claim, _, evidence in seen if any(one.stale for one in evidence.values())}
    rows = [(claim.id, claim.says, claim.check, verdict.word + "*" * (claim.id in old)) for claim, verdict, _ in seen]
    counts = Counter(verdict.word for _, verdict, _ in seen)
    total = ", ".join(f"{count} {word}" for word, count in counts.most_common())
    note = f"\n* {len(old)} measured on other code than this" if old else ""
    return f"{table(('claim', 'statement', 'check', 'verdict'), rows)}\n\n{len(rows)} claims: {total}{note}"


def claim_record(claim: Claim, verdict: Verdict, evidence: Mapping[str, Evidence]) -> dict[str, Any]:
    """A claim as plain values for JSON."""
    parts = {"needs": verdict.needs, "control": verdict.control, "sham": verdict.sham}
    return {
        "claim": claim.id, "says": claim.says, "check": claim.check, "verdict": verdict.word,
        "because": verdict.because, "scope": claim.scope, "remark": claim.remark,
        "replaced_by": list(claim.replaced_by),
        **{name: [vars(one) for one in judged] for name, judged in parts.items()},
        "limits": [{"limit": said} | vars(one) for said, one in verdict.limits],
        "counterexample": claim.counterexample and {"limit": claim.counterexample.said}
        | (vars(verdict.counterexample) if verdict.counterexample else {}),
        "arms": {arm: {"seeds": found.seeds, "numbers": found.numbers, "stale": found.stale}
                 for arm, found in evidence.items()},
    }  # fmt: skip


def claim_text(claim: Claim, verdict: Verdict, evidence: Mapping[str, Evidence], design: str) -> str:
    """A claim with its design, its conditions as they were judged, a picture of its numbers, and its verdict."""
    lines = [f"{claim.id}  {claim.says}", f"Verdict: {verdict.word}", *wrapped(verdict.because), ""]
    lines += wrapped(f"Design {claim.design}. {design}") if design else []
    parts = (("needs", verdict.needs), ("control", verdict.control), ("sham", verdict.sham),
             ("limit", [one for _, one in verdict.limits]),
             ("counterexample", [verdict.counterexample] if verdict.counterexample else []))  # fmt: skip
    for name, judged in parts:
        lines += [line for one in judged for line in (f"{name}: {one.said}", f"    {one.answer}: {measured(one)}")]
    metrics = dict.fromkeys(getattr(c, "metric", "") for c in claim.conditions)
    for metric in (m for m in metrics if m):
        lines += ["", picture(metric, {arm: e.numbers[metric] for arm, e in evidence.items() if metric in e.numbers})]
    for label, text in (("Scope", claim.scope), ("Counterexample", claim.counterexample and claim.counterexample.said),
                        ("Remark", claim.remark), ("Better said by", ", ".join(claim.replaced_by))):  # fmt: skip
        lines += ["", *wrapped(f"{label}: {text}")] if text else []
    seconds = sum(found.seconds for found in evidence.values())
    stale = ", on code that has changed since" if any(found.stale for found in evidence.values()) else ""
    lines += ["", f"Measured in {seconds:.0f} s{stale}."] if evidence else []
    return "\n".join(lines)


def measured(one: Judged) -> str:
    """`0.42 [0.31, 0.55], sign test p = 0.001`."""
    ends = f" [{short(one.low)}, {short(one.high)}]" if one.low != one.high else ""
    second = "" if one.p is None else f", sign test p = {one.p:.2g}"
    return f"{short(one.value)}{ends}{second}"


def picture(metric: str, arms: Mapping[str, Iterable[float]], width: int = 50) -> str:
    """The values of every arm as dots on one line each, on a common scale, with their mean and spread."""
    values = {arm: np.asarray(list(found), float) for arm, found in arms.items()}
    known = np.concatenate([found[np.isfinite(found)] for found in values.values()] or [np.zeros(0)])
    low, high = (float(known.min()), float(known.max())) if len(known) else (0.0, 0.0)
    span = (high - low) or 1.0
    rows = []
    for arm, found in values.items():
        line = [" "] * width
        for value in found[np.isfinite(found)]:
            line[round((value - low) / span * (width - 1))] = "•"
        rows.append((arm, f"|{''.join(line)}|", mean_and_spread(found.tolist())))
    return table((metric, f" {short(low)} … {short(high)}", "mean ± sd"), rows)


def wrapped(text: str) -> list[str]:
    return textwrap.wrap(text, WIDTH)
