"""The doctor's benchmark for a person: recall, right causes and specificity with intervals, as text and as a page."""

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from headway.claims.evidence import made_here
from headway.concepts.markdown import table_lines
from headway.doctor.faults.bench import left_out
from headway.doctor.faults.catalog import Program
from headway.doctor.faults.score import manifest_row, score
from headway.doctor.faults.sets import LOOKED_AT
from headway.report.table import table

FIGURES = ("recall", "first cause", "any cause", "specificity")
SAID = ("healthy", "causes", "before", "noticed", "error", "seconds")
Record = Mapping[str, Any]


def bench_record(name: str, chosen: Sequence[Program], verdicts: Sequence[Record], code: str) -> dict[str, Any]:
    """What was found, on what and by which code, as plain values: figures first, then a row a program."""
    manifest = [manifest_row(program) for program in chosen]
    rows = [{"id": row["id"], "family": row["family"], "known": row["causes"],
             **{key: said[key] for key in SAID if key in said}}
            for row, said in zip(manifest, verdicts, strict=True)]  # fmt: skip
    kept = {"set": name, "code": code, "made on": made_here(), "left out": [one.id for one in left_out(name)]}
    return {**kept, "score": score(manifest, verdicts), "programs": rows}


def as_lines(record: Record) -> str:
    """The record as JSON, a line a program."""
    rows = ",\n".join(json.dumps(row, ensure_ascii=False) for row in record["programs"])
    rest = json.dumps({key: value for key, value in record.items() if key != "programs"}, ensure_ascii=False)
    return f'{rest[:-1]},\n"programs": [\n{rows}\n]}}\n'


def bench_text(record: Record) -> str:
    """The figures as tables, those without a family or a base first."""
    found = record["score"]
    parts = [f"The doctor on the {record['set']} set: {_counts(record)}", found["note"]]
    parts += [table(*_rows(found, key)) for key in ("without a family", "without a base")]
    parts += [table(*_overall(found)), table(("family", "called"), _called(found))]
    return "\n\n".join(parts)


def bench_page(records: Iterable[Record]) -> str:
    """The same in Markdown, set after set."""
    lines = []
    for record in records:
        found = record["score"]
        lines += [f"## The {record['set']} set", "", _counts(record) + past(record, record["set"]), ""]
        for says, (head, rows) in (
            ("Without a family of faults, and on it alone:", _rows(found, "without a family")),
            ("Without a base, and on it alone:", _rows(found, "without a base")),
            ("All together, beside what knows nothing:", _overall(found)),
            ("What the programs of each family were called:", (("family", "called"), _called(found))),
        ):
            lines += [says, "", *table_lines(head, rows), ""]
        versions = ", ".join(f"{name} {version}" for name, version in record["made on"]["versions"].items())
        lines += [f"Code {record['code']}, {record['made on']['day']}, {versions}.", ""]
    return "\n".join(lines)


def rule_rates(record: Record, id: str) -> str:
    """How often a rule finds its cause where it is the one, where another is, and where nothing is wrong."""
    rows = {
        "programs whose cause it is": [row for row in record["programs"] if row["known"][:1] == [id]],
        "faulty ones that have another": [row for row in record["programs"] if row["known"] and id not in row["known"]],
        "healthy ones": [row for row in record["programs"] if not row["known"]],
    }
    counts = [f"in {sum(id in row.get('causes', ()) for row in some)} of the {len(some)} {what}"
              for what, some in rows.items() if some]  # fmt: skip
    of = f"On the {record['set']} set of the [benchmark](../doctor-benchmark.md) it is found"
    return f"{of} {', '.join(counts)}.{past(record, record['set'])}"


def past(record: Record, name: str) -> str:
    """Of a set that was for reporting, when it was looked at; of the others nothing."""
    if name not in LOOKED_AT:
        return ""
    return f" It was the reporting set until it was looked at, once, on {record['made on']['day']}: this is that look."


def _counts(record: Record) -> str:
    ill = sum(bool(row["known"]) for row in record["programs"])
    well, out = len(record["programs"]) - ill, len(record["left out"])
    return (f"{ill} faulty recipes and {well} healthy ones; {out} more are left out: faults that do no harm where they "
            "are, and recipes that are not as good as they should.")  # fmt: skip


def _rows(found: Record, key: str) -> tuple[tuple[str, ...], list[tuple[str, ...]]]:
    head = (key, *(f"{name}, others" for name in FIGURES), *(f"{name}, itself" for name in FIGURES))
    return head, [
        (group, *(share_of(both[part][name]) for part in ("others", "itself") for name in FIGURES))
        for group, both in found[key].items()
    ]


def _overall(found: Record) -> tuple[tuple[str, ...], list[tuple[str, ...]]]:
    rows = [("the doctor", "all"), ("always an alarm", "always alarm"), ("never one", "never alarm")]
    return ("", *FIGURES, "broken"), [
        (name, *(interval_of(found[key][figure]) for figure in FIGURES), str(found[key]["broken"]))
        for name, key in rows
    ]


def _called(found: Record) -> list[tuple[str, str]]:
    return [(family, ", ".join(f"{name} {count}" for name, count in counts.items()))
            for family, counts in found["families"].items()]  # fmt: skip


def share_of(one: Record) -> str:
    """How many of how many."""
    return "–" if not one["of"] else f"{one['hits']}/{one['of']}"


def interval_of(one: Record) -> str:
    """A share with its interval."""
    return "–" if not one["of"] else f"{one['share']:.0%} ({one['low']:.0%} to {one['high']:.0%}) of {one['of']}"
