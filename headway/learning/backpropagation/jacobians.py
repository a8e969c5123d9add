"""Jacobian norms by depth: how much each layer stretches what goes through it, and what comes back."""

import dataclasses
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Literal

import jax
import jax.numpy as jnp

from headway.learning.backpropagation.reverse import forward
from headway.learning.backpropagation.rule import Local, backward
from headway.network.compose import Repeat, Sequential
from headway.network.layer import Context, Layer, Params, State, apply

Mode = Literal["forward", "reverse"]


def jacobian_norms(
    network: Layer, params: Params, x: jax.Array, state: State | None = None, mode: Mode = "reverse"
) -> dict[str, jax.Array]:
    """Address → ‖J‖ = √Σ_ij (∂h_i/∂x_j)² of every example, [batch], for the layers in a row, in evaluation.

    Layers of a Sequential, and of one inside it, are one step each, in every copy of a Repeat; a Residual is one
    step. "forward" pushes a unit change of every input through the layer, a column of J at a time; "reverse" sends a
    unit gradient of every output back by the layer's rule, a row at a time. Both give the same: the first costs a
    pass for every input, the second one for every output. Where a layer keeps all lengths ‖J‖ is √size.
    """
    _, at = forward(network, params, x, state or {}, Context())
    norm = _by_columns if mode == "forward" else _by_rows
    return {inside.context.address: norm(layer, inside) for layer, inside in steps(network, at)}


def prefix_jacobian_norms(
    network: Layer,
    params: Params,
    x: jax.Array,
    state: State | None = None,
    *,
    context: Context | None = None,
    draws: int | None = 16,
) -> dict[str, jax.Array]:
    """Address → ‖J‖ = √Σ_ij (∂h_i/∂x_j)² of every example, [batch], for the output h of every layer, x the inputs.

    One pass forward carries a change v of all inputs along to every layer, and E |J v|² = ‖J‖² over vectors v of random
    signs (Hutchinson 1990): the mean of so many `draws`, from fixed keys. With None every input is changed in turn,
    which is exact where examples do not mix. Behind tokens, which cannot be changed a little, x is the output of the
    first layer. By default in evaluation; in the context of training a batch statistic counts too: the change of
    an example is then that of all inputs of the batch. A Repeat is run copy by copy.
    """
    context, state = context or Context(), state or {}
    first = _reached(network, params, x, state, context)
    like = x if jnp.issubdtype(x.dtype, jnp.floating) else next(iter(first.values()))
    if draws is None:
        changes = _units(like)
    else:
        changes = jax.random.rademacher(jax.random.key(0), (draws, *like.shape), like.dtype)

    def pushed(v: jax.Array) -> dict[str, jax.Array]:
        moved = jax.jvp(lambda dx: _reached(network, params, x, state, context, dx), (jnp.zeros_like(v),), (v,))[1]
        return {address: jnp.square(dh).sum(axis=tuple(range(1, dh.ndim))) for address, dh in moved.items()}

    squares = jax.lax.map(pushed, changes)
    total = jnp.sum if draws is None else jnp.mean
    return {address: jnp.sqrt(total(squares[address], axis=0)) for address in first}


def _reached(
    network: Layer, params: Params, x: jax.Array, state: State, context: Context, dx: jax.Array | None = None
) -> dict[str, jax.Array]:
    """Address → output, at the innermost address that yields it, the inputs, or what tokens become, moved by dx."""
    reach = Reach(None if dx is None or jnp.issubdtype(x.dtype, jnp.floating) else dx)
    x = x if dx is None or reach.change is not None else x + dx
    apply(network, params, x, state, dataclasses.replace(context, tap=reach))
    return reach.found


@dataclass
class Reach:
    """A tap that keeps every output that can be differentiated, and moves the first by `change` where one is given."""

    change: jax.Array | None
    found: dict[str, jax.Array] = field(default_factory=dict)
    last: Any = None

    def __call__(self, address: str, value: jax.Array) -> jax.Array:
        if value is self.last or not jnp.issubdtype(value.dtype, jnp.floating):
            return value
        if self.change is not None and not self.found:
            value = value + self.change
        self.found[address] = self.last = value
        return value


def steps(layer: Layer, at: Local) -> Iterator[tuple[Layer, Local]]:
    """The layers in a row that a network is, each with what it saw."""
    if not isinstance(layer, Sequential | Repeat):
        yield layer, at
        return
    for child, inside in at.row(layer):
        yield from steps(child, inside)


def _by_columns(layer: Layer, at: Local) -> jax.Array:
    context = dataclasses.replace(at.context, tap=Context.tap)

    def function(x: jax.Array) -> jax.Array:
        return layer.apply_with_state(at.params, at.state, x, context)[0]

    def pushed(dx: jax.Array) -> jax.Array:
        pushed_on: jax.Array = jax.jvp(function, (at.x,), (dx,))[1]
        return pushed_on

    return _norm(jax.vmap(pushed)(_units(at.x)))


def _by_rows(layer: Layer, at: Local) -> jax.Array:
    return _norm(jacobian(layer, at))


def jacobian(layer: Layer, at: Local) -> jax.Array:
    """dy_i/dx for every number y_i of an example's output, [size, *x.shape], by the layer's rule."""
    J: jax.Array = jax.vmap(lambda dy: backward(layer, at, dy)[0])(_units(at.y))
    return J


def _units(h: jax.Array) -> jax.Array:
    """For every number of an example, 1 there and 0 elsewhere, alike for all examples: [size, *h.shape]."""
    size = h[0].size
    one = jnp.eye(size, dtype=h.dtype).reshape(size, 1, *h.shape[1:])
    return jnp.broadcast_to(one, (size, *h.shape))


def _norm(J: jax.Array) -> jax.Array:
    """[size, batch, …] → [batch]."""
    squares: jax.Array = jnp.square(J).sum(axis=(0, *range(2, J.ndim)))
    return jnp.sqrt(squares)
