"""The course of training: a start that spoils it, too few steps, and long stretches in which nothing moves."""

from headway.doctor.case import Case
from headway.doctor.finding import Seen
from headway.doctor.measures.trend import Trend
from headway.doctor.rules.rate import update_size
from headway.doctor.rules.rule import FLOW, INITIAL, PAIRING, TREND, rule

GAP, NEAR = 0.25, 0.1
"""Shares of the level to be beaten: what a warm-up must save, and how near to a lower rate it must come."""
LARGE = 5e-3
"""The first update's ‖Δθ‖ / ‖θ‖ from which on a warm-up can matter."""
FLAT = 0.1
"""The share of the level to be beaten by which a loss that is flat may fall."""
LEFT, TOO_FEW = 0.5, 50
"""The share of the level to be beaten that must be left in the end; with fewer updates GAP is enough."""


@rule(
    "unstable-start", "unstable start", concept="warmup", stage="first steps", needs="measures job",
    follows=f"{PAIRING} {INITIAL} exploding-gradient",
)  # fmt: skip
def unstable_start(case: Case) -> Seen:
    """The same run with a warm-up saves a quarter more of the loss in as many updates, and no lower rate does better.

    Asked where the rate begins at its height and the first update is large. So the rate is right but for the first
    steps, as of transformers that normalize behind the residual sum (Xiong et al. 2020; Gotmare et al. 2019).
    """
    assert case.measures is not None
    rates, own = case.measures["learning_rate"], case.reached
    steps = (1, int(case.measures["step"][-1]))
    first = update_size(case, first=True)
    evidence: tuple[str, ...] = (
        f"The first rate is {rates[0]:.3g}, the highest {rates.max():.3g}.",
        *(() if first is None else (f"The first update changes the weights by {first:.2g} of their size.",)),
    )
    calm = first is not None and first < LARGE
    if own is None or own < GAP or calm or rates[0] < rates.max() / 2 or case.again is None:
        return Seen("ruled out", evidence, steps=steps)
    warmed, lower = case.again.share(case.again.warmed.end), case.again.share(case.again.lower.end)
    evidence += (f"Of the loss to be beaten {own:.0%} is left, with a warm-up {warmed:.0%}, "
                 f"at {case.again.lower.factor:g} times the rate {lower:.0%}.",)  # fmt: skip
    if warmed > min(own, 1) - GAP or warmed > lower + NEAR:
        return Seen("ruled out", evidence, steps=steps)
    return Seen("found", evidence, ("optimizer/learning_rate",), steps)


@rule(
    "too-few-steps", "too few steps", concept="training", stage="trend", needs="trend",
    follows=f"{PAIRING} {INITIAL} {FLOW} learning-rate-high learning-rate-low",
)  # fmt: skip
def too_few_steps(case: Case) -> Seen:
    """The same recipe with four times the updates saves a quarter more of the held-out loss, half of which is left.

    Or with 200, where these are more; then a quarter left is enough. If early stopping ended it before, with all of its
    updates. Where these are too many to try: the loss of training falls in the second half by 3 standard errors and by
    a tenth of what is to be beaten. So the run ended before training did (Goodfellow et al. 2016, section 7.8). With
    less left it is noticed: most runs would go on a little.
    """
    assert case.trend is not None
    assert case.losses is not None
    steps, level = (1, int(case.trend.steps[-1])), case.level
    if case.loss is None or not level:
        return Seen("not seen", ("Not known: what loss is to be beaten.",))
    fall, sure = case.trend.late_fall
    left = case.loss / level
    said = f"Over the second half the loss falls by {fall / level:.0%} ± {sure / level:.0%} of that to be beaten"
    evidence: tuple[str, ...] = (f"{said}; {left:.0%} is left.".replace("-", "−"),)
    if left < (LEFT if len(case.losses) >= TOO_FEW else GAP):
        return Seen("noticed" if case.trend.falls(FLAT * level) else "ruled out", evidence, steps=steps)
    if case.again is not None and case.again.longer is not None:
        there = case.again.share(case.again.longer.held_out)
        stopped = case.again.made < case.again.job.updates
        more = "the updates not made" if stopped else f"{len(case.again.longer.losses)} updates"
        evidence += (f"After {more} {there:.0%} would be left.",)
        found = there <= min(left, 1) - GAP
    else:
        found = case.trend.falls(FLAT * level)
    return Seen("found" if found else "ruled out", evidence, ("length",) if found else (), steps)


@rule(
    "plateau", "a plateau", concept="local-minimum", stage="trend", needs="trend",
    follows=f"{PAIRING} {INITIAL} {FLOW} {TREND} overfitting underfitting",
)  # fmt: skip
def plateau(case: Case) -> Seen:
    """A third of the updates or more went by before the loss was a tenth below the best constant's, or it never was.

    Flat: between the first and the third quarter of that time it fell by less than a tenth. A symptom: it is found
    only where no cause of it is. A flat stretch at the end of a run that has learned is the floor that it came to
    (Dauphin et al. 2014).
    """
    assert case.trend is not None
    last, level = int(case.trend.steps[-1]), case.level
    if case.stuck is None or level is None or not case.late or not _flat(case.trend, case.stuck, FLAT * level):
        return Seen("ruled out", (f"The loss was a tenth below the best constant's after {case.stuck} updates.",),
                    steps=(1, last))  # fmt: skip
    said = "never" if case.stuck == last and not case.learns else f"only after {case.stuck} of {last} updates"
    return Seen("found", (f"The loss was {said} a tenth below the best constant's.",), steps=(1, case.stuck))


def _flat(trend: Trend, until: int, least: float) -> bool:
    """Whether the loss fell by less between the first and the third quarter of the time until an update."""
    windows = int((trend.steps <= until).sum())
    return trend.fall(windows // 4, min(3 * windows // 4, windows - 1))[0] < least
