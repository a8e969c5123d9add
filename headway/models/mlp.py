"""Multi-layer perceptrons: dense layers with an activation between them."""

from headway.network.activations import ReLU
from headway.network.compose import Sequential
from headway.network.convolution import Flatten
from headway.network.dense import Dense
from headway.network.layer import Activation, Layer
from headway.spec.error import HeadwayError


def mlp(widths: tuple[int, ...], outputs: int, *, activation: Activation = ReLU()) -> Sequential:  # noqa: B008
    """Flatten, then Dense and activation for each of `widths`, then Dense to `outputs` numbers.

    `mlp((), 10)` is the linear model.
    """
    hidden: list[Layer] = [part for width in widths for part in (Dense(width), activation)]
    return Sequential((Flatten(), *hidden, Dense(outputs)))


def plain_mlp(depth: int, outputs: int, *, width: int, activation: Activation = ReLU()) -> Sequential:  # noqa: B008
    """`depth` dense layers, all but the last with `width` units and an activation: `mlp((width,) * (depth - 1), …)`."""
    if depth < 1:
        raise HeadwayError("depth", "must be at least 1, the layer that makes the outputs", depth, "Write 1 or more.")
    return mlp((width,) * (depth - 1), outputs, activation=activation)
