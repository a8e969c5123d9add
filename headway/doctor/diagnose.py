"""The diagnosis of a run: whether it learns, what keeps it from learning, and what was ruled out."""

from collections.abc import Callable
from dataclasses import dataclass

from headway.doctor.finding import Case, Finding
from headway.doctor.rules.dead_layers import dead_layers
from headway.doctor.rules.gradient_flow import exploding, vanishing
from headway.doctor.rules.non_finite import non_finite
from headway.training.run import Run

RULES: tuple[Callable[[Case], Finding], ...] = (non_finite, dead_layers, vanishing, exploding)
"""In causal order: what comes first can bring about what comes later."""


@dataclass(frozen=True)
class Diagnosis:
    """What is known of a run.

    split       what the loss was judged on: that of the best weights, and of the best constant prediction
    findings    what every rule says, in causal order
    """

    split: str
    loss: float
    constant: float
    learns: bool
    findings: tuple[Finding, ...]

    @property
    def cause(self) -> Finding | None:
        """The first cause found, None where there is none."""
        return next((finding for finding in self.findings if finding.verdict == "found"), None)

    @property
    def healthy(self) -> bool:
        """Whether the run learns and no rule found anything that keeps it from learning."""
        return self.learns and self.cause is None


def diagnose(run: Run) -> Diagnosis:
    """Look at a run that was trained with `watch`, by every rule.

    Errors: a run without signals.
    """
    case = Case.of(run)
    return Diagnosis(case.split, case.loss, case.constant, case.learns, tuple(rule(case) for rule in RULES))
