"""Dense: every unit is a weighted sum of all inputs plus a bias."""

import math
from dataclasses import KW_ONLY
from typing import Annotated

import jax
from pydantic import Field

from headway.network.initialization import Initializer, Shape
from headway.network.layer import Context, Layer, Parameter, Params, bias, expect_features
from headway.spec.error import HeadwayError
from headway.spec.node import spec


@spec
class Dense(Layer):
    """y = x w + b over the last dimension (Goodfellow et al. 2016, ch. 6).

    Shapes: x [batch, …, inputs], w [inputs, units], b [units], y [batch, …, units]. Column j of w and
    entry j of b are neuron j. `init=None` takes the default for the activation that follows.
    """

    units: Annotated[int, Field(ge=1)]
    _: KW_ONLY
    bias: bool = True
    init: Initializer | None = None

    def shape(self, inputs: Shape) -> Shape:
        if not inputs:
            raise HeadwayError("", "Dense needs a dimension of features", "shape ()", "Give inputs of shape (1,).")
        return (*inputs[:-1], self.units)

    def parameters(self, inputs: Shape) -> dict[str, Parameter]:
        w = Parameter((inputs[-1], self.units), init=self.init, fans=(inputs[-1], self.units))
        return {"w": w, "b": bias(self.units)} if self.bias else {"w": w}

    def apply(self, params: Params, x: jax.Array, context: Context) -> jax.Array:
        expect_features(params["w"].shape[0], x, context)
        flat = x.reshape(-1, x.shape[-1])
        y = flat @ params["w"]
        if self.bias:
            y = y + params["b"]
        return y.reshape(*x.shape[:-1], self.units)

    def flops(self, inputs: Shape) -> int:
        rows = math.prod(inputs[:-1])
        return rows * self.units * (2 * inputs[-1] + int(self.bias))
