"""A case: a recipe or a run as the rules see it, each part measured when it is first asked for."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from headway.doctor.again import Again
from headway.doctor.before import Before
from headway.doctor.finding import Word
from headway.doctor.measures.examples import losses_of, never_predicted
from headway.doctor.measures.rerun import affordable, ending
from headway.doctor.measures.trend import Course, Trend, median_of
from headway.doctor.measures.units import EXAMPLES, dead_units
from headway.signals.flow import Flow, flow
from headway.signals.history import Signals
from headway.training.record import History, Standing
from headway.training.run import Run

LEARNED = 0.1
"""The share of the best constant prediction's loss that a run must save to count as learning."""
Known = Any
"""A `Case` as a rule sees it that said which parts it needs: none of these is None."""


@dataclass(frozen=True, eq=False)
class Case(Before):
    """What is known. A part that is not is None, and a rule that needs it says "not seen".

    history, standing  what was measured in training; how far it came and why it ended
    values, final      parameters and network state of the best evaluation, and after the last update
    results            split → loss and metrics of `values`
    """

    history: History | None = None
    standing: Standing | None = None
    values: dict[str, Any] | None = None
    final: dict[str, Any] | None = None
    results: dict[str, dict[str, float]] | None = None

    @classmethod
    def of(cls, run: Run) -> "Case":
        """The case of a run that is over."""
        known = {"values": run.values, "final": run.final, "results": run.results, "first": run.start}
        return cls(run.recipe, run.data(), run.history, run.standing, **known)

    @cached_property
    def never_predicted(self) -> frozenset[int] | None:
        """The labels of `split` that ten or more examples have, and the network gives none; None before training."""
        if self.recipe is None or self.dataset is None or self.values is None:
            return None
        return never_predicted(self.recipe, self.values, self.dataset, self.split)

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
    def course(self) -> Course | None:
        """The losses judged in training on the last split that is not "train"; None where there is none."""
        judged = [one for one in self.evaluations or () if one["split"] != "train" and np.isfinite(one["loss"])]
        steps, losses = (np.array([one[name] for one in judged]) for name in ("step", "loss"))
        return Course(steps, losses) if judged else None

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
        return Again(self.job, count, len(self.losses), self.level, self.split) if count else None

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

        Where another system measured none of dL/dh, that of the weights stands for it, of the layers that have one.
        """
        if self.signals is None:
            return None
        if self.recipe is None or self.dataset is None:
            known = "gradient" if self.measured("gradient") else "weight_gradient"
            told = np.flatnonzero(np.isfinite(self.signals[known]).all(axis=0))
            size, signal = (self.signals[name][:, told] for name in (known, "signal"))
            return Flow(tuple(self.signals.addresses[i] for i in told), size, signal) if len(told) else None
        return flow(self.recipe.network, self.dataset.input_shape, self.signals)

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

    def without(self, fault: str, least: float = LEARNED) -> tuple[bool, tuple[str, ...]]:
        """Whether the run again without a fault, as `again` names it, leaves so much less of the loss to be beaten.

        On what is held out, that of the best evaluation, whatever the run was kept by; with the evidence, none where it
        cannot be made again.
        """
        if self.again is None or self.loss is None or not self.level:
            return False, ()
        judged = self.course.least if self.course and self.split == "validation" else self.loss
        own = min(self.loss, judged) / self.level
        there = getattr(self.again, fault) if not own <= LEARNED else None
        if there is None:
            return False, ()
        said = f"Of the held-out loss to be beaten {own:.0%} is left; the same run without this leaves {there:.0%}."
        return bool(there <= min(own, 1) - least), (said,)

    def judged(self, fault: str) -> tuple[Word, tuple[str, ...]]:
        """The verdict on a fault whose test holds, and which lets some networks learn all the same, with the evidence.

        Found where nothing was learned, and where the run again without it is better: by a tenth of what is to be
        beaten, or half as much where a third of the updates went by before anything was learned.
        """
        if not self.learns:
            return self.word, ()
        better, evidence = self.without(fault, LEARNED / 2 if self.late else LEARNED)
        return ("found" if better else "noticed"), evidence

    @property
    def word(self) -> Word:
        """The verdict of a rule whose test holds, and whose cause is known to let some networks learn all the same."""
        return "noticed" if self.learns else "found"

    @property
    def steps(self) -> tuple[int, int]:
        """The first and the last update that was watched."""
        return (int(self.signals.steps[0]), int(self.signals.steps[-1])) if self.signals else (0, 0)
