"""Sources made of other sources: fewer examples to learn from, and labels that are wrong."""

import dataclasses
from dataclasses import KW_ONLY
from typing import Annotated, Any

import numpy as np
from pydantic import Field

from headway.data.dataset import Fraction, Seed, Source, Table
from headway.spec.error import HeadwayError
from headway.spec.node import spec


@spec
class Few(Source):
    """So many examples of another source to learn from, drawn by a seed; all others are the test set.

    A test set that the source brings takes their place.
    """

    source: Source
    _: KW_ONLY
    count: Annotated[int, Field(ge=2)]
    seed: Seed = 0

    def load(self) -> Table:
        table = self.source.load()
        x, y = np.asarray(table.x), np.asarray(table.y)
        if len(x) < self.count:
            raise HeadwayError("count", f"there are {len(x)} examples", self.count, "Ask for fewer.")
        order = np.random.default_rng(self.seed).permutation(len(x))
        kept, others = np.sort(order[: self.count]), np.sort(order[self.count :])
        fewer = chosen(table, kept)
        if table.test_x is not None or not len(others):
            return fewer
        left = None if table.weights is None else np.asarray(table.weights)[others]
        return dataclasses.replace(fewer, test_x=x[others], test_y=y[others], test_weights=left)


def chosen(table: Table, rows: np.ndarray) -> Table:
    """The table with these of its examples, in this order; its test set stays."""
    parts: dict[str, Any] = {name: getattr(table, name) for name in ("x", "y", "weights", "groups")}
    taken: dict[str, Any] = {name: None if part is None else np.asarray(part)[rows] for name, part in parts.items()}
    return dataclasses.replace(table, **taken)


@spec
class Noisy(Source):
    """Another source with this share of its labels wrong: each is another one of those that occur, drawn by a seed.

    The test set that the source brings keeps its labels: `Noisy(Few(source, count=300), share=0.2)` is judged by what
    is right.
    """

    source: Source
    _: KW_ONLY
    share: Fraction
    seed: Seed = 0

    def load(self) -> Table:
        table, rng = self.source.load(), np.random.default_rng(self.seed)
        values, label = np.unique(np.asarray(table.y), return_inverse=True)
        wrong = rng.permutation(label.size)[: round(self.share * label.size)]
        flat = label.reshape(-1)
        flat[wrong] = (flat[wrong] + rng.integers(1, max(2, len(values)), len(wrong))) % len(values)
        return dataclasses.replace(table, y=values[flat.reshape(label.shape)])
