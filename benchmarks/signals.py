"""What watching costs: `python -m benchmarks.signals` measures it on the workloads and writes the page.

One process trains the same workload unwatched and watched every 50, 10 and 1 updates, a block of each in every round,
in an order drawn anew. The result is stored in `benchmarks/results/signals-BACKEND.json` ("cpu", "gpu"), and
docs/signals.md is made from all of these. `python -m benchmarks.signals 15` makes 15 rounds.
"""

import json
import platform
import random
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import jax

from benchmarks.ours import Headway
from benchmarks.ratios import paired_ratio
from benchmarks.report import markdown, shown
from benchmarks.workloads import WORKLOADS, Workload
from headway.claims.evidence import versions
from headway.signals.probe import Watch
from headway.signals.statistics import STATISTICS

ROOT = Path(__file__).parents[1]
RESULTS, PAGE = ROOT / "benchmarks/results", ROOT / "docs/signals.md"
EVERY = (None, 50, 10, 1)
ROUNDS = 31


def measure(rounds: int) -> dict[str, Any]:
    """Seconds of every block, by workload and interval."""
    found = {name: measured(workload, rounds) for name, workload in WORKLOADS.items()}
    return {
        "workloads": found,
        "rounds": rounds,
        "statistics": STATISTICS,
        "versions": versions("jaxlib"),
        "machine": platform.machine(),
        "device": jax.devices()[0].device_kind,
    }


def measured(workload: Workload, rounds: int) -> dict[str, Any]:
    """One workload: blocks in interleaved order, the first of each, which compiles, apart.

    A block is a multiple of 50 updates, so that each holds as many watched ones as the next.
    """
    updates = 50 * max(1, round(workload.epochs * workload.batches / 50))
    systems = {str(every): Headway(workload, watch=Watch(every) if every else None) for every in EVERY}
    first, seconds = {}, {name: list[float]() for name in systems}
    for name, system in systems.items():
        first[name] = timed(system, 1)
    order, draw = list(systems), random.Random(0)
    for turn in range(rounds):
        draw.shuffle(order)
        for name in order:
            seconds[name].append(timed(systems[name], updates))
        print(f"{workload.title}: round {turn + 1} of {rounds}", end="\r", file=sys.stderr, flush=True)
    watched = systems["1"]
    return {
        "updates": updates,
        "seconds": seconds,
        "first": first,
        "layers": len(watched.job.watched),
        "cost": {form: watched.cost(watched=form == "watched") for form in ("plain", "watched")},
    }


def timed(system: Headway, updates: int) -> float:
    """Seconds that so many updates take."""
    started = time.perf_counter()
    system.make(updates)
    return time.perf_counter() - started


def page(results: Sequence[Mapping[str, Any]]) -> str:
    """The page of the documentation that these results make, one of each kind of device."""
    statistics = results[0]["statistics"]
    return f"""# Signals

Made by `python -m benchmarks.signals` from `benchmarks/results/signals-*.json`; do not edit.

`Recipe(watch=Watch(50))` measures, at every 50th update and inside the compiled step, {len(statistics)} statistics of
every layer: {", ".join(statistics)}. Those of dL/dh come out of a custom backward pass as the gradient of a dummy
argument; a watched update is a second form of the step in the same program, and its statistics stay in a buffer on the
device until the chunk of updates is over.

What it costs: the time of a block of updates by that of an unwatched block in the same round, the median over the
rounds with the 95 % bootstrap interval of that median. Below that, what a watched update adds to a plain one, as the
compiler counts floating-point operations and bytes accessed, and what that is of all updates at every 50th.

{"".join(section(result) for result in results)}"""


def section(result: Mapping[str, Any]) -> str:
    """What was measured on one kind of device."""
    measured_with = ", ".join(f"{name} {number}" for name, number in result["versions"].items())
    rows, costs = [], []
    for name, found in result["workloads"].items():
        title, seconds = WORKLOADS[name].title, found["seconds"]
        ratios = [shown(paired_ratio(seconds[str(every)], seconds["None"])) for every in EVERY[1:]]
        update = 1e6 * sorted(seconds["None"])[len(seconds["None"]) // 2] / found["updates"]
        rows.append((title, str(found["layers"]), f"{update:,.0f}", *ratios))
        plain, watched = found["cost"]["plain"], found["cost"]["watched"]
        more = [watched[part] / plain[part] - 1 for part in ("flops", "bytes")]
        costs.append((title, *(f"{share:.0%}" for share in more), *(f"{share / 50:.2%}" for share in more)))
    header = ("workload", "layers watched", "µs an update, unwatched", "every 50th", "every 10th", "every update")
    counted = ("workload", "FLOPs", "bytes", "FLOPs at every 50th", "bytes at every 50th")
    return f"""## On {result["device"]}

{result["rounds"]} rounds. {measured_with}.

{markdown(header, rows)}

{markdown(counted, costs)}

"""


def stored() -> list[dict[str, Any]]:
    """The results there are, by name."""
    return [json.loads(path.read_text()) for path in sorted(RESULTS.glob("signals-*.json"))]


if __name__ == "__main__":
    found = measure(int(sys.argv[1]) if sys.argv[1:] else ROUNDS)
    (RESULTS / f"signals-{jax.default_backend()}.json").write_text(json.dumps(found, indent=1) + "\n")
    PAGE.write_text(page(stored()))
    print(PAGE.read_text())
