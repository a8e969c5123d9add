"""Schedules: the learning rate as a pure function of the update's index, 0 for the first.

A value before `resolved` may be given in epochs, as a part of the run, or left open; `resolved` turns it
into a number of updates. Indices are exact up to 2²⁴ updates in float32. `value` also takes an array of
indices, for a plot.
"""

from dataclasses import KW_ONLY, replace
from itertools import pairwise
from typing import Annotated, Any, ClassVar

import jax
import jax.numpy as jnp
from pydantic import Field

from headway.spec.error import HeadwayError
from headway.spec.node import Count, Number, Spec, spec

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


@spec
class ConstantRate(Schedule):
    """η(i) = rate: a member for compositions. Alone, a number does."""

    rate: NonNegative

    rates = ("rate",)

    def value(self, index: Any) -> jax.Array:
        return jnp.full_like(index, self.rate, dtype=float)


@spec
class Cosine(Schedule):
    """η(i) = final + (peak − final) · ½ (1 + cos(π i / steps)), then final (Loshchilov & Hutter 2017).

    The update with index `steps` has exactly `final`. A duration of n updates, or None for all n that
    there are, means that the last of them does: steps = n − 1.
    """

    peak: NonNegative
    _: KW_ONLY
    steps: Annotated[Count, Field(ge=1)] | Duration | None = None
    final: NonNegative = 0.0

    rates = ("peak", "final")

    def value(self, index: Any) -> jax.Array:
        return eased(self.peak, self.final, index, known("Cosine.steps", self.steps))

    def resolved(self, updates: int, epoch: int) -> "Cosine":
        return replace(self, steps=last_index(self.steps, updates, epoch))


@spec
class OneCycle(Schedule):
    """From start · peak up to the peak and down to final · peak, both along a cosine (Smith & Topin 2018).

    The peak is at index `warm`, `final` at index `steps`: durations of `steps` as in `Cosine`, those of
    `warm` are parts of the cycle. Rates are those of Optax's `cosine_onecycle_schedule` (start 1/25,
    final 1/25 of 1/10⁴), which PyTorch's `OneCycleLR` shares; momentum does not cycle.
    """

    peak: NonNegative
    _: KW_ONLY
    steps: Annotated[Count, Field(ge=2)] | Duration | None = None
    warm: Annotated[Count, Field(ge=1)] | Duration = Fraction(0.3)
    start: NonNegative = 0.04
    final: NonNegative = 4e-6

    rates = ("peak",)

    def value(self, index: Any) -> jax.Array:
        steps, warm = known("OneCycle.steps", self.steps), known("OneCycle.warm", self.warm)
        up = eased(self.start * self.peak, self.peak, index, warm)
        down = eased(self.peak, self.final * self.peak, index - warm, steps - warm)
        return jnp.where(index < warm, up, down)

    def resolved(self, updates: int, epoch: int) -> "OneCycle":
        steps = last_index(self.steps, updates, epoch)
        warm = counted(self.warm, steps, epoch)
        if warm >= steps:
            raise HeadwayError("warm", f"the peak must come before the end of the cycle, update {steps}", warm,
                               "Train longer, or warm up for a smaller part.")  # fmt: skip
        return replace(self, steps=steps, warm=warm)


@spec
class Step(Schedule):
    """η(i) = initial · factor^(number of drops ≤ i): the update with the index of a drop has the new rate."""

    initial: NonNegative
    _: KW_ONLY
    drops: tuple[Annotated[Count, Field(ge=1)], ...] | tuple[Duration, ...]
    factor: NonNegative = 0.1

    rates = ("initial",)

    def __post_init__(self) -> None:
        increasing("drops", self.drops)

    def value(self, index: Any) -> jax.Array:
        rate = jnp.full_like(index, self.initial, dtype=float)
        for drop in self.drops:
            rate = jnp.where(index >= known("Step.drops", drop), rate * self.factor, rate)
        return rate

    def resolved(self, updates: int, epoch: int) -> "Step":
        return replace(self, drops=inside("drops", self.drops, updates, epoch))


@spec
class Warmup(Schedule):
    """η(i) = start + (peak − start) · i / steps for i < steps, then `then` from its own beginning.

    The peak is the first value of `then`, a rate or a schedule, and the update with index `steps` has it.
    """

    steps: Annotated[Count, Field(ge=0)] | Duration
    _: KW_ONLY
    then: NonNegative | Schedule
    start: NonNegative = 0.0

    rates = ("then", "start")

    def value(self, index: Any) -> jax.Array:
        steps = known("Warmup.steps", self.steps)
        part = jnp.asarray(index, float) / jnp.maximum(steps, 1)
        rising = (1 - part) * self.start + part * rate_at(self.then, 0)
        return jnp.where(index < steps, rising, rate_at(self.then, jnp.maximum(index - steps, 0)))

    def resolved(self, updates: int, epoch: int) -> "Warmup":
        steps = counted(self.steps, updates, epoch)
        if steps >= updates:
            raise HeadwayError("steps", f"the warm-up must be shorter than the {updates} updates there are",
                               f"{steps} updates", "Train longer, or warm up for less: Fraction(0.1).")  # fmt: skip
        return replace(self, steps=steps, then=resolved("then", self.then, updates - steps, epoch))


@spec
class Piecewise(Schedule):
    """One schedule after the other: each begins anew, at its index 0, at its boundary.

    n schedules have n − 1 boundaries; the update with a boundary's index is the first of the next schedule.
    """

    schedules: Annotated[tuple[Schedule, ...], Field(min_length=1)]
    _: KW_ONLY
    boundaries: tuple[Annotated[Count, Field(ge=1)], ...] | tuple[Duration, ...]

    rates = ("schedules",)

    def __post_init__(self) -> None:
        if len(self.boundaries) != len(self.schedules) - 1:
            raise HeadwayError("boundaries", f"{len(self.schedules)} schedules need {len(self.schedules) - 1} "
                               "boundaries between them", len(self.boundaries))  # fmt: skip
        increasing("boundaries", self.boundaries)

    def value(self, index: Any) -> jax.Array:
        rate = self.schedules[0].value(index)
        for boundary, schedule in zip(self.boundaries, self.schedules[1:], strict=True):
            begin = known("Piecewise.boundaries", boundary)
            rate = jnp.where(index >= begin, schedule.value(jnp.maximum(index - begin, 0)), rate)
        return rate

    def resolved(self, updates: int, epoch: int) -> "Piecewise":
        boundaries = inside("boundaries", self.boundaries, updates, epoch)
        stretches = [end - begin for begin, end in pairwise((0, *boundaries, updates))]
        schedules = tuple(
            resolved(str(i), schedule, length, epoch)
            for i, (schedule, length) in enumerate(zip(self.schedules, stretches, strict=True))
        )
        return replace(self, schedules=schedules, boundaries=boundaries)


def rate_at(learning_rate: Any, index: Any) -> Any:
    """A learning rate, number or schedule, for the update with this index."""
    return learning_rate.value(index) if isinstance(learning_rate, Schedule) else learning_rate


def times(learning_rate: Any, factor: float) -> Any:
    """A learning rate, number or schedule, `factor` times as high throughout."""
    match learning_rate:
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


def eased(a: Any, b: Any, index: Any, steps: Any) -> jax.Array:
    """Along half a cosine from a at index 0 to b at index `steps` and after, exact at both."""
    weight = (1 + jnp.cos(jnp.pi * index / jnp.maximum(steps, 1))) / 2
    return jnp.where(index >= steps, b, weight * a + (1 - weight) * b)


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
