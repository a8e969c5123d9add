"""Paired ratios: how much of the other's time one system takes, with an interval, and what that says of a bar."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

RESAMPLES = 10_000


@dataclass(frozen=True)
class Ratio:
    """The median of the rounds' ratios, and the ends of its 95 % interval."""

    median: float
    low: float
    high: float

    def verdict(self, bar: float) -> str:
        """A bar is met when the whole interval is within it, and missed when the whole interval is above."""
        if self.high <= bar:
            return "met"
        return "missed" if self.low > bar else f"not resolved below {self.high:.3f}"


def paired_ratio(ours: Sequence[float], theirs: Sequence[float]) -> Ratio:
    """Median over rounds of ours / theirs, and its percentile bootstrap interval (Efron & Tibshirani 1993, ch. 13).

    Both were measured in the same rounds, so that what slows down a whole round cancels.
    """
    ratios = np.asarray(ours) / np.asarray(theirs)
    draws = np.random.default_rng(0).choice(ratios, (RESAMPLES, len(ratios)))
    low, high = np.quantile(np.median(draws, axis=1), (0.025, 0.975))
    return Ratio(float(np.median(ratios)), float(low), float(high))
