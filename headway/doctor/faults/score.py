"""How well a tool tells what keeps a network from learning: its verdicts held against what is known of every program.

Both are plain data. A folder holds the recipes as JSON and a `manifest.jsonl`, a row a program: id, set, base, seeds,
fault, family, causes, healthy, recipe. A tool of any kind writes a row for each, the likeliest cause first:
`{"id": …, "healthy": …, "causes": […]}`.
"""

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from scipy.stats import beta

from headway.doctor.faults.catalog import Program
from headway.spec.error import HeadwayError
from headway.spec.json import dumps
from headway.training.checkpoint import write_durably

Row = Mapping[str, Any]
NOT_REFITTED = (
    "The rules are written and tuned by hand: they are not fitted again where something is left out. Left out is a "
    "family of faults, or a base with all that is made of it, from what the figures are counted on."
)


def manifest_row(program: Program) -> dict[str, Any]:
    """What is known of a program, as plain values."""
    return {
        "id": program.id, "set": program.base.set, "base": program.base.id, "seeds": list(program.base.seeds),
        "fault": None if program.healthy else program.id.partition("@")[0], "family": program.family,
        "causes": list(program.causes), "healthy": program.healthy, "recipe": f"recipes/{program.id}.json",
    }  # fmt: skip


def write_programs(programs: Iterable[Program], folder: Path) -> None:
    """The programs as files that any tool can read: `recipes/ID.json`, and `manifest.jsonl`."""
    (folder / "recipes").mkdir(parents=True, exist_ok=True)
    rows = []
    for program in programs:
        rows.append(manifest_row(program))
        write_durably(folder / rows[-1]["recipe"], (dumps(program.recipe) + "\n").encode())
    write_durably(folder / "manifest.jsonl", "".join(json.dumps(row) + "\n" for row in rows).encode())


def read_rows(path: Path) -> list[dict[str, Any]]:
    """The rows of a file of JSON lines; a last line that was not written to its end does not count."""
    whole = [line for line in path.read_text().splitlines(keepends=True) if line.endswith("\n")]
    try:
        return [json.loads(line) for line in whole if line.strip()]
    except ValueError as error:
        raise HeadwayError(str(path), "must hold one JSON value a line", error) from None


def score(manifest: Sequence[Row], verdicts: Iterable[Row]) -> dict[str, Any]:
    """All figures, those without a family or a base first. A program without a verdict, or with an "error", is missed.

    So is a healthy one: a tool that breaks on it has not called it healthy.
    """
    said = {row["id"]: row for row in verdicts}
    if strange := sorted(said.keys() - {row["id"] for row in manifest}):
        raise HeadwayError("verdicts", "must be of programs in the manifest", strange[0])
    known = [{**row, "said": said.get(row["id"], {"error": "no verdict"})} for row in manifest]
    return {
        "note": NOT_REFITTED,
        "without a family": _left_out(known, "family", [row for row in known if not row["healthy"]]),
        "without a base": _left_out(known, "base", known),
        "all": figures(known),
        "always alarm": figures([{**row, "said": {"healthy": False, "causes": [_usual(known)]}} for row in known]),
        "never alarm": figures([{**row, "said": {"healthy": True, "causes": []}} for row in known]),
        "families": confusion(known),
    }


def figures(known: Sequence[Row]) -> dict[str, Any]:
    """Shares of programs with their 95 % intervals.

    recall        of the faulty, those that are not called healthy
    first cause   of the faulty, those whose first cause named is a right one
    any cause     of the faulty, those that a right cause is named of at all
    specificity   of the healthy, those that are called healthy
    broken        programs without a verdict
    """
    ill, well = ([row for row in known if row["healthy"] == healthy] for healthy in (False, True))
    return {
        "recall": share([_alarmed(row) for row in ill]),
        "first cause": share([_first(row) in row["causes"] for row in ill]),
        "any cause": share([bool(set(row["causes"]) & set(row["said"].get("causes", ()))) for row in ill]),
        "specificity": share([row["said"].get("healthy") is True for row in well]),
        "broken": sum("error" in row["said"] for row in known),
    }


def share(hits: Sequence[bool]) -> dict[str, Any]:
    """How many of how many, with an interval of 95 %."""
    k, n = sum(hits), len(hits)
    low, high = clopper_pearson(k, n)
    return {"of": n, "hits": k, "share": k / n if n else None, "low": low, "high": high}


def clopper_pearson(k: int, n: int, tail: float = 0.025) -> tuple[float, float]:
    """Bounds of a share, k of n, each wrong with probability `tail` at most (Clopper & Pearson 1934)."""
    low = float(beta.ppf(tail, k, n - k + 1)) if k else 0.0
    high = float(beta.ppf(1 - tail, k + 1, n - k)) if k < n else 1.0
    return low, high


def confusion(known: Iterable[Row]) -> dict[str, dict[str, int]]:
    """Family → what its programs were called: the first cause named, "no cause" where none is, "healthy", "broken"."""
    found: dict[str, Counter[str]] = {}
    for row in known:
        called = "healthy" if row["said"].get("healthy") else _first(row) or "no cause"
        found.setdefault(row["family"], Counter())["broken" if "error" in row["said"] else called] += 1
    return {family: dict(counts.most_common()) for family, counts in sorted(found.items())}


def _left_out(known: Sequence[Row], key: str, among: Iterable[Row]) -> dict[str, Any]:
    """Every value of `key` among these → figures over all other programs, and over those of this value."""
    return {
        group: {"others": figures([row for row in known if row[key] != group]),
                "itself": figures([row for row in known if row[key] == group])}
        for group in dict.fromkeys(row[key] for row in among)
    }  # fmt: skip


def _alarmed(row: Row) -> bool:
    return row["said"].get("healthy") is False


def _first(row: Row) -> str | None:
    return next(iter(row["said"].get("causes", ())), None)


def _usual(known: Iterable[Row]) -> str:
    """The cause that most faulty programs have."""
    counts = Counter(row["causes"][0] for row in known if row["causes"])
    return counts.most_common(1)[0][0] if counts else ""
