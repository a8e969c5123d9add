"""A run's first updates again, with one thing changed: the straight test of whether it was what held training up."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from headway.learning.penalties import Penalty
from headway.learning.regularization import Dropout, Noise, StochasticDepth
from headway.spec.edit import Set, edit
from headway.spec.error import join_address
from headway.spec.node import walk
from headway.training.chunk import compute, longest
from headway.training.evaluate import judge
from headway.training.job import Job, prepare
from headway.training.recipe import Recipe
from headway.training.step import initial_state, values_of

UPDATES, LEAST = 300, 4
"""The most updates that are made again, and the fewest that say something."""
MANY, LONG = 1200, 200
"""The most of a run of several times the length, and the fewest."""
OPERATIONS = 3e10
"""The most floating-point operations that they may take: some seconds."""
STAGES = 8
"""In how many steps a warm-up rises."""


class Rerun(NamedTuple):
    """What a run came to with one thing changed.

    factor     what its learning rate was multiplied by
    losses     of training, [updates]; fewer where a number was not finite
    held_out   the loss after them, on what the run is judged on
    """

    factor: float
    losses: np.ndarray
    held_out: float

    @property
    def end(self) -> float:
        """The median of the last tenth of the losses of training; ∞ where a number was not finite."""
        return ending(self.losses) if np.isfinite(self.held_out) else np.inf


def ending(losses: np.ndarray) -> float:
    """The median of the last tenth; ∞ of none."""
    return float(np.median(losses[-max(1, len(losses) // 10) :])) if len(losses) else np.inf


def affordable(job: Job, most: int = UPDATES) -> int:
    """How many updates can be made again; 0 where they are too few to say something."""
    each = 3 * job.recipe.network.flops(job.dataset.input_shape) * job.recipe.batch_size
    count = int(min(job.updates, most, OPERATIONS / max(1, each)))
    return count if count >= LEAST else 0


def lengthened(job: Job) -> Job:
    """The job of four times the updates, or of LONG where it has very few, its schedule as much longer."""
    longer = replace(job.recipe, length=max(4 * job.updates, LONG))
    return replace(prepare(longer, job.dataset, anyway=True), start=job.start)


def rerun(job: Job, updates: int, factor: float = 1.0, warm: int = 0, split: str = "train") -> Rerun:
    """The first updates at `factor` times the learning rate, after `warm` updates in which it rises in steps.

    The same initial values and the same batches: a pair with the run itself. Nothing but numbers changes, so that
    nothing is compiled again where the run was made in this process.
    """
    examples = jax.tree.map(jnp.asarray, job.dataset.train.arrays)
    state, losses, step = initial_state(job.update, job.dataset.input_shape, job.start), list[np.ndarray](), 0
    for until, share in rising(updates, warm):
        optimizer = job.update.optimizer.times(factor * share)
        slower = replace(job, update=replace(job.update, optimizer=optimizer))
        while step < until:
            length = min(until - step, longest(job))
            chunk = compute(slower, state, examples, step, length)
            state, step = chunk.state, step + length
            losses.append(chunk.measures[:, 0])
            if chunk.trouble:
                return Rerun(factor, np.concatenate(losses), np.nan)
    held_out = judge(job.recipe, values_of(state), job.dataset.splits()[split])["loss"]
    return Rerun(factor, np.concatenate(losses), held_out)


def best_of(job: Job, updates: int, factors: Sequence[float], enough: float, split: str) -> Rerun:
    """The run at other rates, one after the other until its loss of training ends below `enough`; the lowest."""
    found: list[Rerun] = []
    for factor in factors:
        found.append(rerun(job, updates, factor, split=split))
        if found[-1].end < enough:
            break
    return min(found, key=lambda one: one.end)


def rising(updates: int, warm: int) -> list[tuple[int, float]]:
    """Stretches of a run, each the update that it ends with and its share of the rate: `warm` updates up, then all."""
    ends: Any = np.linspace(0, warm, STAGES + 1).astype(int)[1:] if warm else []
    return [(int(end), (k + 0.5) / STAGES) for k, end in enumerate(ends)] + [(updates, 1.0)]


def regularization(recipe: Recipe) -> list[Set]:
    """The edits that put every dropout, noise, penalty and weight decay of a recipe at 0."""
    edits = []
    for address, part in walk(recipe):
        names = ["rate"] * isinstance(part, Dropout | StochasticDepth)
        names += ["scale"] * isinstance(part, Noise) + ["strength"] * isinstance(part, Penalty)
        names += ["weight_decay"] * bool(getattr(part, "weight_decay", None))
        edits += [Set(join_address(address, name), value=0.0) for name in names if getattr(part, name)]
    return edits


def freed(job: Job) -> Job:
    """The job without regularization; nothing but numbers is another."""
    recipe = edit(job.recipe, *regularization(job.recipe)).spec
    return replace(prepare(recipe, job.dataset, anyway=True), start=job.start)
