"""Branches: the same input through several layers, their outputs added, multiplied or put side by side."""

import functools
import math
from dataclasses import KW_ONLY
from typing import Any

import jax
import jax.numpy as jnp

from headway.network.initialization import Shape
from headway.network.layer import Context, Layer, Params, State, call, shape_of
from headway.spec.error import HeadwayError
from headway.spec.node import Spec, children, spec


class Join(Spec):
    """Makes one output of several: `shape` of theirs, `join(outputs)` of the arrays, `flops` for one example."""

    def shape(self, shapes: dict[str, Shape]) -> Shape:
        """The joined shape of outputs of these shapes, by the segment that each comes from; of one shape by default."""
        first, *others = shapes
        for key in others:
            if shapes[key] != shapes[first]:
                name = type(self).__name__
                raise HeadwayError(key, f"{name} needs outputs of one shape, that of {first} being {shapes[first]}",
                                   shapes[key], f"End it in {shapes[first]}, or join by Concatenation().")  # fmt: skip
        return shapes[first]

    def join(self, outputs: list[jax.Array]) -> jax.Array:
        """One output [batch, …] of several."""
        raise NotImplementedError

    def flops(self, shapes: dict[str, Shape]) -> int:
        return (len(shapes) - 1) * math.prod(self.shape(shapes))


@spec
class Sum(Join):
    """y = a + b + …, of outputs of one shape."""

    def join(self, outputs: list[jax.Array]) -> jax.Array:
        return functools.reduce(jnp.add, outputs)


@spec
class Product(Join):
    """y = a ⊙ b ⊙ …, of outputs of one shape: one branch gates the other (Dauphin et al. 2017)."""

    def join(self, outputs: list[jax.Array]) -> jax.Array:
        return functools.reduce(jnp.multiply, outputs)


@spec
class Concatenation(Join):
    """y = [a, b, …] along the last dimension, of outputs that are equal in all others (Szegedy et al. 2015)."""

    def shape(self, shapes: dict[str, Shape]) -> Shape:
        first, *others = shapes
        if not shapes[first]:
            raise HeadwayError(first, "Concatenation needs a dimension of features", "shape ()", "Put Dense before it.")
        for key in others:
            if shapes[key][:-1] != shapes[first][:-1] or not shapes[key]:
                raise HeadwayError(key, f"Concatenation needs outputs that differ from {shapes[first]}, that of "
                                   f"{first}, in the last dimension only", shapes[key],
                                   "Bring both to the same positions: the same stride and padding.")  # fmt: skip
        return (*shapes[first][:-1], sum(shape[-1] for shape in shapes.values()))

    def join(self, outputs: list[jax.Array]) -> jax.Array:
        return jnp.concatenate(outputs, axis=-1)

    def flops(self, shapes: dict[str, Shape]) -> int:
        return 0


@spec
class Branch(Layer):
    """y = join(a(x), b(x), …): every branch gets the whole input.

    `Branch((Sequential((Dense(64), SiLU())), Dense(64)), join=Product())` is a gated layer, and
    `Branch((GRU(32), GRU(32, reverse=True)), join=Concatenation())` reads a sequence both ways. Branches are
    addressed by index or name: `0`, `1`, `gate`.
    """

    branches: tuple[Layer, ...]
    _: KW_ONLY
    join: Join = Sum()

    def __post_init__(self) -> None:
        if not self.branches:
            raise HeadwayError("branches", "needs at least one branch", "()")
        children(self)

    def shape(self, inputs: Shape) -> Shape:
        return self.join.shape(self._shapes(inputs))

    def parts(self, inputs: Shape) -> list[tuple[str, Layer, Shape]]:
        return [(key, branch, inputs) for key, branch in self.members().items()]

    def ways(self, inputs: Shape) -> list[list[tuple[str, Layer, Shape]]]:
        return [[part] for part in self.parts(inputs)]

    def declare(self, inputs: Shape, following: Layer | None = None) -> dict[str, Any]:
        found = {key: branch.declare(inputs, following) for key, branch in self.members().items()}
        return {key: declared for key, declared in found.items() if declared}

    def meets(self, following: Layer | None) -> Layer | None:
        # Weights in front cannot suit several activations: they start for one only where all branches agree on it.
        found = {branch.meets(following) for branch in self.branches}
        return found.pop() if len(found) == 1 else None

    def apply_with_state(self, params: Params, state: State, x: jax.Array, context: Context) -> tuple[jax.Array, State]:
        outputs, new_state = [], {}
        for key, branch in self.members().items():
            y, new = call(branch, key, (params, state), x, context)
            outputs.append(y)
            if new:
                new_state[key] = new
        return self.join.join(outputs), new_state

    def flops(self, inputs: Shape) -> int:
        return self.join.flops(self._shapes(inputs)) + sum(branch.flops(inputs) for branch in self.branches)

    def _shapes(self, inputs: Shape) -> dict[str, Shape]:
        return {key: shape_of(branch, key, inputs) for key, branch in self.members().items()}


@spec
class Concatenate(Layer):
    """y = [x, F(x)] along the last dimension: a skip that keeps its input instead of adding to it.

    Every layer after it still sees x, and the gradient reaches x around F; a row of n blocks with k channels each
    widens c channels to c + n k (DenseNet, Huang et al. 2017). The body's address is `body`.
    """

    body: Layer

    def shape(self, inputs: Shape) -> Shape:
        outputs = shape_of(self.body, "body", inputs)
        if not inputs or not outputs or outputs[:-1] != inputs[:-1]:
            raise HeadwayError("body", "Concatenate needs a body that changes the last dimension only",
                               f"{inputs} → {outputs}", "Take what changes the positions out of it.")  # fmt: skip
        return (*inputs[:-1], inputs[-1] + outputs[-1])

    def parts(self, inputs: Shape) -> list[tuple[str, Layer, Shape]]:
        return [("body", self.body, inputs)]

    def ways(self, inputs: Shape) -> list[list[tuple[str, Layer, Shape]]]:
        return [self.parts(inputs), []]

    def declare(self, inputs: Shape, following: Layer | None = None) -> dict[str, Any]:
        declared = self.body.declare(inputs, following)
        return {"body": declared} if declared else {}

    def meets(self, following: Layer | None) -> Layer | None:
        return self.body.meets(following)

    def apply_with_state(self, params: Params, state: State, x: jax.Array, context: Context) -> tuple[jax.Array, State]:
        y, new = call(self.body, "body", (params, state), x, context)
        return jnp.concatenate([x, y], axis=-1), {"body": new} if new else {}
