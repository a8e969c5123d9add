"""`python -m benchmarks`: measure, keep the result, write docs/benchmarks.md; `report` only writes the page."""

import argparse
import json

from benchmarks.measure import measure
from benchmarks.report import RESULTS, bars_table, page, write
from benchmarks.workloads import WORKLOADS

parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
parser.add_argument("command", nargs="?", choices=("measure", "report"), default="measure")
parser.add_argument("--rounds", type=int, default=15, help="how many rounds of blocks (default: 15)")
parser.add_argument("--only", choices=WORKLOADS, help="one workload: a trial that is printed and not kept")
asked = parser.parse_args()

if asked.command == "report":
    write()
elif asked.only:
    print(page("a trial", measure(asked.rounds, [asked.only])))
else:
    result = measure(asked.rounds, list(WORKLOADS))
    RESULTS.mkdir(exist_ok=True)
    date = result["machine"]["date"].replace(":", "")
    (RESULTS / f"speed-{date}.json").write_text(json.dumps(result, indent=1) + "\n")
    write()
    print(bars_table(result))
