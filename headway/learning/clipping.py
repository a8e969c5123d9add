"""Gradient clipping: a bound on how far one update can go, whatever the gradient.

Clipping never hides a gradient that is not finite: NaN and infinity pass through, so that training sees
them and stops.
"""

from dataclasses import KW_ONLY
from typing import Annotated, Any

import jax
import jax.numpy as jnp
from pydantic import Field

from headway.learning.targets import at_least_float32
from headway.network.values import per_copy
from headway.spec.error import HeadwayError
from headway.spec.node import Number, Spec, spec

Limit = Annotated[Number, Field(ge=0)]


class Clip(Spec):
    """Bounds gradients: `clip(gradients, params)` gives a tree of the same shapes and dtypes.

    Only a kind whose limit depends on the parameters needs them.
    """

    def clip(self, gradients: Any, params: Any = None) -> Any:
        raise NotImplementedError


@spec
class ClipByNorm(Clip):
    """g ← g · min(1, limit / ‖g‖), ‖g‖ the norm of all gradients together: the direction stays (Pascanu et al. 2013).

    Where ‖g‖ is not finite nothing is changed.
    """

    limit: Limit

    def clip(self, gradients: Any, params: Any = None) -> Any:
        return by_norm(gradients, self.limit)


@spec
class ClipLayersByNorm(Clip):
    """g ← g · min(1, limit / ‖g‖) for every layer alone, ‖g‖ the norm of all gradients of that layer together.

    A layer is what holds its arrays side by side: `0/w` and `0/b` are one. Every copy of a repeated layer is a
    layer. One that explodes does not stop the others, but the direction is kept only within a layer. Where a
    layer's ‖g‖ is not finite nothing of it is changed.
    """

    limit: Limit

    def clip(self, gradients: Any, params: Any = None) -> Any:
        layers: dict[Any, dict[Any, jax.Array]] = {}
        for path, g in jax.tree.leaves_with_path(gradients):
            layers.setdefault(path[:-1], {})[path] = g
        clipped: dict[Any, jax.Array] = {}
        for layer, arrays in layers.items():
            alone = per_copy(lambda arrays: by_norm(arrays, self.limit), layer)
            clipped |= zip(arrays, alone([*arrays.values()]), strict=True)
        return jax.tree.map_with_path(lambda path, g: clipped[path], gradients)


@spec
class ClipByRatio(Clip):
    """g ← g · min(1, limit · max(‖w‖, eps) / ‖g‖) for every unit alone: adaptive clipping, AGC (Brock et al. 2021).

    A unit is what one index of the last axis of the weights w […, units] has: all that leads into one
    neuron or channel. A vector or a scalar is one unit. `eps` lets weights of 0 learn. Where a unit's ‖g‖
    is not finite it is not changed. The paper clips all layers but the last; here it is clipped too.
    """

    limit: Limit = 0.01
    _: KW_ONLY
    eps: Limit = 1e-3

    def clip(self, gradients: Any, params: Any = None) -> Any:
        if params is None:
            raise HeadwayError("clip", "needs the parameters", None, "Call clip(gradients, params).")

        def one(g: jax.Array, w: jax.Array) -> jax.Array:
            return scaled(g, shrinkage(unit_norms(g), self.limit * jnp.maximum(unit_norms(w), self.eps)))

        return jax.tree.map_with_path(lambda path, g, w: per_copy(one, path)(g, w), gradients, params)


@spec
class ClipByValue(Clip):
    """Every entry alone to −limit … limit, which changes the direction. An infinite entry stays infinite."""

    limit: Limit

    def clip(self, gradients: Any, params: Any = None) -> Any:
        return jax.tree.map(
            lambda g: jnp.where(jnp.isinf(g), g, jnp.clip(g, -self.limit, self.limit)).astype(g.dtype), gradients
        )


def by_norm(gradients: Any, limit: Any) -> Any:
    """g · min(1, limit / ‖g‖), ‖g‖ the norm of all of them together."""
    scale = shrinkage(global_norm(gradients), limit)
    return jax.tree.map(lambda g: scaled(g, scale), gradients)


def shrinkage(norm: jax.Array, limit: Any) -> jax.Array:
    """min(1, limit / norm), and 1 where the norm is not finite."""
    return jnp.where(jnp.isfinite(norm) & (norm > limit), limit / norm, 1)


def scaled(g: jax.Array, scale: jax.Array) -> jax.Array:
    """g · scale, in the dtype of g."""
    return (at_least_float32(g) * scale).astype(g.dtype)


def unit_norms(x: jax.Array) -> jax.Array:
    """‖x‖ over all axes but the last, of a vector over all of it, in float32 at least: [1, …, units] or [1].

    As a √Σ (x / a)² with a = max |x|, for the reason given in `global_norm`.
    """
    x = at_least_float32(x)
    axes = tuple(range(x.ndim))[: max(x.ndim - 1, 1)]
    a = jnp.max(jnp.abs(x), axes, keepdims=True, initial=0)
    return a * jnp.sqrt(jnp.sum(jnp.square(x / jnp.where(a > 0, a, 1)), axes, keepdims=True))


def global_norm(tree: Any) -> jax.Array:
    """‖g‖ = √Σ g² over every entry of every array, in float32 at least.

    Where the squares overflow or vanish (in float32 above 1e19, below 1e-15) it is a √Σ (g / a)² with
    a = max |g|, so that an exploding gradient is not taken for an infinite one.
    """
    leaves = [at_least_float32(g) for g in jax.tree.leaves(tree)]
    if not leaves:
        return jnp.zeros(())

    def by_largest() -> jax.Array:
        a = jnp.max(jnp.stack([jnp.max(jnp.abs(g), initial=0) for g in leaves]))
        unit = jnp.where(a > 0, a, 1)
        return a * jnp.sqrt(sum(jnp.sum(jnp.square(g / unit)) for g in leaves))

    plain = jnp.sqrt(sum(jnp.sum(jnp.square(g)) for g in leaves))
    return jax.lax.cond(jnp.isfinite(plain) & (plain > 1e-15), lambda: plain, by_largest)
