"""Splits of a data set: which examples are held out, drawn by a seed, every class or no torn group in each part."""

import numpy as np
from numpy.typing import NDArray

from headway.data.schema import Array
from headway.spec.error import HeadwayError

Fractions = tuple[float | None, ...]
Parts = list[NDArray[np.intp]]


def split(groups: Array, fractions: Fractions, seed: int) -> Parts:
    """The places (sorted) of the examples in each fraction, and of the rest; every group shared out evenly.

    Member j of a group of m, in random order, gets the number (j + u) / m with one u ~ U(0, 1) a group. In the
    order of these numbers every stretch holds nearly its share of each group.
    """
    n, rng = len(groups), np.random.default_rng(seed)
    sizes = [0 if fraction is None else max(1, round(fraction * n)) for fraction in fractions]
    if sum(sizes) >= n:
        fix = "Give more examples, or set validation=None or test=None."
        raise HeadwayError("Data", "the splits must leave examples to train on", f"{sum(sizes)} of {n} set aside", fix)
    order, share = rng.permutation(n), np.empty(n)
    for group in np.unique(groups):
        members = order[groups[order] == group]
        share[members] = (np.arange(len(members)) + rng.random()) / len(members)
    order = order[np.argsort(share[order], kind="stable")]
    return [np.sort(part) for part in np.split(order, np.cumsum(sizes))]


def split_whole(groups: Array, fractions: Fractions, seed: int) -> Parts:
    """Like `split`, but every group is in one part, so that the parts only come near their fractions.

    The groups stand in random order on a line, each as long as it has members: the part in whose stretch of the line
    its middle lies takes it.
    """
    kinds, which, sizes = np.unique(groups, return_inverse=True, return_counts=True)
    order = np.random.default_rng(seed).permutation(len(kinds))
    middles = np.empty(len(kinds))
    middles[order] = np.cumsum(sizes[order]) - sizes[order] / 2
    ends = np.cumsum([fraction or 0 for fraction in fractions]) * len(groups)
    parts = np.searchsorted(ends, middles, side="right")[which]
    found = [np.flatnonzero(parts == k) for k in range(len(fractions) + 1)]
    if any(len(part) == 0 for part, fraction in zip(found, (*fractions, 1.0), strict=True) if fraction):
        raise HeadwayError("groups", "every part needs a whole group", f"{len(kinds)} groups, fractions {fractions}",
                           "Give more groups, larger fractions or another seed.")  # fmt: skip
    return found
