"""Learning by heart: the first few training examples fitted with the gradient of the recipe, at a ladder of rates."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from headway.doctor.preflight.foreign import Fit, Foreign, fit
from headway.doctor.preflight.overfit import RATES, lowered
from headway.doctor.start import Start, watched_update
from headway.network.values import by_address
from headway.signals.probe import empty_slots
from headway.spec.numbers import split
from headway.training.job import Job
from headway.training.step import Batch, batch

FEW, UPDATES = 16, 40
HALF = 0.5


def by_heart(job: Job, start: Start) -> Fit:
    """The best fit of up to FEW examples by UPDATES updates of Adam at each rate in turn, until the loss has halved.

    The batch is filled with copies of them, so that nothing is compiled that the first update has not compiled.
    """
    structure, numbers = split(job.update)
    slots, size = empty_slots(len(start.signals.addresses)), job.update.batch_size
    rows = np.arange(size) % min(FEW, size)
    copies = _copies(batch(job, 0), rows)
    weights, tree = jax.tree.flatten(start.state["params"])

    def slope(weights: Any, _: Any) -> Any:
        state = start.state | {"params": jax.tree.unflatten(tree, weights)}
        _, measures, gradients = watched_update(structure, numbers, state, copies, slots)
        return measures["loss"], tuple(jax.tree.leaves(gradients))

    names, loss = tuple(by_address(start.state["params"])), jax.eval_shape(lambda: jnp.zeros(()))
    subject = Foreign(tuple(weights), names, (), (), (), slope, slope, loss, size)
    found: list[Fit] = []
    for rate in RATES:
        found.append(fit(subject, rows, rate, UPDATES, lowered(start.loss, start.loss, 0.9)))
        if found[-1].after <= lowered(found[-1].before, found[-1].before, HALF):
            break
    return min(found, key=lambda one: one.after if np.isfinite(one.after) else np.inf)


@jax.jit
def _copies(batch: Batch, rows: Any) -> Batch:
    """The batch made of these rows of one."""
    made: Batch = jax.tree.map(lambda part: part[rows], batch)
    return made
