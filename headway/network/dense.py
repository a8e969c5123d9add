"""Dense: every unit is a weighted sum of all inputs plus a bias."""

import math
from dataclasses import KW_ONLY
from typing import Annotated, Any

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
        shape = (inputs[-1], self.units)
        w = Parameter(shape, init=self.init, fans=shape, axes=("in", "out"))
        return {"w": w, "b": bias(self.units)} if self.bias else {"w": w}

    def apply(self, params: Params, x: jax.Array, context: Context) -> jax.Array:
        expect_features(params["w"].shape[0], x, context)
        y = product(context.rows(x), params["w"])
        if self.bias:
            y = y + params["b"]
        return y.reshape(*x.shape[:-1], self.units)

    def flops(self, inputs: Shape) -> int:
        rows = math.prod(inputs[:-1])
        return rows * self.units * (2 * inputs[-1] + int(self.bias))


def product(x: jax.Array, w: jax.Array) -> jax.Array:
    """x w for x [rows, inputs], or [batch, …, inputs], and w [inputs, units].

    The gradient of a narrow w is computed as gᵀ x, not as xᵀ g: XLA's xᵀ g on CPU is slow where g has few columns. With
    10 units of 256 inputs and 128 rows, forward and backward pass take 0.4 times as long this way, with 64 of 288 and
    16,384 rows (a convolution) 0.95 times.
    """
    # The barrier keeps the two transpositions, and with them their gradients, from being simplified away.
    barrier: Any = jax.lax.optimization_barrier
    return x @ (barrier(w.T).T if w.shape[1] <= 64 and w.shape[1] < w.shape[0] else w)
