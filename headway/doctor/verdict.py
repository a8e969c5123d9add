"""The statistics of a proof: paired differences, their interval, a sign test, and what they allow to be said."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

PROVEN, NO_EFFECT, WORSE, NOT_PROVEN, ELIMINATED = "proven", "no effect", "worse", "not proven", "eliminated"


@dataclass(frozen=True)
class Verdict:
    """What paired runs say of one arm.

    differences    held-out loss of the control minus that of the arm, seed by seed: above 0 the arm is better
    effect         their mean
    low, high      its two-sided bootstrap interval of confidence 1 − level
    p              the sign test's: the chance of so many differences above the smallest effect, were half of them
    level          the error that the multiple test left to this arm
    word           "proven", "no effect", "worse", "not proven" or "eliminated"
    """

    differences: tuple[float, ...]
    effect: float
    low: float
    high: float
    p: float
    level: float
    word: str


def interval(differences: Sequence[float], level: float, resamples: int = 9_999) -> tuple[float, float]:
    """The two-sided interval of confidence 1 − level of the mean, by the BCa bootstrap (Efron 1987).

    Differences that are all the same have the interval of no width. The resampling has a fixed seed of its own.
    """
    from scipy.stats import bootstrap

    values = np.asarray(differences, float)
    if np.ptp(values) == 0:
        return float(values[0]), float(values[0])
    made = bootstrap((values,), np.mean, confidence_level=1 - level, n_resamples=resamples, method="BCa",
                     rng=np.random.default_rng(0))  # fmt: skip
    return float(made.confidence_interval.low), float(made.confidence_interval.high)


def sign_p(differences: Sequence[float], smallest: float) -> float:
    """The one-sided sign test of: at most half of such differences are above `smallest` (Dixon & Mood 1946)."""
    from scipy.stats import binomtest

    above = sum(difference > smallest for difference in differences)
    return float(binomtest(above, len(differences), 0.5, alternative="greater").pvalue)


def spent(alpha: float, part: float) -> float:
    """The error spent once `part` of the planned seeds are in: alpha · part² (Kim & DeMets 1987)."""
    return alpha * part**2


def hopeless(differences: Sequence[float], smallest: float, level: float) -> bool:
    """Whether the mean's interval at this level lies below the smallest effect of interest."""
    return interval(differences, level)[1] < smallest


def verdicts(arms: Mapping[str, Sequence[float]], smallest: float, alpha: float, arms_begun: int) -> dict[str, Verdict]:
    """The verdict on every arm, by Holm's step-down test over all arms that were begun (Holm 1979).

    From the smallest p on, the r-th arm is tested at alpha / (arms_begun − r). It is proven where the sign test of
    its differences and the interval of their mean both lie above `smallest`; the first that fails ends the test.
    """
    order = sorted(arms, key=lambda name: (sign_p(arms[name], smallest), -float(np.mean(arms[name]))))
    found: dict[str, Verdict] = {}
    going_on = True
    for rank, name in enumerate(order):
        level, p = alpha / (arms_begun - rank), sign_p(arms[name], smallest)
        low, high = interval(arms[name], level)
        going_on = going_on and p <= level / 2 and low > smallest
        word = PROVEN if going_on else _unproven(low, high, smallest)
        found[name] = Verdict(tuple(arms[name]), float(np.mean(arms[name])), low, high, p, level, word)
    return found


def _unproven(low: float, high: float, smallest: float) -> str:
    if high < -smallest:
        return WORSE
    return NO_EFFECT if -smallest < low and high < smallest else NOT_PROVEN
