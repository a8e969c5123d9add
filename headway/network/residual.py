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

    A body that changes the shape needs a `skip` that changes it alike, y = skip(x) + scale · F(x): a projection
    such as `Dense(64)` or `Conv(64, kernel=1, stride=2)`. `skip=None` is the identity.
    """

    body: Layer
    _: KW_ONLY
    scale: Number = 1.0
    skip: Layer | None = None

    def shape(self, inputs: Shape) -> Shape:
        outputs = shape_of(self.body, "body", inputs)
        if self.skip is None and outputs != inputs:
            raise HeadwayError("body", "Residual needs a body that keeps its shape", f"{inputs} → {outputs}",
                               f"End it in {inputs}, or take what changes the shape out of it, or give a skip= that "
                               f"ends in {outputs}.")  # fmt: skip
        if self.skip is not None and (beside := shape_of(self.skip, "skip", inputs)) != outputs:
            raise HeadwayError("skip", f"Residual adds it to the body, which makes {inputs} → {outputs}",
                               f"{inputs} → {beside}", f"End both in the same shape, such as {outputs}.")  # fmt: skip
        return outputs

    def parts(self, inputs: Shape) -> list[tuple[str, Layer, Shape]]:
        return [(key, part, inputs) for key, part in self._items()]

    def ways(self, inputs: Shape) -> list[list[tuple[str, Layer, Shape]]]:
        return [[part] for part in self.parts(inputs)] + ([] if self.skip is not None else [[]])

    def declare(self, inputs: Shape, following: Layer | None = None) -> dict[str, Any]:
        found = {key: part.declare(inputs, following) for key, part in self._items()}
        return {key: declared for key, declared in found.items() if declared}

    def meets(self, following: Layer | None) -> Layer | None:
        return self.body.meets(following)

    def apply_with_state(self, params: Params, state: State, x: jax.Array, context: Context) -> tuple[jax.Array, State]:
        y, new = call(self.body, "body", (params, state), x, context)
        new_state = {"body": new} if new else {}
        if self.skip is not None:
            x, new = call(self.skip, "skip", (params, state), x, context)
            new_state |= {"skip": new} if new else {}
        y = x + self.scale * y
        return context.lay(y, *(("time", "features") if y.ndim == 3 else ())), new_state

    def flops(self, inputs: Shape) -> int:
        return 2 * math.prod(self.shape(inputs)) + sum(part.flops(inputs) for _, part in self._items())

    def _items(self) -> list[tuple[str, Layer]]:
        return [("body", self.body)] + ([("skip", self.skip)] if self.skip is not None else [])
