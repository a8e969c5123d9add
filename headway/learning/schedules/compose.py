"""Schedules made of schedules: a warm-up before one, or one after the other."""

from dataclasses import KW_ONLY, replace
from itertools import pairwise
from typing import Annotated, Any

import jax
import jax.numpy as jnp
from pydantic import Field

from headway.learning.schedules.schedule import (
    Duration,
    NonNegative,
    Schedule,
    counted,
    increasing,
    inside,
    known,
    rate_at,
    resolved,
)
from headway.spec.error import HeadwayError
from headway.spec.node import Count, spec


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
