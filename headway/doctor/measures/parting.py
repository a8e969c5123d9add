"""How the parts of a data set stand to each other: rows that are in two of them, and parts that differ too much."""

from collections import Counter
from dataclasses import dataclass

import numpy as np

from headway.data.dataset import Dataset, Examples
from headway.data.schema import Array
from headway.doctor.measures.columns import Columns


@dataclass(frozen=True)
class Parting:
    """A held-out part beside the training part.

    copies     the share of its rows that are a row of the training part too
    twins      the share of the training rows that another one is equal to
    rows       how many rows it has
    shift      the root mean square over columns of the distance of their means, in the training part's spreads
    stretch    the median over columns of its spread over the training part's
    classes    the total variation distance of the shares of classes; None for amounts
    strange    the share of its rows whose class the training part has not
    absent     the training part's share of the classes that it has not, of those that it should have 8 or more of
    targets    the distance of the targets' means in spreads; None for labels
    """

    copies: float
    twins: float
    rows: int
    shift: float
    stretch: float
    classes: float | None = None
    strange: float = 0.0
    absent: float = 0.0
    targets: float | None = None


def partings(data: Dataset) -> dict[str, Parting]:
    """Every held-out part beside the training part, by name."""
    counted = Counter(_rows(data.train))
    twins = sum(count for count in counted.values() if count > 1) / len(data.train)
    columns = Columns.of(data.train.x)
    found = {}
    for name, part in data.splits().items():
        if name != "train":
            copies = float(np.mean([row in counted for row in _rows(part)]))
            shift, stretch = _moved(columns, Columns.of(part.x))
            found[name] = Parting(copies, twins, len(part), shift, stretch, **_targets(data, part))
    return found


def _rows(examples: Examples) -> list[bytes]:
    """Every input as bytes that are equal where the input is."""
    return [np.ascontiguousarray(row).tobytes() for row in examples.x + np.zeros((), examples.x.dtype)]


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
