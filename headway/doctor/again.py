"""A run again with one thing changed, each change tried when it is first asked for."""

from dataclasses import dataclass
from functools import cached_property

from headway.doctor.baseline import constant_of
from headway.doctor.measures import mended
from headway.doctor.measures.rerun import MANY, Rerun, affordable, best_of, freed, lengthened, rerun
from headway.training.job import Job

ENOUGH = 0.1
"""The share of the loss to be beaten at which no further rate is tried."""
TIMES = 8
"""How many times as small, or as large, a batch is tried, and as wide a network."""


@dataclass(frozen=True, eq=False)
class Again:
    """The first `updates` of a run made again, from the same weights over the same batches.

    made    how many updates the run made
    level   the loss to be beaten
    split   what a run is judged on
    """

    job: Job
    updates: int
    made: int
    level: float
    split: str

    @cached_property
    def lower(self) -> Rerun:
        """At a tenth of the learning rate, and on down to 1/10,000 until it learns, the one that ends lowest."""
        return best_of(self.job, self.updates, (0.1, 1e-2, 1e-3, 1e-4), ENOUGH * self.level, self.split)

    @cached_property
    def higher(self) -> Rerun:
        """At 10 times the learning rate, and on up to 10,000 times until it learns, the one that ends lowest."""
        return best_of(self.job, self.updates, (10, 100, 1e3, 1e4), ENOUGH * self.level, self.split)

    @cached_property
    def warmed(self) -> Rerun:
        """With a warm-up over a fifth of the updates."""
        return rerun(self.job, self.updates, warm=self.updates // 5)

    @cached_property
    def freed(self) -> float:
        """Without regularization: the held-out loss over the best constant's."""
        return self.share(rerun(freed(self.job), self.updates, split=self.split).held_out)

    @cached_property
    def longer(self) -> Rerun | None:
        """With four times all updates and 200 or more; all if it was stopped before; None where they are too many."""
        stopped = self.made < self.job.updates
        job = self.job if stopped else lengthened(self.job)
        count = affordable(job, MANY)
        enough = count >= 2 * self.made if stopped else count == job.updates
        return rerun(job, count, split=self.split) if enough else None

    @cached_property
    def standardized(self) -> float | None:
        """With inputs of mean 0 and spread 1: the held-out loss over the best constant's."""
        return self._mended(mended.standardized(self.job))

    @cached_property
    def targets_standardized(self) -> float | None:
        """With targets of mean 0 and spread 1: the same."""
        return self._mended(mended.targets_standardized(self.job))

    @cached_property
    def redrawn(self) -> float | None:
        """From weights as they are drawn by default: the same."""
        return self._mended(mended.redrawn(self.job))

    @cached_property
    def wider(self) -> float | None:
        """With eight times the units in all layers of weights but the last: the same; None where there can be none."""
        return self._mended(mended.wider(self.job, TIMES))

    @cached_property
    def activated(self) -> float | None:
        """With a ReLU behind all layers of weights but the last: the same."""
        return self._mended(mended.activated(self.job))

    @cached_property
    def unfrozen(self) -> float | None:
        """With all parameters trained: the same."""
        return self._mended(mended.unfrozen(self.job))

    @cached_property
    def smaller_batches(self) -> float | None:
        """With as many examples in batches an eighth as large: the same."""
        return self._mended(mended.smaller_batches(self.job, TIMES))

    @cached_property
    def larger_batches(self) -> float | None:
        """With as many updates of batches eight times as large: the same."""
        return self._mended(mended.larger_batches(self.job, TIMES))

    @cached_property
    def steady(self) -> float | None:
        """With the highest learning rate of its schedule throughout: the same."""
        return self._mended(mended.steady(self.job))

    @cached_property
    def averaged(self) -> float | None:
        """With the mean of the loss over a batch in the place of the sum: the same."""
        return self._mended(mended.averaged(self.job))

    @property
    def slower(self) -> float:
        """At a lower learning rate, the best of those tried: the same."""
        return self.share(self.lower.held_out)

    @property
    def prolonged(self) -> float | None:
        """With more updates: the same."""
        return self.share(self.longer.held_out) if self.longer else None

    def share(self, loss: float) -> float:
        """A loss over `level`."""
        return loss / self.level

    def _mended(self, job: Job | None) -> float | None:
        """The held-out loss of a job after its updates, or as many as there is time for, over the best constant's."""
        if job is None:
            return None
        count = affordable(job, MANY)
        same = job.dataset is self.job.dataset and job.recipe.loss == self.job.recipe.loss
        level = self.level if same else constant_of(job.recipe.loss, job.recipe.network, job.dataset, self.split)
        return rerun(job, count, split=self.split).held_out / level if count and level > 0 else None
