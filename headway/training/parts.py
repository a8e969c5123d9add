"""The loss in parts: a network's last step and its loss for some places after others, never all scores at once."""

import dataclasses
from typing import Any

import jax
import jax.numpy as jnp

from headway.learning.losses import Loss, WeightedSum
from headway.network.context import Context
from headway.network.initialization import Shape
from headway.network.layer import Layer
from headway.network.recompute import again
from headway.network.scores import apart
from headway.signals.probe import Probes, in_parts
from headway.spec.error import HeadwayError


def expect_parts(network: Layer, outputs: Shape, parts: int) -> None:
    """Refuse parts of outputs that are not scores at every place, or of places that do not divide into so many."""
    if parts == 1:
        return
    apart(network)
    if len(outputs) != 2 or outputs[0] % parts:
        raise HeadwayError("loss_parts", "must divide the places of (places, classes)", f"{parts}, of {outputs}",
                           "Set loss_parts=1, or a divisor.")  # fmt: skip


def sums_in_parts(
    network: Layer, loss: Loss, parts: int, values: tuple[Any, Any], batch: Any, context: Context
) -> tuple[WeightedSum, Any]:
    """The loss of a batch as its sums, and what the batch shows of the network's next state.

    `values` are parameters and state. Scores [batch, time, classes] are in memory for time / parts places at once, and
    computed again in the backward pass, so that none is kept: of a network with many classes they would be the most.
    """
    before, score = apart(network)
    h, seen = before(*values, batch.x, context)
    by_place = batch.weights is not None and batch.weights.ndim > 1
    probes = context.tap if isinstance(context.tap, Probes) else None
    slots = in_parts(probes.slots[len(probes.addresses)], parts) if probes else None

    @again
    def sums(h: jax.Array, y: jax.Array, weights: Any, slot: Any) -> WeightedSum:
        tap = context.tap if probes is None else Probes((slot,), probes.limits, probes.data)
        scores = score(values[0], h, dataclasses.replace(context, tap=tap))
        return loss.sums(scores, y, weights if by_place else batch.weights)

    def add(total: WeightedSum, part: Any) -> tuple[WeightedSum, None]:
        return WeightedSum(*(a + b for a, b in zip(total, sums(*part), strict=True))), None

    # Neighbours go into different parts, so that time which a mesh divides is divided in each of them too.
    divided: Any = jax.tree.map(
        lambda array: jnp.moveaxis(array.reshape(len(array), -1, parts, *array.shape[2:]), 2, 0),
        (h, batch.y, batch.weights if by_place else None),
    )
    every = (*divided, slots)
    form = jax.eval_shape(lambda part: sums(*part), jax.tree.map(lambda array: array[0], every))
    total, _ = jax.lax.scan(add, jax.tree.map(lambda s: jnp.zeros(s.shape, s.dtype), form), every)
    if probes:
        probes.addresses.append(context.address)
    # An example's loss is the mean over its places, that of its part the mean over those of the part.
    return (total if by_place else WeightedSum(total.loss / parts, total.weight / parts)), seen
