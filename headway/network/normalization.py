"""Normalization: a layer's outputs brought to mean 0 and variance 1, then to a scale and shift that are learned."""

import math
from dataclasses import KW_ONLY
from typing import Annotated

import jax
import jax.numpy as jnp
from pydantic import Field

from headway.network.initialization import Constant, Shape
from headway.network.layer import Context, Layer, Parameter, Params, bias, expect_features
from headway.spec.error import HeadwayError
from headway.spec.node import Number, spec


@spec
class LayerNorm(Layer):
    """y = g (x - μ) / √(σ² + epsilon) + b, with mean μ and variance σ² of each row of features (Ba et al. 2016).

    Shapes: x and y [batch, …, features], g and b [features], at first 1 and 0; neither decays. Every example,
    and every position in it, is normalized alone, in training as in evaluation. The arithmetic is at least float32.
    A single feature is its own mean: y = b.
    """

    _: KW_ONLY
    epsilon: Annotated[Number, Field(gt=0)] = 1e-5

    def shape(self, inputs: Shape) -> Shape:
        if not inputs:
            raise HeadwayError("", "LayerNorm needs a dimension of features", "shape ()", "Put Dense before it.")
        return inputs

    def parameters(self, inputs: Shape) -> dict[str, Parameter]:
        g = Parameter(inputs[-1:], init=Constant(1.0), decays=False)
        return {"g": g, "b": bias(inputs[-1])}

    def apply(self, params: Params, x: jax.Array, context: Context) -> jax.Array:
        g, b = params["g"], params["b"]
        expect_features(len(g), x, context)
        dtype = jnp.result_type(x, g)
        x = x.astype(jnp.promote_types(dtype, jnp.float32))
        x = x - x.mean(axis=-1, keepdims=True)
        variance = jnp.square(x).mean(axis=-1, keepdims=True)
        return (g * (x * jax.lax.rsqrt(variance + self.epsilon)) + b).astype(dtype)

    def meets(self, following: Layer | None) -> Layer | None:
        # A norm takes out the scale of the weights before it, so these may start as they would without it.
        return following

    def flops(self, inputs: Shape) -> int:
        return 7 * math.prod(inputs)
