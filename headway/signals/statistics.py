"""Statistics of a layer's output h and of the gradient dL/dh that comes back to it, as a few numbers a batch."""

import jax
import jax.numpy as jnp

FORWARD = ("mean", "spread", "signal", "zeros", "largest")
BACKWARD = ("gradient",)
STATISTICS = FORWARD + BACKWARD
"""What is measured of every layer, in this order.

mean       the mean of h
spread     the standard deviation of h, over examples and units
signal     how far examples differ: the root mean square over units of the standard deviation over examples
zeros      the share of entries that are exactly 0
largest    max |h|
gradient   ‖dL/dh‖, over examples and units
"""
MEAN, SPREAD, SIGNAL, ZEROS, LARGEST, GRADIENT = range(len(STATISTICS))


def of_output(h: jax.Array) -> jax.Array:
    """The FORWARD statistics of h [batch, …], in float32, whatever dtype h has."""
    h = h.astype(jnp.float32).reshape(h.shape[0], -1)
    units = jnp.mean(h, axis=0)
    mean = jnp.mean(units)
    among_examples = jnp.mean((h - units) ** 2)
    among_units = jnp.mean((units - mean) ** 2)
    return jnp.stack([
        mean,
        jnp.sqrt(among_examples + among_units),
        jnp.sqrt(among_examples),
        jnp.mean(h == 0, dtype=jnp.float32),
        jnp.max(jnp.abs(h)),
    ])  # fmt: skip


def unscaled(statistics: jax.Array, scale: jax.Array) -> jax.Array:
    """The STATISTICS of h and dL/dh, out of those of h and of scale · dL/dh."""
    return statistics.at[..., len(FORWARD) :].divide(scale)


def of_gradient(g: jax.Array) -> jax.Array:
    """The BACKWARD statistics of g = dL/dh [batch, …], in float32."""
    return jnp.sqrt(jnp.sum(g.astype(jnp.float32) ** 2))[None]


def pooled(parts: jax.Array, shares: jax.Array) -> jax.Array:
    """The statistics of a batch [layers, len(STATISTICS)] from those of its parts of one size [parts, layers, …].

    L = Σ_i s_i L_i, with a share s [parts] of each part's own loss. They are what the whole batch would give, but for
    `signal`: the root mean square of the parts', which says how far examples within one part differ.
    """
    columns = jnp.moveaxis(parts, -1, 0)
    mean = columns[MEAN].mean(axis=0)
    spread = jnp.sqrt(jnp.mean(columns[SPREAD] ** 2 + (columns[MEAN] - mean) ** 2, axis=0))
    signal = jnp.sqrt(jnp.mean(columns[SIGNAL] ** 2, axis=0))
    gradient = jnp.sqrt(jnp.sum((shares[:, None] * columns[GRADIENT]) ** 2, axis=0))
    return jnp.stack([mean, spread, signal, columns[ZEROS].mean(axis=0), columns[LARGEST].max(axis=0), gradient], -1)
