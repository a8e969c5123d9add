"""Whether the examples of a batch leave each other alone: rows swapped, and what remains of a sum."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from headway.doctor.preflight.foreign import Foreign, Leaves
from headway.doctor.preflight.seen import MARGIN, Check

FORMS: dict[str, Callable[[Any], Any]] = {
    "a sum or mean over the rows": lambda f: f,
    "a root of a sum or mean over the rows": np.square,
    "an exponential of a sum or mean over the rows": np.log,
}
"""What makes a sum of the loss; the latter two take losses above 0 alone."""


@dataclass(frozen=True)
class Coupling:
    """What swapping rows shows.

    form       what the loss is, one of FORMS or a weighted mean; "" where no form fits: rows act on each other
    alone      the most that a group of rows changes the loss by itself
    together   the most that two groups change it together beyond what each does
    rounding   what of this floating-point rounding may be
    moved      the most that the loss changes when rows change places
    columns    the addresses of the leaves through which rows act on each other
    """

    form: str
    alone: float
    together: float
    rounding: float
    moved: float
    columns: tuple[str, ...] = ()

    @property
    def visible(self) -> bool:
        """True where rows change the loss by enough to see a tenth of it beyond rounding."""
        return self.alone > 10 * self.rounding


def coupling(subject: Foreign, weights: Leaves, rounding: float) -> Coupling:
    """f(a', b') − f(a', b) − f(a, b') + f(a, b) for groups of rows a, b and other rows a', b' in their places.

    It is 0 for every division into groups exactly where f is a sum of one term a row, whatever the dtype of
    the inputs; only whole rows are swapped. Then f may differ with the place of a row, not with its neighbours.
    """
    corners = np.array([corner(subject, weights, group, subject.columns) for group in divisions(subject.few)])
    base, alone = corners[0, 0], np.max(np.abs(corners[:, 1:3] - corners[:, :1]))
    moved = max(abs(subject.at_rows(weights, rows) - base) for rows in reordered(subject.groups()[0]))
    form = next((name for name in FORMS if fits(corners, name, rounding)), "")
    form = form or (weighted_mean(subject, weights, rounding) and "a weighted mean over the rows") or ""
    leaking = () if form else tuple(
        column
        for column in subject.columns
        if not fits(np.array([corner(subject, weights, g, (column,)) for g in divisions(subject.few)]),
                    next(iter(FORMS)), rounding)
    )  # fmt: skip
    return Coupling(form, float(alone), float(np.max(np.abs(mixed(corners)))), MARGIN * rounding, moved, leaking)


def divisions(count: int) -> Iterator[Any]:
    """Ways to divide `count` rows into two groups, so that all pairs of neighbours and most others are parted."""
    place, draw = np.arange(count), np.random.default_rng(0)
    yield place % 2 == 0
    yield place < count // 2
    yield from (draw.permutation(place) < max(1, count // 2) for _ in range(3))


def corner(subject: Foreign, weights: Leaves, group: Any, columns: tuple[str, ...]) -> list[float]:
    """The loss as it is, with the group's rows swapped for others, with those outside it swapped, and with all."""
    rows, others = subject.groups()[0], donors(subject)

    def loss(swapped: Any) -> float:
        mixed = zip(subject.columns, subject.at(rows), subject.at(np.where(swapped, others, rows)), strict=True)
        return float(subject.value(weights, tuple(new if column in columns else old for column, old, new in mixed)))

    return [loss(np.zeros_like(group)), loss(group), loss(~group), loss(np.ones_like(group))]


def donors(subject: Foreign) -> Any:
    """Another row for each of the few: from elsewhere in the batch where there is more, else from half-way around."""
    groups = subject.groups()
    return groups[-1] if len(groups) > 1 else np.roll(groups[0], max(1, subject.few // 2))


def reordered(rows: Any) -> Iterator[Any]:
    """The same rows in other places: turned around, backwards, and mixed."""
    yield from (np.roll(rows, 1), rows[::-1], np.random.default_rng(0).permutation(rows))


def mixed(corners: Any) -> Any:
    """The mixed difference of every division."""
    return corners[:, 3] - corners[:, 1] - corners[:, 2] + corners[:, 0]


def fits(corners: Any, form: str, rounding: float) -> bool:
    """True where this form of the loss is a sum over the rows, up to rounding."""
    if form != next(iter(FORMS)) and np.min(corners) <= 0:
        return False
    made = FORMS[form](corners)
    spread = np.max(np.abs(FORMS[form](corners + rounding) - made))
    return bool(np.all(np.abs(mixed(made)) <= MARGIN * spread))


def weighted_mean(subject: Foreign, weights: Leaves, rounding: float) -> bool:
    """True where f = Σ w l / Σ w with a weight for each row, such as the number of its tokens under a mask.

    Of two rows a and b, k copies of the one and m − k of the other give (k q f_a + (m − k) f_b) / (k q + m − k)
    with one unknown q = w_a / w_b: taken from one k it must give the loss at the others.
    """
    rows, others, m = subject.groups()[0], donors(subject), subject.few
    counts, seen = sorted({m // 4, m // 2, 3 * m // 4} - {0, m // 2}), 0
    for a, b in list(zip(rows, others, strict=True))[: max(4, m // 4)]:

        def loss(k: int, a: int = a, b: int = b) -> float:
            return subject.at_rows(weights, np.where(np.arange(m) < k, a, b))

        f_a, f_b, half, h = loss(m), loss(0), loss(m // 2), m // 2
        if not np.isfinite([f_a, f_b]).all() or abs(f_a - f_b) <= 10 * MARGIN * rounding:
            continue
        q = (m - h) * (f_b - half) / (h * (half - f_a) or np.nan)
        fine = 4 * MARGIN * rounding  # of the half's rounding at most three times comes through q
        if not 0 < q < np.inf or any(
            abs((k * q * f_a + (m - k) * f_b) / (k * q + m - k) - loss(k)) > fine for k in counts
        ):
            return False
        seen += 1
    return seen > 0 and bool(counts)


def independent(found: Coupling) -> Check:
    """No row changes what another one adds to the loss."""
    check = Check("independent", "passed", f"the loss is {found.form}", "the loss is a sum or mean over the rows",
                  concept="neural-network")  # fmt: skip
    if not found.visible:
        return replace(check, verdict="not seen", measured="swapping rows changes the loss by no more than "
                       f"{found.alone:.2g}, where rounding is {found.rounding:.2g}")  # fmt: skip
    if found.form:
        return check
    share, statistic = found.together / found.alone, found.moved <= found.rounding
    return replace(check, verdict="failed", where=found.columns or ("batch",),
                   measured=f"two groups of rows change the loss by {found.together:.2g} more together than "
                   f"each alone, {share:.1%} of their effect; rounding is {found.rounding:.2g}",
                   fix=("The order of the rows does not matter, so it is a statistic of the batch: by design in batch "
                        "normalization in training mode, negatives from the batch and losses divided by such a "
                        "statistic; else look for a mean or softmax over the rows.") if statistic else
                       "The order of the rows matters: look for a roll, reshape, running sum or index over the rows.",
                   concept="batchnorm" if statistic else "neural-network")  # fmt: skip


def ordered(found: Coupling) -> Check:
    """The loss does not depend on the order of the rows."""
    check = Check("order", "passed", f"rows in other places change the loss by {found.moved:.2g}",
                  "the same loss for the same rows in any order", concept="neural-network")  # fmt: skip
    if found.moved <= found.rounding:
        return check if found.visible else replace(check, verdict="not seen")
    if not found.form:
        return replace(check, verdict="not seen", measured=f"{check.measured}; follows from independent")
    return replace(check, verdict="not seen", measured=f"{check.measured}: something is drawn or given for each place "
                   "(dropout of one key, rows that do not come with the batch)")  # fmt: skip
