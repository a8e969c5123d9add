"""The outcome of cures for a person: what the doctor restores beside random remedies, as text and as a page."""

from collections.abc import Mapping, Sequence
from typing import Any

from headway.claims.evidence import made_here
from headway.concepts.markdown import table_lines
from headway.doctor.faults.catalog import Program
from headway.doctor.faults.outcome import NO_EDIT, outcome, restores
from headway.doctor.faults.score import manifest_row
from headway.report.doctor_bench import interval_of, past, share_of
from headway.report.table import table

WHO = {"the doctor": "cured", "random remedies": "random", "the rate alone": "rate"}
Record = Mapping[str, Any]


def outcome_record(name: str, chosen: Sequence[Program], rows: Sequence[Record], code: str) -> dict[str, Any]:
    """What became of the cures, on what and by which code, as plain values: figures first, then a row a cure."""
    made = []
    for one, row in zip(chosen, rows, strict=True):
        known = manifest_row(one)
        restored = {who: restores(row, key) for who, key in WHO.items()} if row.get("how") != NO_EDIT else {}
        made.append({"id": one.id, "family": one.family, "known": known["causes"],
                     **{key: value for key, value in row.items() if key not in ("id", "mark")},
                     "restored": restored})  # fmt: skip
    return {"outcome": name, "code": code, "made on": made_here(), "score": outcome(made), "programs": made}


def outcome_text(record: Record) -> str:
    """The figures as tables, and what became of each cure."""
    parts = [f"Cures on the {record['outcome']} set.", _counts(record)]
    return "\n\n".join((*parts, *(table(*rows) for rows in _tables(record))))


def outcome_page(record: Record) -> str:
    """The same in Markdown."""
    lines = [f"## Cures on the {record['outcome']} set", "", _counts(record) + past(record, record["outcome"]), ""]
    says = ("What restores:", "Without a family of faults, and on it alone:", "Every cure:")
    for said, (head, rows) in zip(says, _tables(record), strict=True):
        lines += [said, "", *table_lines(head, rows), ""]
    versions = ", ".join(f"{name} {version}" for name, version in record["made on"]["versions"].items())
    return "\n".join([*lines, f"Code {record['code']}, {record['made on']['day']}, {versions}.", ""])


def _counts(record: Record) -> str:
    found = record["score"]
    how = ", ".join(f"{word} {count}" for word, count in found["how"].items())
    others = [found["without a family"][family]["others"]["restored"]["the doctor"]["share"]
              for family in found["without a family"]]  # fmt: skip
    known = [share for share in others if share is not None]
    spread = f" Without any one family it is between {min(known):.0%} and {max(known):.0%}." if known else ""
    pairs = ", ".join(f"{who} {count}" for who, count in found["pairs"].items())
    lead = "–" if found["advantage"] is None else f"{found['advantage']:+.0%}"
    return (f"One base for each of {len(record['programs'])} faults ({how}). The doctor's share less that of random "
            f"remedies: {lead} (restored by {pairs}).{spread}")  # fmt: skip


def _tables(record: Record) -> list[tuple[tuple[str, ...], list[tuple[str, ...]]]]:
    found = record["score"]
    overall: list[tuple[str, ...]] = [(who, interval_of(found["restored"][who])) for who in WHO]
    overall.append(("of what the doctor calls proven", interval_of(found["proven"])))
    families: list[tuple[str, ...]] = [
        (family, *(share_of(both[part]["restored"][who]) for part in ("others", "itself") for who in WHO))
        for family, both in found["without a family"].items()
    ]
    head = ("family", *(f"{who}, {part}" for part in ("others", "itself") for who in WHO))
    cures: list[tuple[str, ...]] = [
        (row["id"], _told(row), *(_reached(row, who) for who in WHO)) for row in record["programs"]
    ]
    return [(("", "restored"), overall), (head, families), (("program", "remedy", *WHO), cures)]


def _told(row: Record) -> str:
    """The remedy that is proven, or why there is none."""
    if "error" in row:
        return "broken"
    return str(row["remedy"] or row["how"]) if row["how"] != NO_EDIT else NO_EDIT


def _reached(row: Record, who: str) -> str:
    """How far of the gap is closed, marked where that counts as restored."""
    skill = row.get("skill", {})
    if skill.get(WHO[who]) is None:
        return "–"
    gap = (skill[WHO[who]] - max(0.0, skill["faulty"])) / (skill["fix"] - max(0.0, skill["faulty"]))
    return f"{max(-1.0, gap):.0%}" + (" ✓" if row["restored"][who] else "")
