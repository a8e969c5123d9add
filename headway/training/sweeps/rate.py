"""The learning-rate range test: a rate that rises over one short run, for several seeds, and what their losses say."""

import math
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from headway.data.dataset import Dataset
from headway.learning.schedules.decay import Exponential
from headway.spec.error import HeadwayError
from headway.training.recipe import Evaluation, Recipe
from headway.training.sweeps.sweep import sweep

BELOW = 10.0
"""How far below the rate with the least loss the suggestion is."""
CLEAR = 4.0
"""By how many standard deviations of its own noise a smoothed loss must move to be seen."""
SMALLEST = 0.01
"""By which part of the loss at the start it must move, whatever its noise."""


@dataclass(frozen=True)
class RateCurve:
    """What one seed says: its smoothed loss, and a suggestion or the reason why there is none."""

    smoothed: np.ndarray
    suggestion: float | None
    reason: str = ""


@dataclass(frozen=True)
class RateTest:
    """What `find_learning_rate` returns.

    rates       the rates that were gone through [n]
    losses      the loss of the batch after the update with each of them [seeds, n]; NaN where it was not made
    suggestion  geometric mean of the seeds' suggestions, None where at most half of the seeds have one
    interval    its 95 % interval over the seeds, by Student's t of the logarithms
    reason      why there is no suggestion
    """

    rates: np.ndarray
    losses: np.ndarray
    curves: tuple[RateCurve, ...]
    suggestion: float | None
    interval: tuple[float, float] | None
    reason: str

    def record(self) -> dict[str, Any]:
        """The test as plain values for JSON; a loss that was not made is None."""
        losses = [[value if math.isfinite(value) else None for value in row] for row in self.losses.tolist()]
        seeds = [{"suggestion": curve.suggestion, "reason": curve.reason} for curve in self.curves]
        return {"suggestion": self.suggestion, "interval": self.interval, "reason": self.reason, "seeds": seeds,
                "rates": self.rates.tolist(), "losses": losses}  # fmt: skip


def find_learning_rate(
    recipe: Recipe,
    *,
    data: Dataset | None = None,
    low: float = 1e-6,
    high: float = 10.0,
    updates: int = 200,
    seeds: int = 5,
) -> RateTest:
    """Raise the learning rate from `low` to `high` over one short run, for several seeds, and suggest one.

    η(i) = low^(1 − s) · high^s, s = i / (updates − 1) (range test: Smith 2017; exponential: Gugger 2018). A seed's
    suggestion is a tenth of the rate with the least smoothed loss, where the loss has fallen and risen again:
    see `read_curve`. The recipe is left as it was, and nothing is kept of the runs.
    """
    if not 0 < low < high:
        raise HeadwayError("low", "must be above 0 and below high", f"{low:g} and {high:g}")
    if updates < 60:
        raise HeadwayError("updates", "a curve needs 60 updates or more", updates)
    if seeds < 2:
        raise HeadwayError("seeds", "an interval needs two seeds or more", seeds)
    rising: Any = replace(
        recipe,
        optimizer=with_main_rate(recipe, Exponential(low, final=high)),
        length=updates,
        evaluation=Evaluation(updates, batch_size=recipe.evaluation.batch_size),
        stopping=None,
        watch=None,
    )
    first = recipe.seed
    swept = sweep(rising, {"seed": range(first, first + seeds)}, data=data, anyway=True)
    losses = np.full((seeds, updates), np.nan)
    for row, run in zip(losses, swept.runs, strict=True):
        made = run.history.columns()["loss"]
        row[: len(made)] = made
    rates = low * (high / low) ** (np.arange(updates) / (updates - 1))
    # The loss of a batch is that before its update: the effect of a rate is in the next batch's.
    return read_curves(rates[:-1], losses[:, 1:])


def with_main_rate(recipe: Recipe, rate: Exponential) -> Any:
    """The recipe's optimizer with another learning rate for all parameters."""
    optimizer: Any = recipe.optimizer
    if not hasattr(optimizer, "learning_rate"):
        raise HeadwayError("optimizer", "must have one learning rate", optimizer, "Test that of its default optimizer.")
    return replace(optimizer, learning_rate=rate)


def read_curves(rates: np.ndarray, losses: np.ndarray) -> RateTest:
    """What the losses [seeds, n] at rising rates [n] say together."""
    curves = tuple(read_curve(rates, row) for row in losses)
    found = np.log([curve.suggestion for curve in curves if curve.suggestion is not None])
    if len(found) < 2 or len(found) <= len(curves) / 2:
        reasons = [curve.reason for curve in curves if curve.reason]
        most = max(reasons, key=reasons.count)
        return RateTest(rates, losses, curves, None, None, f"{reasons.count(most)} of {len(curves)} seeds: {most}")
    from scipy.stats import t

    mean, half = found.mean(), t.ppf(0.975, len(found) - 1) * found.std(ddof=1) / math.sqrt(len(found))
    interval = (float(np.exp(mean - half)), float(np.exp(mean + half)))
    return RateTest(rates, losses, curves, float(np.exp(mean)), interval, "")


def read_curve(rates: np.ndarray, losses: np.ndarray) -> RateCurve:
    """A tenth of the rate with the least smoothed loss (Gugger 2018, Howard & Gugger 2020), where there is one.

    Smoothed: the running median over w = n / 20 updates. The first tenth of the rates, too low to do much, gives the
    loss at the start and the noise σ of one batch, by differences of neighbours (von Neumann 1941). The smoothed
    loss has moved when it is off by 4 σ / √w and by 1 % of the start. It must fall, and rise again in the end; the
    least is looked for where it has not yet risen above the start.
    """
    tenth, w = len(losses) // 10, max(3, len(losses) // 20)
    smoothed = running_median(losses, w)
    calm = losses[:tenth]
    if not np.isfinite(calm).all() or calm[-1] > calm[0] + 3 * abs(calm[0]):
        return RateCurve(smoothed, None, "the loss diverges at once: test lower rates")
    start = float(np.median(calm))
    noise = float(np.diff(calm).std()) / math.sqrt(2)
    moved = max(CLEAR * noise / math.sqrt(w), SMALLEST * abs(start))
    gone = ~(smoothed <= start + moved)  # NaN is gone too
    gone[:tenth] = False
    end = int(np.argmax(gone)) if gone.any() else len(smoothed)
    least = int(np.argmin(smoothed[:end]))
    if start - smoothed[least] <= moved:
        what = "never falls clearly before it rises" if gone.any() else "never falls clearly"
        return RateCurve(smoothed, None, f"the loss {what}")
    if not gone.any() and smoothed[-1] - smoothed[least] <= moved:
        return RateCurve(smoothed, None, "the loss has not risen at the highest rate: test higher ones")
    suggestion = float(rates[least]) / BELOW
    if suggestion < rates[0]:
        return RateCurve(smoothed, None, "the loss falls from the lowest rate on: test lower ones")
    return RateCurve(smoothed, suggestion)


def running_median(values: np.ndarray, w: int) -> np.ndarray:
    """The median of w values around each, of fewer at both ends; NaN from the first that is not finite on."""
    bad = ~np.isfinite(values)
    made = values[: int(np.argmax(bad)) if bad.any() else len(values)]
    half = w // 2
    smoothed = np.full(len(values), np.nan)
    smoothed[: len(made)] = [np.median(made[max(0, i - half) : i + half + 1]) for i in range(len(made))]
    return smoothed
