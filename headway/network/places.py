"""Places: a layer that acts on a part of a sequence, and leaves the rest as it is."""

import dataclasses
from dataclasses import KW_ONLY
from typing import Annotated, Any

import jax
import jax.numpy as jnp
from pydantic import Field

from headway.network.initialization import Shape
from headway.network.layer import Context, Layer, Params, State, call, shape_of
from headway.spec.error import HeadwayError
from headway.spec.node import spec


@spec
class Places(Layer):
    """y = x, but F(x_start … x_{end - 1}) at the places from `start` to before `end`, all that the body F sees.

    Shapes: x and y [batch, time, …], what F sees [batch, end - start, …], and it keeps that shape. `end=None`: to the
    end of the sequence. So an encoder reads the source in front of a target, and a decoder works on the target alone.
    """

    body: Layer
    _: KW_ONLY
    start: Annotated[int, Field(ge=0)] = 0
    end: Annotated[int, Field(ge=1)] | None = None

    def shape(self, inputs: Shape) -> Shape:
        if not inputs:
            raise HeadwayError("", "Places needs a sequence (time, …)", f"shape {inputs}",
                               "Put it behind an Embedding.")  # fmt: skip
        start, end = self.bounds(inputs[0])
        if not start < end <= inputs[0]:
            raise HeadwayError("", f"must be some of the {inputs[0]} places of the sequence", f"{start} to {end}",
                               f"Choose start < end ≤ {inputs[0]}.")  # fmt: skip
        seen = self.seen(inputs)
        if (made := shape_of(self.body, "body", seen)) != seen:
            raise HeadwayError("body", "Places needs a body that keeps its shape", f"{seen} → {made}",
                               f"End it in {seen}, or take what changes the shape out of it.")  # fmt: skip
        return inputs

    def bounds(self, time: int) -> tuple[int, int]:
        """The first place that the body sees, and the first behind them."""
        return self.start, time if self.end is None else self.end

    def seen(self, inputs: Shape) -> Shape:
        """The shape of what the body sees."""
        start, end = self.bounds(inputs[0])
        return (end - start, *inputs[1:])

    def parts(self, inputs: Shape) -> list[tuple[str, Layer, Shape]]:
        return [("body", self.body, self.seen(inputs))]

    def ways(self, inputs: Shape) -> list[list[tuple[str, Layer, Shape]]]:
        return [self.parts(inputs), []]

    def declare(self, inputs: Shape, following: Layer | None = None) -> dict[str, Any]:
        body = self.body.declare(self.seen(inputs), following)
        return {"body": body} if body else {}

    def meets(self, following: Layer | None) -> Layer | None:
        return self.body.meets(following)

    def inside(self, x: jax.Array, context: Context) -> tuple[jax.Array, Context]:
        """What the body sees, and its context."""
        start, end = self.bounds(x.shape[1])
        mask = context.mask_of(x)
        return x[:, start:end], dataclasses.replace(context, mask=None if mask is None else mask[:, start:end])

    def replaced(self, x: jax.Array, y: jax.Array) -> jax.Array:
        """x with y at the places of the body."""
        start, end = self.bounds(x.shape[1])
        return jnp.concatenate([x[:, :start], y, x[:, end:]], axis=1)

    def apply_with_state(self, params: Params, state: State, x: jax.Array, context: Context) -> tuple[jax.Array, State]:
        seen, inner = self.inside(x, context)
        y, new = call(self.body, "body", (params, state), seen, inner)
        return self.replaced(x, y), {"body": new} if new else {}
