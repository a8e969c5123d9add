"""The start: what the first batch shows of the network as it is initialized, before any update."""

import functools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from headway.data.dataset import Examples
from headway.network.values import flatten, unstacked
from headway.signals.history import Signals
from headway.signals.probe import empty_slots, watched
from headway.spec.numbers import join, split
from headway.training.evaluate import outputs
from headway.training.job import Job, Update
from headway.training.step import Batch, TrainingState, batch, differentiate, initial_state, update_once, values_of

EXAMPLES = 512
"""How many training examples the initial network is shown."""


@dataclass(frozen=True)
class Start:
    """What was measured.

    state       parameters, network state and optimizer state before the first update
    loss        of the first batch, in training mode
    signals     one sample: that of the first update
    gradients   parameter's address → dL/dθ of the first batch, without penalties
    examples    the first training examples, at most 512, and the network's `outputs` for them in evaluation mode
    """

    state: TrainingState
    loss: float
    signals: Signals
    gradients: dict[str, np.ndarray]
    examples: Examples
    outputs: np.ndarray

    @classmethod
    def of(cls, job: Job) -> "Start":
        """Draw the initial values, make the first update, and forget it."""
        update, data = job.update, job.dataset
        state = initial_state(update, data.input_shape)
        addresses = job.watched or watched(update.network, data.input_shape, data.train.x.dtype)
        structure, numbers = split(update)
        measures, gradients = _first(structure, numbers, state, batch(job, 0), empty_slots(len(addresses)))
        shown = data.train[:EXAMPLES]
        made = outputs(update.network, values_of(state), shown.x, precision=job.recipe.precision)
        found = {address: np.asarray(g) for address, g in flatten(unstacked(gradients)).items()}
        signals = Signals.of([1], addresses, np.asarray(measures["signals"])[None])
        return cls(state, float(measures["loss"]), signals, found, shown, made)


@functools.partial(jax.jit, static_argnames="structure")
def _first(
    structure: Update, numbers: Mapping[str, Any], state: TrainingState, batch: Batch, slots: Sequence[jax.Array]
) -> tuple[dict[str, jax.Array], Any]:
    update = join(structure, numbers)
    _, measures = update_once(update, state, batch, slots)
    return measures, jax.tree.map(jnp.asarray, differentiate(update, state, batch).gradients)
