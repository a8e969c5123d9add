"""The rules of normalization: what shifts or scales all that is normalized together cannot change the loss."""

import jax
import jax.numpy as jnp

from headway.learning.backpropagation.layers import rows
from headway.learning.backpropagation.rule import Back, Local, rule
from headway.learning.targets import at_least_float32
from headway.network.initialization import Shape
from headway.network.normalization import BatchNorm, GroupNorm, LayerNorm, RMSNorm

Axes = int | tuple[int, ...]


@rule(LayerNorm)
def layer_norm(layer: LayerNorm, at: Local, dy: jax.Array) -> Back:
    """y = g x̂ + b: dL/dg = Σ x̂ dL/dy, dL/db = Σ dL/dy, dL/dx̂ = g dL/dy; x̂ over the features of a row."""
    return scaled_and_shifted(at, dy, at.x.shape, -1, layer.epsilon)


@rule(GroupNorm)
def group_norm(layer: GroupNorm, at: Local, dy: jax.Array) -> Back:
    """As LayerNorm, x̂ over all positions of a group of channels."""
    shape = (len(at.x), -1, layer.groups, at.x.shape[-1] // layer.groups)
    return scaled_and_shifted(at, dy, shape, (1, 3), layer.epsilon)


@rule(BatchNorm)
def batch_norm(layer: BatchNorm, at: Local, dy: jax.Array) -> Back:
    """As LayerNorm, in training x̂ over all rows of the batch: dL/dx of one example depends on the others.

    In evaluation μ and s are numbers of the state: dL/dx = dL/dx̂ / s.
    """
    if at.context.mode == "train":
        return scaled_and_shifted(at, dy, (-1, at.x.shape[-1]), 0, layer.epsilon)
    s = jnp.sqrt(at.state["variance"] + layer.epsilon)
    unit = (at_least_float32(at.x) - at.state["mean"]) / s
    return at.params["g"] * dy / s, {"g": rows(unit * dy).sum(axis=0), "b": rows(at_least_float32(dy)).sum(axis=0)}


def scaled_and_shifted(at: Local, dy: jax.Array, shape: Shape, axes: Axes, epsilon: float) -> Back:
    """dL/dx, dL/dg and dL/db of y = g x̂ + b, where x̂ = (x − μ) / s, s = √(σ² + ε), of x in `shape`, along `axes`.

    dL/dx = (dL/dx̂ − mean(dL/dx̂) − x̂ mean(x̂ dL/dx̂)) / s.
    """
    x, dy = at_least_float32(at.x), at_least_float32(dy)
    dunit = (at.params["g"] * dy).reshape(shape)
    centred = x.reshape(shape) - x.reshape(shape).mean(axes, keepdims=True)
    s = jnp.sqrt(jnp.square(centred).mean(axes, keepdims=True) + epsilon)
    unit = centred / s
    dx = (dunit - dunit.mean(axes, keepdims=True) - unit * (unit * dunit).mean(axes, keepdims=True)) / s
    return dx.reshape(x.shape), {"g": rows(unit.reshape(x.shape) * dy).sum(axis=0), "b": rows(dy).sum(axis=0)}


@rule(RMSNorm)
def rms_norm(layer: RMSNorm, at: Local, dy: jax.Array) -> Back:
    """y = g x̂, x̂ = x / s, s = √(mean(x²) + ε): dL/dx = (dL/dx̂ − x̂ mean(x̂ dL/dx̂)) / s."""
    x, dy = at_least_float32(at.x), at_least_float32(dy)
    s = jnp.sqrt(jnp.square(x).mean(-1, keepdims=True) + layer.epsilon)
    unit, dunit = x / s, at.params["g"] * dy
    return (dunit - unit * (unit * dunit).mean(-1, keepdims=True)) / s, {"g": rows(unit * dy).sum(axis=0)}
