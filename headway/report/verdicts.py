"""Verdicts by kind of check, and how many of them chance alone may have made: the table of docs/claims.md."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import get_args

from headway.claims.catalog import claims
from headway.claims.claim import Check, Claim, Word
from headway.claims.condition import LEVEL, Bounded, Condition, Dose, Judged, Numbers, Some
from headway.claims.evidence import numbers_of
from headway.claims.run import Known, known_of
from headway.claims.second import DRAW, Looked, drawn
from headway.concepts.markdown import table_lines
from headway.report.wording import joined

ERROR = LEVEL / 2
"""The chance that an interval of confidence 1 − LEVEL misses on the side that a condition looks at."""


Seen = Mapping[str, Known]
"""Number of a claim → what is known of it."""


def seen() -> Seen:
    """What is known of every claim. Nothing is run."""
    return {one.claim.id: one for one in known_of(claims().values())}


@dataclass(frozen=True)
class Decided:
    """An answer of yes or no that an interval gave.

    intervals  how many intervals it took: one, and for a dose one a step besides
    """

    claim: Claim
    judged: Judged
    intervals: int


def decided(claim: Claim, numbers: Numbers) -> Iterator[Decided]:
    """The answers that a verdict rests on and that chance can falsify: not those of exact numbers, all alike."""
    limits = (limit.shown_by for limit in claim.limits if limit.shown_by is not None)
    for condition in _single([*claim.needs, *claim.control, *claim.sham, *limits]):
        judged = condition.judge(numbers)
        if not isinstance(condition, Bounded) and judged.answer != "open" and judged.low != judged.high:
            yield Decided(claim, judged, len(condition.along) if isinstance(condition, Dose) else 1)


def _single(conditions: Iterable[Condition]) -> Iterator[Condition]:
    """The conditions, and in the place of several under one the several."""
    for condition in conditions:
        yield from _single(condition.conditions) if isinstance(condition, Some) else (condition,)


def verdicts_text(known: Seen) -> str:
    """Markdown: the table by kind of check, the expected number of false verdicts, and what the sign tests say."""
    by_check: dict[str, list[Known]] = {check: [] for check in get_args(Check)}
    for one in known.values():
        by_check[one.claim.check].append(one)
    words = [word for word in get_args(Word) if any(one.verdict.word == word for one in known.values())]
    answers = {id: [] if one.verdict.word == "pending" else list(decided(one.claim, numbers_of(one.evidence)))
               for id, one in known.items()}  # fmt: skip
    rows: list[tuple[object, ...]] = []
    for name, part in (by_check | {"all": list(known.values())}).items():
        counts = Counter(one.verdict.word for one in part)
        by_interval = [answer for one in part for answer in answers[one.claim.id]]
        rows.append((name, *(counts[word] for word in words), counts.total(), *_chance(by_interval)))
    table = table_lines(("check", *words, "all", "intervals", "false at most"), rows)
    return "\n".join([*table, "", *_said([answer for part in answers.values() for answer in part])])


def _chance(answers: Sequence[Decided]) -> tuple[int, str]:
    """How many intervals decided, and how many of them are expected to have missed."""
    intervals = sum(one.intervals for one in answers)
    return intervals, f"{ERROR * intervals:.1f}" if intervals else "0"


def _said(answers: Sequence[Decided]) -> Iterator[str]:
    """The figures in words."""
    intervals, false = _chance(answers)
    resting = len({one.claim.id for one in answers})
    yield f"{intervals} intervals decided conditions of {resting} claims. Each misses on the side that counts with a " \
          f"nominal chance of {ERROR * 100:g} %, and only where the truth lies right at a bound. So at most " \
          f"{intervals} × {ERROR:g} = {false} false verdicts are expected."  # fmt: skip
    shown = [(one.claim.id, one.judged.p) for one in answers if one.judged.p is not None and one.judged.answer == "yes"]
    doubted = [id for id, p in shown if p > ERROR]
    yield ""
    yield f"Second opinion: {len(shown)} differences are shown by their interval; the one-sided sign test, p ≤ " \
          f"{ERROR:g}, shows the direction of {len(shown) - len(doubted)}." \
          + (f" It doubts that of {joined(list(dict.fromkeys(doubted)))}." if doubted else "")  # fmt: skip


def second_text(looked: Sequence[Looked]) -> str:
    """Markdown: the experiments that were drawn by lot with their verdicts on fresh seeds, and what else changed."""
    by_lot = {claim.id for claim in drawn()}
    taken, others = ([one for one in looked if (one.claim.id in by_lot) == chosen] for chosen in (True, False))
    if len(taken) < len(by_lot):
        return "Not all of them are measured yet: `headway claims run --fresh`."
    kept = sum(one.kept for one in taken)
    rows = [(one.claim.id, one.claim.says, one.first.word, one.second.word) for one in taken]
    changed = [f"{one.claim.id}: {one.first.word}, then {one.second.word}" for one in others if not one.kept]
    return "\n".join([
        f"Of the experiments {len(taken)} were drawn by lot, by the seed {DRAW}, which was stated before; {kept} of "
        "them keep their verdict on fresh seeds.", "",
        *table_lines(("claim", "statement", "verdict", "on fresh seeds"), rows), "",
        f"{len(others)} other experiments and conventions were measured on fresh seeds too, and "
        f"{len(others) - len(changed)} keep their verdict."
        + (f" Of these it changed: {'; '.join(changed)}." if changed else ""),
    ])  # fmt: skip
