"""What a schedule is: a rate for every index, durations that the run makes known, and the curves they share.

A value before `resolved` may be given in epochs, as a part of the run, or left open; `resolved` turns it
into a number of updates. Indices are exact up to 2²⁴ updates in float32. `value` also takes an array of
indices, for a plot.
"""

from dataclasses import replace
from itertools import pairwise
from typing import Annotated, Any, ClassVar

import jax
import jax.numpy as jnp
from pydantic import Field

from headway.spec.error import HeadwayError
from headway.spec.node import Number, Spec, spec

NonNegative = Annotated[Number, Field(ge=0)]


class Duration(Spec):
    """A number of updates that is known once the length of the run is."""

    def updates(self, updates: int, epoch: int) -> int:
        """As a number of updates, at least one, of `updates` that there are, `epoch` of them to an epoch."""
        raise NotImplementedError


@spec
class Epochs(Duration):
    """So many passes over the training examples, rounded to whole updates."""

    count: Annotated[float, Field(gt=0)]

    def updates(self, updates: int, epoch: int) -> int:
        return max(1, round(self.count * epoch))


@spec
class Fraction(Duration):
    """A part of the updates that the schedule has: of the run, or in a composition of its own stretch."""

    part: Annotated[float, Field(gt=0, le=1)]

    def updates(self, updates: int, epoch: int) -> int:
        return max(1, round(self.part * updates))


class Schedule(Spec):
    """The learning rate over a run: `value(index)` after `resolved(updates, epoch)`.

    rates    the fields that are learning rates, or schedules: what `times` multiplies
    """

    rates: ClassVar[tuple[str, ...]] = ()

    def value(self, index: Any) -> jax.Array:
        """The rate of the update with this index."""
        raise NotImplementedError

    def resolved(self, updates: int, epoch: int) -> "Schedule":
        """The same schedule in numbers of updates, for a run of `updates` with `epoch` of them to an epoch."""
        return self


def rate_at(learning_rate: Any, index: Any) -> Any:
    """A learning rate, number or schedule, for the update with this index."""
    return learning_rate.value(index) if isinstance(learning_rate, Schedule) else learning_rate


def times(learning_rate: Any, factor: float) -> Any:
    """A learning rate, number or schedule, `factor` times as high throughout."""
    match learning_rate:
        case None:
            raise HeadwayError("learning_rate", "must be given to be multiplied", None, "Set learning_rate.")
        case tuple():
            return tuple(times(part, factor) for part in learning_rate)
        case Schedule():
            if not learning_rate.rates:
                raise HeadwayError("learning_rate", "the schedule must say which of its fields are rates",
                                   learning_rate, "Give its class rates = (\"peak\",).")  # fmt: skip
            schedule: Any = learning_rate
            return replace(schedule, **{name: times(getattr(schedule, name), factor) for name in schedule.rates})
    return learning_rate * factor


def resolved(field: str, learning_rate: Any, updates: int, epoch: int) -> Any:
    """A learning rate, number or schedule, in numbers of updates; an error in it names the field it is in."""
    try:
        return learning_rate.resolved(updates, epoch) if isinstance(learning_rate, Schedule) else learning_rate
    except HeadwayError as error:
        raise error.under(field) from None


def progress(index: Any, steps: Any) -> jax.Array:
    """How far the index is on the way from 0 to `steps`: 0 before, 1 behind."""
    return jnp.clip(jnp.asarray(index, float) / jnp.maximum(steps, 1), 0, 1)


def mixed(weight: Any, a: Any, b: Any, over: Any) -> jax.Array:
    """weight · a + (1 − weight) · b, exactly b where it is over."""
    return jnp.where(over, b, weight * a + (1 - weight) * b)


def eased(a: Any, b: Any, index: Any, steps: Any) -> jax.Array:
    """Along half a cosine from a at index 0 to b at index `steps` and after, exact at both."""
    weight = (1 + jnp.cos(jnp.pi * index / jnp.maximum(steps, 1))) / 2
    return mixed(weight, a, b, index >= steps)


def known(field: str, duration: Any) -> Any:
    """A number of updates; an error where it still depends on the run."""
    if duration is None or isinstance(duration, Duration):
        raise HeadwayError(field, "depends on the run", repr(duration), "Call .resolved(updates, epoch) first.")
    return duration


def counted(duration: Any, updates: int, epoch: int) -> int:
    """A number of updates, of `updates` that there are."""
    return duration.updates(updates, epoch) if isinstance(duration, Duration) else duration


def last_index(duration: Any, updates: int, epoch: int) -> int:
    """The index at which a decay over this duration ends: that of its last update."""
    if isinstance(duration, int):
        return duration
    length = updates if duration is None else duration.updates(updates, epoch)
    if length < 2:
        raise HeadwayError("steps", "a decay needs two updates or more", length, "Train longer.")
    return length - 1


def increasing(field: str, places: tuple[Any, ...]) -> None:
    """Refuse indices that do not increase; durations are looked at once they are resolved."""
    if any(isinstance(a, int) and b <= a for a, b in pairwise(places)):
        raise HeadwayError(field, "must increase", places)


def inside(field: str, places: tuple[Any, ...], updates: int, epoch: int) -> tuple[int, ...]:
    """The places as indices that the run reaches."""
    indices = tuple(counted(place, updates, epoch) for place in places)
    increasing(field, indices)
    if indices and indices[-1] >= updates:
        raise HeadwayError(field, f"must come before the end, update {updates}", indices[-1],
                           "Train longer, or use Fraction(…).")  # fmt: skip
    return indices
