"""Regularization: what is added in training so that a network does better on examples it has not seen."""

from typing import Annotated

import jax
import jax.numpy as jnp
from pydantic import Field

from headway.network.layer import Context, Layer, Params
from headway.spec.node import Number, spec


@spec
class Dropout(Layer):
    """y = x m / (1 - rate) in training, m = 0 with probability rate, else 1, drawn per number; y = x in evaluation.

    The expected output is x in both (Srivastava et al. 2014, in the inverted form). The mask is a function of
    the example's key and the layer's place: the same in any batch, at any position, in any precision.
    """

    rate: Annotated[Number, Field(ge=0, lt=1)]

    def apply(self, params: Params, x: jax.Array, context: Context) -> jax.Array:
        if context.mode == "eval":
            return x
        keep = 1 - self.rate
        draws = jax.vmap(lambda key: jax.random.uniform(key, x.shape[1:], jnp.float32))(context.example_keys())
        return jnp.where(draws < keep, x / keep, 0)


@spec
class StochasticDepth(Layer):
    """y = x m / (1 - rate) in training, m = 0 with probability rate, else 1, drawn per example; y = x in evaluation.

    At the end of a residual connection's body it leaves out the whole body for an example (Huang et al. 2016, in the
    inverted form): `Residual(Sequential((…, StochasticDepth(0.1))))`.
    """

    rate: Annotated[Number, Field(ge=0, lt=1)]

    def apply(self, params: Params, x: jax.Array, context: Context) -> jax.Array:
        if context.mode == "eval":
            return x
        keep = 1 - self.rate
        draws = jax.vmap(lambda key: jax.random.uniform(key, [1] * (x.ndim - 1), jnp.float32))(context.example_keys())
        return jnp.where(draws < keep, x / keep, 0)


@spec
class Noise(Layer):
    """y = x + scale ε in training, ε ~ N(0, 1) drawn per number; y = x in evaluation.

    On the inputs of a linear model the expected squared error gains scale² ‖w‖²: an L2 penalty (Bishop 1995).
    """

    scale: Annotated[Number, Field(ge=0)]

    def apply(self, params: Params, x: jax.Array, context: Context) -> jax.Array:
        if context.mode == "eval":
            return x
        draws = jax.vmap(lambda key: jax.random.normal(key, x.shape[1:], jnp.float32))(context.example_keys())
        return x + (self.scale * draws).astype(x.dtype)
