"""Updates made safely: a chunk keeps the last state in which every number is finite."""

from dataclasses import dataclass

import jax
import numpy as np

from headway.data.batches import place
from headway.spec.numbers import split
from headway.training.finite import all_finite, first_non_finite
from headway.training.recipe import Job
from headway.training.step import TrainingState, batch, run_chunk

Examples = tuple[jax.Array, jax.Array]


@dataclass
class Chunk:
    """The outcome of some updates: the state after them, their measures, and trouble where they were cut short."""

    state: TrainingState
    measures: np.ndarray
    trouble: str = ""


def compute(job: Job, state: TrainingState, examples: Examples, begin: int, length: int) -> Chunk:
    """`length` updates from update `begin` on; if one is not finite, only those before it, and where it arose."""
    structure, numbers = split(job.update)
    start = place(begin, job.recipe.batch_size, len(examples[0]))
    after, measured = run_chunk(structure, numbers, state, examples, start, length)
    measures = np.asarray(measured)[:length]
    finite = np.isfinite(measures[:, :2]).all(axis=1)
    if finite.all() and all_finite(after):
        return Chunk(after, measures)
    for good in range(length if finite.all() else int(np.argmin(finite)), -1, -1):
        after, _ = run_chunk(structure, numbers, state, examples, start, good)
        if all_finite(after):
            break
    return Chunk(after, measures[:good], trouble_at(job, after, begin + good))


def trouble_at(job: Job, state: TrainingState, step: int) -> str:
    """What is not finite in the update after `step` updates, and in which batch."""
    here = place(step, job.recipe.batch_size, len(job.dataset.train))
    arose = first_non_finite(job.update, state, batch(job, step))
    return (
        f"Update {step + 1} was not made: {arose} is not finite. Its batch starts at position {here.position} of "
        f"epoch {here.epoch}, seed {job.recipe.seed}. Try a lower learning rate or clip=ClipByNorm(1.0)."
    )
