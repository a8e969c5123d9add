"""A case: a recipe or a run as the rules see it, each part measured when it is first asked for."""

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np

from headway.data.dataset import Dataset, Examples
from headway.doctor.again import Again
from headway.doctor.baseline import constant_loss
from headway.doctor.finding import Word
from headway.doctor.measures.columns import Columns
from headway.doctor.measures.examples import losses_of
from headway.doctor.measures.memory import by_heart
from headway.doctor.measures.outset import Outset
from headway.doctor.measures.parting import Parting, partings
from headway.doctor.measures.rerun import affordable, ending
from headway.doctor.measures.simple import Simple, simple
from headway.doctor.measures.trend import Trend, median_of
from headway.doctor.measures.units import EXAMPLES, dead_units
from headway.doctor.preflight.foreign import Fit
from headway.doctor.start import Start
from headway.signals.flow import Flow, flow
from headway.signals.history import Signals
from headway.training.evaluate import outputs
from headway.training.job import Job, prepare
from headway.training.recipe import Recipe
from headway.training.record import History, Standing
from headway.training.run import Run

LEARNED = 0.1
"""The share of the best constant prediction's loss that a run must save to count as learning."""
Known = Any
"""A `Case` as a rule sees it that said which parts it needs: none of these is None."""


@dataclass(frozen=True, eq=False)
class Case:
    """What is known. A part that is not is None, and a rule that needs it says "not seen".

    recipe, dataset    what is trained, and on what; a history of another system has neither
    history, standing  what was measured in training; how far it came and why it ended
    values, final      parameters and network state of the best evaluation, and after the last update
    results            split → loss and metrics of `values`
    first              the values that training began from; None: those drawn by the recipe's seed
    """

    recipe: Recipe | None = None
    dataset: Dataset | None = None
    history: History | None = None
    standing: Standing | None = None
    values: dict[str, Any] | None = None
    final: dict[str, Any] | None = None
    results: dict[str, dict[str, float]] | None = None
    first: dict[str, Any] | None = None

    @classmethod
    def of(cls, run: Run) -> "Case":
        """The case of a run that is over."""
        return cls(run.recipe, run.data(), run.history, run.standing, run.values, run.final, run.results, run.start)

    @classmethod
    def before(cls, recipe: Recipe, data: Dataset | None = None) -> "Case":
        """The case of a recipe that was not trained yet, with the data set where it names none."""
        return cls(recipe, prepare(recipe, data, anyway=True).dataset)

    @cached_property
    def job(self) -> Job | None:
        """The recipe with its data."""
        if self.recipe is None or self.dataset is None:
            return None
        return replace(prepare(self.recipe, self.dataset, anyway=True), start=self.first)

    @cached_property
    def start(self) -> Start | None:
        """What the first batch shows."""
        return Start.of(self.job) if self.job else None

    @cached_property
    def columns(self) -> Columns | None:
        """The training inputs by column, as they reach the network."""
        return Columns.of(self.dataset.train.x) if self.dataset else None

    @cached_property
    def outset(self) -> Outset | None:
        """What a few updates show that are made and forgotten."""
        return Outset.of(self.job, self.start) if self.job and self.start else None

    @cached_property
    def memory(self) -> Fit | None:
        """A few examples learned by heart."""
        return by_heart(self.job, self.start) if self.job and self.start else None

    @cached_property
    def simple(self) -> Simple | None:
        """What simple models make of the training examples; None of sequences' labels, tokens and too few examples."""
        return self._simple(self.dataset.train) if self.dataset else None

    @cached_property
    def simple_held_out(self) -> Simple | None:
        """The same of all examples that were held out."""
        parts = [part for name, part in self.dataset.splits().items() if name != "train"] if self.dataset else []
        if not parts:
            return None
        return self._simple(Examples(*(np.concatenate([getattr(part, name) for part in parts]) for name in ("x", "y"))))

    def _simple(self, examples: Examples) -> Simple | None:
        assert self.dataset is not None
        schema = self.dataset.schema
        return simple(examples, None if schema.classes is None else len(schema.classes)) if not schema.tokens else None

    @cached_property
    def partings(self) -> dict[str, Parting] | None:
        """The parts that were held out beside the training part; None where there are none."""
        return (partings(self.dataset) or None) if self.dataset else None

    @cached_property
    def never_predicted(self) -> frozenset[int] | None:
        """The labels of `split` that ten or more examples have, and the network gives none; None before training."""
        if self.recipe is None or self.dataset is None or self.values is None or self.dataset.classes is None:
            return None
        part = self.dataset.splits()[self.split]
        made = outputs(self.recipe.network, self.values, part.x, precision=self.recipe.precision)
        if made.shape[-1] != len(self.dataset.classes) or part.y.ndim > 1:
            return None
        counts = np.bincount(part.y, minlength=made.shape[-1])
        return frozenset(np.flatnonzero(counts >= 10).tolist()) - frozenset(made.argmax(axis=-1).tolist())

    @cached_property
    def begins(self) -> Flow | None:
        """The first batch's way through the layers of the initial network, and the gradient's back."""
        if self.start is None or self.recipe is None or self.dataset is None:
            return None
        return flow(self.recipe.network, self.dataset.input_shape, self.start.signals)

    @cached_property
    def measures(self) -> dict[str, np.ndarray] | None:
        """`step`, `loss` and what else was measured of every update, by name."""
        columns = self.history.columns() if self.history else {}
        return columns if len(columns.get("step", ())) else None

    @cached_property
    def signals(self) -> Signals | None:
        """What was measured of every layer; None where no update was watched."""
        signals = self.history.signals if self.history else None
        return signals if signals is not None and len(signals) else None

    def measured(self, statistic: str) -> bool:
        """Whether any layer's statistic is known: other systems' histories may hold a few only."""
        return self.signals is not None and bool(np.isfinite(self.signals[statistic]).any())

    @cached_property
    def alignment(self) -> np.ndarray | None:
        """The cosine between gradient and update at the sampled updates of a loop that is watched from outside."""
        told = self.measures.get("alignment", np.zeros(0)) if self.measures else np.zeros(0)
        return told[np.isfinite(told)] if np.isfinite(told).any() else None

    @cached_property
    def evaluations(self) -> list[dict[str, Any]] | None:
        """What was judged in training, by update."""
        return (self.history.evaluations or None) if self.history else None

    @cached_property
    def losses(self) -> np.ndarray | None:
        """The losses of training that are told, in order; None where none is."""
        told = self.measures["loss"] if self.measures and "loss" in self.measures else np.zeros(0)
        told = told[~np.isnan(told)]
        return told if len(told) else None

    @cached_property
    def trend(self) -> Trend | None:
        """The loss of training in windows; None where fewer than four are told."""
        if self.measures is None or self.losses is None or len(self.losses) < 4:
            return None
        return Trend.of(self.losses, self.measures["step"][~np.isnan(self.measures["loss"])])

    @property
    def level(self) -> float | None:
        """The loss to be beaten: of the best constant prediction; of a history alone, of the first tenth of updates."""
        if self.constant is not None:
            return self.constant
        return None if self.measures is None else median_of(self.measures["loss"], 0.1)

    @cached_property
    def stuck(self) -> int | None:
        """After how many updates the loss of training was a tenth below `level` to stay; all of them where never."""
        if self.trend is None or self.level is None:
            return None
        below = self.trend.below((1 - LEARNED) * self.level)
        return int(self.trend.steps[-1]) if below is None else below

    @property
    def late(self) -> bool:
        """Whether a third of the updates or more went by before anything was learned."""
        return self.stuck is not None and self.trend is not None and self.stuck >= self.trend.steps[-1] / 3

    @cached_property
    def again(self) -> Again | None:
        """The run again with one thing changed; None where its updates are too few or too dear."""
        if self.job is None or self.losses is None or not self.level or self.job.recipe.optimizer.main_rate() is None:
            return None
        count = affordable(self.job)
        count = count if self._broken else min(count, len(self.losses))
        return Again(self.job, count, self.level, self.split) if count else None

    @property
    def _broken(self) -> bool:
        return self.standing is not None and self.standing.reason == "non-finite"

    @cached_property
    def reached(self) -> float | None:
        """The least loss of training over `level`, at the end or where it is made again to; ∞ of one not finite."""
        if self.losses is None or not self.level or self.level < 0:
            return None
        first = self.losses[: self.again.updates] if self.again else self.losses
        return np.inf if self._broken else min(ending(self.losses), ending(first)) / self.level

    @cached_property
    def rise(self) -> tuple[float, float] | None:
        """The loss of the last weights less that of the best, the mean of the examples in `split`, and its error."""
        if self.recipe is None or self.dataset is None or self.values is None or self.final is None:
            return None
        examples = self.dataset.splits()[self.split]
        best, last = (losses_of(self.recipe, values, examples) for values in (self.values, self.final))
        return float(np.mean(last - best)), float(np.std(last - best) / np.sqrt(len(examples)))

    @cached_property
    def dead(self) -> dict[str, float] | None:
        """Rectifier → the share of its units that give 0 for all of the first 1,024 training examples in the end."""
        if self.recipe is None or self.dataset is None or self.final is None:
            return None
        return dead_units(self.recipe.network, self.final, self.dataset.train[:EXAMPLES].x)

    @cached_property
    def flow(self) -> Flow | None:
        """The gradient's way back through the layers; without a recipe, through all that were watched.

        Where another system measured none of dL/dh, that of the weights stands for it, if all layers have one.
        """
        if self.signals is None:
            return None
        if self.recipe is None or self.dataset is None:
            known = "gradient" if self.measured("gradient") else "weight_gradient"
            signals, size = self.signals, self.signals[known]
            return Flow(signals.addresses, size, signals["signal"]) if np.isfinite(size).all() else None
        return flow(self.recipe.network, self.dataset.input_shape, self.signals)

    @property
    def split(self) -> str:
        """What the run is judged on."""
        known = self.dataset.splits() if self.dataset else ("train",)
        return next(name for name in ("validation", "test", "train") if name in known)

    @cached_property
    def constant(self) -> float | None:
        """The loss of the best constant prediction on `split`."""
        if self.recipe is None or self.dataset is None:
            return None
        splits, outputs = self.dataset.splits(), self.recipe.network.shape(self.dataset.input_shape)
        return constant_loss(self.recipe.loss, outputs, splits["train"], splits[self.split])

    @property
    def loss(self) -> float | None:
        """The best loss of the run on `split`; of a history of another system, of its last tenth of updates."""
        if self.results is not None:
            return self.results[self.split]["loss"]
        return None if self.measures is None else median_of(self.measures["loss"], -0.1)

    @property
    def skill(self) -> float | None:
        """The share of the loss of the best constant prediction that was saved: 0 has learned nothing, 1 all."""
        if self.loss is None or self.constant is None:
            return None
        return 1 - self.loss / self.constant if self.constant > 0 else 0.0

    @property
    def learns(self) -> bool | None:
        """Whether the network beats every constant prediction by more than a little; None before it was trained.

        Of a history alone True is a loss that is halved, or falls by a tenth after the first tenth of updates: at the
        very first, one falls that learns to be constant. Else None: what could be reached is not known.
        """
        if self.skill is not None:
            return bool(self.skill >= LEARNED)
        if self.loss is None or self.measures is None:
            return None
        first, settled = median_of(self.measures["loss"], 0.02), self.level or 0.0
        return self.loss < max((1 - LEARNED) * settled, first / 2) or None

    @property
    def word(self) -> Word:
        """The verdict of a rule whose test holds, and whose cause is known to let some networks learn all the same."""
        return "noticed" if self.learns else "found"

    @property
    def steps(self) -> tuple[int, int]:
        """The first and the last update that was watched."""
        return (int(self.signals.steps[0]), int(self.signals.steps[-1])) if self.signals else (0, 0)
