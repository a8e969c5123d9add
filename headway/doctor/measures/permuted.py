"""Permuted labels: the same training on targets that belong to other examples, so that only memory can learn them."""

from dataclasses import dataclass, replace

import numpy as np

from headway.data.dataset import Dataset, Examples
from headway.doctor.baseline import constant_of
from headway.doctor.measures.rerun import rerun
from headway.training.job import Job


@dataclass(frozen=True)
class Permuted:
    """What a training made of true targets and of permuted ones, from the same weights in as many updates.

    updates           how many
    true, permuted    the share of the best constant's loss that is saved on the training examples in the end; −∞ where
                      a number was not finite
    """

    updates: int
    true: float
    permuted: float


def permuted(data: Dataset, seed: int = 0) -> Dataset:
    """The data set whose training targets, with their weights, belong to others of its examples, drawn by a seed."""
    train, order = data.train, np.random.default_rng(seed).permutation(len(data.train))
    weights = None if train.weights is None else train.weights[order]
    return replace(data, train=Examples(train.x, train.y[order], weights))


def by_permuted(job: Job, updates: int, seed: int = 0) -> Permuted:
    """Train on both (Zhang et al. 2017): the share of the loss that each saves."""
    constant = constant_of(job.recipe.loss, job.recipe.network, job.dataset, "train")
    ends = [rerun(each, updates).held_out for each in (job, replace(job, dataset=permuted(job.dataset, seed)))]
    return Permuted(updates, *(_saved(end, constant) for end in ends))


def _saved(loss: float, constant: float) -> float:
    """The share of the constant's loss that is saved; none where the constant is right already."""
    if not np.isfinite(loss):
        return -np.inf
    return 1 - loss / constant if constant > 0 else 0.0
