"""Rescale: a fixed scale and shift of the last dimension, by which inputs or outputs get the units they need."""

import math
from dataclasses import KW_ONLY
from typing import Annotated

import jax
import jax.numpy as jnp
from pydantic import Field

from headway.network.initialization import Shape
from headway.network.layer import Context, Layer, Params
from headway.spec.error import HeadwayError
from headway.spec.node import Number, spec

Each = Annotated[tuple[Number, ...], Field(min_length=1)]


@spec
class Rescale(Layer):
    """y = scale · x + shift, with one number for each feature or one for all; nothing of it is learned.

    Shapes: x and y [batch, …, features], scale and shift [features] or [1]. At the end of a network, with the spread
    of the targets for a scale and their mean for a shift, what is learned before it has outputs near N(0, 1).
    """

    scale: Each
    _: KW_ONLY
    shift: Each = (0.0,)

    def shape(self, inputs: Shape) -> Shape:
        for name, numbers in (("scale", self.scale), ("shift", self.shift)):
            if len(numbers) != 1 and inputs[-1:] != (len(numbers),):
                raise HeadwayError(name, f"needs one number, or one for each feature of {inputs}", f"{len(numbers)}")
        return inputs

    def apply(self, params: Params, x: jax.Array, context: Context) -> jax.Array:
        scale, shift = (jnp.asarray(numbers, x.dtype) for numbers in (self.scale, self.shift))
        return x * scale + shift

    def flops(self, inputs: Shape) -> int:
        return 2 * math.prod(inputs)
