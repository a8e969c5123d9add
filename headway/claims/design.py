"""A design: arms that are measured on the same seeds, be they exact checks, functions of a seed, or trained recipes."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import product
from typing import Any, Literal

import jax
import numpy as np

from headway.data.dataset import Dataset
from headway.doctor.sham import SHIFT, sham
from headway.network.layer import initialize
from headway.training.job import prepare
from headway.training.recipe import Recipe
from headway.training.run import Run
from headway.training.sweeps.grid import Over, points, recipe_at
from headway.training.sweeps.sweep import sweep
from headway.training.train import fine_tune, train

Tier = Literal["quick", "full"]
Measures = dict[str, float]
FAR = 500_000
"""How far the seeds that tune are from those that measure."""
TUNING, WIDENINGS = (FAR, FAR + 1), 2


@dataclass(frozen=True)
class Measured:
    """What an arm came to: metric → its values, seed by seed; and how it was tuned, as plain values."""

    numbers: dict[str, list[float]]
    notes: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Design:
    """Arms by name, measured on the same seeds.

    says     what is run, in a sentence or two: network, data, length, and what every metric means
    seeds    how many seeds the full tier takes; the quick tier takes `few`
    """

    says: str
    seeds: int = field(default=10, kw_only=True)
    few: int = field(default=3, kw_only=True)

    @property
    def names(self) -> tuple[str, ...]:
        """The arms."""
        raise NotImplementedError

    def measure(self, arm: str, seeds: Sequence[int], tier: Tier) -> Measured:
        """Measure one arm on these seeds."""
        raise NotImplementedError


@dataclass(frozen=True)
class Exact(Design):
    """Checks without chance in them: each arm is a function of nothing that returns numbers."""

    checks: Mapping[str, Callable[[], Measures]]
    seeds: int = field(default=1, kw_only=True)
    few: int = field(default=1, kw_only=True)

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(self.checks)

    def measure(self, arm: str, seeds: Sequence[int], tier: Tier) -> Measured:
        return Measured(columns([self.checks[arm]()]))


@dataclass(frozen=True)
class Drawn(Design):
    """Each arm is a function of a seed: of networks as they are drawn, or of short work of its own."""

    arms: Mapping[str, Callable[[int], Measures]]

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(self.arms)

    def measure(self, arm: str, seeds: Sequence[int], tier: Tier) -> Measured:
        return Measured(columns([self.arms[arm](seed) for seed in seeds]))


@dataclass(frozen=True)
class Arm:
    """A recipe to train on every seed.

    tuned    address → values: the combination that is best on seeds of its own, by the recipe's monitored measure on
             the validation set, else on the training set. An axis whose best value is its last is made longer, twice at
             most
    usual    address → value for the quick tier, which tunes nothing
    sham     begin where the arm of this recipe does, hidden units permuted and weights moved by a millionth, and draw
             batches by another seed: all that differs is chance
    data     the data set that a seed draws, where every seed is to have its own; arms that name the same are paired
    """

    recipe: Recipe
    tuned: Mapping[str, tuple[Any, ...]] = field(default_factory=dict)
    usual: Mapping[str, Any] = field(default_factory=dict)
    sham: bool = False
    data: Callable[[int], Dataset] | None = None


@dataclass(frozen=True)
class Trained(Design):
    """Each arm is a recipe, trained on every seed; `measures` of its run are what counts.

    quick   address → value that makes every recipe short enough for the quick tier
    data    the data set of recipes that name none
    """

    arms: Mapping[str, Arm]
    measures: Callable[[Run], Measures]
    quick: Mapping[str, Any] = field(default_factory=dict, kw_only=True)
    data: Callable[[], Dataset] | None = field(default=None, kw_only=True)

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(self.arms)

    def measure(self, arm: str, seeds: Sequence[int], tier: Tier) -> Measured:
        common = None if self.data is None else self.data()
        chosen = replace(self.arms[arm], recipe=unwatched(self.arms[arm].recipe))
        if tier == "quick":
            recipe, notes = recipe_at(chosen.recipe, {**chosen.usual, **self.quick}), dict[str, Any]()
        else:
            recipe, notes = tuned(chosen, common)
        if chosen.sham:
            runs = [as_sham(replace(recipe, seed=seed), chosen.data(seed) if chosen.data else common) for seed in seeds]
        else:
            runs = trained(replace(chosen, recipe=recipe), seeds, common)
        return Measured(columns([self.measures(run) for run in runs]), notes)


@dataclass(frozen=True)
class Swept(Design):
    """Each arm is a recipe, trained on every seed at every point of a grid: `measures` of a seed's runs count.

    over      address → values, all combinations of them: the grid; `fewer` in its place in the quick tier
    measures  of all the runs of one seed, in the order of the grid; what a run was given stands in its recipe
    shams     name → the arm whose runs it makes again, each by another path of chance
    quick     address → value that makes every recipe short enough for the quick tier
    data      the data set of recipes that name none
    """

    arms: Mapping[str, Recipe]
    over: Over
    measures: Callable[[Sequence[Run]], Measures]
    shams: Mapping[str, str] = field(default_factory=dict, kw_only=True)
    quick: Mapping[str, Any] = field(default_factory=dict, kw_only=True)
    fewer: Over = field(default_factory=dict, kw_only=True)
    data: Callable[[], Dataset] | None = field(default=None, kw_only=True)

    @property
    def names(self) -> tuple[str, ...]:
        return (*self.arms, *self.shams)

    def measure(self, arm: str, seeds: Sequence[int], tier: Tier) -> Measured:
        recipe, over = unwatched(self.arms[self.shams.get(arm, arm)]), dict(self.over)
        data = None if self.data is None else self.data()
        if tier == "quick":
            recipe, over = recipe_at(recipe, self.quick), over | dict(self.fewer)
        if arm in self.shams:
            runs = [[as_sham(replace(recipe_at(recipe, point), seed=seed), data) for point in points(over)]
                    for seed in seeds]  # fmt: skip
        else:
            made = sweep(recipe, {**over, "seed": tuple(seeds)}, data=data, anyway=True).runs
            runs = [list(made[place :: len(seeds)]) for place in range(len(seeds))]
        return Measured(columns([self.measures(of_one_seed) for of_one_seed in runs]))


def unwatched(recipe: Recipe) -> Recipe:
    """The recipe without signals: no measure of a design reads them, and they take longer to compile."""
    return replace(recipe, watch=None)


def trained(arm: Arm, seeds: Sequence[int], common: Dataset | None) -> list[Run]:
    """The runs of an arm's recipe, on the data that each seed draws, else on those that all have in common."""
    if arm.data is None:
        return list(sweep(arm.recipe, {"seed": tuple(seeds)}, data=common, anyway=True).runs)
    return [train(replace(arm.recipe, seed=seed), data=arm.data(seed), anyway=True) for seed in seeds]


def tuned(arm: Arm, data: Dataset | None) -> tuple[Recipe, dict[str, Any]]:
    """The recipe at the point that was best on seeds that only tune, and all points that were tried."""
    axes, tried = {address: list(values) for address, values in arm.tuned.items()}, dict[tuple[Any, ...], float]()
    if not axes:
        return arm.recipe, {}
    for _ in range(WIDENINGS + 1):
        for values in product(*axes.values()):
            if values not in tried:
                point = dict(zip(axes, values, strict=True))
                tried[values] = badness(trained(replace(arm, recipe=recipe_at(arm.recipe, point)), TUNING, data))
        best = min(tried, key=lambda values: tried[values])
        ends = [_further(axis, value) for axis, value in zip(axes.values(), best, strict=True)]
        if not any(ends):
            break
        for axis, end in zip(axes.values(), ends, strict=True):
            axis += end
    point = dict(zip(axes, best, strict=True))
    losses = [[*values, loss if np.isfinite(loss) else None] for values, loss in tried.items()]
    return recipe_at(arm.recipe, point), {"chosen": point, "tried": losses}


def badness(runs: Sequence[Run]) -> float:
    """The mean of the monitored measure, less being better; infinite where a run was cut short."""
    if any(run.standing.reason == "non-finite" for run in runs):
        return float("inf")
    evaluation = runs[0].recipe.evaluation
    split = "validation" if "validation" in runs[0].results else "train"
    mean = float(np.mean([run.results[split][evaluation.monitor] for run in runs]))
    return mean if evaluation.better(0.0, 1.0) else -mean


def _further(axis: list[Any], value: Any) -> list[Any]:
    """One more value behind the end of an axis of rising numbers above 0, where the best lies at that end."""
    numbers = [number for number in axis if isinstance(number, float | int) and number > 0]
    if len(numbers) < 2 or value not in (min(numbers), max(numbers)):
        return []
    low, high = sorted(numbers)[:2] if value == min(numbers) else sorted(numbers)[-2:]
    return [float(f"{low * low / high if value == min(numbers) else high * high / low:.3g}")]


def as_sham(recipe: Recipe, data: Dataset | None) -> Run:
    """The run of a recipe from weights that compute the same, on other batches: see `doctor.sham`."""
    shape = prepare(recipe, data, anyway=True).dataset.input_shape
    params, state = initialize(recipe.network, shape, jax.random.key(recipe.seed))
    start = {"params": sham(recipe.network, params, jax.random.key(recipe.seed)), "network": state}
    return fine_tune(replace(recipe, seed=recipe.seed + SHIFT), start, data=data, anyway=True)


def columns(rows: Sequence[Measures]) -> dict[str, list[float]]:
    """Rows of measures, seed by seed, as metric → values."""
    return {metric: [float(row[metric]) for row in rows] for metric in rows[0]}
