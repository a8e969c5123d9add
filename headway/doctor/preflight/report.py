"""All checks of one loss function on one batch, and the report of what they found."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import jax
import numpy as np

from headway.doctor.preflight.foreign import Foreign, spacing, take_apart
from headway.doctor.preflight.independence import coupling, independent, ordered
from headway.doctor.preflight.loss import chance, finite, repeatable, scalar
from headway.doctor.preflight.overfit import memorize, overfit
from headway.doctor.preflight.reach import gradients, units
from headway.doctor.preflight.seen import Check, look
from headway.spec.error import HeadwayError, did_you_mean

NAMES = ("scalar", "finite", "repeatable", "chance", "dead units", "gradients", "overfit", "independent", "order")
"""All checks, causes before what follows from them."""


@dataclass(frozen=True)
class Preflight:
    """What every check found; `report["gradients"]` is one of them."""

    checks: tuple[Check, ...]

    @property
    def failed(self) -> tuple[Check, ...]:
        """What failed; the first is the likeliest cause."""
        return tuple(check for check in self.checks if check.verdict == "failed")

    @property
    def ok(self) -> bool:
        """True where nothing failed."""
        return not self.failed

    def __getitem__(self, name: str) -> Check:
        named = {check.name: check for check in self.checks}
        if name not in named:
            raise HeadwayError("check", "no such check", repr(name), did_you_mean(name, named))
        return named[name]

    def __str__(self) -> str:
        failed = ", ".join(check.name for check in self.failed)
        head = f"{len(self.failed)} of {len(self.checks)} checks failed: {failed}" if failed else "No check failed."
        return "\n".join([head, *map(str, self.checks)])


def check(
    loss_fn: Callable[[Any, Any], Any], params: Any, batch: Any, *, classes: int | None = None, steps: int = 200
) -> Preflight:
    """What one batch shows of `loss_fn(params, batch)`, which gives a loss or (loss, anything), before training.

    params     any pytree; its floating-point leaves are what learns
    batch      any pytree whose leaves share their first dimension, the rows (examples)
    classes    the number of classes, where the loss of zero weights does not show it
    steps      updates at each of up to four learning rates that a few rows are fitted with

    Nothing given is changed, no setting and no random state of the process is touched, and the same input
    gives the same report. Errors: see `take_apart`.
    """
    for name, value, least in (("classes", classes, 2), ("steps", steps, 10)):
        if value is not None and value < least:
            raise HeadwayError(name, f"must be at least {least}", value)
    with jax.debug_nans(False), np.errstate(all="ignore"):
        subject = take_apart(loss_fn, params, batch)
        found = list(_checked(subject, classes, steps))
    missing = (Check(name, "not seen", f"needs what {found[-1].name!r} asks") for name in NAMES[len(found) :])
    return Preflight((*found, *missing))


def _checked(subject: Foreign, classes: int | None, steps: int) -> Iterator[Check]:
    """The checks in their order, up to the first without which the others mean nothing."""
    yield (number := scalar(subject))
    if number.verdict == "failed":
        return
    first, start = subject.at_rows(subject.weights, np.arange(subject.rows)), subject.sensitivity(subject.weights)
    yield (real := finite(subject, first, start))
    if real.verdict == "failed":
        return
    seen = look(subject, first, start, classes)
    yield repeatable(subject, seen)
    yield chance(seen)
    dead, held = units(subject, seen)
    reached = gradients(subject, seen, held)
    yield from (dead, reached)
    causes = tuple(check.name for check in (dead, reached) if check.verdict == "failed")
    yield overfit(subject, seen, memorize(subject, steps), causes)
    # A row's own term is the same number whatever its neighbours: only the sum rounds, in the dtype of the loss.
    rounding = subject.rounding(seen.nudged, subject.groups()[0], spacing(subject.loss.dtype))
    swapped = coupling(subject, seen.nudged, rounding)
    yield from (independent(swapped), ordered(swapped))
