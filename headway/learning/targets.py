"""Outputs beside their targets: of one shape, labels as distributions, products and logarithms that keep 0 at 0."""

from typing import Any

import jax
import jax.numpy as jnp

from headway.spec.error import HeadwayError


def times_log(p: jax.Array, q: jax.Array) -> jax.Array:
    """p log q, and 0 with gradient 0 where p = 0."""
    return jnp.where(p == 0, 0, p * jnp.log(jnp.where(p == 0, 1, q)))


def product(p: jax.Array, x: jax.Array) -> jax.Array:
    """p x, and 0 where p = 0 even if x is infinite."""
    return jnp.where(p == 0, 0, p * x)


def at_least_float32(x: Any) -> jax.Array:
    """The same numbers in float32, or in their own dtype where that is wider."""
    x = jnp.asarray(x)
    return x.astype(jnp.promote_types(x.dtype, jnp.float32))


def over_trailing_axes(losses: jax.Array, kept: int = 1) -> jax.Array:
    """The mean over all axes but the first `kept`: [batch, …] → [batch]."""
    return jnp.mean(losses, axis=tuple(range(kept, losses.ndim)))


def counted(targets: Any, weights: Any) -> jax.Array:
    """The targets, 0 where the weight is 0: what does not count may be no class at all, and makes no NaN."""
    targets = jnp.asarray(targets)
    if weights is None or targets.shape[: jnp.ndim(weights)] != jnp.shape(weights):
        return targets
    skipped = (jnp.asarray(weights) == 0).reshape(*jnp.shape(weights), *[1] * (targets.ndim - jnp.ndim(weights)))
    return jnp.where(skipped, jnp.zeros((), targets.dtype), targets)


def aligned(where: str, outputs: jax.Array, targets: jax.Array) -> tuple[jax.Array, jax.Array]:
    """Outputs and targets of one shape; the one shape change allowed is outputs [batch, …, 1] → [batch, …].

    Any other pair would broadcast silently to a table of all differences, and is an error.
    """
    y, t = at_least_float32(outputs), at_least_float32(targets)
    if y.shape == (*t.shape, 1):
        y = y[..., 0]
    if y.shape != t.shape or y.ndim == 0:
        raise HeadwayError(where, "outputs and targets must have one shape [batch, …]",
                           f"outputs {jnp.shape(outputs)}, targets {t.shape}",
                           "Make the last layer as wide as a target, or reshape the targets.")  # fmt: skip
    return y, t


def yes_or_no(where: str, outputs: jax.Array, targets: jax.Array, smoothing: Any) -> tuple[jax.Array, jax.Array]:
    """Outputs, and the probabilities y in [0, 1] that the targets give them, smoothed; NaN for any other target."""
    z, y = aligned(where, outputs, targets)
    y = jnp.where((y >= 0) & (y <= 1), y, jnp.nan)
    return z, y if smoothing is None else (1 - smoothing) * y + smoothing / 2


def distribution(where: str, outputs: jax.Array, targets: jax.Array, smoothing: Any) -> jax.Array:
    """The targets as distributions q [batch, …, classes], smoothed."""
    if jnp.shape(targets) == jnp.shape(outputs) and jnp.issubdtype(jnp.result_type(targets), jnp.floating):
        q = at_least_float32(targets)
    else:
        q = one_hot(where, outputs, targets)
    return q if smoothing is None else (1 - smoothing) * q + smoothing / q.shape[-1]


def one_hot(where: str, outputs: jax.Array, labels: jax.Array) -> jax.Array:
    """[batch, …] integer labels → [batch, …, classes], 1 at the label, else 0; NaN for a label that is no class.

    A comparison, not a gather: its gradient is no scatter, which XLA runs one row at a time on a CPU.
    """
    y, classes = jnp.asarray(labels), (jnp.shape(outputs) or (0,))[-1]
    if y.ndim == 0 or jnp.shape(outputs)[:-1] != y.shape or not jnp.issubdtype(y.dtype, jnp.integer):
        raise HeadwayError(where, "needs outputs [batch, …, classes] and integer labels [batch, …]",
                           f"outputs {jnp.shape(outputs)}, targets {y.shape} of {y.dtype}",
                           "Distributions are floats of the outputs' shape.")  # fmt: skip
    if classes < 2:
        raise HeadwayError(where, "needs an output for each of two or more classes", f"outputs {jnp.shape(outputs)}",
                           "For one yes-or-no output use BinaryCrossEntropy().")  # fmt: skip
    hot = (y[..., None] == jnp.arange(classes)).astype(jnp.float32)
    return jnp.where(((y >= 0) & (y < classes))[..., None], hot, jnp.nan)
