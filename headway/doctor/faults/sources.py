"""What can be wrong with examples: sources that take those of another source and spoil them, each in one way."""

from collections.abc import Callable
from dataclasses import KW_ONLY, replace
from typing import Annotated, Any

import numpy as np
from pydantic import Field

from headway.data.altered import chosen
from headway.data.dataset import Seed, Source, Table
from headway.data.schema import Array
from headway.network.context import salt
from headway.spec.node import spec

Share = Annotated[float, Field(ge=0, le=1)]
Columns = tuple[Annotated[int, Field(ge=0)], ...]


@spec
class ShuffledLabels(Source):
    """The targets in another order than the inputs, of a test set too: what belonged together no longer does."""

    source: Source
    _: KW_ONLY
    seed: Seed = 0

    def load(self) -> Table:
        rng = _chance(self)
        return _targets(self.source.load(), rng.permutation)


@spec
class NoisyLabels(Source):
    """A share of the labels 0 … C − 1 replaced by another class, drawn evenly."""

    source: Source
    _: KW_ONLY
    share: Share = 0.4
    seed: Seed = 0

    def load(self) -> Table:
        rng = _chance(self)

        def mistaken(y: Array) -> Array:
            classes = int(y.max()) + 1
            other = (y + rng.integers(1, classes, y.shape)) % classes
            return np.where(rng.random(y.shape) < self.share, other, y)

        return _targets(self.source.load(), mistaken)


@spec
class NoSignal(Source):
    """Inputs that are N(0, 1), whatever the targets are."""

    source: Source
    _: KW_ONLY
    seed: Seed = 0

    def load(self) -> Table:
        rng = _chance(self)
        return _inputs(self.source.load(), lambda x: rng.standard_normal(x.shape))


@spec
class Rescaled(Source):
    """Inputs x · factor + shift: all of them, or the columns named of the last axis."""

    source: Source
    _: KW_ONLY
    factor: float = 1.0
    shift: float = 0.0
    columns: Columns | None = None

    def load(self) -> Table:
        def other(x: Array) -> Array:
            chosen = np.isin(np.arange(x.shape[-1]), np.arange(x.shape[-1]) if self.columns is None else self.columns)
            return np.where(chosen, x * self.factor + self.shift, x)

        return _inputs(self.source.load(), other)


@spec
class RescaledTargets(Source):
    """Amounts y · factor + shift: another unit, another zero."""

    source: Source
    _: KW_ONLY
    factor: float = 1.0
    shift: float = 0.0

    def load(self) -> Table:
        return _targets(self.source.load(), lambda y: y * self.factor + self.shift)


@spec
class Repeated(Source):
    """Every example so many times: a split by chance puts copies of what is trained on among what is held out."""

    source: Source
    _: KW_ONLY
    times: Annotated[int, Field(ge=2)] = 3

    def load(self) -> Table:
        table = self.source.load()
        return chosen(table, np.tile(np.arange(len(np.asarray(table.y))), self.times))


@spec
class AlteredTest(Source):
    """The last `share` of the examples in random order as a test set, whose inputs are x · factor + shift."""

    source: Source
    _: KW_ONLY
    share: Annotated[float, Field(gt=0, lt=1)] = 0.25
    factor: float = 1.0
    shift: float = 0.0
    seed: Seed = 0

    def load(self) -> Table:
        table = self.source.load()
        x, y = np.asarray(table.x), np.asarray(table.y)
        order = _chance(self).permutation(len(y))
        cut = len(y) - round(self.share * len(y))
        kept, held = order[:cut], order[cut:]
        return replace(chosen(table, kept), test_x=x[held] * self.factor + self.shift, test_y=y[held])


@spec
class Imbalanced(Source):
    """Of every class but the first only a share of the examples, 8 at least; a test set with all classes alike.

    `test` of the examples of every class are set aside for it, before any are left out.
    """

    source: Source
    _: KW_ONLY
    keep: Annotated[float, Field(gt=0, le=1)] = 0.05
    test: Annotated[float, Field(gt=0, lt=1)] = 0.25
    seed: Seed = 0

    def load(self) -> Table:
        table = self.source.load()
        x, y = np.asarray(table.x), np.asarray(table.y)
        rng = _chance(self)
        held, kept = list[Array](), list[Array]()
        for label in np.unique(y):
            rows = rng.permutation(np.flatnonzero(y == label))
            cut = round(self.test * len(rows))
            rest = len(rows) - cut
            most = rest if label == 0 else min(rest, max(8, round(self.keep * rest)))
            held, kept = [*held, rows[:cut]], [*kept, rows[cut : cut + most]]
        alike = min(len(rows) for rows in held)
        tested, trained = np.concatenate([rows[:alike] for rows in held]), np.concatenate(kept)
        return replace(chosen(table, trained), test_x=x[tested], test_y=y[tested])


@spec
class SortedByTarget(Source):
    """The examples in the order of their targets. Splits and batches are drawn by chance: it should do no harm."""

    source: Source

    def load(self) -> Table:
        table = self.source.load()
        return chosen(table, np.argsort(np.asarray(table.y), kind="stable"))


@spec
class Spoiled(Source):
    """A share of the numbers of the inputs, drawn by chance, times `factor`: a comma in the wrong place."""

    source: Source
    _: KW_ONLY
    share: Share = 0.01
    factor: float = 1e4
    seed: Seed = 0

    def load(self) -> Table:
        rng = _chance(self)
        return _inputs(self.source.load(), lambda x: np.where(rng.random(x.shape) < self.share, x * self.factor, x))


@spec
class ConstantColumns(Source):
    """A share of the features, drawn by chance, at the value of the first example: columns that say nothing."""

    source: Source
    _: KW_ONLY
    share: Share = 0.8
    seed: Seed = 0

    def load(self) -> Table:
        rng = _chance(self)

        def blank(x: Array) -> Array:
            features = int(np.prod(x.shape[1:]))
            lost = rng.permutation(features)[: round(self.share * features)]
            return np.where(np.isin(np.arange(features), lost).reshape(x.shape[1:]), x[:1], x)

        return _inputs(self.source.load(), blank)


@spec
class Fewer(Source):
    """So many of the examples, drawn by chance, with as nearly as can be the same share of every class."""

    source: Source
    _: KW_ONLY
    examples: Annotated[int, Field(ge=4)]
    seed: Seed = 0

    def load(self) -> Table:
        table = self.source.load()
        y = np.asarray(table.y)
        order = _chance(self).permutation(len(y))
        if table.classes is not None:
            # The n-th example of every class before the n + 1-th of any, in proportion to how many there are.
            nth = np.empty(len(y))
            for label in np.unique(y):
                rows = order[y[order] == label]
                nth[rows] = (np.arange(len(rows)) + 0.5) / len(rows)
            order = order[np.argsort(nth[order], kind="stable")]
        return chosen(table, order[: self.examples])


def _chance(source: Any) -> np.random.Generator:
    """Chance of a source's own: with a seed alone it would draw what the source inside it, or the split, drew."""
    return np.random.default_rng([source.seed, salt(type(source).__name__)])


def _inputs(table: Table, change: Callable[[Array], Any]) -> Table:
    """The table with other inputs, those of its test set included."""
    test = None if table.test_x is None else change(np.asarray(table.test_x))
    return replace(table, x=change(np.asarray(table.x)), test_x=test)


def _targets(table: Table, change: Callable[[Array], Any]) -> Table:
    """The table with other targets, those of its test set included."""
    test = None if table.test_y is None else change(np.asarray(table.test_y))
    return replace(table, y=change(np.asarray(table.y)), test_y=test)
