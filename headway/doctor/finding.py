"""A case is a run as the doctor sees it; a finding is what one rule says of it, with its evidence."""

from dataclasses import dataclass
from typing import Literal

from headway.doctor.baseline import constant_loss
from headway.signals.flow import Flow, flow
from headway.spec.error import HeadwayError
from headway.training.run import Run

Word = Literal["found", "noticed", "ruled out", "not seen"]
LEARNED = 0.1
"""The share of the best constant prediction's loss that a run must save to count as learning."""


@dataclass(frozen=True)
class Finding:
    """What a rule says.

    cause       the cause it looks at, in words
    concept     the concept on the map that it belongs to
    verdict     found: it is so, and the run does not learn · noticed: it is so, but the run learns ·
                ruled out: it is not so · not seen: what the rule needs was not measured
    where       addresses of the layers concerned
    steps       the first and the last update looked at
    evidence    sentences with what was measured
    agreement   the share of the samples that agree
    """

    cause: str
    concept: str
    verdict: Word
    where: tuple[str, ...] = ()
    steps: tuple[int, int] = (0, 0)
    evidence: tuple[str, ...] = ()
    agreement: float = 1.0


@dataclass(frozen=True)
class Case:
    """A run, its gradient flow, and how its best held-out loss stands to that of the best constant prediction."""

    run: Run
    flow: Flow
    split: str
    loss: float
    constant: float

    @classmethod
    def of(cls, run: Run) -> "Case":
        """The case of a run whose signals were watched."""
        data = run.data()
        splits = data.splits()
        split = next(name for name in ("validation", "test", "train") if name in splits)
        outputs = run.recipe.network.shape(data.input_shape)
        constant = constant_loss(run.recipe.loss, outputs, splits["train"], splits[split])
        if run.recipe.watch is None:
            raise HeadwayError("watch", "a diagnosis needs the signals of a run", "a run that watched none",
                               "Train it again with watch=Watch(10).")  # fmt: skip
        measured = flow(run.recipe.network, data.input_shape, run.history.signals)
        return cls(run, measured, split, run.results[split]["loss"], constant)

    @property
    def skill(self) -> float:
        """The share of the best constant prediction's loss that the network saves: 0 has learned nothing, 1 all."""
        return 1 - self.loss / self.constant if self.constant > 0 else 0.0

    @property
    def learns(self) -> bool:
        """Whether the network beats every constant prediction by more than a little."""
        return self.skill >= LEARNED

    @property
    def word(self) -> Word:
        """The verdict of a rule whose test holds."""
        return "noticed" if self.learns else "found"

    @property
    def steps(self) -> tuple[int, int]:
        """The first and the last update that was watched."""
        steps = self.run.history.signals.steps
        return int(steps[0]), int(steps[-1])
