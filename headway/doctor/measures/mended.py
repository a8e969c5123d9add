"""A job without one fault that it may have: what the run is held against, to see whether the fault does harm."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from headway.data.dataset import Dataset, Examples
from headway.data.schema import Array
from headway.doctor.measures.outset import rates_of
from headway.learning.optimizers.groups import Groups
from headway.network.activations import ReLU
from headway.network.compose import last_address
from headway.network.convolution import Conv
from headway.network.dense import Dense
from headway.spec.edit import Edit, InsertAfter, Set, edit
from headway.spec.error import HeadwayError, join_address
from headway.spec.node import Spec
from headway.spec.select import select
from headway.training.job import Job, prepare
from headway.training.recipe import Recipe
from headway.training.step import initial_state


def edited(job: Job, *edits: Edit) -> Job:
    """The job of the recipe after some edits, on the same examples; from the same weights, if these were given."""
    recipe: Recipe = edit(job.recipe, *edits).spec
    return replace(prepare(recipe, job.dataset, anyway=True), start=job.start)


def standardized(job: Job) -> Job:
    """Every input column at mean 0 and spread 1 over the training part."""
    columns = tuple(range(job.dataset.train.x.ndim - 1))
    return _on(job, lambda part: replace(part, x=_standard(part.x, job.dataset.train.x, columns)))


def targets_standardized(job: Job) -> Job:
    """Every target amount at mean 0 and spread 1 over the training part."""
    return _on(job, lambda part: replace(part, y=_standard(part.y, job.dataset.train.y, (0,))))


def _on(job: Job, change: Callable[[Examples], Examples]) -> Job:
    """The same recipe and weights on other examples."""
    parts = {name: change(part) for name, part in job.dataset.splits().items()}
    data = Dataset(parts["train"], parts.get("validation"), parts.get("test"), job.dataset.schema)
    return replace(prepare(job.recipe, data, anyway=True), start=job.start)


def _standard(values: Array, train: Array, axes: tuple[int, ...]) -> Array:
    mean, spread = train.mean(axis=axes, dtype=float), train.std(axis=axes, dtype=float)
    return ((values - mean) / np.where(spread > 0, spread, 1)).astype(values.dtype)


def redrawn(job: Job) -> Job:
    """The weights of dense layers and convolutions drawn as they are by default; the update stays the one compiled."""
    made = (Set(join_address(at, "init"), value=None) for at, _ in _weighted(job))
    state = initial_state(edited(job, *made).update, job.dataset.input_shape)
    return replace(job, start={"params": state["params"], "network": state["network"]})


def _weighted(job: Job) -> tuple[tuple[str, Spec], ...]:
    """Every dense layer and convolution of the recipe."""
    return select(job.recipe, where=lambda part: isinstance(part, Dense | Conv))


def wider(job: Job, times: int) -> Job | None:
    """So many times the units of every layer of weights but the last; None where the network cannot be so."""
    last = last_address(job.recipe.network, "network")
    made = (
        Set(join_address(at, name), value=times * getattr(part, name))
        for at, part in _weighted(job) if at != last
        for name in ("units", "channels") if hasattr(part, name)
    )  # fmt: skip
    try:
        return replace(edited(job, *made), start=None)
    except HeadwayError:
        return None


def activated(job: Job) -> Job:
    """A ReLU behind every dense layer and convolution but the last."""
    last = last_address(job.recipe.network, "network")
    made = (InsertAfter(at, new=ReLU()) for at, _ in _weighted(job) if at != last)
    return edited(job, *made)


def unfrozen(job: Job) -> Job | None:
    """Every parameter trained by the optimizer's own rule; None where its rule has no exceptions."""
    optimizer = job.recipe.optimizer
    return edited(job, Set("optimizer", value=optimizer.optimizer)) if isinstance(optimizer, Groups) else None


def steady(job: Job) -> Job:
    """The highest learning rate of the run throughout."""
    return edited(job, Set("optimizer/learning_rate", value=float(rates_of(job).max())))


def averaged(job: Job) -> Job:
    """The mean of the loss over a batch in the place of the sum."""
    return edited(job, Set("loss/reduction", value="mean"))


def smaller_batches(job: Job, times: int) -> Job:
    """As many examples in batches so many times as small: so many times the updates."""
    size = max(job.recipe.accumulate, job.recipe.batch_size // times)
    length = job.updates * job.recipe.batch_size // size
    return edited(job, Set("batch_size", value=size), Set("length", value=length))


def larger_batches(job: Job, times: int) -> Job:
    """As many updates of batches so many times as large, or of all examples."""
    size = min(len(job.dataset.train), job.recipe.batch_size * times)
    return edited(job, Set("batch_size", value=size), Set("length", value=job.updates))
