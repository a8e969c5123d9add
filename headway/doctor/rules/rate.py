"""The learning rate: too high, too low, or so that training swings, each tried by a run at another rate."""

import numpy as np

from headway.doctor.case import Case
from headway.doctor.finding import Seen
from headway.doctor.measures.trend import SURE
from headway.doctor.rules.rule import FLOW, INITIAL, PAIRING, rule

GAP = 0.25
"""The share of the level to be beaten that another rate must save more in as many updates, for the rate to do harm."""
SWINGS = 0.1
"""The same for swings, which keep a network from the last of what it could learn."""
HIGH, LOW, LEAST = 0.03, 1e-3, 1e-4
"""‖Δθ‖ / ‖θ‖ of an update: above the first it is large, below the others small."""


@rule(
    "learning-rate-high", "learning rate too high", concept="divergence", stage="trend", needs="reached",
    follows=f"{PAIRING} {INITIAL} over-regularised exploding-gradient unstable-start",
)  # fmt: skip
def learning_rate_high(case: Case) -> Seen:
    """The same run at a tenth of the rate or less saves a quarter more of the loss in as many updates.

    Asked where three quarters of the loss to be beaten are not saved, or a number was not finite. What decides is a
    pair of runs from the same weights over the same batches, not the rate's size: training at the edge of stability is
    healthy while the loss goes down (Cohen et al. 2021). Or the pair differs by a tenth of the held-out loss, as where
    the noise of single examples keeps a network from settling. Of a history without a recipe: the loss rose by half and
    never came back below where it began, or that and large updates.
    """
    own, steps = case.reached, _steps(case)
    if own is None or own < GAP:
        better, again = case.without("slower")
        where = ("optimizer/learning_rate",) if better else ()
        return Seen("found" if better else "ruled out", (_said(own), *again), where, steps)
    if case.again is None:
        return _risen(case)
    there = case.again.share(case.again.lower.end)
    said = f"At {case.again.lower.factor:g} times the rate, the same weights and batches: {_percent(there)}."
    evidence = (_said(own), said, *_updates(case))
    if there > min(own, 1) - SWINGS:
        return Seen("ruled out", evidence, steps=steps)
    return Seen("found" if there <= min(own, 1) - GAP else "noticed", evidence, ("optimizer/learning_rate",), steps)


@rule(
    "learning-rate-low", "learning rate too low", concept="learning-rate", stage="trend", needs="reached",
    follows=f"{PAIRING} {INITIAL} {FLOW} learning-rate-high",
)  # fmt: skip
def learning_rate_low(case: Case) -> Seen:
    """The same run at 10 times the rate or more saves a quarter more of the loss, and updates are small.

    Small: the median ‖Δθ‖ / ‖θ‖ below 1/1000, which is what a good rate makes (Karpathy 2019, *A recipe for training
    neural networks*). A higher rate also helps a run that is merely short; there it is the length that is at fault.
    So of a run that was not watched and learns it is only noticed.
    Updates below 1/10,000 with which next to nothing is learned are too small, whatever another rate does.
    """
    own, steps, size = case.reached, _steps(case), update_size(case)
    if own is None or own < GAP or (size is not None and size >= LOW):
        return Seen("ruled out", (_said(own), *_updates(case)), steps=steps)
    slow = size is not None and size < LEAST and own > 1 - SWINGS
    if case.again is None:
        return Seen("found" if slow else "ruled out", (_said(own), *_updates(case)), steps=steps)
    there = case.again.share(case.again.higher.end)
    said = f"At {case.again.higher.factor:g} times the rate, the same weights and batches: {_percent(there)}."
    evidence = (_said(own), said, *_updates(case))
    if there > min(own, 1) - GAP:
        return Seen("found" if slow else "ruled out", evidence, ("optimizer",) if slow else (), steps)
    word = "found" if size is not None else case.word
    return Seen(word, evidence, ("optimizer/learning_rate",), steps)


@rule(
    "oscillation", "loss that swings", concept="gradient-noise", stage="trend", needs="trend",
    follows=f"{PAIRING} {INITIAL} exploding-gradient unstable-start learning-rate-high",
)  # fmt: skip
def oscillation(case: Case) -> Seen:
    """The second half brings no net progress, the loss swings, and a lower rate swings half as much and ends lower.

    Swings alone are the noise of batches, and with progress they are the edge of stability. So both must be less at a
    lower rate, over the same batches, and a tenth of the loss to be beaten must be won (Bottou, Curtis & Nocedal 2018,
    section 4.2). Or a tenth of the held-out loss that was won is lost again while the loss of training does not fall,
    and a lower rate or batches eight times as large keep it.
    """
    assert case.trend is not None
    assert case.losses is not None
    own, steps = case.reached, _steps(case)
    fall, sure = case.trend.late_fall
    evidence: tuple[str, ...] = (f"Over the second half the loss falls by {fall:.3g} ± {sure:.2g}.".replace("-", "−"),)
    if own is None or fall > SURE * sure or case.again is None:
        return Seen("ruled out", evidence, steps=steps)
    if own < SWINGS:
        return _lost_again(case, evidence)
    here, there = swing(case.losses[: case.again.updates]), swing(case.again.lower.losses)
    evidence += (f"It swings by {here:.3g}; at {case.again.lower.factor:g} times the rate by {there:.3g}.",)
    if here < 2 * there or case.again.share(case.again.lower.end) > min(own, 1) - SWINGS:
        return _lost_again(case, evidence)
    return Seen("found", evidence, ("optimizer/learning_rate",), steps)


def _lost_again(case: Case, evidence: tuple[str, ...]) -> Seen:
    """Whether held-out loss that was won is lost again, and not at a lower rate or in larger batches."""
    assert case.trend is not None
    course, level, steps = case.course, case.level, _steps(case)
    if case.again is None or course is None or not level or course.rise < SWINGS * level:
        return Seen("ruled out", evidence, steps=steps)
    change, sure = case.trend.since(course.best)
    if change < -SURE * sure:
        return Seen("ruled out", evidence, steps=steps)
    now, slower, larger = (course.least + course.rise) / level, case.again.slower, case.again.larger_batches
    evidence += (f"Of the held-out loss to be beaten {course.least / level:.0%} was left after update {course.best}, "
                 f"and {now:.0%} in the end; at {case.again.lower.factor:g} times the rate {slower:.0%}"
                 f"{'' if larger is None else f', in larger batches {larger:.0%}'}.",)  # fmt: skip
    kept = min(other for other in (slower, larger) if other is not None) <= now - SWINGS
    return Seen("found" if kept else "ruled out", evidence, ("optimizer/learning_rate",) if kept else (), steps)


def swing(losses: np.ndarray) -> float:
    """The standard deviation from one update to the next in the last quarter, in which a trend has no part."""
    tail = np.diff(losses[-max(2, len(losses) // 4) :].astype(float))
    return float(np.sqrt(np.mean(tail**2) / 2)) if len(tail) else 0.0


def _risen(case: Case) -> Seen:
    """What the history alone shows."""
    assert case.losses is not None
    losses, size = case.losses, update_size(case, first=True)
    begin, top = float(losses[0]), float(np.nanmax(losses)) if len(losses) else 0.0
    back = case.trend is not None and float(case.trend.means[-1]) < (1 - SWINGS) * begin
    came = "came" if back else "never came"
    evidence = (f"The loss was {begin:.3g} at first and at most {top:.3g}; it {came} a tenth below the first.",)
    risen = top >= 1.5 * begin and not back and len(losses) > 1
    large = size is None or size >= HIGH
    return Seen("found" if risen and large else "ruled out", (*evidence, *_updates(case)), steps=_steps(case))


def update_size(case: Case, *, first: bool = False) -> float | None:
    """‖Δθ‖ / ‖θ‖ of an update, the median of layers and of the later half of the samples, or of the first alone."""
    signals = case.signals
    return None if signals is None else signals.update_size(slice(1) if first else slice(len(signals) // 2, None))


def _said(own: float | None) -> str:
    return "Nothing was measured." if own is None else f"Of the loss to be beaten {_percent(own)} is left in training."


def _percent(share: float) -> str:
    return f"{share:.0%}" if np.isfinite(share) and share < 100 else "more than a hundred times it"


def _updates(case: Case) -> tuple[str, ...]:
    size = update_size(case)
    return () if size is None else (f"An update changes the weights by {size:.2g} of their size, the median.",)


def _steps(case: Case) -> tuple[int, int]:
    assert case.measures is not None
    return int(case.measures["step"][0]), int(case.measures["step"][-1])
