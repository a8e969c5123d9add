"""The report: tables in docs/benchmarks.md, made from the newest stored results and from nothing else."""

import json
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.matrix_product import FLOPS
from benchmarks.ratios import Ratio, paired_ratio
from benchmarks.workloads import WORKLOADS

RESULTS = Path(__file__).parent / "results"
PAGE = Path(__file__).parent.parent / "docs" / "benchmarks.md"
OURS, EAGER, JAX_PEERS = "Headway", "PyTorch eager", ("Flax NNX + Optax", "Keras on JAX")
BARS = {
    "small": (EAGER, 0.30, 0.20),
    "middle": (None, 0.70, 0.60),
    "cnn": (None, 0.95, 0.80),
    "transformer": (None, 0.95, None),
}
"""Workload → the peer to be measured against (None: the fastest), the bar, and the goal beyond it, if there is one."""
MEMORY_BAR, COLD_START_BAR = 1.2, 6.0
COLD_START = "cold_start"
Stored = tuple[str, Mapping[str, Any]]
"""Name and content of a stored result."""

INTRODUCTION = """# Benchmarks

Made by `make bench` from the newest stored result of each workload in `benchmarks/results`; do not edit.

Every system does the same work: the same layers, batch, float32, mean cross-entropy and Adam, on the same data in
memory, each update drawing its batch from a shuffled epoch. Initial weights are each library's own, but for token
tables, which are N(0, 1) in all. Systems run in processes of their own; in each round every system trains one block of
updates, in an order drawn anew. A ratio is the median over rounds of Headway's time by the other's in the same round,
with the 95 % bootstrap interval of that median. A bar is met when the whole interval is within it. GFLOP/s counts the
matrix products of forward and backward pass; the share is of what a product of two 2048 × 2048 matrices reached in the
same rounds. First epoch: building the network, compilation, and one epoch of updates. Loss: after that epoch, on 512
examples. Equinox is measured on the transformer alone; Keras and scikit-learn are not measured there.
"""
ORIGIN = """Measured {date} in {rounds} rounds, stored in `{name}`: {processor}, {cores} cores, {threads} threads a
system, {system}, load average {load} at the start; {versions}.
"""


def page(found: Mapping[str, Stored]) -> str:
    """The whole page as Markdown, from a result for every workload and for the cold start."""
    sections = [f"## {WORKLOADS[w].title}\n\n{section(w, found[w])}" for w in WORKLOADS if w in found]
    return "\n".join([INTRODUCTION, f"## Bars\n\n{bars_table(found)}", *sections])


def section(workload: str, stored: Stored) -> str:
    """The table of a workload, and where and when it was measured."""
    name, result = stored
    measured = result["workloads"][workload]
    versions = ", ".join(f"{package} {version}" for package, version in result["versions"].items())
    rounds = len(measured["product_seconds"])
    origin = ORIGIN.format(name=name, rounds=rounds, versions=versions, **result["machine"])
    return f"{speed_table(workload, measured)}\n{origin}"


def bars_table(stored: Mapping[str, Stored]) -> str:
    """Every bar with what was measured and the verdict; a workload without a result is said to have none."""
    rows: list[tuple[str, ...]] = []
    workloads = {w: result["workloads"][w] for w, (_, result) in stored.items() if w != COLD_START}
    for workload, (peer, bar, goal) in BARS.items():
        if found := workloads.get(workload):
            peer = peer or fastest_peer(found)
            ratio = ratio_to(found, peer)
            what = f"{WORKLOADS[workload].title}: time by that of {peer}"
            beyond = f"{goal:.2f}: {ratio.verdict(goal)}" if goal is not None else ""
            rows.append((what, shown(ratio), f"≤ {bar:.2f}", ratio.verdict(bar), beyond))
        else:
            what = f"{WORKLOADS[workload].title}: time by that of {peer or 'the fastest peer'}"
            rows.append((what, "", f"≤ {bar:.2f}", "not yet measured", ""))
    for workload in ("small", "middle"):
        if found := workloads.get(workload):
            peer, ratio = memory_ratio(found)
            what = f"{WORKLOADS[workload].title}: peak memory by that of {peer}"
            rows.append((what, f"{ratio:.2f}", f"≤ {MEMORY_BAR}", within(ratio, MEMORY_BAR), ""))
    if COLD_START in stored:
        rows.append(cold_start_row(stored[COLD_START][1][COLD_START]))
    return markdown(("bar", "measured", "", "verdict", "goal"), rows)


def cold_start_row(starts: list[dict[str, float]]) -> tuple[str, ...]:
    """The bar of the first epoch of a run in a new process."""
    first = [start["first_epoch"] for start in starts]
    whole = median(start["end"] for start in starts)
    what = f"`headway train digits-mlp`, warm cache: seconds to its first epoch (to its end: {whole:.1f})"
    measured = f"{median(first):.2f} ({min(first):.2f} to {max(first):.2f} in {len(first)} runs)"
    return what, measured, f"≤ {COLD_START_BAR:g} s", within(max(first), COLD_START_BAR), ""


def speed_table(workload: str, found: Mapping[str, Any]) -> str:
    """Every system on one workload, the fastest first."""
    limit = FLOPS * found["products"] / median(found["product_seconds"])
    rows = []
    for name, measured in sorted(found["systems"].items(), key=lambda pair: median(pair[1]["seconds"])):
        update = median(measured["seconds"]) / found["updates"]
        speed = WORKLOADS[workload].flops() / update
        rows.append(
            (
                f"**{name}**" if name == OURS else name,
                f"{update * 1e6:,.0f}",
                "" if name == OURS else shown(ratio_to(found, name)),
                f"{speed / 1e9:.1f} ({speed / limit:.0%})",
                f"{measured['first']:.1f}",
                f"{measured['peak'] / 2**20:.0f}",
                f"{measured['loss']:.2f}",
            )
        )
    header = ("system", "µs an update", "Headway's time by it", "GFLOP/s", "first epoch, s", "peak memory, MiB", "loss")
    return f"{markdown(header, rows)}\nProduct of large matrices: {limit / 1e9:.0f} GFLOP/s.\n"


def fastest_peer(found: Mapping[str, Any]) -> str:
    """The system other than ours with the least median time."""
    peers = [name for name in found["systems"] if name != OURS]
    return min(peers, key=lambda name: median(found["systems"][name]["seconds"]))


def ratio_to(found: Mapping[str, Any], peer: str) -> Ratio:
    """Headway's time by the peer's, round by round."""
    return paired_ratio(found["systems"][OURS]["seconds"], found["systems"][peer]["seconds"])


def memory_ratio(found: Mapping[str, Any]) -> tuple[str, float]:
    """The leanest peer on JAX, and our peak memory by its."""
    peer = min(JAX_PEERS, key=lambda name: found["systems"][name]["peak"])
    return peer, found["systems"][OURS]["peak"] / found["systems"][peer]["peak"]


def within(value: float, bar: float) -> str:
    """The verdict on a single number."""
    return "met" if value <= bar else "missed"


def shown(ratio: Ratio) -> str:
    """`0.24 [0.22, 0.27]`."""
    return f"{ratio.median:.3f} [{ratio.low:.3f}, {ratio.high:.3f}]"


def marks(name: str) -> re.Pattern[str]:
    """What stands between the marks of this name, `<!-- name -->` and `<!-- /name -->`."""
    return re.compile(rf"(?<=<!-- {name} -->\n).*?(?=<!-- /{name} -->)", re.DOTALL)


def put(page: str, marks: re.Pattern[str], block: str) -> str:
    """The page with this block between its marks."""
    assert marks.search(page), f"the page has lost its marks: {marks.pattern}"
    return marks.sub(lambda _: block, page, count=1)


def markdown(header: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    """A table in Markdown: the first column text, the others numbers."""
    lines = [header, ("---", *["---:"] * (len(header) - 1)), *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def newest() -> dict[str, Stored]:
    """The newest stored result of every workload that has one, and of the cold start."""
    found = dict[str, Stored]()
    for path in sorted(RESULTS.glob("speed-*.json")):
        result = json.loads(path.read_text())
        held = [*result["workloads"], *([COLD_START] if COLD_START in result else [])]
        found |= dict.fromkeys(held, (path.name, result))
    return found


def write() -> None:
    """Bring the page up to date."""
    PAGE.write_text(page(newest()))
