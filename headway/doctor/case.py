"""A case: a recipe or a run as the rules see it, each part measured when it is first asked for."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from headway.data.dataset import Dataset
from headway.doctor.baseline import constant_loss
from headway.doctor.finding import Word
from headway.doctor.start import Start
from headway.signals.flow import Flow, flow
from headway.signals.history import Signals
from headway.training.job import Job, prepare
from headway.training.recipe import Recipe
from headway.training.record import History, Standing
from headway.training.run import Run

LEARNED = 0.1
"""The share of the best constant prediction's loss that a run must save to count as learning."""


@dataclass(frozen=True, eq=False)
class Case:
    """What is known. A part that is not is None, and a rule that needs it says "not seen".

    recipe, dataset    what is trained, and on what; a history of another system has neither
    history, standing  what was measured in training; how far it came and why it ended
    values, final      parameters and network state of the best evaluation, and after the last update
    results            split → loss and metrics of `values`
    """

    recipe: Recipe | None = None
    dataset: Dataset | None = None
    history: History | None = None
    standing: Standing | None = None
    values: dict[str, Any] | None = None
    final: dict[str, Any] | None = None
    results: dict[str, dict[str, float]] | None = None

    @classmethod
    def of(cls, run: Run) -> "Case":
        """The case of a run that is over."""
        return cls(run.recipe, run.data(), run.history, run.standing, run.values, run.final, run.results)

    @classmethod
    def before(cls, recipe: Recipe, data: Dataset | None = None) -> "Case":
        """The case of a recipe that was not trained yet, with the data set where it names none."""
        return cls(recipe, prepare(recipe, data, anyway=True).dataset)

    @cached_property
    def job(self) -> Job | None:
        """The recipe with its data."""
        return prepare(self.recipe, self.dataset, anyway=True) if self.recipe and self.dataset else None

    @cached_property
    def start(self) -> Start | None:
        """What the first batch shows."""
        return Start.of(self.job) if self.job else None

    @cached_property
    def measures(self) -> dict[str, np.ndarray] | None:
        """`step`, `loss` and what else was measured of every update, by name."""
        columns = self.history.columns() if self.history else {}
        return columns if len(columns.get("step", ())) else None

    @cached_property
    def signals(self) -> Signals | None:
        """What was measured of every layer; None where no update was watched."""
        return self.history.signals if self.history and len(self.history.signals) else None

    @cached_property
    def evaluations(self) -> list[dict[str, Any]] | None:
        """What was judged in training, by update."""
        return (self.history.evaluations or None) if self.history else None

    @cached_property
    def flow(self) -> Flow | None:
        """The gradient's way back through the layers; without a recipe, through all that were watched."""
        if self.signals is None:
            return None
        if self.recipe is None or self.dataset is None:
            return Flow(self.signals.addresses, self.signals["gradient"], self.signals["signal"])
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
        return None if self.measures is None else float(np.median(_part(self.measures["loss"], -0.1)))

    @property
    def skill(self) -> float | None:
        """The share of the loss of the best constant prediction that was saved: 0 has learned nothing, 1 all.

        Where no such prediction is known, of the loss that training began with.
        """
        if self.loss is None:
            return None
        known = self.constant
        if known is None:
            known = float(np.median(_part(self.measures["loss"], 0.02))) if self.measures else 0.0
        return 1 - self.loss / known if known > 0 else 0.0

    @property
    def learns(self) -> bool | None:
        """Whether the network beats every constant prediction by more than a little; None before it was trained."""
        skill = self.skill
        return None if skill is None else bool(skill >= LEARNED)

    @property
    def word(self) -> Word:
        """The verdict of a rule whose test holds, and whose cause is known to let some networks learn all the same."""
        return "noticed" if self.learns else "found"

    @property
    def steps(self) -> tuple[int, int]:
        """The first and the last update that was watched."""
        return (int(self.signals.steps[0]), int(self.signals.steps[-1])) if self.signals else (0, 0)


def _part(values: np.ndarray, share: float) -> np.ndarray:
    """So much of the values from the first on, or where below 0 up to the last; at least one."""
    count = max(1, round(abs(share) * len(values)))
    return values[:count] if share > 0 else values[-count:]
