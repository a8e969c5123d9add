"""The doctor's benchmark: results of `headway bench --doctor` stored, and the page made from them.

`python -m benchmarks.doctor runs/doctor-tuning runs/outcome-tuning` stores what lies in these folders; without one only
the page is made.
`python -m benchmarks.doctor measure` trains the programs that are new on three seeds: which of them are what they are
said to be.
"""

import json
import sys
from collections.abc import Container, Mapping
from pathlib import Path
from typing import Any

from benchmarks.report import marks, put
from headway.concepts.markdown import table_lines
from headway.doctor.faults.bases import SETS
from headway.doctor.faults.catalog import faulty
from headway.doctor.faults.healthy import healthy
from headway.doctor.faults.measure import measure_all
from headway.doctor.faults.score import figures
from headway.doctor.faults.sets import LOOKED_AT
from headway.report.doctor_bench import as_lines, bench_page, interval_of
from headway.report.outcome import outcome_page
from headway.spec.error import HeadwayError

ROOT = Path(__file__).parents[1]
RESULTS = ROOT / "benchmarks/results"
PAGE = ROOT / "docs/doctor-benchmark.md"
BLOCK = marks("results")
CURES = {name: "outcome" if name == "reporting" else f"outcome-{name}" for name in reversed(SETS)}
"""Set → the word in the name of the file with what became of its cures; in the order of the page, the newest first."""


def store(folder: Path) -> None:
    """Keep the result of a bench. Of a set that was for reporting that stays which was made at its look."""
    record = json.loads((folder / "result.json").read_text())
    name, cures = record.get("set") or record["outcome"], "outcome" in record
    if name in LOOKED_AT:
        raise HeadwayError(str(folder), "must be of a set whose result is stored anew", name, "Leave it where it is.")
    path_of(CURES[name] if cures else name).write_text(as_lines(record))


def page(text: str) -> str:
    """The page with what is stored."""
    verdicts, cures = (
        [json.loads(path.read_text()) for path in map(path_of, names) if path.exists()]
        for names in (CURES, CURES.values())
    )
    parts = [*map(outcome_page, cures), *([bench_page(verdicts)] if verdicts else [])]
    if path_of("tools").exists():
        parts.append(tools_page(json.loads(path_of("tools").read_text()), {one["set"]: one for one in verdicts}))
    found = "\n".join(parts)
    return put(text, BLOCK, found or "No result is stored yet.\n")


def tools_page(record: Mapping[str, Any], doctor: Mapping[str, Mapping[str, Any]]) -> str:
    """Other tools' figures in Markdown, beside the doctor's on the same programs where its verdicts are stored."""
    named = ("recall", "first cause", "any cause", "specificity")
    lines = ["## Other tools", ""]
    for name in (one for one in CURES if one in record):
        found = record[name]
        rows = ({"the doctor": same(doctor[name], found["programs"])} if name in doctor else {}) | found["figures"]
        rows |= found["baselines"]
        told = [(who, *(interval_of(one[figure]) for figure in named), str(one["broken"])) for who, one in rows.items()]
        lines.append(
            f"{len(found['programs'])} of the {found['of']} programs of the {name} set are written in PyTorch:"
        )
        lines += ["", *table_lines(("", *named, "broken"), told), ""]
    versions = ", ".join(f"{name} {number}" for name, number in record["versions"].items())
    return "\n".join([*lines, f"{versions}.", ""])


def same(record: Mapping[str, Any], ids: Container[str]) -> dict[str, Any]:
    """The doctor's figures on these programs."""
    rows = [row for row in record["programs"] if row["id"] in ids]
    return figures([{"healthy": not row["known"], "causes": row["known"],
                     "said": {"error": row["error"]} if "error" in row else row} for row in rows])  # fmt: skip


def path_of(word: str) -> Path:
    """Where a result is stored."""
    return RESULTS / f"doctor-{word}.json"


def measure() -> None:
    """Measure all programs of all sets of whose recipe nothing is stored."""
    for name in SETS:
        measure_all(name, (*faulty(name), *healthy(name)), tell=lambda one: print(one.id, flush=True))


if __name__ == "__main__":
    if sys.argv[1:] == ["measure"]:
        measure()
    else:
        for folder in sys.argv[1:]:
            store(Path(folder))
    PAGE.write_text(page(PAGE.read_text()))
