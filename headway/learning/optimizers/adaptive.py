"""Adaptive optimizers: every coordinate's step is set by the size or the sign of its own past gradients."""

from collections.abc import Mapping
from dataclasses import KW_ONLY
from typing import Annotated, Any

import jax
import jax.numpy as jnp
from pydantic import Field

from headway.learning.optimizers.descent import Beta, Descent
from headway.learning.optimizers.optimizer import Memory, zeros_like
from headway.learning.schedules.schedule import NonNegative, Schedule
from headway.spec.node import Number, spec


@spec
class Adam(Descent):
    """m ← b1 m + (1 − b1) g, v ← b2 v + (1 − b2) g², d = m̂ / (√v̂ + eps) (Kingma & Ba 2015).

    m̂ = m / (1 − b1^t) and v̂ = v / (1 − b2^t) undo the start at 0; t = 1 at the first update.
    """

    learning_rate: NonNegative | Schedule = 1e-3
    _: KW_ONLY
    b1: Beta = 0.9
    b2: Beta = 0.999
    eps: Annotated[Number, Field(gt=0)] = 1e-8

    def memory(self, params: Any) -> Memory:
        return {"m": zeros_like(params), "v": zeros_like(params)}

    def direction(self, gradients: Any, memory: Mapping[str, Any], t: Any) -> tuple[Any, Memory]:
        return adam(gradients, memory, t, (self.b1, self.b2), self.eps)


@spec
class AdamW(Descent):
    """Adam's direction with a weight decay of 0.01 unless told otherwise (Loshchilov & Hutter 2019)."""

    learning_rate: NonNegative | Schedule = 1e-3
    _: KW_ONLY
    b1: Beta = 0.9
    b2: Beta = 0.999
    eps: Annotated[Number, Field(gt=0)] = 1e-8
    weight_decay: NonNegative | None = 0.01

    def memory(self, params: Any) -> Memory:
        return {"m": zeros_like(params), "v": zeros_like(params)}

    def direction(self, gradients: Any, memory: Mapping[str, Any], t: Any) -> tuple[Any, Memory]:
        return adam(gradients, memory, t, (self.b1, self.b2), self.eps)


@spec
class RMSProp(Descent):
    """v ← ρ v + (1 − ρ) g², d = g / (√v + eps); with momentum μ: u ← μ u + d, d = u (Tieleman & Hinton 2012).

    As in PyTorch, with eps outside the root and η outside u. v and u start at 0, which nothing undoes:
    of a steady gradient the first update is 1 / √(1 − ρ) times as long as the later ones.
    """

    learning_rate: NonNegative | Schedule = 1e-3
    _: KW_ONLY
    smoothing: Beta = 0.9
    momentum: Beta | None = None
    eps: Annotated[Number, Field(gt=0)] = 1e-8

    def memory(self, params: Any) -> Memory:
        memory = {"v": zeros_like(params)}
        return memory if self.momentum is None else memory | {"u": zeros_like(params)}

    def direction(self, gradients: Any, memory: Mapping[str, Any], t: Any) -> tuple[Any, Memory]:
        rho, mu = self.smoothing, self.momentum
        v = jax.tree.map(lambda v, g: rho * v + (1 - rho) * g * g, memory["v"], gradients)
        d = jax.tree.map(lambda v, g: g / (jnp.sqrt(v) + self.eps), v, gradients)
        if mu is None:
            return d, {"v": v}
        u = jax.tree.map(lambda u, d: mu * u + d, memory["u"], d)
        return u, {"v": v, "u": u}


@spec
class Lion(Descent):
    """d = sign(b1 m + (1 − b1) g), then m ← b2 m + (1 − b2) g: one moment, and only signs (Chen et al. 2023).

    Every entry moves by η: what suits is commonly 3 to 10 times less than for Adam, with λ as much larger.
    """

    learning_rate: NonNegative | Schedule = 1e-4
    _: KW_ONLY
    b1: Beta = 0.9
    b2: Beta = 0.99

    def memory(self, params: Any) -> Memory:
        return {"m": zeros_like(params)}

    def direction(self, gradients: Any, memory: Mapping[str, Any], t: Any) -> tuple[Any, Memory]:
        b1, b2 = self.b1, self.b2
        d = jax.tree.map(lambda m, g: jnp.sign(b1 * m + (1 - b1) * g), memory["m"], gradients)
        return d, {"m": jax.tree.map(lambda m, g: b2 * m + (1 - b2) * g, memory["m"], gradients)}


def adam(g: Any, memory: Mapping[str, Any], t: Any, betas: tuple[Any, Any], eps: Any) -> tuple[Any, Memory]:
    """The direction of Adam at update t, and its moments after it: the equations are in `Adam`."""
    b1, b2 = betas
    m = jax.tree.map(lambda m, g: b1 * m + (1 - b1) * g, memory["m"], g)
    # Not g**2: a square of its own would be shared with the gradient's norm, written to memory and read again.
    v = jax.tree.map(lambda v, g: b2 * v + (1 - b2) * g * g, memory["v"], g)
    d = jax.tree.map(lambda m, v: m / (1 - b1**t) / (jnp.sqrt(v / (1 - b2**t)) + eps), m, v)
    return d, {"m": m, "v": v}
