"""Rates that fall from a peak: along a line, a power, a cosine, an exponential, or in steps."""

from dataclasses import KW_ONLY, replace
from typing import Annotated, Any

import jax
import jax.numpy as jnp
from pydantic import Field

from headway.learning.schedules.schedule import (
    Duration,
    NonNegative,
    Schedule,
    eased,
    increasing,
    inside,
    known,
    last_index,
    mixed,
    progress,
)
from headway.spec.node import Count, spec


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
class Linear(Schedule):
    """η(i) = peak + (final − peak) · i / steps, then final. Durations of `steps` are as in `Cosine`."""

    peak: NonNegative
    _: KW_ONLY
    steps: Annotated[Count, Field(ge=1)] | Duration | None = None
    final: NonNegative = 0.0

    rates = ("peak", "final")

    def value(self, index: Any) -> jax.Array:
        steps = known("Linear.steps", self.steps)
        return mixed(1 - progress(index, steps), self.peak, self.final, index >= steps)

    def resolved(self, updates: int, epoch: int) -> "Linear":
        return replace(self, steps=last_index(self.steps, updates, epoch))


@spec
class Polynomial(Schedule):
    """η(i) = final + (peak − final) · (1 − i / steps)^power, then final (Chen et al. 2018, DeepLab: power 0.9).

    Above 1 the power makes the rate fall early, below 1 late. Durations of `steps` are as in `Cosine`.
    """

    peak: NonNegative
    _: KW_ONLY
    steps: Annotated[Count, Field(ge=1)] | Duration | None = None
    final: NonNegative = 0.0
    power: NonNegative = 2.0

    rates = ("peak", "final")

    def value(self, index: Any) -> jax.Array:
        steps = known("Polynomial.steps", self.steps)
        weight = (1 - progress(index, steps)) ** self.power
        return mixed(weight, self.peak, self.final, index >= steps)

    def resolved(self, updates: int, epoch: int) -> "Polynomial":
        return replace(self, steps=last_index(self.steps, updates, epoch))


@spec
class Exponential(Schedule):
    """η(i) = peak^(1 − s) · final^s with s = i / steps, then final: falls by the same ratio in every update.

    Between two rates it is linear in log η. A `final` of 0 is reached at once. Durations of `steps` are
    as in `Cosine`.
    """

    peak: NonNegative
    _: KW_ONLY
    final: NonNegative
    steps: Annotated[Count, Field(ge=1)] | Duration | None = None

    rates = ("peak", "final")

    def value(self, index: Any) -> jax.Array:
        steps = known("Exponential.steps", self.steps)
        s = progress(index, steps)
        falling = self.peak ** (1 - s) * self.final**s
        # The power 1 of a number need not be that number to the last bit.
        return jnp.where(index >= steps, self.final, jnp.where(index <= 0, self.peak, falling))

    def resolved(self, updates: int, epoch: int) -> "Exponential":
        return replace(self, steps=last_index(self.steps, updates, epoch))


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
