"""`python -m benchmarks`: measure, keep the result, write docs/benchmarks.md; `report` only writes the page.

`--only transformer --keep` measures one workload and keeps it in a file of its own.
"""

import argparse
import json

from benchmarks.measure import measure
from benchmarks.report import COLD_START, RESULTS, page, write
from benchmarks.workloads import WORKLOADS

parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
parser.add_argument("command", nargs="?", choices=("measure", "report"), default="measure")
parser.add_argument("--rounds", type=int, default=15, help="how many rounds of blocks (default: 15)")
parser.add_argument("--only", choices=WORKLOADS, help="one workload: a trial, printed and not kept without --keep")
parser.add_argument("--keep", action="store_true", help="store the result of --only beside those of the others")
asked = parser.parse_args()

if asked.command == "report":
    write()
else:
    result = measure(asked.rounds, [asked.only] if asked.only else list(WORKLOADS))
    if asked.keep or not asked.only:
        RESULTS.mkdir(exist_ok=True)
        date = result["machine"]["date"].replace(":", "")
        (RESULTS / f"speed-{date}.json").write_text(json.dumps(result, indent=1) + "\n")
        write()
    held = [*result["workloads"], *([COLD_START] if COLD_START in result else [])]
    print(page(dict.fromkeys(held, ("a trial", result))))
