"""Columns: what each feature of the examples is like as it reaches the network, or each target."""

from dataclasses import dataclass

import numpy as np

from headway.data.schema import Array

ROWS = 2000
"""How many rows are looked at, evenly spread over the examples."""
DENSE = 0.5
"""Below this share of its commonest value a column is dense: one-hot columns, counts and margins of images are not."""


@dataclass(frozen=True)
class Columns:
    """A row of numbers a column. An image or a sequence has one column a channel, a flat input one a feature.

    mean, spread    of all values; `common` is the share of the commonest value
    bulk            the distance of the 5th and the 95th percentile, over the spread: 3.3 for a normal distribution
    copies          for each column the first that holds the same values, itself where it is the first
    finite          whether all values are
    size            root mean square of all values that are not 0
    offset          the share of E‖x‖² that is ‖E x‖²: what all examples have in common
    low, high       of all values
    """

    mean: Array
    spread: Array
    common: Array
    bulk: Array
    copies: Array
    finite: bool
    size: float
    offset: float
    low: float
    high: float

    @classmethod
    def of(cls, x: Array) -> "Columns":
        """The columns of x [n], [n, features] or [n, …, channels]."""
        rows = thinned(x).astype(float)
        table = rows.reshape(-1, x.shape[-1] if x.ndim > 1 else 1)
        finite = bool(np.isfinite(table).all())
        table = np.nan_to_num(table, posinf=0, neginf=0)
        mean, spread = table.mean(axis=0), table.std(axis=0)
        level = np.sort(table, axis=0)
        low, high = np.percentile(level, [5, 95], axis=0)
        common = np.array([_longest(column) / len(column) for column in level.T])
        spread[level[0] == level[-1]] = 0
        _, first, which = np.unique(table, axis=1, return_index=True, return_inverse=True)
        filled, whole = table[table != 0], float(np.mean(table**2))
        return cls(
            mean, spread, common, (high - low) / np.where(spread > 0, spread, 1), first[which.ravel()], finite,
            float(np.sqrt(np.mean(filled**2))) if filled.size else 0.0,
            float(np.mean(mean**2) / whole) if whole > 0 else 0.0,
            float(level[0].min()), float(level[-1].max()),
        )  # fmt: skip

    @property
    def dense(self) -> Array:
        """The places of the columns that vary, and hold no value in half of the rows."""
        return np.flatnonzero((self.common < DENSE) & (self.spread > 0))

    @property
    def constant(self) -> Array:
        """The places of the columns that do not vary."""
        return np.flatnonzero(self.spread == 0)

    @property
    def repeated(self) -> Array:
        """The places of the columns that vary, and that an earlier one repeats number by number."""
        return np.flatnonzero((self.copies < np.arange(len(self.copies))) & (self.spread > 0))

    @property
    def ratio(self) -> float:
        """The largest spread of a column over the smallest of a dense one; 1 where none is dense."""
        return float(self.spread.max() / self.spread[self.dense].min()) if len(self.dense) else 1.0


def thinned(values: Array, most: int = ROWS) -> Array:
    """At most so many rows, evenly spread: all where there are no more."""
    return values if len(values) <= most else values[np.linspace(0, len(values) - 1, most).astype(int)]


def _longest(level: Array) -> int:
    """How often the commonest of sorted values stands there."""
    ends = np.flatnonzero(np.concatenate([np.diff(level) != 0, [True]]))
    return int(np.diff(np.concatenate([[-1], ends])).max())
