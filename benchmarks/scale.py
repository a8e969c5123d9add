"""Depth, precision and recompute: `python -m benchmarks.scale` measures them and writes the page.

What compiles is timed without a cache, blocks of 4 and of 32 in turn. An update is timed in every precision with every
recompute, a block of each in every round, in an order drawn anew, all in one process; its loss is compared with that
of float32 that keeps everything, after the same updates. The result is stored in `benchmarks/results/scale.json`,
docs/depth.md is made from it.
"""

import json
import random
import time
from collections.abc import Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import jax
import numpy as np

from benchmarks.measure import machine, say, versions
from benchmarks.ours import Headway
from benchmarks.ratios import paired_ratio
from benchmarks.report import markdown, shown
from benchmarks.workloads import WORKLOADS, SequenceWorkload
from headway.network.recompute import RecomputeAll, RecomputeBut
from headway.scale.precision import BFloat16, Float16, Float32
from headway.training.chunk import compute
from headway.training.residuals import Residual, saved_residuals

ROOT = Path(__file__).parents[1]
RESULT, PAGE = ROOT / "benchmarks/results/scale.json", ROOT / "docs/depth.md"
DEPTHS, DEPTH_BAR, DEPTH_ROUNDS = (4, 32), 1.5, 7
PRECISIONS = {"float32": Float32(), "bfloat16": BFloat16(), "float16": Float16()}
KEEPS = {"all": None, "attention": RecomputeBut(("MultiHeadAttention",)), "inputs": RecomputeAll()}
PLAIN = "float32, all"
UPDATES, PARITY_UPDATES, ROUNDS, LARGEST = 8, 128, 7, 4


def measure() -> dict[str, Any]:
    """Everything, as plain values to be kept."""
    workload = WORKLOADS["transformer"]
    assert isinstance(workload, SequenceWorkload)
    return {"depth": compile_times(workload), "memory": variants(workload), "machine": machine(),
            "versions": versions()}  # fmt: skip


def compile_times(workload: SequenceWorkload) -> dict[str, list[float]]:
    """Seconds to trace, lower and compile the chunk of updates, round by round, by number of blocks."""
    systems = {str(depth): Headway(replace(workload, blocks=depth)) for depth in DEPTHS}
    seconds: dict[str, list[float]] = {depth: [] for depth in systems}
    for turn in range(DEPTH_ROUNDS):
        say(f"compile: round {turn + 1} of {DEPTH_ROUNDS}")
        for depth in random.Random(turn).sample(list(systems), len(systems)):
            jax.clear_caches()
            started = time.perf_counter()
            systems[depth].compiled()
            seconds[depth].append(time.perf_counter() - started)
    return seconds


def variants(workload: SequenceWorkload) -> dict[str, Any]:
    """Bytes, seconds and losses of every precision with every recompute."""
    found: dict[str, Any] = {}
    systems = {}
    for precision, kind in PRECISIONS.items():
        for keeps, recompute in KEEPS.items():
            name = f"{precision}, {keeps}"
            say(f"memory: {name}")
            system = systems[name] = Headway(workload, precision=kind, recompute=recompute)
            kept = saved_residuals(system.job.recipe, system.job.dataset)
            found[name] = {"arrays": [asdict(array) for array in kept.arrays], "compiled": kept.compiled,
                           "losses": losses(system), "seconds": []}  # fmt: skip
    for turn in range(ROUNDS):
        say(f"updates: round {turn + 1} of {ROUNDS}")
        for name in random.Random(turn).sample(list(systems), len(systems)):
            found[name]["seconds"].append(timed(systems[name]))
    return found


def losses(system: Headway) -> list[float]:
    """The loss of each of the first updates."""
    chunk = compute(system.job, system.state, system.examples, 0, PARITY_UPDATES)
    assert not chunk.trouble
    return [float(loss) for loss in chunk.measures[:, 0]]


def timed(system: Headway) -> float:
    """Seconds of an update, over a few."""
    started = time.perf_counter()
    compute(system.job, system.state, system.examples, 0, UPDATES)
    return (time.perf_counter() - started) / UPDATES


def page(result: Mapping[str, Any]) -> str:
    """The page of the documentation that this result makes."""
    few, many = (result["depth"][str(depth)] for depth in DEPTHS)
    ratio, found = paired_ratio(many, few), result["memory"]
    plain = found[PLAIN]
    rows = [row(name, variant, plain) for name, variant in found.items()]
    named_versions = ", ".join(f"{name} {number}" for name, number in result["versions"].items() if name in
                               ("python", "headway", "jax", "jaxlib"))  # fmt: skip
    return f"""# Depth, precision and recompute

Made by `python -m benchmarks.scale` from `benchmarks/results/scale.json`; do not edit. The network is the transformer
of `docs/benchmarks.md`. {result["machine"]["processor"]}, {result["machine"]["cores"]} cores; {named_versions}.

## Compile time by depth

To trace, lower and compile an update of {DEPTHS[1]} blocks takes {np.median(many):.1f} s, one of {DEPTHS[0]} blocks
{np.median(few):.1f} s: {shown(ratio)} times as long, the median of {len(few)} rounds with its 95 % bootstrap interval;
the bar of {DEPTH_BAR} is {ratio.verdict(DEPTH_BAR)}. The blocks are one `Repeat`, of which four copies are compiled.

## What a precision and a recompute take

Kept: all that the backward pass needs; the outputs of attention and the inputs of the blocks
(`RecomputeBut(("MultiHeadAttention",))`); the inputs alone (`RecomputeAll()`). Residuals are what `saved_residuals`
counts between forward and backward pass; the compiler's figure is what its program of a gradient takes beside
arguments and results. Time is that of an update by that of {PLAIN} in the same round. The loss is the mean over the
last quarter of {PARITY_UPDATES} updates on the same batches from the same weights; beside it the largest difference
of an update's loss from that of {PLAIN}. Time on a CPU says nothing of devices that are built for 16 bits.

{markdown(("precision, kept", "residuals, MiB", "compiler, MiB", "time", "loss", "largest difference"), rows)}
{"".join(largest(name, found[name]) for name in (PLAIN, "float32, inputs", "bfloat16, all"))}"""


def row(name: str, variant: Mapping[str, Any], plain: Mapping[str, Any]) -> tuple[str, ...]:
    """A line of the table of precision and recompute."""
    kept = sum(Residual(**array).bytes for array in variant["arrays"])
    end = np.mean(variant["losses"][-PARITY_UPDATES // 4 :])
    apart = np.max(np.abs(np.subtract(variant["losses"], plain["losses"])))
    ratio = shown(paired_ratio(variant["seconds"], plain["seconds"])) if variant is not plain else ""
    return (name, mebibytes(kept), mebibytes(variant["compiled"]), ratio, f"{end:.4f}", f"{apart:.1g}")


def largest(name: str, variant: Mapping[str, Any]) -> str:
    """The residuals that take most, by dtype and shape."""
    arrays = [Residual(**array | {"shape": tuple(array["shape"])}) for array in variant["arrays"]]
    rows = [(a.dtype, f"{list(a.shape)}", f"{a.count}", mebibytes(a.bytes)) for a in arrays[:LARGEST]]
    rest = arrays[LARGEST:]
    rows.append(("all others", "", f"{sum(a.count for a in rest)}", mebibytes(sum(a.bytes for a in rest))))
    return f"\n### Residuals of {name}\n\n{markdown(('dtype', 'shape', 'count', 'MiB'), rows)}"


def mebibytes(number: int) -> str:
    return f"{number / 2**20:.2f}"


if __name__ == "__main__":
    jax.config.update("jax_enable_compilation_cache", False)
    jax.config.update("jax_platforms", "cpu")
    RESULT.write_text(json.dumps(measure(), indent=1) + "\n")
    PAGE.write_text(page(json.loads(RESULT.read_text())))
