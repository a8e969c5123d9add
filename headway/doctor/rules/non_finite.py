"""Numbers that are not finite: the loop stops before the update that would keep one."""

import numpy as np

from headway.doctor.case import Case
from headway.doctor.finding import Seen
from headway.doctor.rules.rule import PAIRING, rule

LEAST = 3
"""How many updates must have been made for a median of them to say something."""


@rule(
    "non-finite", "numbers that are not finite", concept="exploding-gradient", stage="trend", needs="standing",
    follows=f"{PAIRING} initial-scale exploding-gradient unstable-start learning-rate-high",
)  # fmt: skip
def non_finite(case: Case) -> Seen:
    """The run ended because a loss, gradient or parameter was not finite (Goodfellow et al. 2016, section 4.1).

    The run's own message says where in the computation the first one arose; the last finite losses and gradients say
    whether it came suddenly, as from data or a logarithm of 0, or at the end of growth, as from too high a rate.
    """
    assert case.standing is not None
    step, message = case.standing.step, case.standing.message
    if case.standing.reason == "non-finite":
        return Seen("found", (message, *_before(case)), steps=(1, step + 1))
    return Seen("ruled out", (f"Loss, gradients and parameters were finite in all {step} updates.",), steps=(1, step))


def _before(case: Case) -> tuple[str, ...]:
    """What led to it: loss and ‖g‖ of the last update that was made over the median of those before."""
    if case.measures is None or len(case.measures["loss"]) < LEAST:
        return ()
    said = []
    for name, word in (("loss", "the loss"), ("gradient_norm", "‖g‖")):
        if name in case.measures and np.isfinite(case.measures[name]).all():
            *before, last = np.abs(case.measures[name].astype(float))
            said.append(f"{word} was {last / max(float(np.median(before)), 1e-30):.3g} times its median")
    return (f"In the last update that was made {' and '.join(said)}.",) if said else ()
