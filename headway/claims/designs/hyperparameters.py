"""How much of what a random search finds is due to each hyperparameter that it draws."""

import functools
import math

import numpy as np

from headway.claims.design import Drawn, Measures
from headway.data.bundled import Digits
from headway.data.dataset import Data
from headway.learning.clipping import ClipByNorm
from headway.learning.losses import CrossEntropy
from headway.learning.metrics import Accuracy
from headway.learning.optimizers.sgd import SGD
from headway.learning.regularization import Dropout
from headway.learning.schedules.compose import Warmup
from headway.learning.schedules.decay import Cosine
from headway.network.activations import ReLU
from headway.network.compose import Sequential
from headway.network.dense import Dense
from headway.training.recipe import Evaluation, Recipe
from headway.training.sweeps.sweep import sweep

WIDTH, CLASSES, UPDATES, DRAWS, PARTS = 32, 10, 200, 72, 3
Range = tuple[float, float, bool]
"""Lowest, highest, and whether the logarithm is drawn evenly."""
WIDE: Range = (1e-4, 1.0, True)
OTHERS: dict[str, Range] = {
    "optimizer/momentum": (0.0, 0.99, False), "optimizer/weight_decay": (1e-6, 1e-1, True),
    "network/2/rate": (0.0, 0.8, False), "loss/smoothing": (0.0, 0.5, False), "clip/limit": (0.1, 10.0, True),
    }  # fmt: skip
RATE, WARM = "optimizer/learning_rate/then/peak", "optimizer/learning_rate/steps"
LONGEST = 100
"""Updates of warm-up, of 200."""


def network(seed: int) -> Recipe:
    """One hidden layer with dropout on digits, and all that is drawn at some value."""
    layers = Sequential((Dense(WIDTH), ReLU(), Dropout(0.1), Dense(CLASSES)))
    return Recipe(
        layers, data=Data(Digits()), loss=CrossEntropy(smoothing=0.1), clip=ClipByNorm(1.0), seed=seed,
        optimizer=SGD(Warmup(0, then=Cosine(0.1)), momentum=0.9, weight_decay=1e-4), batch_size=64, length=UPDATES,
        evaluation=Evaluation(UPDATES, metrics=(Accuracy(),)),
    )  # fmt: skip


def drawn(axis: Range, rng: np.random.Generator) -> np.ndarray:
    """As many values of an axis as the search makes runs."""
    low, high, logarithmic = axis
    if logarithmic:
        return np.exp(rng.uniform(math.log(low), math.log(high), DRAWS))
    return rng.uniform(low, high, DRAWS)


def share(values: np.ndarray, found: np.ndarray) -> float:
    """ω²: the share of the variance of what was found that lies between the thirds of the values (Hays 1963)."""
    thirds = np.array_split(found[np.argsort(values)], PARTS)
    within = sum(float(((part - part.mean()) ** 2).sum()) for part in thirds) / (len(found) - PARTS)
    between = sum(len(part) * float((part.mean() - found.mean()) ** 2) for part in thirds)
    return (between - (PARTS - 1) * within) / (float(((found - found.mean()) ** 2).sum()) + within)


def searched(rates: Range, seed: int) -> Measures:
    """The shares of seven hyperparameters in a random search, and that of a number that nothing takes."""
    rng = np.random.default_rng(seed)
    axes = {address: drawn(axis, rng) for address, axis in ({RATE: rates} | OTHERS).items()}
    axes[WARM] = rng.integers(0, LONGEST + 1, DRAWS)
    rows = list(zip(*(column.tolist() for column in axes.values()), strict=True))
    made = sweep(network(seed), {tuple(axes): rows}, anyway=True)
    found = np.array([run.results["validation"]["accuracy"] if run.standing.reason == "finished" else 1 / CLASSES
                      for run in made.runs])  # fmt: skip
    shares = {address: share(column, found) for address, column in axes.items()}
    highest = max(part for address, part in shares.items() if address != RATE)
    return {
        "share of the rate": shares[RATE], "lead": shares[RATE] - highest, "first": float(shares[RATE] > highest),
        "share of nothing": share(rng.uniform(size=DRAWS), found),
    }  # fmt: skip


DESIGNS = {
    "search": Drawn(
        f"{DRAWS} random recipes: digits, one hidden layer of {WIDTH} units, {UPDATES} updates of SGD. Drawn are the "
        "peak rate (0.0001 to 1 by its logarithm, or `near`, 0.03 to 0.3), momentum (0 to 0.99), weight decay (1e-6 to "
        "0.1, logarithm), dropout (0 to 0.8), label smoothing (0 to 0.5), the norm clipped to (0.1 to 10, logarithm), "
        "and the updates of warm-up (0 to 100). The share of one is ω²: what of the variance of validation accuracy "
        "lies between the thirds of its values: `share of the rate`; `lead`, that minus the largest of the others; "
        "`first`, 1 where it leads; `share of nothing`: of a number that was drawn and not used.",
        {"wide": functools.partial(searched, WIDE), "near": functools.partial(searched, (0.03, 0.3, True))},
        seeds=40,
        few=2,
    ),
}
