"""Sweeps: `python -m benchmarks.sweep` measures them against single runs, and proofs against PyTorch.

A round trains the same seeds as one sweep and one after the other, both warm, in one process and in an order drawn
anew. A round of proofs runs two networks on ten seeds in a new process with an empty cache of compiled programs, and
the same work in PyTorch, one run after the other, with one thread and with two. The result is stored in
`benchmarks/results/sweep.json`; the block of docs/sweep.md is made from it.
"""

import json
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.measure import environment_in, machine, say, versions
from benchmarks.ratios import paired_ratio
from benchmarks.report import markdown, marks, put, shown
from headway.data.dataset import Dataset
from headway.training.named import named
from headway.training.recipe import Recipe
from headway.training.sweeps.sweep import sweep
from headway.training.train import train

ROOT = Path(__file__).parents[1]
RESULT, PAGE = ROOT / "benchmarks/results/sweep.json", ROOT / "docs/sweep.md"
BLOCK = marks("measured")
NAME, SEEDS, ROUNDS = "mnist1d-mlp", 32, 5
PROOF_EPOCHS, PROOF_SEEDS, PROOF_ROUNDS = 150, 10, 5
BAR = 0.65
HEADWAY = "Headway"
SYSTEMS = {
    HEADWAY: ("benchmarks.proof",),
    "PyTorch, 1 thread": ("benchmarks.peers.pytorch_proof", "1"),
    "PyTorch, 2 threads": ("benchmarks.peers.pytorch_proof", "2"),
}
Work = Mapping[str, Callable[[], object]]


def measure() -> dict[str, Any]:
    """Everything, as plain values to be kept."""
    recipe = named(NAME).recipe
    assert recipe.data is not None
    data = recipe.data.load()
    single = {"recipe": NAME, "seeds": SEEDS, "seconds": timed(lanes(recipe, data, SEEDS), ROUNDS)}
    with tempfile.TemporaryDirectory() as folder:
        systems = proofs(write_examples(data, Path(folder)), PROOF_EPOCHS, PROOF_SEEDS)
        proof = {"epochs": PROOF_EPOCHS, "seeds": PROOF_SEEDS, "seconds": timed(systems, PROOF_ROUNDS)}
    return {"single": single, "proof": proof, "machine": machine(), "versions": versions()}


def lanes(recipe: Recipe, data: Dataset, seeds: int) -> Work:
    """The same runs as one sweep, and one after the other; both have compiled before they are timed."""
    work: Work = {
        "sweep": lambda: sweep(recipe, {"seed": range(seeds)}, data=data),
        "single": lambda: [train(replace(recipe, seed=seed), data=data) for seed in range(seeds)],
    }
    train(recipe, data=data)
    return work


def proofs(examples: Path, epochs: int, seeds: int) -> Work:
    """A proof in each system: a whole process, its imports and its compilation included."""

    def run(system: str) -> None:
        module, *rest = SYSTEMS[system]
        command = [sys.executable, "-m", module, str(examples), str(epochs), str(seeds), *rest]
        with tempfile.TemporaryDirectory() as empty:
            done = subprocess.run(command, cwd=ROOT, env=environment_in(empty), check=True, capture_output=True)
        losses = np.array(list(json.loads(done.stdout).values()))
        assert losses.shape == (2, seeds)
        assert np.isfinite(losses).all()

    return {system: lambda system=system: run(system) for system in SYSTEMS}  # type: ignore[misc]


def write_examples(data: Dataset, folder: Path) -> Path:
    """What every system trains on and is judged on, flat."""
    held_out = data.validation or data.test
    assert held_out is not None
    parts = {"x": data.train.x, "y": data.train.y, "held_x": held_out.x, "held_y": held_out.y}
    flat = {name: part.reshape(len(part), -1) if name.endswith("x") else part for name, part in parts.items()}
    np.savez(folder / "examples.npz", allow_pickle=False, **flat)
    return folder / "examples.npz"


def timed(work: Work, rounds: int) -> dict[str, list[float]]:
    """Seconds of each, round by round, in an order drawn anew."""
    seconds: dict[str, list[float]] = {name: [] for name in work}
    order = random.Random(0)
    for turn in range(rounds):
        say(f"round {turn + 1} of {rounds}: {', '.join(work)}")
        for name in order.sample(list(work), len(work)):
            started = time.perf_counter()
            work[name]()
            seconds[name].append(time.perf_counter() - started)
    return seconds


def block(result: Mapping[str, Any]) -> str:
    """What stands in the page: both comparisons, with intervals."""
    single, proof = result["single"], result["proof"]
    ratio = paired_ratio(single["seconds"]["sweep"], single["seconds"]["single"])
    middle = {name: float(np.median(seconds)) for name, seconds in proof["seconds"].items()}
    rows = [(name, f"{seconds:.1f}", f"{60 / seconds:.1f}",
             shown(paired_ratio(proof["seconds"][HEADWAY], proof["seconds"][name])) if name != HEADWAY else "")
            for name, seconds in middle.items()]  # fmt: skip
    named_versions = ", ".join(f"{name} {result['versions'][name]}" for name in ("headway", "jax", "torch"))
    return f"""
{single["seeds"]} seeds of `{single["recipe"]}` as one sweep take {shown(ratio)} of the time of {single["seeds"]} single
runs, all compiled before (median of {len(single["seconds"]["sweep"])} rounds, 95 % bootstrap interval); the bar of
{BAR} is {ratio.verdict(BAR)}.

A proof's runs: two networks, with and without LayerNorm, on {proof["seeds"]} seeds of MNIST-1D, {proof["epochs"]}
epochs each. A process from its start to its end: imports and compilation with an empty cache included.

{markdown(("system", "seconds", "proofs a minute", "time of Headway by its time"), rows)}
{result["machine"]["cores"]} cores, {result["machine"]["processor"]}; {named_versions}.
"""


def written(page: str, result: Mapping[str, Any]) -> str:
    """The page with the block of this result."""
    return put(page, BLOCK, block(result))


if __name__ == "__main__":
    RESULT.write_text(json.dumps(measure(), indent=1) + "\n")
    PAGE.write_text(written(PAGE.read_text(), json.loads(RESULT.read_text())))
