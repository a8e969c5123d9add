"""What an accelerator gains by 16 bits and by recompute: `python -m benchmarks.accelerator`, on one.

A decoder as large as GPT-2 small, in every precision, keeping all or the inputs of its blocks alone. Each is a
process of its own, so that the device's peak of memory is that of one; blocks of updates are timed after one that
compiles. The result is stored in `benchmarks/results/accelerator.json`, docs/accelerator.md is made from it.
"""

import json
import statistics
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import jax

from benchmarks.ours import Headway
from benchmarks.report import markdown
from benchmarks.scale import PRECISIONS
from benchmarks.workloads import SequenceWorkload
from headway.claims.evidence import versions
from headway.network.recompute import RecomputeAll
from headway.training.chunk import compute

ROOT = Path(__file__).parents[1]
RESULT, PAGE = ROOT / "benchmarks/results/accelerator.json", ROOT / "docs/accelerator.md"
WORKLOAD = SequenceWorkload("Transformer 12 blocks × 768, 512 tokens, batch 16", 8192, 512, 768, 12, 12, 16, 4, 1)
KEEPS = {"all": None, "inputs": RecomputeAll()}
UPDATES, ROUNDS = 8, 7


def measured(precision: str, keeps: str) -> dict[str, Any]:
    """One variant in this process: seconds of an update in every round, peak memory, losses."""
    system = Headway(WORKLOAD, precision=PRECISIONS[precision], recompute=KEEPS[keeps])
    started = time.perf_counter()
    first = compute(system.job, system.state, system.examples, 0, UPDATES)
    compiled, seconds = time.perf_counter() - started, []
    for _ in range(ROUNDS):
        started = time.perf_counter()
        compute(system.job, system.state, system.examples, 0, UPDATES)
        seconds.append((time.perf_counter() - started) / UPDATES)
    return {
        "parameters": system.parameters, "compiled": compiled, "seconds": seconds,
        "losses": [float(loss) for loss in first.measures[:, 0]], "trouble": first.trouble,
        "peak": (jax.devices()[0].memory_stats() or {}).get("peak_bytes_in_use"),
        "flops": 3 * system.job.recipe.network.flops(system.job.dataset.input_shape) * WORKLOAD.batch,
        "device": jax.devices()[0].device_kind, "versions": versions("jaxlib"),
    }  # fmt: skip


def measure() -> dict[str, Any]:
    """Every variant, each in a process of its own."""
    found = {}
    for precision in PRECISIONS:
        for keeps in KEEPS:
            words = [sys.executable, "-m", "benchmarks.accelerator", precision, keeps]
            done = subprocess.run(words, capture_output=True, text=True, check=True)
            found[f"{precision}, {keeps}"] = json.loads(done.stdout.splitlines()[-1])
            print(precision, keeps, statistics.median(found[f"{precision}, {keeps}"]["seconds"]), flush=True)
    return found


def page(result: Mapping[str, Any]) -> str:
    """The page of the documentation that this result makes."""
    plain = next(iter(result.values()))
    rows = []
    for name, one in result.items():
        median, spread = statistics.median(one["seconds"]), (min(one["seconds"]), max(one["seconds"]))
        rows.append((name, f"{1e3 * median:.1f} ({1e3 * spread[0]:.1f} to {1e3 * spread[1]:.1f})",
                     f"{one['flops'] / median / 1e12:.0f}", f"{one['peak'] / 2**30:.2f}", f"{one['compiled']:.0f}",
                     f"{one['losses'][-1]:.4f}"))  # fmt: skip
    header = ("precision, kept", "ms an update", "TFLOP/s", "peak, GiB", "first chunk, s", f"loss of update {UPDATES}")
    measured_with = ", ".join(f"{name} {number}" for name, number in plain["versions"].items())
    return f"""# On an accelerator

Made by `python -m benchmarks.accelerator` from `benchmarks/results/accelerator.json`; do not edit.

{WORKLOAD.title}, {plain["parameters"]:,} parameters, on {plain["device"]};
{measured_with}. An update of Adam,
the median over {ROUNDS} blocks of {UPDATES} updates with the least and the largest. TFLOP/s count the network's
products three times over, once forward and twice backward, and nothing that is computed again. The peak is what the
device's allocator counts; the first chunk is traced, compiled and run.

{markdown(header, rows)}
"""


if __name__ == "__main__":
    if sys.argv[1:]:
        print(json.dumps(measured(*sys.argv[1:])))
    else:
        RESULT.write_text(json.dumps(measure(), indent=1) + "\n")
        PAGE.write_text(page(json.loads(RESULT.read_text())))
        print(PAGE.read_text())
