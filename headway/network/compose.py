"""Networks composed of layers: one after the other, or one block again and again."""

import dataclasses
import functools
from collections.abc import Mapping
from dataclasses import KW_ONLY
from typing import Annotated, Any, ClassVar

import jax
import jax.numpy as jnp
from pydantic import Field

from headway.network.context import Context, Loop, Scan, ScanningTap, Tap, Turn
from headway.network.initialization import Shape
from headway.network.layer import Layer, Parameter, Params, State, call, shape_of
from headway.network.recompute import Recompute
from headway.network.values import COPY, flatten, nest, stack, take
from headway.spec.error import HeadwayError, join_address
from headway.spec.node import children, segment, spec, walk


@spec
class Sequential(Layer):
    """y = layer_n(… layer_1(x)). Children are addressed by index or name: `0`, `1`, `stem`."""

    layers: tuple[Layer, ...]

    hands_on: ClassVar[bool] = True

    def __post_init__(self) -> None:
        if not self.layers:
            raise HeadwayError("layers", "needs at least one layer", "()")
        children(self)

    def shape(self, inputs: Shape) -> Shape:
        for key, layer in self.members().items():
            inputs = shape_of(layer, key, inputs)
        return inputs

    def parts(self, inputs: Shape) -> list[tuple[str, Layer, Shape]]:
        found = []
        for key, layer in self.members().items():
            found.append((key, layer, inputs))
            inputs = shape_of(layer, key, inputs)
        return found

    def declare(self, inputs: Shape, following: Layer | None = None) -> dict[str, Any]:
        found = {
            key: layer.declare(received, activation_after(self.layers[i + 1 :], following))
            for i, (key, layer, received) in enumerate(self.parts(inputs))
        }
        return {key: declared for key, declared in found.items() if declared}

    def meets(self, following: Layer | None) -> Layer | None:
        return activation_after(self.layers, following)

    def apply_with_state(self, params: Params, state: State, x: jax.Array, context: Context) -> tuple[jax.Array, State]:
        return self.up_to(len(self.layers), (params, state), x, context)

    def up_to(
        self, count: int, values: tuple[Params, State], x: jax.Array, context: Context
    ) -> tuple[jax.Array, State]:
        """Through the first `count` layers."""
        new_state = {}
        for key, layer in [*self.members().items()][:count]:
            x, new = call(layer, key, values, x, context)
            if new:
                new_state[key] = new
        return x, new_state


@spec
class Repeat(Layer):
    """y = body_n(… body_1(x)): one block `times` times, every copy with weights of its own, as one scan.

    It computes what a Sequential of the same blocks does, and starts with the same weights, bit for bit; but what is
    compiled is as long for 100 copies as for 4. The body keeps the shape.

    Weights and state are stacked along a first axis, at `*`: the weights `w` of a body Dense are `*/w`
    [times, …], those of copy 7 are `7/w`. An edit of `*/…` is one of every copy; an edit of `7/…` first writes all
    copies out as a Sequential.
    """

    body: Layer
    _: KW_ONLY
    times: Annotated[int, Field(ge=1)]

    hands_on: ClassVar[bool] = True
    segments: ClassVar[Mapping[str, str]] = {"body": COPY}

    def written_out(self) -> Sequential:
        return Sequential((dataclasses.replace(self.body, name=None),) * self.times, name=self.name)

    def shape(self, inputs: Shape) -> Shape:
        outputs = shape_of(self.body, COPY, inputs)
        if outputs != inputs:
            raise HeadwayError(COPY, "Repeat needs a body that keeps its shape", f"{inputs} → {outputs}",
                               f"End it in {inputs}, or take what changes the shape out of it.")  # fmt: skip
        return outputs

    def members(self) -> dict[str, Layer]:
        return {str(i): self.body for i in range(self.times)}

    def parts(self, inputs: Shape) -> list[tuple[str, Layer, Shape]]:
        return [(key, body, inputs) for key, body in self.members().items()]

    def declare(self, inputs: Shape, following: Layer | None = None) -> dict[str, Any]:
        copies: list[dict[str, Parameter]] = []
        for _ in range(self.times):
            copies.insert(0, flatten(self.body.declare(inputs, following)))
            following = self.body.meets(following)
        found = {address: _together([copy[address] for copy in copies]) for address in copies[0]}
        return {COPY: nest(found)} if found else {}

    def meets(self, following: Layer | None) -> Layer | None:
        return activation_after((self.body,) * self.times, following)

    def state(self, inputs: Shape) -> State:
        state = self.body.state(inputs)
        return {COPY: stack([state] * self.times)} if state else {}

    def apply_with_state(self, params: Params, state: State, x: jax.Array, context: Context) -> tuple[jax.Array, State]:
        values = params.get(COPY, {}), state.get(COPY, {})
        if context.tap is Context.tap:
            y, new = self._scanned(values, x, context, _untapped)
        elif isinstance(context.tap, ScanningTap):
            y, new = self._scanned(values, x, context, context.tap.scan)
        else:
            y, new = self._one_by_one(values, x, context)
        return y, {COPY: new} if new else {}

    def after(self, state: State, seen: State) -> State:
        return {COPY: jax.vmap(self.body.after, (0, 1))(state[COPY], seen[COPY])} if seen else {}

    def flops(self, inputs: Shape) -> int:
        return self.times * self.body.flops(inputs)

    def _scanned(
        self, values: tuple[Params, State], x: jax.Array, context: Context, scan: Scan
    ) -> tuple[jax.Array, State]:
        copies = (*values, self._salts(context))
        if context.staged is None:
            return self._some(self.times, copies, x, context, scan)

        def stage(travels: Any, own: Any) -> jax.Array:
            (x, keys, mask), (copies, numbers) = travels, own
            inner = dataclasses.replace(context, keys=keys, mask=mask, staged=None)
            return self._some(len(numbers), copies, x, inner, scan)[0]

        # Their numbers say how many copies a stage has, even of a body without values of its own.
        return context.staged(stage, (x, context.keys, context.mask), (copies, jnp.arange(self.times))), {}

    def _some(self, times: int, copies: Any, x: jax.Array, context: Context, scan: Scan) -> tuple[jax.Array, State]:
        """So many copies in a row: parameters, state and salts of each."""

        def turn(tap: Tap, x: jax.Array, copy: Any) -> tuple[jax.Array, State]:
            params, state, salts = copy
            inner = dataclasses.replace(context, tap=tap, salts=salts)
            return call(self.body, COPY, ({COPY: params}, {COPY: state}), x, inner)

        first = jax.tree.map(lambda leaf: leaf[0], copies)
        # A scan carries one dtype: that which a copy's own weights make of x.
        y, _ = jax.eval_shape(lambda x, copy: turn(Context.tap, x, copy), x, first)
        return scan(turn, x.astype(y.dtype), copies, Loop(times, context.recompute), context.address)

    def _one_by_one(self, values: tuple[Params, State], x: jax.Array, context: Context) -> tuple[jax.Array, State]:
        states = []
        for i, (key, body) in enumerate(self.members().items()):
            params, state = (take(part, i) for part in values)
            x, new = call(body, key, ({key: params}, {key: state}), x, context)
            states.append(new)
        return x, stack(states)

    def _salts(self, context: Context) -> dict[str, jax.Array]:
        """Address below `*` → the salts of all copies, which tell their random numbers apart."""
        if context.keys is None:
            return {}
        first, *others = (join_address(context.address, key) for key in self.members())
        behind = [at.removeprefix(first) for at in context.salts if f"{at}/".startswith(f"{first}/")]
        salts = {rest: [context.salts[at + rest] for at in (first, *others)] for rest in behind}
        return {join_address(context.address, COPY) + rest: jnp.array(own, jnp.uint32) for rest, own in salts.items()}


def _untapped(turn: Turn, x: jax.Array, copies: Any, loop: Loop, address: str) -> tuple[jax.Array, Any]:
    """The loop where nobody looks at what happens inside."""
    return loop(functools.partial(turn, Context.tap), x, copies)


def _together(copies: list[Parameter]) -> Parameter:
    """The declaration of one array that holds those of all copies."""
    return Parameter(
        (len(copies), *copies[0].shape), decays=copies[0].decays, copies=tuple(copies), axes=copies[0].axes
    )


def stacked(network: Layer, values: Mapping[str, Any]) -> dict[str, Any]:
    """The values of a network with the copies of repeated layers stacked: the inverse of `unstacked`."""
    if isinstance(network, Repeat):
        copies = [stacked(network.body, values[key]) for key in network.members() if key in values]
        return {COPY: stack(copies)} if copies else {}
    inside = network.members()
    return {name: stacked(inside[name], part) if name in inside else part for name, part in values.items()}


def expect_copies(network: Layer, recompute: Recompute | None) -> None:
    """Refuse to recompute the copies of a network that has none, or to keep in them what is not there."""
    if recompute is None:
        return
    repeated = ((at, part) for at, part in walk(network) if COPY in at.split("/"))
    inside = {at: type(part).__name__ for at, part in repeated if isinstance(part, Layer)}
    if not inside:
        raise HeadwayError("recompute", "works copy by copy of a Repeat", "a network without one",
                           "Write Repeat(block, times=…), or recompute=None.")  # fmt: skip
    recompute.expect(inside)


def activation_after(layers: tuple[Layer, ...], following: Layer | None) -> Layer | None:
    """The activation that the input of a row of layers meets first, past layers without parameters of their own."""
    for layer in reversed(layers):
        following = layer.meets(following)
    return following


def last_address(network: Layer, address: str = "") -> str:
    """Where the layer stands that makes the output."""
    if isinstance(network, Repeat):
        return last_address(network.body, join_address(address, COPY))
    if not isinstance(network, Sequential):
        return address
    key = segment(network.layers[-1], len(network.layers) - 1)
    return last_address(network.layers[-1], join_address(address, key))
