"""MNIST-1D over ten seeds, ordered and shuffled: `python -m benchmarks.mnist1d` runs it and writes the table.

Each row is `headway train mnist1d-… --seeds 10`; shuffled rows add `--set data.source.shuffled=true`.
The result is stored in `benchmarks/results/mnist1d.json`, and `docs/mnist1d.md` is made from it.
"""

import json
import statistics
from dataclasses import replace
from pathlib import Path
from typing import Any

from headway.claims.evidence import versions
from headway.data.bundled import MNIST1D
from headway.training.named import named
from headway.training.recipe import Recipe
from headway.training.train import train

ROOT = Path(__file__).parents[1]
RESULT, PAGE = ROOT / "benchmarks/results/mnist1d.json", ROOT / "docs/mnist1d.md"
MODELS = ("linear", "mlp", "cnn")
PAPER = {"linear": (32, 32), "mlp": (68, 68), "cnn": (94, 56)}
SEEDS = 10


def recipe(model: str, shuffled: bool) -> Recipe:
    """The named recipe, on features in their order or shuffled."""
    found = named(f"mnist1d-{model}").recipe
    assert found.data is not None
    return replace(found, data=replace(found.data, source=MNIST1D(shuffled=shuffled))) if shuffled else found


def measure() -> dict[str, Any]:
    """Test accuracy of every model, order and seed."""
    rows = {}
    for model in MODELS:
        for shuffled in (False, True):
            base = recipe(model, shuffled)
            runs = [train(replace(base, seed=seed)) for seed in range(SEEDS)]
            rows[f"{model}{' shuffled' if shuffled else ''}"] = [run.results["test"]["accuracy"] for run in runs]
            print(model, "shuffled" if shuffled else "ordered", spread(rows[next(reversed(rows))]), flush=True)
    return {"test_accuracy": rows, "seeds": list(range(SEEDS)), "versions": versions("mnist1d")}


def spread(values: list[float]) -> str:
    """Mean and standard deviation in percent."""
    return f"{100 * statistics.mean(values):.1f} ± {100 * statistics.stdev(values):.1f}"


def page(result: dict[str, Any]) -> str:
    """The page of the documentation that this result makes."""
    rows = result["test_accuracy"]
    lines = [
        f"| {m} | {spread(rows[m])} | {PAPER[m][0]} | {spread(rows[m + ' shuffled'])} | {PAPER[m][1]} |" for m in MODELS
    ]
    measured_with = ", ".join(f"{name} {number}" for name, number in result["versions"].items())
    return "\n".join([
        "# MNIST-1D",
        "",
        "Test accuracy in percent over ten seeds, mean ± standard deviation, of the weights that were best on the",
        "validation set (a tenth of the 4,000 training examples). Made by `python -m benchmarks.mnist1d`; one row",
        "by `headway train mnist1d-cnn --seeds 10`, shuffled with `--set data.source.shuffled=true`. The",
        "paper is Greydanus & Kobak 2024. Shuffling the 40 features leaves the linear model and the MLP alone",
        "and takes from the convolution the order it lives on.",
        "",
        "| model | ordered | paper | shuffled | paper |",
        "|---|---|---|---|---|",
        *lines,
        "",
        f"Versions: {measured_with}.",
        "",
    ])  # fmt: skip


if __name__ == "__main__":
    RESULT.write_text(json.dumps(measure(), indent=1) + "\n")
    PAGE.write_text(page(json.loads(RESULT.read_text())))
