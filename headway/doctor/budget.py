"""A budget of time: what a run costs, what of a trial fits into the seconds there are, and when they are over."""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from headway.doctor.remedies.remedy import RATE_ALONE, Remedy
from headway.doctor.trial import Trial

FEWEST = 10
"""The fewest seeds a proof is made of."""


class Costs(NamedTuple):
    """Seconds: to compile what is new in an arm, and for one run of it when it is compiled."""

    compile: float
    run: float

    @classmethod
    def of(cls, run: Callable[[int], object], clock: Callable[[], float], before: float = 0.0) -> "Costs":
        """Measured on two runs, of which the first compiles; the bench keeps both, as seeds of the recipe as it is.

        Where the recipe was run `before`, in so many seconds, that run has compiled most of it.
        """
        marks = [clock()]
        for number in (0, 1):
            run(number)
            marks.append(clock())
        first, second = max(before, marks[1] - marks[0]), marks[2] - marks[1]
        return cls(max(0.0, first - second), second)

    def tuned(self, trial: Trial) -> float:
        """Of tuning an arm's rate, with a factor beyond the grid, and of the arm's seeds."""
        return ((len(trial.factors) + 1) * trial.tuning_seeds + trial.seeds) * self.run

    def whole(self, trial: Trial, remedies: int) -> float:
        """Of a trial of so many remedies, each run one after the other, and of the run of the cured recipe.

        The recipe as it is, the sham and the control are compiled already.
        """
        others = remedies + trial.randoms
        return self.tuned(trial) * (1 + others) + 2 * trial.seeds * self.run + self.compile * others + self.run


NO_COSTS = Costs(0.0, 0.0)


@dataclass
class Budget:
    """Seconds that may be spent from `started` on, and what became of them.

    before   seconds that the run took of which the diagnosis was made; 0 where there was none
    spent    seconds in all
    costs    what a run was estimated to cost
    ended    where it ended before the trial did: in words
    clock    what its seconds are: "wall" time, or "processor" time, which does not run faster for what others compute
    """

    seconds: float
    started: float
    before: float = 0.0
    spent: float = 0.0
    costs: Costs = NO_COSTS
    ended: str = ""
    clock: str = "wall"

    @classmethod
    def begun(cls, seconds: float, clock: str = "wall") -> "Budget":
        """A budget whose clock runs from now on."""
        return cls(seconds, now(clock), clock=clock)

    def now(self) -> float:
        """Seconds on its clock."""
        return now(self.clock)

    def left(self) -> float:
        """Seconds that are left; below 0 where it is overdrawn."""
        self.spent = self.now() - self.started
        return self.seconds - self.spent

    def over(self, doing: str) -> bool:
        """Whether nothing is left: then what was to be done next is what it ended before."""
        if self.left() <= 0 and not self.ended:
            self.ended = f"not proven: the budget ended before {doing}"
        return bool(self.ended)


def now(clock: str = "wall") -> float:
    """Seconds on a clock that only goes forward."""
    return time.process_time() if clock == "processor" else time.monotonic()


def fitting(remedies: Sequence[Remedy], trial: Trial, costs: Costs, seconds: float) -> tuple[list[Remedy], Trial]:
    """How many of the remedies, the best first, and how thorough a trial of them fit into the seconds.

    All of them in the trial as it is, or else in one that is thriftier: fewer random remedies, seeds to tune on,
    factors and seeds, none below the rules of `Trial`. Where even the thriftiest is too long, the last remedies are
    left out. The rate alone costs nothing: its runs are those of the tuned control.
    """
    paying = [remedy for remedy in remedies if remedy.name != RATE_ALONE.name]
    for thrifty in thriftier(trial):
        if costs.whole(thrifty, len(paying)) <= seconds:
            return list(remedies), thrifty
    count = next((n for n in range(len(paying), 0, -1) if costs.whole(thrifty, n) <= seconds), 0)
    kept, alone = paying[:count], costs.whole(thrifty, 0) <= seconds
    return [remedy for remedy in remedies if remedy in kept or (remedy.name == RATE_ALONE.name and alone)], thrifty


def thriftier(trial: Trial) -> Iterator[Trial]:
    """The trial, and ever thriftier ones."""
    yield trial
    yield (trial := replace(trial, randoms=min(1, trial.randoms)))
    yield (trial := replace(trial, tuning_seeds=1))
    if len(trial.factors) >= 5:
        yield (trial := replace(trial, factors=trial.factors[::2]))
    looks = tuple(look for look in trial.looks if look < FEWEST)
    yield (trial := replace(trial, seeds=FEWEST, looks=looks))
    yield replace(trial, randoms=0)
