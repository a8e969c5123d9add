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


def of_gradient(g: jax.Array) -> jax.Array:
    """The BACKWARD statistics of g = dL/dh [batch, …], in float32."""
    return jnp.sqrt(jnp.sum(g.astype(jnp.float32) ** 2))[None]
