"""The doctor's benchmark: results of `headway bench --doctor` stored, and the page made from them.

`python -m benchmarks.doctor runs/doctor-tuning runs/outcome-tuning` stores what lies in these folders; without one only
the page is made.
`python -m benchmarks.doctor measure` trains the programs that are new on three seeds: which of them are what they are
said to be.
"""

import json
import re
import sys
from pathlib import Path

from headway.doctor.faults.catalog import faulty
from headway.doctor.faults.healthy import healthy
from headway.doctor.faults.measure import measure_all
from headway.report.doctor_bench import as_lines, bench_page
from headway.report.outcome import outcome_page

ROOT = Path(__file__).parents[1]
RESULTS = ROOT / "benchmarks/results"
PAGE = ROOT / "docs/doctor-benchmark.md"
BLOCK = re.compile(r"(?<=<!-- results -->\n).*?(?=<!-- /results -->)", re.DOTALL)
SETS = ("reporting", "tuning")
CURES = {"reporting": "outcome", "tuning": "outcome-tuning"}
"""Set → the word in the name of the file with what became of its cures."""


def store(folder: Path) -> None:
    """Keep the result of a bench."""
    record = json.loads((folder / "result.json").read_text())
    path = path_of(CURES[record["outcome"]] if "outcome" in record else record["set"])
    path.write_text(as_lines(record))


def page(text: str) -> str:
    """The page with what is stored."""
    verdicts, cures = (
        [json.loads(path.read_text()) for path in map(path_of, names) if path.exists()]
        for names in (SETS, [CURES[name] for name in SETS])
    )
    found = "\n".join([*map(outcome_page, cures), *([bench_page(verdicts)] if verdicts else [])])
    return BLOCK.sub(lambda _: found or "No result is stored yet.\n", text)


def path_of(word: str) -> Path:
    """Where a result is stored."""
    return RESULTS / f"doctor-{word}.json"


def measure() -> None:
    """Measure all programs of both sets of whose recipe nothing is stored."""
    for name in SETS:
        measure_all(name, (*faulty(name), *healthy(name)), tell=lambda one: print(one.id, flush=True))


if __name__ == "__main__":
    if sys.argv[1:] == ["measure"]:
        measure()
    else:
        for folder in sys.argv[1:]:
            store(Path(folder))
    PAGE.write_text(page(PAGE.read_text()))
