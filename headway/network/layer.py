"""What a layer is: output shape, declared parameters and state, and a pure function of a batch.

Shapes leave out the batch. Learned values are nested dicts whose path is the layer's address: the weight
of `Sequential((Flatten(), Dense(10)))` is `params["1"]["w"]`, and its address is `1/w`.
"""

import dataclasses
import functools
import itertools
import math
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Annotated, Any, ClassVar

import jax
import jax.numpy as jnp
import numpy as np
from pydantic import Field

from headway.network.context import Context as Context
from headway.network.context import salt
from headway.network.initialization import GlorotUniform, Initializer, Shape
from headway.network.parameter import Parameter as Parameter
from headway.network.parameter import bias as bias
from headway.spec.error import HeadwayError, join_address
from headway.spec.node import Spec, children

Params = dict[str, Any]
State = dict[str, Any]
Name = Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")]


@dataclass(frozen=True, repr=False)
class Layer(Spec):
    """A part of a network. A kind defines `apply`, and `shape` and `parameters` where it has any.

    Kinds with state (running statistics) or children define `apply_with_state` in place of `apply`;
    those with children also `parts`.
    """

    mixes_examples: ClassVar[bool] = False
    """Whether the output for one example depends, in training, on the others in its batch or micro-batch."""

    hands_on: ClassVar[bool] = False
    """Whether the output is that of a layer inside, unchanged."""

    name: Name | None = field(default=None, kw_only=True)

    casts_parameters: ClassVar[bool] = False
    """Whether the kind itself says `context.cast(w)` of its parameters; else all but vectors come cast."""

    def shape(self, inputs: Shape) -> Shape:
        """The shape of the output for one example of shape `inputs`."""
        return inputs

    def parameters(self, inputs: Shape) -> dict[str, Parameter]:
        """The declared parameters by name."""
        return {}

    @property
    def has_parameters(self) -> bool:
        """Whether it may have parameters of its own, not only those of its children."""
        return type(self).parameters is not Layer.parameters

    def parts(self, inputs: Shape) -> list[tuple[str, "Layer", Shape]]:
        """Every child in its place: its segment, itself, and the shape that it receives."""
        return []

    def members(self) -> dict[str, "Layer"]:
        """Segment → every layer inside; of one that is repeated, each copy."""
        return {key: child for key, child in children(self).items() if isinstance(child, Layer)}

    def ways(self, inputs: Shape) -> list[list[tuple[str, "Layer", Shape]]]:
        """The ways from the input to the output, each the parts that it leads through; by default one, through all."""
        return [self.parts(inputs)]

    def state(self, inputs: Shape) -> State:
        """The initial state by name: arrays that training changes but no gradient does."""
        states = {key: child.state(received) for key, child, received in self.parts(inputs)}
        return {key: state for key, state in states.items() if state}

    def apply(self, params: Params, x: jax.Array, context: Context) -> jax.Array:
        """The output [batch, *shape] for a batch [batch, *inputs]."""
        raise NotImplementedError

    def apply_with_state(self, params: Params, state: State, x: jax.Array, context: Context) -> tuple[jax.Array, State]:
        """Like `apply`, with the state; also what a batch in training shows of the state to come: see `after`."""
        return self.apply(params, x, context), state

    def after(self, state: State, seen: State) -> State:
        """The state after an update from the one before it, once, however many micro-batches the update has.

        `seen` is what `apply_with_state` gave for each of them, stacked: [micro-batches, …]. Unless a kind says
        otherwise that is the next state itself, and their mean (of whole numbers the largest) is kept.
        """
        inner = {key: child.after(state[key], seen[key]) for key, child in self.members().items() if key in seen}
        return {name: inner[name] if name in inner else jax.tree.map(_pooled, seen[name]) for name in seen}

    def declare(self, inputs: Shape, following: "Layer | None" = None) -> dict[str, Any]:
        """The declared parameters, nested by address, defaults chosen for the activation `following`."""
        default = following.initializer if isinstance(following, Activation) else GlorotUniform()
        return {
            name: p if p.init is not None else dataclasses.replace(p, init=default)
            for name, p in self.parameters(inputs).items()
        }

    def meets(self, following: "Layer | None") -> "Layer | None":
        """The activation that this layer's input meets first, where `following` is the one behind the layer.

        A layer without parameters lets through; one with parameters or children hides what follows.
        """
        return None if children(self) or self.has_parameters else following

    def flops(self, inputs: Shape) -> int:
        """Floating-point operations of one example forward in evaluation.

        A multiply-add counts as two, an activation as one an element, moving data as none.
        """
        return sum(child.flops(received) for _, child, received in self.parts(inputs))


def _pooled(values: jax.Array) -> jax.Array:
    return values.mean(axis=0) if jnp.issubdtype(values.dtype, jnp.inexact) else values.max(axis=0)


@dataclass(frozen=True, repr=False)
class Activation(Layer):
    """A layer without parameters that acts on every example alone: a kind defines `function(x)`."""

    initializer: ClassVar[Initializer] = GlorotUniform()
    """The initialization that weights before this activation want."""

    limits: ClassVar[tuple[float, float] | None] = None
    """The values that it nears where it saturates below and above; None where it is not bounded on both sides."""

    def function(self, x: jax.Array) -> jax.Array:
        """The activation itself."""
        raise NotImplementedError

    def apply(self, params: Params, x: jax.Array, context: Context) -> jax.Array:
        return self.function(x)

    def meets(self, following: Layer | None) -> Layer | None:
        return self

    def flops(self, inputs: Shape) -> int:
        return math.prod(inputs)


def call(
    child: Layer, key: str, values: tuple[Params, State], x: jax.Array, context: Context
) -> tuple[jax.Array, State]:
    """Run a child in its place: with its own parameters, state and address, its output tapped.

    `values` are the parameters and the state of the container; returns the output and the child's new state.
    """
    params, state = values
    return run(child, (params.get(key, {}), state.get(key, {})), x, context.at(key))


def run(layer: Layer, values: tuple[Params, State], x: jax.Array, context: Context) -> tuple[jax.Array, State]:
    """Run a layer with its own parameters and state in the dtype in which it computes, and tap its output.

    A vector is not cast: it acts on many rows, and its gradient is the sum over all of them in its own dtype.
    """
    params, state = values
    own = {name: value for name, value in params.items() if not isinstance(value, dict)}
    # What only holds others leaves the cast to them: one of them may compute in a wider dtype.
    holds = not own and bool(layer.members())
    if not layer.casts_parameters:
        params = params | {name: context.cast(value) for name, value in own.items() if value.ndim > 1}
    y, new = layer.apply_with_state(params, state, x if holds else context.cast(x), context)
    y = y if holds else context.cast(y)
    if y is not x and not layer.hands_on:
        y = context.kept(type(layer).__name__, y)
    return context.tap(context.address, y), new


def shape_of(child: Layer, key: str, inputs: Shape) -> Shape:
    """The child's output shape; an error in it names the child's address."""
    try:
        return child.shape(inputs)
    except HeadwayError as error:
        raise error.under(key) from None


def apply(
    network: Layer, params: Params, x: jax.Array, state: State | None = None, context: Context | None = None
) -> tuple[jax.Array, State]:
    """The network's output for a batch, and its state afterwards. Without a context: evaluation mode."""
    context, state = context or Context(), state or {}
    y, seen = observe(network, params, x, state, context)
    return y, network.after(
        state, jax.tree.map(lambda s: jnp.asarray(s)[None], seen)
    ) if context.mode == "train" else seen


def observe(network: Layer, params: Params, x: jax.Array, state: State, context: Context) -> tuple[jax.Array, State]:
    """The network's output for a batch and what the batch shows of the state to come: `network.after` makes it so."""
    network.shape(x.shape[1:])
    return run(network, (params, state), x, dataclasses.replace(context, salts=salts(network)))


def expect_features(features: int, x: jax.Array, context: Context) -> None:
    """Refuse inputs whose last dimension is not the one that the layer's weights were made for."""
    if x.shape[-1] != features:
        raise HeadwayError(context.address, f"the weights here take {features} features", f"shape {x.shape[1:]}",
                           "Give inputs of the shape that the parameters were initialized for.")  # fmt: skip


def initialize(network: Layer, inputs: Shape, key: jax.Array, dtype: Any = jnp.float32) -> tuple[Params, State]:
    """First parameters and state for examples of shape `inputs`.

    Every parameter draws from its own key, made of `key` and its place among the layers of its kind, so
    that adding a layer without parameters, or one of another kind, leaves all other draws alone.
    """
    network.shape(inputs)
    where = places(network)

    def draw(declared: dict[str, Any], address: str) -> Params:
        found: Params = {}
        for name, part in declared.items():
            here = join_address(address, name)
            if isinstance(part, dict):
                found[name] = draw(part, here)
                continue
            copies = [(own_salt(where, at, one), one) for at, one in part.each(here)]
            try:
                found[name] = drawn(copies, key, dtype).reshape(part.shape)
            except HeadwayError as error:
                raise error.under(here) from None
        return found

    return draw(network.declare(inputs), ""), network.state(inputs)


def own_salt(where: dict[str, str], address: str, parameter: Parameter) -> int:
    """What is folded into the key that the parameter at an address draws by: the place of its layer, and its name."""
    layer = address
    while layer not in where:
        layer = layer.rpartition("/")[0]
    return salt(where[layer] if parameter.shares_key else f"{where[layer]}/{address.removeprefix(layer).lstrip('/')}")


def drawn(copies: list[tuple[int, Parameter]], key: jax.Array, dtype: Any) -> jax.Array:
    """A first array for each declaration, with the salt of its key, one behind the other."""
    if len(copies) == 1:
        own, one = copies[0]
        return one.draw(jax.random.fold_in(key, own), dtype)
    found = []
    for one, alike in itertools.groupby(copies, key=lambda copy: copy[1]):
        keys = jax.vmap(jax.random.fold_in, (None, 0))(key, np.array([own for own, _ in alike], np.uint32))
        found.append(jax.vmap(functools.partial(one.draw, dtype=dtype))(keys))
    return jnp.concatenate(found)


def layers(network: Layer, address: str = "") -> Iterator[tuple[str, Layer]]:
    """Every layer with its address, parents before children; of one that is repeated, each copy."""
    yield address, network
    for key, child in network.members().items():
        yield from layers(child, join_address(address, key))


def places(network: Layer) -> dict[str, str]:
    """Address → the layer's place among those of its kind: `headway/Dense#1` is the second Dense."""
    seen: Counter[str] = Counter()
    found = {}
    for address, layer in layers(network):
        found[address] = f"{layer.kind}#{seen[layer.kind]}"
        seen[layer.kind] += 1
    return found


def salts(network: Layer) -> dict[str, int]:
    """Address → the salt of the layer's place."""
    return {address: salt(place) for address, place in places(network).items()}
