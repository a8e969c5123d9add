"""What is known before anything is trained: a recipe as the rules see it, each part measured when first asked for."""

from dataclasses import KW_ONLY, dataclass, replace
from functools import cached_property
from typing import Any, Self

from headway.data.dataset import Dataset
from headway.doctor.baseline import constant_of
from headway.doctor.measures.columns import Columns
from headway.doctor.measures.memory import by_heart
from headway.doctor.measures.mended import redrawn
from headway.doctor.measures.outset import Outset
from headway.doctor.measures.parting import Parting, partings
from headway.doctor.measures.simple import Simple, simple_of
from headway.doctor.preflight.foreign import Fit
from headway.doctor.start import Start
from headway.signals.flow import Flow, flow
from headway.training.job import Job, prepare
from headway.training.recipe import Recipe


@dataclass(frozen=True, eq=False)
class Before:
    """What is known. A part that is not is None.

    recipe, dataset    what is trained, and on what; a history of another system has neither
    first              the values that training begins from; None: those drawn by the recipe's seed
    """

    recipe: Recipe | None = None
    dataset: Dataset | None = None
    _: KW_ONLY
    first: dict[str, Any] | None = None

    @classmethod
    def before(cls, recipe: Recipe, data: Dataset | None = None) -> Self:
        """The case of a recipe that was not trained yet, with the data set where it names none."""
        return cls(recipe=recipe, dataset=prepare(recipe, data, anyway=True).dataset)

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
        return simple_of(self.dataset, ("train",)) if self.dataset else None

    @cached_property
    def simple_held_out(self) -> Simple | None:
        """The same of all examples that were held out."""
        return simple_of(self.dataset, ("validation", "test")) if self.dataset else None

    @cached_property
    def partings(self) -> dict[str, Parting] | None:
        """The parts that were held out beside the training part; None where there are none."""
        return (partings(self.dataset) or None) if self.dataset else None

    @cached_property
    def begins(self) -> Flow | None:
        """The first batch's way through the layers of the initial network, and the gradient's back."""
        if self.start is None or self.recipe is None or self.dataset is None:
            return None
        return flow(self.recipe.network, self.dataset.input_shape, self.start.signals)

    @cached_property
    def begins_redrawn(self) -> Flow | None:
        """The same with weights drawn as they are by default."""
        if self.job is None or self.start is None:
            return None
        return flow(self.job.recipe.network, self.job.dataset.input_shape, Start.of(redrawn(self.job)).signals)

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
        return constant_of(self.recipe.loss, self.recipe.network, self.dataset, self.split)
