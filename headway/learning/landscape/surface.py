"""The surface itself: L(θ), the loss of a network on given examples as a function of its parameters."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import jax
import jax.numpy as jnp

from headway.learning.backpropagation.reverse import Examples
from headway.learning.losses import Loss, WeightedSum
from headway.network.layer import Layer, Params, State, apply
from headway.spec.error import HeadwayError
from headway.spec.numbers import join, split

Function = Callable[..., jax.Array]
"""A loss of parameters θ alone, any pytree of arrays: a `Landscape`, or a function written for it."""


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class Landscape:
    """L(θ): the loss of a network on given examples as a function of its parameters, in evaluation mode.

    It is a pytree: what is compiled for one serves every other of the same structure, whatever its examples,
    state and numbers. Only batches are in memory at once, in derivatives too: what a batch's derivative needs
    is computed anew for it. Dropout is off and BatchNorm takes its running statistics, which stay those of
    `state` wherever θ goes: far from where they were measured they no longer normalize.
    """

    network: Layer = field(metadata={"static": True})
    loss: Loss = field(metadata={"static": True})
    numbers: tuple[Mapping[str, Any], Mapping[str, Any]]
    state: State
    batches: tuple[jax.Array, jax.Array, jax.Array]

    def __call__(self, params: Params, state: State | None = None) -> jax.Array:
        """L at θ = `params`, with another state where one is given."""
        network, loss = join(self.network, self.numbers[0]), join(self.loss, self.numbers[1])

        @jax.checkpoint
        def of_batch(params: Params, state: State, batch: tuple[jax.Array, ...]) -> WeightedSum:
            x, y, weights = batch
            return loss.sums(apply(network, params, x, state)[0], y, weights)

        state = self.state if state is None else state
        return loss.value(jax.tree.map(jnp.sum, jax.lax.map(lambda b: of_batch(params, state, b), self.batches)))


def landscape(
    network: Layer, loss: Loss, batch: Examples, state: State | None = None, batch_size: int = 1000
) -> Landscape:
    """The loss of `network` on all examples of `batch`, `batch_size` at a time, as a function of its parameters."""
    n = len(batch.x)
    if n == 0 or len(batch.y) != n:
        raise HeadwayError("batch", "needs examples, and a target for each", f"{n} examples, {len(batch.y)} targets")
    if batch_size < 1:
        raise HeadwayError("batch_size", "must be at least 1", batch_size)
    size = min(batch_size, n)
    places = jnp.arange(-(-n // size) * size).reshape(-1, size)
    weights = jnp.ones(n) if batch.weights is None else jnp.asarray(batch.weights)
    x, y, w = (jnp.asarray(part)[jnp.minimum(places, n - 1)] for part in (batch.x, batch.y, weights))
    real = (places < n).reshape(*places.shape, *[1] * (w.ndim - 2))
    (network, of_network), (loss, of_loss) = split(network), split(loss)
    return Landscape(network, loss, (of_network, of_loss), state or {}, (x, y, jnp.where(real, w, 0)))


def as_argument(f: Function) -> Function:
    """f as an argument of a compiled function: a pytree such as a Landscape as it is, another by its identity."""
    by_identity: Any = jax.tree_util.Partial
    return by_identity(f) if jax.tree_util.all_leaves([f]) else f


def expect_loss(f: Function, *point: Any) -> None:
    """Refuse what is no function of these parameters that gives one number, or parameters that are not numbers."""
    if any(not jnp.issubdtype(jnp.result_type(leaf), jnp.floating) for leaf in jax.tree.leaves(point)):
        raise HeadwayError("params", "must be arrays of floating-point numbers", jax.tree.map(jnp.result_type, point))
    found = jax.eval_shape(f, *point)
    if getattr(found, "shape", None) != ():
        raise HeadwayError("f", "must give one number", found, "Take the mean over the examples.")
