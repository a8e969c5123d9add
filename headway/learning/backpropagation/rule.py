"""Rules by kind, what a rule may look at, and the step from a layer's dL/dy to its dL/dx and dL/dθ."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeVar

import jax

from headway.learning.losses import Loss
from headway.network.branch import Join
from headway.network.layer import Activation, Context, Layer, Params, State
from headway.network.values import COPY, take
from headway.spec.error import HeadwayError
from headway.spec.node import Spec, walk

Back = tuple[jax.Array, Params]
"""dL/dx, and dL/dθ nested like θ."""
F = TypeVar("F", bound=Callable[..., Any])

RULES: dict[type[Spec], Callable[..., Any]] = {}
"""The rule of each kind, called with an object of the kind and

layer   what it saw (`Local`) and dL/dy → dL/dx and dL/dθ, nested like θ (`Back`)
join    the outputs a, b, … that it joins and dL/dy → [dL/da, dL/db, …]
loss    outputs z and targets → dL_i/dz, how the loss of each example i changes with its outputs
"""
POINTWISE: set[type[Spec]] = set()
"""The kinds of activations that act on every number alone."""


@dataclass
class Record:
    """One pass through a network: h by address on the way forward, dL/dh on the way back.

    As with the probes of signals, a value that a layer hands on unchanged belongs to the innermost address
    that yields it: only such addresses are `boundaries`.
    """

    outputs: dict[str, jax.Array] = field(default_factory=dict)
    boundaries: dict[str, jax.Array | None] = field(default_factory=dict)
    last: Any = None

    def tap(self, address: str, h: jax.Array) -> jax.Array:
        if h is not self.last:
            self.boundaries[address] = None
        self.outputs[address] = self.last = h
        return h


@dataclass(frozen=True)
class Local:
    """What the rule of a layer may look at: its parameters θ, its state, its input x, its output y, its context."""

    params: Params
    state: State
    x: jax.Array
    context: Context
    record: Record

    @property
    def y(self) -> jax.Array:
        return self.record.outputs[self.context.address]

    @property
    def key(self) -> str:
        """The layer's segment in its container."""
        return self.context.address.rpartition("/")[2]

    def inside(self, key: str, x: jax.Array) -> "Local":
        """What the child at `key` saw, which received x."""
        params, state = (
            take(part[COPY], int(key)) if COPY in part else part.get(key, {}) for part in (self.params, self.state)
        )
        return Local(params, state, x, self.context.at(key), self.record)

    def row(self, layer: Layer) -> list[tuple[Layer, "Local"]]:
        """A layer's children with what each saw, where each receives what the one before it gave."""
        found, x = [], self.x
        for key, child in layer.members().items():
            found.append((child, self.inside(key, x)))
            x = found[-1][1].y
        return found


def backward(layer: Layer, at: Local, dy: jax.Array) -> Back:
    """dL/dx and dL/dθ of a layer from dL/dy by the rule of its kind, in the dtypes of x and θ."""
    if at.context.address in at.record.boundaries:
        at.record.boundaries[at.context.address] = dy
    dx, dtheta = RULES[type(layer)](layer, at, dy)
    return dx.astype(at.x.dtype), jax.tree.map(lambda p, g: g.astype(p.dtype), at.params, dtheta)


def rule(kind: type[Spec]) -> Callable[[F], F]:
    """Make a function the rule of a kind of layers, joins or losses, as in `RULES`: `@rule(Dense)`."""

    def register(function: F) -> F:
        RULES[kind] = function
        return function

    return register


def derivative(kind: type[Activation]) -> Callable[[F], F]:
    """Make f'(x) the rule of an activation f that acts on every number alone: dL/dx = f'(x) ⊙ dL/dy."""

    def register(function: F) -> F:
        POINTWISE.add(kind)
        RULES[kind] = lambda f, at, dy: (function(f, at.x) * dy, {})
        return function

    return register


def lacks_rule(cls: type[Spec]) -> bool:
    """True for a kind of layer, join or loss that cannot be differentiated here."""
    return issubclass(cls, Layer | Join | Loss) and cls not in RULES


def expect_rules(part: Layer | Loss) -> None:
    """Refuse a network or a loss that holds a kind without a rule, and name every such kind."""
    lacking = {address: node.kind for address, node in walk(part) if lacks_rule(type(node))}
    if lacking:
        kinds = ", ".join(dict.fromkeys(lacking.values()))
        raise HeadwayError(next(iter(lacking)), "backpropagation needs a rule for every kind", f"none for {kinds}",
                           "Write one with @rule, or use jax.grad.")  # fmt: skip
