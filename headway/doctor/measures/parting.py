"""How the parts of a data set stand to each other: rows that are in two of them, and parts that differ too much."""

from dataclasses import dataclass

import numpy as np

from headway.data.dataset import Dataset, Examples
from headway.data.schema import Array
from headway.doctor.measures.columns import Columns, thinned

NEVER = -40.0
"""The logarithm of a chance below which no further column is looked at."""


@dataclass(frozen=True)
class Parting:
    """A held-out part beside the training part.

    copies     the share of its rows whose input is one of the training part too
    agreeing   the share of its rows that equal a training row in input and target
    chance     the share of its rows that would have an equal if every column were drawn by itself; of tokens, if each
               were drawn given the two before it
    rows       how many rows it has
    shift      the root mean square over columns of the distance of their means, in the training part's spreads
    stretch    the median over columns of its spread over the training part's
    classes    the total variation distance of the shares of classes; None for amounts
    strange    the share of its rows whose class the training part has not
    absent     the training part's share of the classes that it has not, of those that it should have 8 or more of
    targets    the distance of the targets' means in spreads; None for labels
    """

    copies: float
    agreeing: float
    chance: float
    rows: int
    shift: float
    stretch: float
    classes: float | None = None
    strange: float = 0.0
    absent: float = 0.0
    targets: float | None = None


def partings(data: Dataset) -> dict[str, Parting]:
    """Every held-out part beside the training part, by name."""
    inputs, whole = set(_rows(data.train.x)), set(_rows(data.train.x, data.train.y))
    by_chance = _by_chance if data.schema.tokens is None else _by_chance_in_order
    columns, chance = Columns.of(data.train.x), by_chance(data.train.x)
    found = {}
    for name, part in data.splits().items():
        if name != "train":
            copies = float(np.mean([row in inputs for row in _rows(part.x)]))
            agreeing = float(np.mean([row in whole for row in _rows(part.x, part.y)]))
            shift, stretch = _moved(columns, Columns.of(part.x))
            found[name] = Parting(copies, agreeing, chance, len(part), shift, stretch, **_targets(data, part))
    return found


def _rows(*arrays: Array) -> list[bytes]:
    """Every row of all arrays as bytes that are equal where its numbers are; −0 is 0."""
    each = [[np.ascontiguousarray(row).tobytes() for row in array + np.zeros((), array.dtype)] for array in arrays]
    return [b"".join(parts) for parts in zip(*each, strict=True)]


def _by_chance(x: Array) -> float:
    """The share of new rows that equal one of these: 1 − (1 − Π_j Σ_v p²)ⁿ, p the share of value v in column j."""
    log = 0.0
    for column in thinned(x.reshape(len(x), -1)).T:
        counts = np.unique(column, return_counts=True)[1]
        log += float(np.log(np.sum((counts / counts.sum()) ** 2)))
        if log < NEVER:
            return 0.0
    return float(-np.expm1(len(x) * np.log1p(-min(np.exp(log), 1 - 1e-16))))


def _by_chance_in_order(x: Array) -> float:
    """The same for tokens [n, time] of a chain of order two: that of two new rows being equal, step by step.

    Over the pairs (a, b) that both rows end with, u'(b, c) = Σ_a u(a, b) P(c | a, b)². The squares are estimated from
    different rows without bias, k (k − 1) / (n (n − 1)) of k in n, so that what was seen once counts as unlike all
    else.
    """
    if x.ndim != 2 or x.shape[1] < 3:
        return _by_chance(x)
    rows = np.unique(thinned(x), axis=0)
    pairs = np.lib.stride_tricks.sliding_window_view(rows, 2, axis=1)
    known, ids = np.unique(pairs.reshape(-1, 2), axis=0, return_inverse=True)
    ids = ids.reshape(pairs.shape[:2])
    steps, often = np.unique(np.stack([ids[:, :-1].ravel(), ids[:, 1:].ravel()]), axis=1, return_counts=True)
    begins, ends = np.bincount(ids[:, 0], minlength=len(known)), np.bincount(ids[:, :-1].ravel(), minlength=len(known))
    same = _squared(often, ends[steps[0]])
    equal = _squared(begins, len(rows))
    for _ in range(x.shape[1] - 2):
        equal = np.bincount(steps[1], equal[steps[0]] * same, minlength=len(known))
    return float(-np.expm1(len(x) * np.log1p(-min(equal.sum(), 1 - 1e-16))))


def _squared(often: Array, of: Array | int) -> Array:
    """The square of a chance, estimated without bias from how often something was seen."""
    squares: Array = often * (often - 1) / np.maximum(of * (np.asarray(of, float) - 1), 1)
    return squares


def _moved(train: Columns, part: Columns) -> tuple[float, float]:
    """How far means are apart, and how many times as large spreads are, over the columns that are dense in training."""
    at = train.dense
    if not len(at):
        return 0.0, 1.0
    distance = (part.mean[at] - train.mean[at]) / train.spread[at]
    ratio = np.maximum(part.spread[at], 1e-6 * train.spread[at]) / train.spread[at]
    return float(np.sqrt(np.mean(distance**2))), float(np.median(ratio))


def _targets(data: Dataset, part: Examples) -> dict[str, float]:
    if data.classes is None:
        y, there = (examples.y.reshape(len(examples.y), -1).astype(float) for examples in (data.train, part))
        distance = (there.mean(axis=0) - y.mean(axis=0)) / np.maximum(y.std(axis=0), 1e-30)
        return {"targets": float(np.max(np.abs(distance)))}
    train, held = (shares(examples.y, len(data.classes)) for examples in (data.train, part))
    missing = (held == 0) & (train * part.y.size >= 8)
    return {
        "classes": float(np.abs(train - held).sum() / 2),
        "strange": float(held[train == 0].sum()),
        "absent": float(train[missing].sum()),
    }


def shares(labels: Array, classes: int) -> Array:
    """The share of every class [classes]."""
    return np.bincount(labels.ravel(), minlength=classes) / max(1, labels.size)
