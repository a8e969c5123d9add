"""Gradient clipping: a bound on how far one update can go, whatever the gradient.

Clipping never hides a gradient that is not finite: NaN and infinity pass through, so that training sees
them and stops.
"""

from typing import Annotated, Any

import jax
import jax.numpy as jnp
from pydantic import Field

from headway.learning.losses import at_least_float32
from headway.spec.node import Number, Spec, spec

Limit = Annotated[Number, Field(ge=0)]


class Clip(Spec):
    """Bounds gradients: `clip(gradients)` gives a tree of the same shapes and dtypes."""

    def clip(self, gradients: Any) -> Any:
        raise NotImplementedError


@spec
class ClipByNorm(Clip):
    """g ← g · min(1, limit / ‖g‖), ‖g‖ the norm of all gradients together: the direction stays (Pascanu et al. 2013).

    Where ‖g‖ is not finite nothing is changed.
    """

    limit: Limit

    def clip(self, gradients: Any) -> Any:
        norm = global_norm(gradients)
        scale = jnp.where(jnp.isfinite(norm) & (norm > self.limit), self.limit / norm, 1)
        return jax.tree.map(lambda g: (at_least_float32(g) * scale).astype(g.dtype), gradients)


@spec
class ClipByValue(Clip):
    """Every entry alone to −limit … limit, which changes the direction. An infinite entry stays infinite."""

    limit: Limit

    def clip(self, gradients: Any) -> Any:
        return jax.tree.map(
            lambda g: jnp.where(jnp.isinf(g), g, jnp.clip(g, -self.limit, self.limit)).astype(g.dtype), gradients
        )


def global_norm(tree: Any) -> jax.Array:
    """‖g‖ = √Σ g² over every entry of every array, in float32 at least.

    Where the squares overflow or vanish (in float32 above 1e19, below 1e-15) it is a √Σ (g / a)² with
    a = max |g|, so that an exploding gradient is not taken for an infinite one.
    """
    leaves = [at_least_float32(g) for g in jax.tree.leaves(tree)]
    if not leaves:
        return jnp.zeros(())

    def scaled() -> jax.Array:
        a = jnp.max(jnp.stack([jnp.max(jnp.abs(g), initial=0) for g in leaves]))
        unit = jnp.where(a > 0, a, 1)
        return a * jnp.sqrt(sum(jnp.sum(jnp.square(g / unit)) for g in leaves))

    plain = jnp.sqrt(sum(jnp.sum(jnp.square(g)) for g in leaves))
    return jax.lax.cond(jnp.isfinite(plain) & (plain > 1e-15), lambda: plain, scaled)
