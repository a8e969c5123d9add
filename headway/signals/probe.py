"""A probe lets a value through and measures it both ways: what goes forward, and what gradient comes back."""

import functools
import itertools
from collections.abc import Mapping, Sequence
from dataclasses import KW_ONLY, dataclass, field
from typing import Annotated, Any

import jax
import jax.numpy as jnp
import numpy as np
from pydantic import Field

from headway.network.context import Context, Loop, Turn
from headway.network.initialization import Shape
from headway.network.layer import Activation, Layer, apply, initialize, layers
from headway.network.values import COPY
from headway.signals.statistics import BACKWARD, PROBED, Limits, of_gradient, of_output, pooled
from headway.spec.error import join_address
from headway.spec.node import Count, Spec, spec, walk


@spec
class Accepted(Spec):
    """A finding of the doctor that is known and meant, by the id of its rule, and the reason: it is no cause then."""

    id: Annotated[str, Field(min_length=1)]
    _: KW_ONLY
    reason: Annotated[str, Field(min_length=1)]


@spec
class Watch(Spec):
    """Measure every layer at each update whose index (0 for the first) is a multiple of `every`.

    accepted   findings that are meant
    """

    every: Annotated[Count, Field(ge=1)] = 50
    _: KW_ONLY
    accepted: tuple[Accepted, ...] = ()


@functools.partial(jax.custom_vjp, nondiff_argnums=(2, 3))
def observed(h: jax.Array, slot: jax.Array, limits: Limits = None, data: bool = False) -> jax.Array:
    """h itself. The gradient with respect to `slot` [len(PROBED)] is what is PROBED of h and of dL/dh.

    So the measurements come out as gradients, beside those of the parameters, from inside a scan as well. Where h is
    `data` nothing looks at dL/dh, which is NaN then: the compiler leaves out what would compute it.
    """
    return h


def _forward(h: jax.Array, slot: jax.Array, limits: Limits, data: bool) -> tuple[jax.Array, jax.Array]:
    return h, of_output(h, limits)


def _backward(limits: Limits, data: bool, measured: jax.Array, g: jax.Array) -> tuple[jax.Array, jax.Array]:
    back = jnp.full(len(BACKWARD), jnp.nan) if data else of_gradient(g)
    return g, jnp.concatenate([measured, back])


observed.defvjp(_forward, _backward)


@dataclass
class Probes:
    """A tap that probes each value once, at the innermost address that yields it.

    A container hands on its last layer's output unchanged: there is nothing new to measure there.

    limits   address → those of the activation there: see `limits_of`
    data     addresses at which nothing that is learned comes before: see `before_parameters`
    """

    slots: Sequence[Any]
    limits: Mapping[str, Limits] = field(default_factory=dict)
    data: frozenset[str] = frozenset()
    addresses: list[str] = field(default_factory=list)
    last: Any = None

    def __call__(self, address: str, value: jax.Array) -> jax.Array:
        if value is not self.last:
            slot, limits = self.slots[len(self.addresses)], self.limits.get(address)
            value = self.last = observed(value, slot, limits, address in self.data)
            self.addresses.append(address)
        return value

    def scan(self, turn: Turn, x: jax.Array, copies: Any, loop: Loop, address: str) -> tuple[jax.Array, Any]:
        """The scan over a repeated layer at `address`, every copy measured in slots of its own."""
        inside: list[str] = []

        def probed(x: jax.Array, copy: Any) -> tuple[jax.Array, Any]:
            probes = Probes(copy[1], self.limits, last=x)
            found = turn(probes, x, copy[0])
            inside[:] = probes.addresses
            return found

        first = jax.tree.map(lambda leaf: leaf[0], copies)
        jax.eval_shape(lambda x: probed(x, (first, self.slots)), x)
        begin, count = len(self.addresses), len(inside)
        own = jnp.array(self.slots[begin : begin + loop.times * count]).reshape(loop.times, count, len(PROBED))
        self.last, left = loop(probed, x, (copies, own))
        behind = [at.removeprefix(join_address(address, COPY)) for at in inside]
        self.addresses += [join_address(address, str(i)) + at for i in range(loop.times) for at in behind]
        return self.last, left


def in_parts(slot: jax.Array, parts: int) -> jax.Array:
    """A slot for each of the parts [parts, len(PROBED)] in which a value is computed; the gradient is `pooled`."""

    @jax.custom_vjp
    def shared(slot: jax.Array) -> jax.Array:
        return jnp.broadcast_to(slot, (parts, len(PROBED)))

    shared.defvjp(lambda slot: (shared(slot), None), lambda _, rows: (pooled(rows[:, None], jnp.ones(parts))[0],))
    found: jax.Array = shared(slot)
    return found


def empty_slots(count: int) -> tuple[np.ndarray, ...]:
    """What `count` probes are given: their values do not matter, only their gradients."""
    return (np.zeros(len(PROBED), np.float32),) * count


def limits_of(network: Layer) -> dict[str, Limits]:
    """Address → the limits of every activation that has some; of one in a repeated layer, also at every copy."""
    found = [*walk(network), *layers(network)]
    return {address: layer.limits for address, layer in found if isinstance(layer, Activation) and layer.limits}


def before_parameters(network: Layer) -> frozenset[str]:
    """The addresses of the first layers, as far as none has parameters: what they give is data."""
    leaves = ((address, layer) for address, layer in layers(network) if not layer.members())
    first = itertools.takewhile(lambda leaf: not leaf[1].has_parameters, leaves)
    return frozenset(address for address, _ in first)


def watched(network: Layer, inputs: Shape, dtype: Any = jnp.float32) -> tuple[str, ...]:
    """The addresses at which the outputs of layers are measured, in order of computation, for inputs of this dtype."""
    probes = Probes(empty_slots(len(list(layers(network)))))

    def forward() -> jax.Array:
        key, x = jax.random.key(0), jnp.zeros((2, *inputs), dtype)
        params, state = initialize(network, inputs, key)
        return apply(network, params, x, state, Context("train", jax.random.split(key, 2), probes))[0]

    # Two examples: batch statistics of a single one may not exist.
    jax.eval_shape(forward)
    return tuple(probes.addresses)
