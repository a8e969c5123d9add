"""A whole run in one schedule: one cycle up and down, a long level stretch before the decay, warm restarts."""

from dataclasses import KW_ONLY, replace
from itertools import accumulate
from typing import Annotated, Any

import jax
import jax.numpy as jnp
from pydantic import Field

from headway.learning.schedules.compose import Piecewise
from headway.learning.schedules.decay import Cosine
from headway.learning.schedules.schedule import (
    Duration,
    Fraction,
    NonNegative,
    Schedule,
    counted,
    eased,
    known,
    last_index,
    mixed,
    progress,
)
from headway.spec.error import HeadwayError
from headway.spec.node import Count, Number, spec


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
class WarmupStableDecay(Schedule):
    """Up from 0 to the peak, level for most of the run, then down to `final` (Hu et al. 2024, MiniCPM).

        η(i) = peak · i / warm                                  for i < warm
        η(i) = peak                                             up to i = steps − decay
        η(i) = final + (peak − final) · (1 − s^power)           from there, s = (i − steps + decay) / decay

    The paper leaves the way down open: power 1 is a line, ½ is 1 − √s (Hägele et al. 2024). While the
    rate is level a run can be made longer without beginning again. Durations of `steps` are as in
    `Cosine`, those of `warm` and `decay` are parts of `steps`.
    """

    peak: NonNegative
    _: KW_ONLY
    steps: Annotated[Count, Field(ge=2)] | Duration | None = None
    warm: Annotated[Count, Field(ge=0)] | Duration = Fraction(0.01)
    decay: Annotated[Count, Field(ge=1)] | Duration = Fraction(0.1)
    final: NonNegative = 0.0
    power: Annotated[Number, Field(gt=0)] = 1.0

    rates = ("peak", "final")

    def value(self, index: Any) -> jax.Array:
        steps, warm = known("WarmupStableDecay.steps", self.steps), known("WarmupStableDecay.warm", self.warm)
        decay = known("WarmupStableDecay.decay", self.decay)
        weight = 1 - progress(index - (steps - decay), decay) ** self.power
        falling = mixed(weight, self.peak, self.final, index >= steps)
        return jnp.where(index < warm, progress(index, warm) * self.peak, falling)

    def resolved(self, updates: int, epoch: int) -> "WarmupStableDecay":
        steps = last_index(self.steps, updates, epoch)
        warm, decay = counted(self.warm, steps, epoch), counted(self.decay, steps, epoch)
        if warm + decay > steps:
            raise HeadwayError("decay", f"warm-up and decay must fit into {steps} updates", f"{warm} + {decay}",
                               "Train longer, or warm up or decay for a smaller part.")  # fmt: skip
        return replace(self, steps=steps, warm=warm, decay=decay)


@spec
class Restarts(Schedule):
    """SGDR: `cycles` cosines one after the other, each `multiplier` times as long (Loshchilov & Hutter 2017).

        η(i) = final + (peak − final) · ½ (1 + cos(π j / (T − 1)))      at update j of a cycle of T

    The cycles fill the run, or in a composition its stretch: 70 epochs in 3 cycles with multiplier 2 are
    10, 20 and 40, the paper's T₀ = 10. Every cycle begins with exactly `peak` and ends with exactly
    `final`. `resolved` gives them one by one, as a `Piecewise`.
    """

    peak: NonNegative
    _: KW_ONLY
    cycles: Annotated[int, Field(ge=1, le=100)] = 3
    multiplier: Annotated[float, Field(ge=1, le=10)] = 2.0
    final: NonNegative = 0.0

    rates = ("peak", "final")

    def value(self, index: Any) -> jax.Array:
        raise HeadwayError("Restarts", "depends on the run", self, "Call .resolved(updates, epoch) first.")

    def resolved(self, updates: int, epoch: int) -> Schedule:
        *ends, total = accumulate(self.multiplier**k for k in range(self.cycles))
        one = Cosine(self.peak, final=self.final)
        cycles = Piecewise((one,) * self.cycles, boundaries=tuple(Fraction(end / total) for end in ends))
        try:
            return cycles.resolved(updates, epoch)
        except HeadwayError:
            raise HeadwayError("cycles", f"each needs two updates or more of the {updates} there are", self.cycles,
                               "Train longer, or restart less often.") from None  # fmt: skip
