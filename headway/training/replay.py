"""A run again: its weights at any update, for a run is a function of its recipe and data."""

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

import jax
import jax.numpy as jnp

from headway.data.dataset import Dataset
from headway.spec.error import HeadwayError
from headway.training.chunk import compute, longest
from headway.training.compilation import use_compilation_cache
from headway.training.job import prepare
from headway.training.recipe import Recipe
from headway.training.step import initial_state, values_of


def replay(
    recipe: Recipe, steps: Sequence[int], data: Dataset | None = None, start: Mapping[str, Any] | None = None
) -> list[dict[str, Any]]:
    """Parameters and network state, {"params", "network"}, after each of `steps` updates; 0 is before the first.

    `start` are the values that a fine-tuned run began from, `run.start`.
    The updates are made again, so this takes as long as the training did. On the machine of the run they are
    bit-equal to its own; elsewhere, or where the run was on a mesh, they may round differently, and training lets
    small differences grow.
    """
    use_compilation_cache()
    job = prepare(recipe, data, anyway=True)
    if not steps or steps[0] < 0 or any(a > b for a, b in pairwise(steps)):
        raise HeadwayError("steps", "must be numbers of updates, from 0 on, that do not fall", list(steps))
    if steps[-1] > job.updates:
        raise HeadwayError("steps", f"must be at most {job.updates}, the updates of the run", steps[-1])
    state, step, found = initial_state(job.update, job.dataset.input_shape, start), 0, []
    examples = jax.tree.map(jnp.asarray, job.dataset.train.arrays)
    for until in steps:
        while step < until:
            length = min(until - step, longest(job))
            chunk = compute(job, state, examples, step, length)
            if chunk.trouble:
                raise HeadwayError("steps", "the run must get that far", chunk.trouble)
            state, step = chunk.state, step + length
        found.append(values_of(state))
    return found
