"""The trend of a loss, judged against its own noise: means of windows, and the course of what was held out."""

from dataclasses import dataclass

import numpy as np

WINDOWS = 20
EVALUATIONS = 3
"""How many of the last evaluations are looked at."""
SURE = 3.0
"""From how many standard errors on a difference counts."""


@dataclass(frozen=True)
class Trend:
    """The loss of training in windows of one length, the last ones where they do not divide the run.

    steps     [windows], the last update of each
    means     [windows]
    errors    [windows], standard errors: √(v / n), v half the mean square of the differences of neighbours, in which
              the trend itself has no part (von Neumann et al. 1941)
    """

    steps: np.ndarray
    means: np.ndarray
    errors: np.ndarray

    @classmethod
    def of(cls, losses: np.ndarray, steps: np.ndarray | None = None, windows: int = WINDOWS) -> "Trend":
        """The trend of at least one loss, in at most so many windows of two or more; `steps` are the losses' own."""
        count = max(1, min(windows, len(losses) // 2))
        size = len(losses) // count
        first = len(losses) - count * size
        rows = np.asarray(losses, float)[first:].reshape(count, size)
        noise = np.diff(rows, axis=1) ** 2 / 2
        errors = np.sqrt(noise.mean(axis=1) / size) if size > 1 else np.zeros(count)
        ends = first + size * np.arange(1, count + 1)
        return cls(ends if steps is None else np.asarray(steps)[ends - 1], rows.mean(axis=1), errors)

    def fall(self, begin: int, end: int) -> tuple[float, float]:
        """By how much the mean of window `end` is below that of window `begin`, and the standard error of that."""
        return float(self.means[begin] - self.means[end]), float(np.hypot(self.errors[begin], self.errors[end]))

    @property
    def late_fall(self) -> tuple[float, float]:
        """By how much the loss fell over the second half, and the standard error of that."""
        return self.fall(len(self.means) // 2, -1)

    def falls(self, least: float) -> bool:
        """Whether that is `least` or more, and 3 standard errors."""
        fall, error = self.late_fall
        return fall >= max(least, SURE * error)

    def since(self, step: int) -> tuple[float, float]:
        """By how much the loss changed since an update, below 0 where it fell, and the standard error of that."""
        fall, error = self.fall(min(int(np.searchsorted(self.steps, step)), len(self.steps) - 1), -1)
        return -fall, error

    def below(self, level: float) -> int | None:
        """The update from which the loss stays below a level, but for at most one window; None where it never does.

        The last update of the first window below it behind which no two windows in a row are above.
        """
        above = ~(self.means < level)
        again = np.flatnonzero(above[:-1] & above[1:]) + 2 if len(above) > 1 else np.zeros(0, int)
        rest = np.flatnonzero(~above)
        rest = rest[rest >= (again[-1] if len(again) else 0)]
        return int(self.steps[rest[0]]) if len(rest) else None


@dataclass(frozen=True)
class Course:
    """Losses [evaluations] that were judged in training on what was not trained on, and the updates they are from."""

    steps: np.ndarray
    losses: np.ndarray

    @property
    def least(self) -> float:
        """The lowest."""
        return float(self.losses.min())

    @property
    def best(self) -> int:
        """The update that it is from."""
        return int(self.steps[self.losses.argmin()])

    @property
    def rise(self) -> float:
        """The median of the last ones behind the best, less the best; 0 where there is none."""
        later = self.losses[self.losses.argmin() + 1 :][-EVALUATIONS:]
        return float(np.median(later)) - self.least if len(later) else 0.0

    @property
    def rises(self) -> bool:
        """Whether all of the last ones are behind the best, and above it by 3 standard deviations of the noise."""
        later = self.losses[self.losses.argmin() + 1 :][-EVALUATIONS:]
        return len(later) == EVALUATIONS and bool(later.min() > self.least + SURE * self.noise)

    @property
    def noise(self) -> float:
        """The standard deviation of an evaluation about a smooth curve, by the median of second differences."""
        bends = np.abs(np.diff(self.losses, 2))
        # Var(x₋₁ − 2x₀ + x₁) = 6σ², and the median of |N(0, 1)| is 0.6745.
        return float(np.median(bends) / 0.6745 / np.sqrt(6)) if len(bends) else 0.0


def median_of(values: np.ndarray, share: float) -> float:
    """The median of so large a share of the values, the first or where below 0 the last; NaN where none is told."""
    count = max(1, round(abs(share) * len(values)))
    part = values[:count] if share > 0 else values[-count:]
    told = part[~np.isnan(part)]
    return float(np.median(told)) if len(told) else float("nan")
