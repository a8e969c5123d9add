"""Statistics of a layer's output h, of the gradient dL/dh that comes back, and of its weights: a few numbers."""

from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from headway.network.values import COPY, address_of, copy_axes

FORWARD = ("mean", "spread", "signal", "zeros", "silent", "saturated", "largest")
BACKWARD = ("gradient",)
LEARNED = ("weight", "weight_gradient", "update")
PROBED = FORWARD + BACKWARD
"""What a probe measures of a layer's output, in this order."""
STATISTICS = PROBED + LEARNED
"""What is measured of every layer, in this order.

mean              the mean of h
spread            the standard deviation of h, over examples and units
signal            how far examples differ: the root mean square over units of the standard deviation over examples
zeros             the share of entries that are exactly 0
silent            the share of units (places of the last axis) that are exactly 0 for every example of the batch
saturated         the share of entries within 1 % of the way between the activation's limits of one of them; 0 where
                  it has none. There the slope of tanh and σ is below 1/25 of its largest
largest           max |h|
gradient          ‖dL/dh‖, over examples and units; NaN in front of the first parameters, where h is data
weight            ‖θ‖ of the layer's own parameters before the update; this and what follows is 0 where it has none
weight_gradient   ‖dL/dθ‖, with penalties, before clipping
update            ‖Δθ‖
"""
MEAN, SPREAD, SIGNAL, ZEROS, SILENT, SATURATED, LARGEST, GRADIENT = range(len(PROBED))
Limits = tuple[float, float] | None


def of_output(h: jax.Array, limits: Limits = None) -> jax.Array:
    """The FORWARD statistics of h [batch, …] in float32, whatever its dtype; `limits` are the activation's."""
    h = h.astype(jnp.float32)
    silent = jnp.all(h == 0, axis=tuple(range(max(1, h.ndim - 1))))
    h = h.reshape(h.shape[0], -1)
    units = jnp.mean(h, axis=0)
    mean = jnp.mean(units)
    among_examples = jnp.mean((h - units) ** 2)
    among_units = jnp.mean((units - mean) ** 2)
    return jnp.stack([
        mean,
        jnp.sqrt(among_examples + among_units),
        jnp.sqrt(among_examples),
        jnp.mean(h == 0, dtype=jnp.float32),
        jnp.mean(silent, dtype=jnp.float32),
        jnp.zeros(()) if limits is None else _near(h, *limits),
        jnp.max(jnp.abs(h)),
    ])  # fmt: skip


def _near(h: jax.Array, low: float, high: float) -> jax.Array:
    margin = 0.01 * (high - low)
    return jnp.mean((h < low + margin) | (h > high - margin), dtype=jnp.float32)


def unscaled(statistics: jax.Array, scale: jax.Array) -> jax.Array:
    """What is PROBED of h and dL/dh, out of that of h and of scale · dL/dh."""
    return statistics.at[..., len(FORWARD) :].divide(scale)


def of_gradient(g: jax.Array) -> jax.Array:
    """The BACKWARD statistics of g = dL/dh [batch, …], in float32."""
    return jnp.sqrt(jnp.sum(g.astype(jnp.float32) ** 2))[None]


def pooled(parts: jax.Array, shares: jax.Array) -> jax.Array:
    """What is PROBED of a batch [layers, …] from its parts of one size [parts, layers, …].

    L = Σ_i s_i L_i, with a share s [parts] of each part's own loss. It is what the whole batch would give, but for
    `signal`: the root mean square of the parts', which says how far examples within one part differ; and for `silent`:
    the least of the parts', which is no less.
    """
    columns = list(jnp.moveaxis(parts, -1, 0))
    found = [column.mean(axis=0) for column in columns]
    found[SPREAD] = jnp.sqrt(jnp.mean(columns[SPREAD] ** 2 + (columns[MEAN] - found[MEAN]) ** 2, axis=0))
    found[SIGNAL] = jnp.sqrt(jnp.mean(columns[SIGNAL] ** 2, axis=0))
    found[SILENT] = columns[SILENT].min(axis=0)
    found[LARGEST] = columns[LARGEST].max(axis=0)
    found[GRADIENT] = jnp.sqrt(jnp.sum((shares[:, None] * columns[GRADIENT]) ** 2, axis=0))
    return jnp.stack(found, -1)


def of_learned(addresses: Sequence[str], trees: Sequence[Any]) -> jax.Array:
    """‖·‖ of every layer's own arrays in each of these trees, [layers, trees]; of repeated layers, each copy's.

    The trees are alike: parameters, their gradient and their update give what is LEARNED.
    """
    found: dict[str, list[Any]] = {}
    for tree in trees:
        own: dict[str, Any] = {}
        for path, leaf in jax.tree.leaves_with_path(tree):
            layer, axes = address_of(path[:-1]), copy_axes(path)
            own[layer] = own.get(layer, 0) + jnp.sum(
                jnp.square(leaf.astype(jnp.float32)), tuple(range(axes, leaf.ndim))
            )
        for layer, squares in own.items():
            found.setdefault(layer, []).append(squares)
    # All copies of a repeated layer at once: a program that named each would be as long as the network is deep.
    place = [written_out(layer, copy) for layer, own in found.items() for copy in np.ndindex(own[0].shape)]
    rows = jnp.concatenate([jnp.stack(own, -1).reshape(-1, len(trees)) for own in found.values()]) if found else None
    if rows is None:
        return jnp.zeros((len(addresses), len(trees)))
    padded = jnp.concatenate([rows, jnp.zeros((1, len(trees)))])
    at = {address: i for i, address in enumerate(place)}
    return jnp.sqrt(padded[np.array([at.get(address, len(place)) for address in addresses], int)])


def written_out(address: str, copy: Sequence[int]) -> str:
    """The address with the number of a copy in place of each `*`."""
    for number in copy:
        address = address.replace(COPY, str(number), 1)
    return address
