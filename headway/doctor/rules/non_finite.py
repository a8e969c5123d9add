"""Numbers that are not finite: the loop stops before the update that would keep one."""

from headway.doctor.case import Case
from headway.doctor.finding import Seen
from headway.doctor.rules.rule import rule


@rule(
    "non-finite", "numbers that are not finite", concept="exploding-gradient", stage="trend", needs="standing",
    follows="exploding-gradient",
)  # fmt: skip
def non_finite(case: Case) -> Seen:
    """The run ended because a loss, gradient or parameter was not finite (Goodfellow et al. 2016, section 4.1)."""
    assert case.standing is not None
    step, message = case.standing.step, case.standing.message
    if case.standing.reason == "non-finite":
        return Seen("found", (message,), steps=(1, step + 1))
    return Seen("ruled out", (f"Loss, gradients and parameters were finite in all {step} updates.",), steps=(1, step))
