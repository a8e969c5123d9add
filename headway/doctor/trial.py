"""Paired runs: every arm of a trial at its own tuned learning rate, on the same seeds, judged at the end."""

from collections.abc import Sequence
from dataclasses import KW_ONLY, dataclass, field, replace
from itertools import pairwise
from typing import Annotated, Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from pydantic import Field

from headway.data.batches import Padded
from headway.data.dataset import Data, Dataset
from headway.doctor.baseline import constant_of
from headway.doctor.sham import SHIFT, sham
from headway.learning.losses import (
    BinaryCrossEntropy,
    CrossEntropy,
    Loss,
    ProbabilityBinaryCrossEntropy,
    ProbabilityCrossEntropy,
)
from headway.signals.flow import flow
from headway.signals.history import Signals
from headway.spec.error import HeadwayError
from headway.spec.node import Spec, spec
from headway.training.chunk import compute, longest
from headway.training.evaluate import judge, on_device
from headway.training.interruption import Interruption
from headway.training.job import Job, prepare
from headway.training.loop import Loop
from headway.training.recipe import Recipe
from headway.training.record import History, Standing
from headway.training.step import TrainingState, initial_state, values_of
from headway.training.sweeps.lanes import compile_for, side_by_side

TUNING = 500_000
"""How far the seeds that tune are from those that prove."""


@spec
class Trial(Spec):
    """The rules of a proof, stated before it is run.

    seeds         pairs of runs of each arm; `looks` are the numbers of seeds after which hopeless arms are dropped
    smallest      the smallest effect of interest, as a share of the loss of the best constant prediction
    alpha         the chance of calling any arm proven that is not better by `smallest`
    factors       multiples of the recipe's learning rate that are tried for each arm; up to two more are added
                  at an end where the best is there
    randoms       how many random remedies take the same test, drawn by `draw`
    """

    seeds: Annotated[int, Field(ge=10)] = 10
    _: KW_ONLY
    looks: tuple[Annotated[int, Field(ge=4)], ...] = (5,)
    smallest: Annotated[float, Field(gt=0)] = 0.05
    alpha: Annotated[float, Field(gt=0, lt=1)] = 0.05
    factors: Annotated[tuple[Annotated[float, Field(gt=0)], ...], Field(min_length=2)] = (0.1, 0.32, 1.0, 3.2, 10.0)
    tuning_seeds: Annotated[int, Field(ge=1)] = 2
    randoms: Annotated[int, Field(ge=0)] = 3
    draw: int = 0

    def __post_init__(self) -> None:
        stages = (0, *self.looks, self.seeds)
        if any(b <= a for a, b in pairwise(stages)):
            raise HeadwayError("looks", f"must increase, below the {self.seeds} seeds", self.looks)
        if any(b <= a for a, b in pairwise(self.factors)):
            raise HeadwayError("factors", "must increase", self.factors)


@dataclass
class Arm:
    """One arm: a recipe whose learning rate is tuned, and what its runs came to.

    factor      the multiple of the recipe's learning rate that was best
    tried       held-out loss by factor, the mean over the seeds that tune
    losses      held-out loss at the end of training, seed by seed
    decades     decades of ‖dL/dh‖ lost per 10 layers, the median of each run's samples; None where not watched
    """

    name: str
    recipe: Recipe
    factor: float = 1.0
    tried: dict[float, float] = field(default_factory=dict)
    losses: list[float] = field(default_factory=list)
    decades: list[float | None] = field(default_factory=list)


Values = dict[str, Any]
Lane = tuple[Recipe, int]
"""A recipe and the seed it is run on."""


class Outcome(NamedTuple):
    """What one run came to: held-out loss, and decades of ‖dL/dh‖ lost per 10 layers (None where not watched)."""

    loss: float
    decades: float | None


@dataclass(frozen=True)
class Bench:
    """Where arms are run: the data set, what they are judged on, and the loss to beat.

    All arms are judged by one measure, whatever loss they descend: see `yardstick`. What was run once is not run again.
    """

    recipe: Recipe
    data: Dataset
    split: str
    constant: float
    scaled: dict[Data | None, tuple[Dataset, Padded]] = field(default_factory=dict, repr=False)
    known: dict[tuple[Recipe, int, bool], Outcome] = field(default_factory=dict, repr=False)

    @classmethod
    def of(cls, recipe: Recipe, data: Dataset) -> "Bench":
        """The bench for a recipe on its data: judged on the validation set where there is one, else on the test set."""
        splits = data.splits()
        split = next((name for name in ("validation", "test") if name in splits), None)
        if split is None:
            raise HeadwayError("data", "a proof needs examples that were not trained on", "a training set alone",
                               "Set data.validation.")  # fmt: skip
        return cls(recipe, data, split, constant_of(plain(recipe.loss), recipe.network, data, split))

    def outcomes(self, lanes: Sequence[Lane], *, as_sham: bool = False) -> list[Outcome]:
        """What `run` makes of each, bit for bit: recipes of one structure with their seeds, side by side."""
        new = [lane for lane in dict.fromkeys(lanes) if (*lane, as_sham) not in self.known]
        if new:
            compile_for(prepare(new[0][0], self.examples(new[0][0])[0], anyway=True))
            made = side_by_side(lambda lane: self.run(*lane, as_sham=as_sham), new)
            self.known.update({(*lane, as_sham): outcome for lane, outcome in zip(new, made, strict=True)})
        return [self.known[*lane, as_sham] for lane in lanes]

    def examples(self, recipe: Recipe) -> tuple[Dataset, Padded]:
        """The data set of an arm, and the examples that it is judged on: the same ones, whatever their scale."""
        spec = recipe.data if recipe.data != self.recipe.data else None
        if spec not in self.scaled:
            data = self.data if spec is None else spec.load()
            self.scaled[spec] = (data, on_device(recipe, data.splits()[self.split]))
        return self.scaled[spec]

    def run(self, recipe: Recipe, seed: int, *, as_sham: bool = False) -> Outcome:
        """Train on a seed, and judge the weights at the end, which early stopping may bring about.

        A run cut short by a number that is not finite counts as no better than the best constant prediction.
        """
        data, held_out = self.examples(recipe)
        job = prepare(replace(recipe, seed=seed), data, anyway=True)
        state = initial_state(job.update, self.data.input_shape)
        if as_sham:
            params = sham(recipe.network, state["params"], jax.random.key(seed))
            state = state | {"params": params}
            job = replace(job, update=replace(job.update, seed=seed + SHIFT))
        values, signals, trouble = stopped(job, state) if recipe.stopping else trained(job, state)
        judged = replace(recipe, loss=yardstick(recipe.loss, self.recipe.loss))
        loss = judge(judged, values, held_out)["loss"]
        if trouble or not np.isfinite(loss):
            loss = max(self.constant, loss) if np.isfinite(loss) else float(np.finfo(np.float32).max)
        lost = flow(recipe.network, self.data.input_shape, signals).decades_per_ten_layers
        return Outcome(loss, float(np.median(lost)) if len(lost) else None)


def yardstick(own: Loss, original: Loss) -> Loss:
    """The loss that judges an arm: that of the recipe to be cured, as a mean and without smoothed labels.

    Of losses that are a log-likelihood of labels the arm's own, for what its outputs are: all count in nats.
    """
    alike = isinstance(own, LIKELIHOODS) and isinstance(original, LIKELIHOODS)
    return plain(own if alike else original)


LIKELIHOODS = (CrossEntropy, ProbabilityCrossEntropy, BinaryCrossEntropy, ProbabilityBinaryCrossEntropy)


def plain(loss: Loss) -> Loss:
    """A loss as a mean over examples, of labels as they are."""
    changed: Any = loss
    return replace(changed, reduction="mean", **({"smoothing": None} if isinstance(loss, LIKELIHOODS) else {}))


def trained(job: Job, state: TrainingState) -> tuple[Values, Signals, str]:
    """All updates of a job from a state on: the last values that are finite, the signals, and what went wrong."""
    examples = jax.tree.map(jnp.asarray, job.dataset.train.arrays)
    begin, parts = 0, []
    while begin < job.updates:
        chunk = compute(job, state, examples, begin, min(longest(job), job.updates - begin))
        state, begin = chunk.state, begin + len(chunk.measures)
        parts.append(chunk.signals)
        if chunk.trouble:
            return values_of(state), Signals.joined(parts), chunk.trouble
    return values_of(state), Signals.joined(parts), ""


def stopped(job: Job, state: TrainingState) -> tuple[Values, Signals, str]:
    """The updates that early stopping leaves a job: the last values, not the best, the signals, and what went wrong."""
    run = Loop(job, state, Standing(), History(), None, ()).run(Interruption())
    broken = run.standing.reason == "non-finite"
    return run.final, run.history.signals, run.standing.message if broken else ""


def with_rate(recipe: Recipe, factor: float) -> Recipe:
    """The recipe with every learning rate times `factor`."""
    return replace(recipe, optimizer=recipe.optimizer.times(factor))


def tune(arm: Arm, bench: Bench, trial: Trial) -> None:
    """Give the arm the learning rate with the least mean held-out loss over seeds that only tune."""
    factors, seeds = list(trial.factors), range(arm.recipe.seed + TUNING, arm.recipe.seed + TUNING + trial.tuning_seeds)
    step = factors[1] / factors[0]
    for _ in range(len(factors) + 2):
        untried = [factor for factor in factors if factor not in arm.tried]
        lanes = [(with_rate(arm.recipe, factor), seed) for factor in untried for seed in seeds]
        losses = np.reshape([outcome.loss for outcome in bench.outcomes(lanes)], (len(untried), len(seeds)))
        arm.tried |= zip(untried, losses.mean(axis=1).tolist(), strict=True)
        arm.factor = min(arm.tried, key=lambda factor: arm.tried[factor])
        if len(factors) == len(trial.factors) + 2 or arm.factor not in (min(factors), max(factors)):
            break
        further = arm.factor / step if arm.factor == min(factors) else arm.factor * step
        factors.append(float(f"{further:.3g}"))
    arm.recipe = with_rate(arm.recipe, arm.factor)


def prove_on(arm: Arm, bench: Bench, seeds: Sequence[int], *, as_sham: bool = False) -> None:
    """Run the arm on more seeds."""
    for outcome in bench.outcomes([(arm.recipe, seed) for seed in seeds], as_sham=as_sham):
        arm.losses.append(outcome.loss)
        arm.decades.append(outcome.decades)
