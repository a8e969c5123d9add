"""The start: what the first batch shows of the network as it is initialized, before any update."""

import functools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import jax
import numpy as np

from headway.data.dataset import Examples
from headway.network.values import flatten, unstacked
from headway.signals.history import Signals
from headway.signals.probe import empty_slots, watched
from headway.spec.numbers import join, split
from headway.training.evaluate import outputs
from headway.training.job import Job, Update
from headway.training.step import Batch, TrainingState, accumulate, batch, descended, initial_state, values_of

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
        state = initial_state(update, data.input_shape, job.start)
        addresses = job.watched or watched(update.network, data.input_shape, data.train.x.dtype)
        structure, numbers = split(update)
        _, measures, gradients = watched_update(structure, numbers, state, batch(job, 0), empty_slots(len(addresses)))
        shown = data.train[:EXAMPLES]
        made = outputs(update.network, values_of(state), shown.x, precision=job.recipe.precision)
        found = {address: np.asarray(g) for address, g in flatten(unstacked(gradients)).items()}
        signals = Signals.of([1], addresses, np.asarray(measures["signals"])[None])
        return cls(state, float(measures["loss"]), signals, found, shown, made)


@functools.partial(jax.jit, static_argnames="structure")
def watched_update(
    structure: Update, numbers: Mapping[str, Any], state: TrainingState, batch: Batch, slots: Sequence[jax.Array]
) -> tuple[TrainingState, dict[str, jax.Array], Any]:
    """One update with its signals, compiled: the state after it, what was measured, and dL/dθ without penalties."""
    update = join(structure, numbers)
    found = accumulate(update, state, batch, slots)
    return *descended(update, state, batch, found), found.gradients
