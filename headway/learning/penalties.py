"""Penalties: a price on the size of the weights, added to the loss that is descended. Not the same as weight decay."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any

import jax
import jax.numpy as jnp
from pydantic import Field

from headway.learning.optimizers.descent import Patterns, decaying
from headway.learning.targets import at_least_float32
from headway.network.values import flatten
from headway.spec.node import Number, Spec, spec

Strength = Annotated[Number, Field(ge=0)]


@dataclass(frozen=True, repr=False)
class Penalty(Spec):
    """P(θ), descended with the loss: the gradient is dL/dθ + dP/dθ before it is clipped. A kind defines `of`.

    strength   λ
    only       patterns of addresses (`0/w`, `**/w`) of what is penalized; None: every parameter that declares that it
               decays, which weights do and biases and the parameters of norms do not

    An optimizer that scales gradients, as Adam does, scales dP/dθ with them: a weight whose gradients are large is
    shrunk less. `weight_decay` shrinks every weight at the same rate, in every optimizer (Loshchilov & Hutter 2019).
    """

    strength: Strength
    only: Patterns | None = field(default=None, kw_only=True)

    def of(self, w: jax.Array) -> jax.Array:
        """The price of one array at strength 1."""
        raise NotImplementedError

    def addresses(self, declared: Mapping[str, Any]) -> tuple[str, ...]:
        """What is penalized, of the parameters that `network.declare(inputs)` gives."""
        return decaying(declared, self.only, "only")

    def value(self, params: Any, declared: Mapping[str, Any]) -> jax.Array:
        """P(θ), in float32 at least."""
        flat = flatten(params)
        prices = [self.of(at_least_float32(flat[address])) for address in self.addresses(declared)]
        return self.strength * sum(prices, start=jnp.zeros(()))


@spec
class L1(Penalty):
    """P = λ Σ |w|, with gradient λ sign(w): weights that the loss has little use for come to 0 (Tibshirani 1996)."""

    def of(self, w: jax.Array) -> jax.Array:
        return jnp.sum(jnp.abs(w))


@spec
class L2(Penalty):
    """P = λ/2 Σ w², with gradient λ w (Goodfellow et al. 2016, section 7.1.1).

    In plain SGD it is the same as `weight_decay=λ`. With momentum the velocity remembers it; an adaptive optimizer
    scales it.
    """

    def of(self, w: jax.Array) -> jax.Array:
        return jnp.sum(jnp.square(w)) / 2
