"""Whether what a network ends in suits its loss: what squashes its outputs, and how far they can reach."""

from collections.abc import Iterator
from typing import NamedTuple

import jax.numpy as jnp
import numpy as np

from headway.learning.losses import BinaryCrossEntropy, CrossEntropy, KLDivergence, Loss, ProbabilityCrossEntropy
from headway.learning.regularization import Dropout
from headway.network.activations import Identity, Softmax
from headway.network.compose import Repeat, Sequential
from headway.network.convolution import Flatten
from headway.network.initialization import Shape
from headway.network.layer import Activation, Layer
from headway.network.values import COPY
from headway.spec.error import join_address
from headway.spec.node import segment

PASSING = (Identity, Flatten, Dropout)
"""Layers behind which numbers are in evaluation what they were before."""


class Mismatch(NamedTuple):
    """What is wrong with a pair, as in a `HeadwayError`."""

    must: str
    got: str
    fix: str


class Ending(NamedTuple):
    """The layer that decides what outputs can be, past those that pass numbers through; and its address."""

    address: str
    layer: Layer


def ending(network: Layer) -> Ending:
    """What a network ends in."""
    layers = list(row(network))
    return next((one for one in reversed(layers) if not isinstance(one.layer, PASSING)), layers[-1])


def row(network: Layer, address: str = "") -> Iterator[Ending]:
    """The layers of a network in a row, those of containers in their place."""
    if isinstance(network, Repeat):
        yield from row(network.body, join_address(address, COPY))
    elif isinstance(network, Sequential):
        for i, layer in enumerate(network.layers):
            yield from row(layer, join_address(address, segment(layer, i)))
    else:
        yield Ending(address, network)


def squashes(layer: Layer) -> bool:
    """Whether what comes out are probabilities: between 0 and 1."""
    return isinstance(layer, Softmax) or (isinstance(layer, Activation) and layer.limits == (0, 1))


def mispaired(network: Layer, loss: Loss) -> list[Mismatch]:
    """What is known to be wrong from the kinds alone, whatever the data."""
    last, name = ending(network).layer, type(loss).__name__
    came = f"{last} at the end"
    if loss.expects == "logits" and squashes(last):
        return [Mismatch(f"{name} takes logits and squashes them itself", came, "Remove the last layer.")]
    if loss.expects == "probabilities" and not squashes(last):
        return [Mismatch(f"{name} takes probabilities", came, "End with Softmax().")]
    if isinstance(loss, ProbabilityCrossEntropy) and not isinstance(last, Softmax):
        must = f"{name} takes probabilities that sum to 1 over the classes"
        return [Mismatch(must, came, "End with Softmax() in its place.")]
    return []


def single(outputs: Shape, last: Layer) -> bool:
    """Whether a softmax has a single class to choose from: its output is 1, whatever the input."""
    return isinstance(last, Softmax) and outputs[-1:] == (1,)


class Reach(NamedTuple):
    """Between what an activation's outputs lie, infinite where it has no bound; `flat`: constant somewhere below 0."""

    low: float
    high: float
    flat: bool


def reach(layer: Layer) -> Reach:
    """How far the outputs of a layer reach: of an activation its range, as a grid of inputs shows it."""
    if not isinstance(layer, Activation) or isinstance(layer, Softmax):
        return Reach(-np.inf, np.inf, False)
    grid = np.concatenate([np.linspace(-50, 50, 2001), [-1e4, 1e4]]).astype(np.float32)
    made = np.asarray(layer.function(jnp.asarray(grid)), float)
    low, high = made.min(), made.max()
    below = made[(grid >= -3) & (grid <= -1)]
    return Reach(float(low) if low > -50 else -np.inf, float(high) if high < 50 else np.inf, bool(np.ptp(below) == 0))


def least(loss: Loss, outputs: Shape, bounds: Reach) -> float:
    """The least that a loss from logits can be for logits within bounds, labels given: 0 where nothing holds it up.

    Of C classes ln(1 + (C − 1) e^−(high − low)); of one yes-or-no logit the larger of ln(1 + e^−high), ln(1 + e^low).
    """
    if isinstance(loss, BinaryCrossEntropy):
        return float(max(np.log1p(np.exp(-bounds.high)), np.log1p(np.exp(bounds.low))))
    if isinstance(loss, CrossEntropy | KLDivergence):
        return float(np.log1p((outputs[-1] - 1) * np.exp(-(bounds.high - bounds.low))))
    return 0.0
