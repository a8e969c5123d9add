"""A run again with one thing changed, each change tried when it is first asked for."""

from dataclasses import dataclass
from functools import cached_property

from headway.doctor.measures.rerun import MANY, Rerun, affordable, best_of, freed, lengthened, rerun
from headway.training.job import Job

ENOUGH = 0.1
"""The share of the loss to be beaten at which no further rate is tried."""


@dataclass(frozen=True, eq=False)
class Again:
    """The first `updates` of a run made again, from the same weights over the same batches.

    level   the loss to be beaten
    split   what a run is judged on
    """

    job: Job
    updates: int
    level: float
    split: str

    @cached_property
    def lower(self) -> Rerun:
        """At a tenth of the learning rate, and on down to 1/10,000 until it learns, the one that ends lowest."""
        return best_of(self.job, self.updates, (0.1, 1e-2, 1e-3, 1e-4), ENOUGH * self.level)

    @cached_property
    def higher(self) -> Rerun:
        """At 10 times the learning rate, and on up to 10,000 times until it learns, the one that ends lowest."""
        return best_of(self.job, self.updates, (10, 100, 1e3, 1e4), ENOUGH * self.level)

    @cached_property
    def warmed(self) -> Rerun:
        """With a warm-up over a fifth of the updates."""
        return rerun(self.job, self.updates, warm=self.updates // 5)

    @cached_property
    def freed(self) -> Rerun:
        """Without regularization, judged on `split`."""
        return rerun(freed(self.job), self.updates, split=self.split)

    @cached_property
    def longer(self) -> Rerun | None:
        """With four times all updates, judged on `split`; None where they are too many."""
        job = lengthened(self.job)
        return rerun(job, job.updates, split=self.split) if affordable(job, MANY) == job.updates else None

    def share(self, loss: float) -> float:
        """A loss over `level`."""
        return loss / self.level
