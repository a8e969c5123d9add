"""Averaging of weights: training goes on with the last weights, what is judged and kept is their average."""

from typing import Any

import jax
import jax.numpy as jnp

from headway.learning.optimizers.descent import Beta
from headway.learning.targets import at_least_float32
from headway.spec.node import Spec, spec

Average = dict[str, Any]


@spec
class EMA(Spec):
    """a ← β a + (1 - β) θ after every update, divided by 1 - β^t, which undoes the start at 0 (Polyak & Juditsky 1992).

    Here with the division inside, so that a itself is the average Σ_i (1 - β) β^(t-i) θ_i / (1 - β^t) of all weights
    θ_1 … θ_t so far:  weight ← β weight + 1 - β = 1 - β^t,  r = (1 - β) / weight,  a ← (1 - r) a + r θ.

    The state of the network (BatchNorm's statistics) is averaged with the weights: it describes the outputs of layers
    whose weights were those of that update. What is not floating-point is the last. All is float32 at least.
    """

    decay: Beta = 0.999

    def begin(self, values: Any) -> Average:
        """The average before the first update: the values themselves, which count for nothing."""
        return {"values": jax.tree.map(_wide, values), "weight": jnp.zeros((), jnp.float32)}

    def after(self, average: Average, values: Any) -> Average:
        """The average after an update that gave these values."""
        weight = self.decay * average["weight"] + (1 - self.decay)
        r = (1 - self.decay) / weight

        def toward(a: jax.Array, value: jax.Array) -> jax.Array:
            return ((1 - r) * a + r * value).astype(a.dtype) if jnp.issubdtype(a.dtype, jnp.inexact) else value

        return {"values": jax.tree.map(toward, average["values"], values), "weight": weight}


def _wide(value: jax.Array) -> jax.Array:
    return at_least_float32(value) if jnp.issubdtype(value.dtype, jnp.inexact) else value
