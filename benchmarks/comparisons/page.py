"""The page of results: for every comparison its arms, what they chose, and the differences with their intervals."""

import json
import statistics
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from benchmarks.comparisons.designs import COMPARISONS
from benchmarks.comparisons.protocol import SEEDS, TUNING_SEEDS, Comparison, stored
from headway.doctor.verdict import interval

DRILLS = {name: Path(__file__).parents[1] / f"results/accept/{name}.json" for name in ("stdlib-lm", "lm-10m")}
PAGE = Path(__file__).parents[2] / "docs/results.md"


def finished() -> dict[str, Any]:
    """The stored comparisons of which every arm was run."""
    found = {name: stored(name) or {"arms": {}} for name in COMPARISONS}
    return {name: record for name, record in found.items() if record["arms"].keys() == COMPARISONS[name].arms.keys()}


def page(records: Mapping[str, Any]) -> str:
    """The page of the documentation that these results make."""
    head = [
        "# Parts of networks, held against each other",
        "",
        f"Every arm is run on {SEEDS} seeds, the same for all, and judged once, after its last update. What an arm",
        f"may choose it chooses by validation loss on {TUNING_SEEDS} seeds of its own. Values are mean ± standard",
        "deviation; an interval is the BCa bootstrap's 95 % for the mean of the paired differences. Made by",
        "`python -m benchmarks.comparisons`; seed by seed in `benchmarks/results/comparisons/`.",
    ]
    parts = [line for name, record in records.items() for line in part(COMPARISONS[name], record)]
    return "\n".join([*head, *parts, *language_models()])


def part(comparison: Comparison, record: Mapping[str, Any]) -> list[str]:
    """One comparison: its question, a row an arm or a point of its grid, and the pairs."""
    arms = record["arms"]
    chosen = any(arm["chosen"] for arm in arms.values())
    grid = [address.rpartition("/")[2].replace("_", " ") for address in next(iter(comparison.arms.values())).grid]
    header = ["arm", *grid, *(["chosen"] if chosen else []), *comparison.measures]
    rows = [
        [name, *(f"{value:g}" for value in cell["point"].values()), *([numbers(arm["chosen"])] if chosen else []),
         *(spread(cell["values"][measure]) for measure in comparison.measures)]
        for name, arm in arms.items() for cell in arm["cells"]
    ]  # fmt: skip
    versions = ", ".join(f"{name} {number}" for name, number in record["versions"].items())
    return ["", f"## {comparison.title}", "", comparison.question, "", *table(header, rows), "",
            *(f"- {pair(comparison.measures[0], arms, *two)}" for two in comparison.pairs), "",
            f"Versions: {versions}.", ""]  # fmt: skip


def language_models() -> list[str]:
    """The language models beside counting, on files that none has seen."""
    held_out, drills = ("validation", "test"), {name: json.loads(path.read_text()) for name, path in DRILLS.items()}
    rows = [[f"`{name}`, {one['updates']:,} updates", *(f"{one['bits'][split]:.3f}" for split in held_out)]
            for name, one in drills.items()]  # fmt: skip
    drill = drills["stdlib-lm"]
    rows += [[f"Markov model of order {order}", *(f"{bits[split]:.3f}" for split in held_out)]
             for order, bits in drill["markov"].items()]  # fmt: skip
    versions = ", ".join(f"{name} {number}" for name, number in drill["manifest"]["versions"].items())
    return ["", "## A language model of bytes", "",
            "`headway train NAME` at one seed, and Markov models fitted on the bytes of `stdlib-lm` with their",
            "smoothing chosen on the validation files. Bits per byte on files held out whole. The result of the drill",
            "that `make accept` runs.", "", *table(["model", *held_out], rows), "",
            f"Versions: {versions}.", ""]  # fmt: skip


def table(header: list[str], rows: list[list[str]]) -> list[str]:
    return [f"| {' | '.join(row)} |" for row in (header, ["---"] * len(header), *rows)]


def numbers(chosen: Mapping[str, Any]) -> str:
    return ", ".join(f"{address.rpartition('/')[2].replace('_', ' ')} {value:g}" for address, value in chosen.items())


def spread(values: list[float]) -> str:
    return f"{statistics.mean(values):.4g} ± {statistics.stdev(values):.2g}"


def pair(measure: str, arms: Mapping[str, Any], a: str, b: str) -> str:
    """How two arms differ in a measure, seed by seed."""
    first, second = (arms[name]["cells"][0]["values"][measure] for name in (a, b))
    differences = [x - y for x, y in zip(first, second, strict=True)]
    low, high = interval(differences, 0.05)
    mean = statistics.mean(differences)
    return f"{measure} of *{a}* minus that of *{b}*: {mean:+.3g} [{low:+.3g}, {high:+.3g}]"
