"""Residual connections: a layer's input added to its output, so that signal and gradient have a way past it."""

import math
from dataclasses import KW_ONLY
from typing import Any

import jax

from headway.network.initialization import Shape
from headway.network.layer import Context, Layer, Params, State, call, shape_of
from headway.spec.error import HeadwayError
from headway.spec.node import Number, spec


@spec
class Residual(Layer):
    """y = x + scale · F(x): the body F learns what to add to its input, and keeps its shape (He et al. 2016).

    dy/dx = I + scale · dF/dx: the gradient passes even where that of the body vanishes. The body's address is
    `body`, its parameters' `body/…`. Weights in the body and in front of it start as they would without the skip.
    An F(x) of the variance of x, and uncorrelated with it, doubles that variance in every block; with scale 1/√n it
    grows less than e times over n blocks.
    """

    body: Layer
    _: KW_ONLY
    scale: Number = 1.0

    def shape(self, inputs: Shape) -> Shape:
        outputs = shape_of(self.body, "body", inputs)
        if outputs != inputs:
            raise HeadwayError("body", "Residual needs a body that keeps its shape", f"{inputs} → {outputs}",
                               f"End it in {inputs}, or take what changes the shape out of it.")  # fmt: skip
        return outputs

    def parts(self, inputs: Shape) -> list[tuple[str, Layer, Shape]]:
        return [("body", self.body, inputs)]

    def declare(self, inputs: Shape, following: Layer | None = None) -> dict[str, Any]:
        declared = self.body.declare(inputs, following)
        return {"body": declared} if declared else {}

    def meets(self, following: Layer | None) -> Layer | None:
        return self.body.meets(following)

    def apply_with_state(self, params: Params, state: State, x: jax.Array, context: Context) -> tuple[jax.Array, State]:
        y, new = call(self.body, "body", (params, state), x, context)
        return x + self.scale * y, {"body": new} if new else {}

    def flops(self, inputs: Shape) -> int:
        return 2 * math.prod(inputs) + self.body.flops(inputs)
