"""Activations: the nonlinearity between layers, without which depth adds nothing."""

from typing import ClassVar

import jax
import jax.numpy as jnp

from headway.network.initialization import HeNormal, Initializer
from headway.network.layer import Activation
from headway.spec.node import spec


@spec
class ReLU(Activation):
    """ReLU(x) = max(0, x). Its gradient is 0 for x < 0, 1 for x > 0, and by convention 0 at x = 0."""

    initializer: ClassVar[Initializer] = HeNormal()

    def function(self, x: jax.Array) -> jax.Array:
        return jax.nn.relu(x)


@spec
class Tanh(Activation):
    """tanh(x) in (-1, 1); saturates for |x| > 3."""

    def function(self, x: jax.Array) -> jax.Array:
        return jnp.tanh(x)
