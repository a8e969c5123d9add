"""Numbers that are not finite: where the first one arises."""

import jax

from headway.network.values import flatten, unstacked
from headway.scale.precision import all_finite
from headway.spec.select import get
from headway.training.job import Update
from headway.training.step import Batch, TrainingState, differentiate, forward, micro_batches, step


def first_non_finite(update: Update, state: TrainingState, batch: Batch) -> str:
    """Where the first NaN or infinity of this update arises, in the order of computation.

    In each micro-batch forward: the first layer whose output has one; then the loss. Backward: the parameter nearest
    the output whose gradient has one. Then the parameter or moment that the update would spoil.
    """
    parts = micro_batches(update, batch)
    for i in range(update.accumulate):
        where = _in_one_pass(update, state, jax.tree.map(lambda part, i=i: part[i], parts))
        if where:
            return where
    after = flatten(unstacked(step(update, state, batch)[0]))
    spoiled = [address for address, value in after.items() if not all_finite(value)]
    return f"the update of {spoiled[0]!r}" if spoiled else "the norm of the gradient"


def _in_one_pass(update: Update, state: TrainingState, batch: Batch) -> str:
    bad_layers: list[str] = []

    def tap(address: str, value: jax.Array) -> jax.Array:
        if not all_finite(value):
            bad_layers.append(address)
        return value

    sums, _ = forward(update, state["params"], state["network"], batch, tap)
    if bad_layers:
        layer = get(update.network, bad_layers[0]) if bad_layers[0] else update.network
        return f"the output of layer {bad_layers[0]!r}, {layer}"
    if not all_finite(update.loss.value(sums)):
        return f"the loss, {update.loss}"
    gradients = flatten(unstacked(differentiate(update, state, batch).gradients))
    for address in reversed(flatten(unstacked(update.network.declare(batch.x.shape[1:])))):
        if not all_finite(gradients[address]):
            return f"the gradient of {address!r}"
    return ""
