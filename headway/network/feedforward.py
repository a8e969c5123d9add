"""Feed-forward parts of a transformer block: two matrices with an activation between, at every position alike."""

import math
from dataclasses import KW_ONLY
from typing import Annotated

import jax
from pydantic import Field

from headway.network.activations import GELU, SiLU
from headway.network.dense import product
from headway.network.initialization import GlorotUniform, Initializer, Shape
from headway.network.layer import Activation, Context, Layer, Parameter, Params, State, bias, call, expect_features
from headway.network.recompute import again
from headway.spec.error import HeadwayError
from headway.spec.node import spec


@spec
class FeedForward(Layer):
    """y = f(x w1 + b1) w2 + b2, as wide as its input; f is GELU unless given (Vaswani et al. 2017, with ReLU).

    Shapes: x and y [batch, …, d], w1 [d, hidden], w2 [hidden, d]; 4 d hidden units are usual. `init=None` takes for w1
    the default of the activation, for w2 that of the one that follows.
    """

    hidden: Annotated[int, Field(ge=1)]
    _: KW_ONLY
    activation: Activation = GELU()
    init: Initializer | None = None

    def shape(self, inputs: Shape) -> Shape:
        return _features(self, inputs)

    def parameters(self, inputs: Shape) -> dict[str, Parameter]:
        d, hidden, first = inputs[-1], self.hidden, self.init or self.activation.initializer
        return {
            "w1": Parameter((d, hidden), init=first, fans=(d, hidden), axes=("features", "hidden")),
            "b1": bias(hidden, axis="hidden"),
            "w2": Parameter((hidden, d), init=self.init, fans=(hidden, d), axes=("hidden", "features")),
            "b2": bias(d, axis="features"),
        }

    def parts(self, inputs: Shape) -> list[tuple[str, Layer, Shape]]:
        return [("activation", self.activation, (*inputs[:-1], self.hidden))]

    def apply_with_state(self, params: Params, state: State, x: jax.Array, context: Context) -> tuple[jax.Array, State]:
        expect_features(params["w1"].shape[0], x, context)
        h = product(context.rows(x), params["w1"]) + params["b1"]
        h, _ = call(self.activation, "activation", ({}, {}), h.reshape(*x.shape[:-1], -1), context)
        y = product(context.rows(h), params["w2"]) + params["b2"]
        return y.reshape(x.shape), {}

    def flops(self, inputs: Shape) -> int:
        d, hidden = inputs[-1], (*inputs[:-1], self.hidden)
        return math.prod(inputs[:-1]) * (4 * d * self.hidden + self.hidden + d) + self.activation.flops(hidden)


@spec
class SwiGLU(Layer):
    """y = (SiLU(x w_gate) ⊙ x w_up) w_down: a gate of its own for every hidden unit, no biases (Shazeer 2020).

    Shapes: x and y [batch, …, d], w_gate and w_up [d, hidden], w_down [hidden, d]; 8/3 d hidden units have the
    parameters of a FeedForward with 4 d.
    """

    hidden: Annotated[int, Field(ge=1)]
    _: KW_ONLY
    init: Initializer | None = None

    def shape(self, inputs: Shape) -> Shape:
        return _features(self, inputs)

    def parameters(self, inputs: Shape) -> dict[str, Parameter]:
        d, hidden = inputs[-1], self.hidden
        first = self.init or GlorotUniform()
        return {
            "w_gate": Parameter((d, hidden), init=first, fans=(d, hidden), axes=("features", "hidden")),
            "w_up": Parameter((d, hidden), init=first, fans=(d, hidden), axes=("features", "hidden")),
            "w_down": Parameter((hidden, d), init=self.init, fans=(hidden, d), axes=("hidden", "features")),
        }

    def apply(self, params: Params, x: jax.Array, context: Context) -> jax.Array:
        expect_features(params["w_gate"].shape[0], x, context)
        flat = context.rows(x)
        h = _gated(product(flat, params["w_gate"]), product(flat, params["w_up"]))
        return product(h, params["w_down"]).reshape(x.shape)

    def flops(self, inputs: Shape) -> int:
        return math.prod(inputs[:-1]) * self.hidden * (6 * inputs[-1] + 2)


@again
def _gated(gate: jax.Array, up: jax.Array) -> jax.Array:
    return SiLU().function(gate) * up


def _features(layer: Layer, inputs: Shape) -> Shape:
    if not inputs:
        raise HeadwayError("", f"{type(layer).__name__} needs a dimension of features", "shape ()",
                           "Give inputs of shape (1,).")  # fmt: skip
    return inputs
