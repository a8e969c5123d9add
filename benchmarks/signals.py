"""What watching costs: `python -m benchmarks.signals` measures it on the workloads and writes the page.

One process trains the same workload unwatched and watched every 50, 10 and 1 updates, a block of each in every round,
in an order drawn anew. The result is stored in `benchmarks/results/signals.json`, docs/signals.md is made from it.
"""

import json
import platform
import random
import sys
import time
from collections.abc import Mapping
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
RESULT, PAGE = ROOT / "benchmarks/results/signals.json", ROOT / "docs/signals.md"
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
    }


def measured(workload: Workload, rounds: int) -> dict[str, Any]:
    """One workload: blocks in interleaved order, the first of each, which compiles, apart."""
    systems = {str(every): Headway(workload, watch=Watch(every) if every else None) for every in EVERY}
    first, seconds = {}, {name: list[float]() for name in systems}
    for name, system in systems.items():
        first[name] = timed(system, 1)
    order, draw = list(systems), random.Random(0)
    for turn in range(rounds):
        draw.shuffle(order)
        for name in order:
            seconds[name].append(timed(systems[name], workload.epochs))
        print(f"{workload.title}: round {turn + 1} of {rounds}", end="\r", file=sys.stderr, flush=True)
    watched = systems["1"]
    return {
        "updates": workload.epochs * workload.batches,
        "seconds": seconds,
        "first": first,
        "layers": len(watched.job.watched),
        "flops": {name: flops(systems[name]) for name in ("None", "1")},
    }


def timed(system: Headway, epochs: int) -> float:
    """Seconds that a block takes."""
    started = time.perf_counter()
    system.train(epochs)
    return time.perf_counter() - started


def flops(system: Headway) -> float:
    """What the compiler counts for a chunk: the bodies of its loops once each, so of one update of each form."""
    return float(system.compiled().cost_analysis()["flops"])


def page(result: Mapping[str, Any]) -> str:
    """The page of the documentation that this result makes."""
    measured_with = ", ".join(f"{name} {number}" for name, number in result["versions"].items())
    rows = []
    for name, found in result["workloads"].items():
        plain = found["seconds"]["None"]
        ratios = [shown(paired_ratio(found["seconds"][str(every)], plain)) for every in EVERY[1:]]
        update = 1e6 * sorted(plain)[len(plain) // 2] / found["updates"]
        rows.append((WORKLOADS[name].title, str(found["layers"]), f"{update:,.0f}", *ratios))
    header = ("workload", "layers watched", "µs an update, unwatched", "every 50th", "every 10th", "every update")
    statistics = result["statistics"]
    return f"""# Signals

Made by `python -m benchmarks.signals` from `benchmarks/results/signals.json`; do not edit.

`Recipe(watch=Watch(50))` measures, at every 50th update and inside the compiled step, {len(statistics)} statistics of
every layer: {", ".join(statistics)}. Those of dL/dh come out of a custom backward pass as the gradient of a dummy
argument; a watched update is a second form of the step in the same program, and its statistics stay in a buffer on the
device until the chunk of updates is over.

What it costs: the time of a block of updates by that of an unwatched block in the same round, median over
{result["rounds"]} rounds with the 95 % bootstrap interval of that median. {measured_with}.

{markdown(header, rows)}
"""


if __name__ == "__main__":
    jax.config.update("jax_platforms", "cpu")
    RESULT.write_text(json.dumps(measure(ROUNDS), indent=1) + "\n")
    PAGE.write_text(page(json.loads(RESULT.read_text())))
    print(page(json.loads(RESULT.read_text())))
