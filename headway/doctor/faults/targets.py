"""Examples of another source with another target: one of its columns, or its classes put together."""

from dataclasses import KW_ONLY, replace

import numpy as np

from headway.data.dataset import Source, Table
from headway.spec.error import HeadwayError
from headway.spec.node import spec


@spec
class OtherTarget(Source):
    """A column of another source's rows [n, features] as the amount to be told, from the columns that are left.

    without   further columns that are left out: those that say the same in other words
    """

    source: Source
    _: KW_ONLY
    column: str
    without: tuple[str, ...] = ()

    def load(self) -> Table:
        table = self.source.load()
        names, x = list(table.feature_names or ()), np.asarray(table.x)
        taken = (self.column, *self.without)
        if lacking := [name for name in taken if name not in names]:
            raise HeadwayError("column", "must be columns of the source", lacking, f"There are {', '.join(names)}.")
        kept = [place for place, name in enumerate(names) if name not in taken]
        return Table(x[:, kept], x[:, names.index(self.column)], feature_names=tuple(names[place] for place in kept))


@spec
class Grouped(Source):
    """Another source's examples, the label of each the group that its class is in; every class is in one group."""

    source: Source
    _: KW_ONLY
    groups: tuple[tuple[int, ...], ...]

    def load(self) -> Table:
        table = self.source.load()
        named = table.classes or ()
        group_of = {label: place for place, group in enumerate(self.groups) for label in group}
        if sorted(label for group in self.groups for label in group) != list(range(len(named))):
            raise HeadwayError("groups", f"must hold each of the classes 0 … {len(named) - 1} once", self.groups)
        group = np.array([group_of[label] for label in range(len(named))])
        test = None if table.test_y is None else group[np.asarray(table.test_y)]
        classes = tuple("+".join(named[label] for label in members) for members in self.groups)
        return replace(table, y=group[np.asarray(table.y)], test_y=test, classes=classes)
