"""The rules of single layers: dense, convolution, pooling, flattening, dropout."""

import functools
import itertools
import math
from collections.abc import Sequence

import jax
import jax.numpy as jnp

from headway.learning.backpropagation.rule import Back, Local, rule
from headway.learning.regularization import Dropout, Noise, StochasticDepth
from headway.network.convolution import (
    AveragePool,
    Axis,
    Conv,
    Flatten,
    GlobalAveragePool,
    MaxPool,
    mean_shares,
    window_axes,
)
from headway.network.dense import Dense
from headway.network.rescale import Rescale

Axes = Sequence[Axis]


@rule(Dense)
def dense(layer: Dense, at: Local, dy: jax.Array) -> Back:
    """y = x w + b: dL/dx = dL/dy wᵀ, dL/dw = xᵀ dL/dy, dL/db = Σ dL/dy over the rows (Goodfellow et al., 6.5.6)."""
    dx, dw, db = affine(at.x, at.params["w"], dy)
    return dx, {"w": dw, "b": db} if layer.bias else {"w": dw}


def affine(x: jax.Array, w: jax.Array, dy: jax.Array) -> tuple[jax.Array, jax.Array, jax.Array]:
    """dL/dx, dL/dw and dL/db of y = x w + b."""
    x_rows, dy_rows = rows(x), rows(dy)
    return (dy_rows @ w.T).reshape(x.shape), x_rows.T @ dy_rows, dy_rows.sum(axis=0)


@rule(Conv)
def conv(layer: Conv, at: Local, dy: jax.Array) -> Back:
    """A dense layer on what each window sees: Y = P W + b, P the patches, one row a window.

    dL/dW = Pᵀ dL/dY, dL/dP = dL/dY Wᵀ, and dL/dx_i is the sum of dL/dP over all windows that see x_i. In
    letters: n windows, t taps, g groups, i inputs and c channels of a group (Goodfellow et al., 9.5).
    """
    w, groups = at.params["w"], layer.groups
    axes = window_axes(layer, at.x.shape[1:], layer.kernel, layer.stride, layer.padding)
    P = jnp.stack(windows(at.x, axes, 0), axis=-2)
    P, g = P.reshape(-1, P.shape[-2], groups, w.shape[-2]), dy.reshape(-1, groups, layer.channels // groups)
    W = w.reshape(P.shape[1], w.shape[-2], groups, -1)
    dW = jnp.einsum("ntgi,ngc->tigc", P, g).reshape(w.shape)
    dP = jnp.einsum("ngc,tigc->tngi", g, W).reshape(P.shape[1], *dy.shape[:-1], -1)
    return gather(list(dP), axes, at.x), {"w": dW, "b": rows(dy).sum(axis=0)} if layer.bias else {"w": dW}


@rule(MaxPool)
def max_pool(layer: MaxPool, at: Local, dy: jax.Array) -> Back:
    """dy/dx = 1 for the first largest number of the window, row by row, 0 for the others."""
    axes = layer.axes(at.x.shape[1:])
    seen = windows(at.x, axes, -jnp.inf)
    largest = jnp.argmax(jnp.stack(seen), axis=0)
    return gather([jnp.where(largest == t, dy, 0) for t in range(len(seen))], axes, at.x), {}


@rule(AveragePool)
def average_pool(layer: AveragePool, at: Local, dy: jax.Array) -> Back:
    """dy/dx = 1/n for each of the n numbers that the window covers."""
    axes = layer.axes(at.x.shape[1:])
    n = functools.reduce(jnp.multiply.outer, [jnp.asarray(axis.counts(), dy.dtype) for axis in axes])
    return gather([dy / n[..., None]] * math.prod(axis.window for axis in axes), axes, at.x), {}


@rule(GlobalAveragePool)
def global_average_pool(layer: GlobalAveragePool, at: Local, dy: jax.Array) -> Back:
    """dy/dx = 1/n for each of the n positions; for padding 0."""
    if at.context.mask is not None:
        return jnp.einsum("bt,bc->btc", mean_shares(at.context.mask, dy.dtype), dy), {}
    _, *positions, channels = at.x.shape
    share = dy / math.prod(positions)
    return jnp.broadcast_to(share.reshape(-1, *[1] * len(positions), channels), at.x.shape), {}


@rule(Rescale)
def rescale(layer: Rescale, at: Local, dy: jax.Array) -> Back:
    """y = scale · x + shift: dL/dx = scale · dL/dy."""
    return dy * jnp.asarray(layer.scale, dy.dtype), {}


@rule(Flatten)
def flatten(layer: Flatten, at: Local, dy: jax.Array) -> Back:
    """The same numbers in the shape of x."""
    return dy.reshape(at.x.shape), {}


@rule(Dropout)
@rule(StochasticDepth)
def dropout(layer: Dropout | StochasticDepth, at: Local, dy: jax.Array) -> Back:
    """y = x ⊙ m / (1 − rate): dL/dx = dL/dy ⊙ m / (1 − rate), the same mask m from the same keys."""
    return layer.apply({}, dy, at.context), {}


@rule(Noise)
def noise(layer: Noise, at: Local, dy: jax.Array) -> Back:
    """y = x + ε: dL/dx = dL/dy."""
    return dy, {}


def rows(x: jax.Array) -> jax.Array:
    """[batch, …, features] → [rows, features]."""
    return x.reshape(-1, x.shape[-1])


def windows(x: jax.Array, axes: Axes, around: float) -> list[jax.Array]:
    """For each position in the window, row by row, what it sees of x [batch, *positions, channels] from every place."""
    for place, axis in enumerate(axes, start=1):
        x = axis.pad(x, place, around)
    seen = [x]
    for place, axis in enumerate(axes, start=1):
        seen = [tap for part in seen for tap in axis.taps(part, place)]
    return seen


def gather(parts: Sequence[jax.Array], axes: Axes, x: jax.Array) -> jax.Array:
    """The transpose of `windows`: what comes back to each position in the window, added up where it was seen."""
    total = jnp.zeros((len(x), *(a.low + a.size + a.high for a in axes), x.shape[-1]), parts[0].dtype)
    for part, first in zip(parts, itertools.product(*(range(a.window) for a in axes)), strict=True):
        seen = [slice(t, t + (a.outputs - 1) * a.stride + 1, a.stride) for t, a in zip(first, axes, strict=True)]
        total = total.at[:, *seen].add(part)
    return total[:, *(slice(a.low, a.low + a.size) for a in axes)]
