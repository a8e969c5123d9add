"""What can be told from the inputs without a network: by a straight line, and by the nearest other examples."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from headway.data.dataset import Examples
from headway.training.evaluate import outputs
from headway.training.recipe import Recipe

NEIGHBOURS, RIDGE = 5, 1e-6
"""How many others vote on an example, and the ridge of the line, a share of the variance."""


def told_of(
    recipe: Recipe, values: Mapping[str, Any], examples: Examples, classes: int
) -> tuple[float, float, float] | None:
    """What a network, a line and the neighbours tell of examples; None for targets or inputs that are sequences."""
    if examples.y.ndim > (1 if classes else 2) or not np.issubdtype(examples.x.dtype, np.floating):
        return None
    made = outputs(recipe.network, values, examples.x, precision=recipe.precision)
    each = (made, by_a_line(examples, classes), by_neighbours(examples, classes))
    own, line, others = (told(outputs, examples, classes) for outputs in each)
    return own, line, others


def told(outputs: np.ndarray, examples: Examples, classes: int) -> float:
    """The share of what there is to tell that outputs [n, …] do: of labels those beyond the commonest, else R²."""
    if classes:
        commonest = np.bincount(examples.y, minlength=classes).max() / len(examples)
        made = outputs.argmax(axis=-1) if outputs.shape[-1] > 1 else (outputs[..., 0] > 0).astype(int)
        return float((np.mean(made == examples.y) - commonest) / max(1 - commonest, 1e-9))
    spread = np.mean((examples.y - examples.y.mean(axis=0)) ** 2)
    return float(1 - np.mean((outputs.astype(float) - examples.y) ** 2) / max(spread, 1e-30))


def by_a_line(examples: Examples, classes: int) -> np.ndarray:
    """The least squares of targets, or of one-hot labels, on all inputs and a constant, [n, outputs]."""
    x, y = _flat(examples), np.eye(classes)[examples.y] if classes else examples.y
    x = np.concatenate([x, np.ones((len(x), 1))], axis=1)
    ridge = RIDGE * np.trace(x.T @ x) / x.shape[1] * np.eye(x.shape[1])
    made: np.ndarray = x @ np.linalg.solve(x.T @ x + ridge, x.T @ y)
    return made


def by_neighbours(examples: Examples, classes: int) -> np.ndarray:
    """The mean target, or the shares of labels, of the five nearest other examples: [n, outputs]."""
    x, y = _flat(examples), np.eye(classes)[examples.y] if classes else examples.y
    squares = (x**2).sum(axis=1)
    distances = squares[:, None] + squares - 2 * x @ x.T
    np.fill_diagonal(distances, np.inf)
    nearest = np.argsort(distances, axis=1)[:, : min(NEIGHBOURS, len(x) - 1)]
    made: np.ndarray = y[nearest].mean(axis=1)
    return made


def _flat(examples: Examples) -> np.ndarray:
    x = examples.x.reshape(len(examples), -1).astype(float)
    return (x - x.mean(axis=0)) / np.maximum(x.std(axis=0), 1e-9)
