"""Bisection of two recipes: the fewest of the edits between them that break training, and the fewest that cure it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from headway.data.dataset import Dataset
from headway.doctor.trial import Bench
from headway.spec.diff import diff
from headway.spec.edit import Edit, edit
from headway.spec.error import HeadwayError
from headway.spec.json import to_dict
from headway.training.job import prepare
from headway.training.recipe import Recipe

SEEDS = 3
SMALLEST = 0.05
"""The smallest effect of interest, as a share of the loss of the best constant prediction, as in a proof."""
Outcome = Literal["good", "bad", "unresolved"]
Test = Callable[[tuple[int, ...]], Outcome]


@dataclass(frozen=True)
class Tried:
    """A subset of the edits, by their numbers, that was run: the mean held-out loss (None: not computable)."""

    edits: tuple[int, ...]
    loss: float | None
    outcome: Outcome


@dataclass(frozen=True)
class Bisection:
    """What became of the edits that turn a recipe that trains into one that does not.

    edits       all of them, of the good recipe
    breaks      numbers of the fewest that break it: without any one of them it trains (1-minimal)
    cures       numbers of the fewest that have to be undone in the bad recipe: with any one of them it does not
    good, bad   mean held-out losses of both
    middle      the loss that parts good from bad: half way, the bad one no worse than the best constant prediction
    seeds       how many runs each subset was judged by, paired
    tried       every subset that was looked at, in order
    """

    edits: tuple[Edit, ...]
    breaks: tuple[int, ...]
    cures: tuple[int, ...]
    good: float
    bad: float
    middle: float
    seeds: int
    tried: tuple[Tried, ...]

    def record(self) -> dict[str, Any]:
        """As plain values for JSON."""
        return vars(self) | {
            "edits": [to_dict(one) for one in self.edits],
            "sentences": [one.sentence() for one in self.edits],
            "tried": [vars(one) for one in self.tried],
        }


def bisect(
    good: Recipe,
    bad: Recipe,
    *,
    seeds: int = SEEDS,
    data: Dataset | None = None,
    tell: Callable[[str], object] = lambda doing: None,
) -> Bisection:
    """Find the fewest edits between two recipes that break training, and the fewest whose undoing cures it.

    Delta debugging (Zeller & Hildebrandt 2002) over `diff(good, bad)`. A subset of the edits is judged by the mean
    held-out loss at the end of runs on the same seeds: bad where it is above the `middle`. What cannot be
    built or computed is unresolved. The two recipes must differ by more than the smallest effect of interest.
    """
    edits = units(good, bad)
    bench = Bench.of(good, data if data is not None else prepare(good, anyway=True).dataset)
    losses: dict[tuple[int, ...], float | None] = {}

    def loss_of(chosen: tuple[int, ...]) -> float | None:
        if chosen not in losses:
            tell(f"{len(chosen)} of {len(edits)} edits: {', '.join(str(n) for n in chosen) or 'none'}")
            losses[chosen] = _loss(good, [edits[n] for n in chosen], bench, seeds)
        return losses[chosen]

    every = tuple(range(len(edits)))
    ends = loss_of(()), loss_of(every)
    low, high = _apart(ends, bench.constant)
    middle = (low + min(high, max(bench.constant, low + SMALLEST * bench.constant))) / 2

    def outcome(chosen: tuple[int, ...]) -> Outcome:
        loss = loss_of(chosen)
        return "unresolved" if loss is None else "bad" if loss > middle else "good"

    breaks = fewest(every, outcome)
    cures = fewest(every, lambda undone: _turned(outcome(tuple(n for n in every if n not in undone))))
    tried = tuple(Tried(chosen, loss, outcome(chosen)) for chosen, loss in losses.items())
    return Bisection(edits, breaks, cures, low, high, middle, seeds, tried)


def units(good: Recipe, bad: Recipe) -> tuple[Edit, ...]:
    """The edits that make the one of the other; a layer that is put in, taken out or replaced is one."""
    found = diff(good, bad).edits
    if not found:
        raise HeadwayError("bisect", "needs two recipes that differ", "two that are equal")
    return found


def fewest(every: tuple[int, ...], test: Test) -> tuple[int, ...]:
    """ddmin: a subset that is bad and of which no single member can be left out (Zeller & Hildebrandt 2002, fig. 3).

    `test(every)` is bad and `test(())` good. Parts are tried first, then what is left without each, in ever finer
    partitions.
    """
    left, parts = every, 2
    while len(left) >= 2:
        chunks = _partition(left, parts)
        smaller = next((chunk for chunk in chunks if test(chunk) == "bad"), None)
        if smaller is not None:
            left, parts = smaller, 2
            continue
        others = (tuple(n for n in left if n not in chunk) for chunk in chunks) if parts > 2 else ()
        without = next((rest for rest in others if test(rest) == "bad"), None)
        if without is not None:
            left, parts = without, max(parts - 1, 2)
        elif parts >= len(left):
            break
        else:
            parts = min(len(left), 2 * parts)
    return left


def _partition(numbers: tuple[int, ...], parts: int) -> list[tuple[int, ...]]:
    """So many parts, as even as can be, in order."""
    return [tuple(part.tolist()) for part in np.array_split(np.asarray(numbers, int), parts)]


def _turned(outcome: Outcome) -> Outcome:
    """Good for bad."""
    return {"good": "bad", "bad": "good"}.get(outcome, outcome)  # type: ignore[return-value]


def _loss(good: Recipe, edits: Sequence[Edit], bench: Bench, seeds: int) -> float | None:
    """The mean held-out loss of the good recipe after these edits; None where it cannot be built or computed."""
    try:
        changed = edit(good, *edits).spec
        prepare(changed, bench.examples(changed)[0], anyway=True)
    except HeadwayError:
        return None
    lanes = [(changed, good.seed + number) for number in range(seeds)]
    return float(np.mean([outcome.loss for outcome in bench.outcomes(lanes)]))


def _apart(ends: tuple[float | None, float | None], constant: float) -> tuple[float, float]:
    """The losses of both recipes, where they can be told apart."""
    low, high = ends
    if low is None or high is None or high - low <= SMALLEST * constant:
        raise HeadwayError("bisect", f"needs a good recipe whose held-out loss is lower by more than "
                           f"{SMALLEST * constant:.3g}", f"{low} for the good, {high} for the bad")  # fmt: skip
    return low, high
