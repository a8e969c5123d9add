"""Fit: a network that learns its training examples by heart, or cannot learn them at all."""

from typing import NamedTuple

import numpy as np

from headway.doctor.case import Case
from headway.doctor.finding import Seen
from headway.doctor.measures.trend import SURE
from headway.doctor.rules.rule import rule

EVALUATIONS = 3
"""So many evaluations, the last ones, must be above the best."""
RISE = 0.1
"""The share of the level to be beaten by which the held-out loss rises again, to do harm."""


class HeldOut(NamedTuple):
    """Losses that were judged in training on what was not trained on, and the updates they are from."""

    steps: np.ndarray
    losses: np.ndarray

    @property
    def noise(self) -> float:
        """The standard deviation of an evaluation about a smooth curve, by the median of second differences."""
        bends = np.abs(np.diff(self.losses, 2))
        # Var(x₋₁ − 2x₀ + x₁) = 6σ², and the median of |N(0, 1)| is 0.6745.
        return float(np.median(bends) / 0.6745 / np.sqrt(6)) if len(bends) else 0.0


def held_out(case: Case) -> HeldOut | None:
    """The evaluations of the last split that is not "train"; None where there is none."""
    judged = [one for one in case.evaluations or () if one["split"] != "train" and np.isfinite(one["loss"])]
    if not judged:
        return None
    return HeldOut(np.array([one["step"] for one in judged]), np.array([one["loss"] for one in judged]))


@rule(
    "overfitting", "overfitting", concept="overfitting", stage="trend", needs="evaluations trend",
)  # fmt: skip
def overfitting(case: Case) -> Seen:
    """The held-out loss rises again, its last 3 evaluations by 3 standard errors, while the loss of training falls.

    It does harm where it rises by a tenth of what the best constant loses, by 3 standard errors of the mean over the
    examples held out, and where no early stopping ends it: a little is what every small data set shows (Goodfellow et
    al. 2016, section 7.8; Prechelt 1998).
    """
    assert case.trend is not None
    judged = held_out(case)
    if judged is None:
        return Seen("not seen", ("Nothing was held out.",))
    best = int(judged.losses.argmin())
    least, later = judged.losses[best], judged.losses[best + 1 :]
    rise = float(np.median(later[-EVALUATIONS:]) - least) if len(later) else 0.0
    end, at = judged.losses[-1], int(judged.steps[best])
    fall, sure = _falls(case, at)
    evidence: tuple[str, ...] = (
        f"Held-out loss: {least:.3g} at its least, after update {at}, {end:.3g} at the end.",
        f"Loss of training since: {fall:+.3g} ± {sure:.2g}.".replace("-", "−"),
    )
    steps = (at, int(judged.steps[-1]))
    if len(later) < EVALUATIONS or later[-EVALUATIONS:].min() <= least + SURE * judged.noise or fall > -SURE * sure:
        return Seen("ruled out", evidence, steps=steps)
    if case.rise is not None:
        evidence += (
            f"Of the last weights over the best, a held-out example: {case.rise[0]:.3g} ± {case.rise[1]:.2g}.",
        )
    small = rise < RISE * (case.level or least) or (case.rise is not None and case.rise[0] < SURE * case.rise[1])
    stopped = case.recipe is not None and case.recipe.stopping is not None
    return Seen("noticed" if small or stopped else "found", evidence, steps=steps)


def _falls(case: Case, since: int) -> tuple[float, float]:
    """By how much the loss of training changed since an update, below 0 where it fell, and the standard error."""
    assert case.trend is not None
    begin = min(int(np.searchsorted(case.trend.steps, since)), len(case.trend.steps) - 1)
    fall, sure = case.trend.fall(begin, -1)
    return -fall, sure
