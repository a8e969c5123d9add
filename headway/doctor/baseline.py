"""What a network that ignores its inputs can reach: the loss that one has to beat to have learned anything."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from headway.data.dataset import Arrays, Dataset, Examples
from headway.data.schema import Array
from headway.learning.losses import (
    BinaryCrossEntropy,
    CrossEntropy,
    KLDivergence,
    Loss,
    MeanAbsoluteError,
    MeanSquaredError,
    ProbabilityBinaryCrossEntropy,
    ProbabilityCrossEntropy,
)
from headway.network.initialization import Shape
from headway.network.layer import Layer

RAREST = 1e-6
"""The share of a label that does not occur: with none, its loss would be infinite where it does."""


def constant_of(loss: Loss, network: Layer, data: Dataset, split: str) -> float:
    """The `constant_loss` on a part of a data set, of outputs such as the network's."""
    return constant_loss(loss, network.shape(data.input_shape), data.train, data.splits()[split])


def constant_loss(loss: Loss, outputs: Shape, train: Examples, held_out: Examples) -> float:
    """The loss on `held_out` of the constant output that is best on `train`: [*outputs], or [C] at all [time, C].

    For cross-entropy the entropy of the classes' shares, for the mean squared error the variance. Where the loss
    expects probabilities, the constant is one that softmax gives, or for a single output sigmoid.
    """
    squash = jax.nn.sigmoid if outputs == (1,) else jax.nn.softmax
    # One for every place as well would be as many numbers as a small network has, and know where it stands.
    free = outputs[-1:] if train.y.shape[1:] == outputs[:-1] else outputs

    def value(constant: jax.Array, judged: Arrays) -> jax.Array:
        constant = squash(constant) if loss.expects == "probabilities" else constant
        made = jnp.broadcast_to(constant.reshape(free), (len(judged.y), *outputs))
        return loss(made, judged.y, judged.weights)

    best = closed_form(loss, free, train)
    if best is None:
        on = jax.tree.map(jnp.asarray, train.arrays)
        best = _searched(jax.jit(jax.value_and_grad(lambda c: value(c.astype(jnp.float32), on))), free)
    return float(jax.jit(value)(np.asarray(best, np.float32).ravel(), held_out.arrays))


def closed_form(loss: Loss, outputs: Shape, train: Examples) -> Array | None:
    """The best constant [*outputs]: the amounts' mean or median, the logarithms of the labels' shares or of their odds.

    None where there is none to be told: for other losses, weighted amounts, and targets that are out of range.
    """
    y, kind = train.y, type(loss)
    if kind in (MeanSquaredError, MeanAbsoluteError) and y.shape[1:] == outputs and train.weights is None:
        best = y.mean(axis=0, dtype=float) if kind is MeanSquaredError else np.median(y.astype(float), axis=0)
        return best if np.isfinite(best).all() else None
    binary = kind in (BinaryCrossEntropy, ProbabilityBinaryCrossEntropy) and outputs == (1,)
    if not binary and (kind not in (CrossEntropy, ProbabilityCrossEntropy, KLDivergence) or len(outputs) > 1):
        return None
    shares = _shares(train, 2 if binary else outputs[-1])
    if shares is None:
        return None
    smoothing = getattr(loss, "smoothing", None) or 0.0
    logs = np.log(np.maximum((1 - smoothing) * shares + smoothing / len(shares), RAREST))
    return np.diff(logs) if binary else logs


def _shares(examples: Examples, classes: int) -> Array | None:
    """The share of every label in the weight of all [classes]; None where there is no weight, or no such label."""
    y, weights = examples.y, examples.weights
    counts = np.ones(len(y)) if weights is None else weights.astype(float)
    counts = np.broadcast_to(counts.reshape(*counts.shape, *(1,) * (y.ndim - counts.ndim)), y.shape)
    y, counts = y[counts > 0], counts[counts > 0]
    if not (y.size and np.issubdtype(y.dtype, np.integer) and y.min() >= 0 and y.max() < classes):
        return None
    shares: Array = np.bincount(y, counts, minlength=classes) / counts.sum()
    return shares


def _searched(slope: Callable[..., Any], outputs: Shape) -> Array:
    """The constant at which a loss with its gradient is lowest."""
    from scipy.optimize import minimize

    best = minimize(slope, np.zeros(int(np.prod(outputs)), np.float32), jac=True, method="L-BFGS-B").x
    return np.asarray(best)
