"""What must be true of measured numbers: bounds, levels, paired differences, doses; each says yes, no or open."""

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import KW_ONLY, dataclass
from itertools import pairwise
from typing import Annotated, Literal

import numpy as np
from pydantic import Field

from headway.doctor.verdict import interval, sign_p
from headway.spec.error import HeadwayError, did_you_mean
from headway.spec.node import Spec, spec

Numbers = Mapping[str, Mapping[str, Sequence[float]]]
"""Arm → metric → its values, seed by seed; the same seeds in every arm."""
Answer = Literal["yes", "no", "open"]
LEVEL = 0.05
"""Intervals are two-sided, of confidence 1 − LEVEL."""
TURN = 0.1
"""The smallest step back of a dose, as a share of the whole effect that is asked for."""


@dataclass(frozen=True)
class Judged:
    """What a condition says of the numbers.

    said       the condition in words
    answer     yes, no, or open where the interval allows both
    value      what was measured; low, high: its interval, where there are several seeds
    p          one-sided sign test of a paired difference, a second opinion; None where there is none
    reason     of a no: "no effect", "wrong side" or "out of bounds"
    """

    said: str
    answer: Answer
    value: float
    low: float
    high: float
    p: float | None = None
    reason: str = ""


@dataclass(frozen=True, repr=False)
class Condition(Spec):
    """Something that numbers can fulfil."""

    def judge(self, numbers: Numbers) -> Judged:
        """Whether they do."""
        raise NotImplementedError

    def points(self, numbers: Numbers) -> bool:
        """Whether the means of a few seeds point the right way: all that a quick look can say."""
        raise NotImplementedError

    def arms(self) -> tuple[str, ...]:
        """The arms that it speaks of."""
        raise NotImplementedError


@dataclass(frozen=True, repr=False)
class Within(Condition):
    """A metric of one arm between `low` and `high`, either of which may be left out."""

    metric: str
    _: KW_ONLY
    arm: str
    low: float | None = None
    high: float | None = None

    def arms(self) -> tuple[str, ...]:
        return (self.arm,)

    @property
    def ends(self) -> tuple[float, float]:
        """Both bounds, infinite where there is none."""
        return -np.inf if self.low is None else self.low, np.inf if self.high is None else self.high

    @property
    def said(self) -> str:
        """`loss of control ≥ 1`."""
        if self.low is None:
            bounds = f"≤ {self.high:g}"
        else:
            bounds = f"≥ {self.low:g}" if self.high is None else f"in [{self.low:g}, {self.high:g}]"
        return f"{self.metric} of {self.arm} {bounds}"


@spec
class Bounded(Within):
    """Every value of a metric lies between `low` and `high`: for what is exact."""

    def judge(self, numbers: Numbers) -> Judged:
        values, (least, most) = taken(numbers, self.arm, self.metric), self.ends
        inside = bool(np.all(values >= least) and np.all(values <= most))
        low, high = float(values.min()), float(values.max())
        worst = high if self.high is not None else low
        return Judged(self.said, "yes" if inside else "no", worst, low, high, reason="" if inside else "out of bounds")

    def points(self, numbers: Numbers) -> bool:
        return self.judge(numbers).answer == "yes"


@spec
class Level(Within):
    """The mean of a metric lies between `low` and `high` with its whole interval."""

    def judge(self, numbers: Numbers) -> Judged:
        values, (least, most) = taken(numbers, self.arm, self.metric), self.ends
        low, high = interval(values.tolist(), LEVEL)
        answer: Answer = "yes" if least <= low and high <= most else "no" if high < least or most < low else "open"
        reason = "out of bounds" if answer == "no" else ""
        return Judged(f"mean {self.said}", answer, float(values.mean()), low, high, reason=reason)

    def points(self, numbers: Numbers) -> bool:
        least, most = self.ends
        return bool(least <= taken(numbers, self.arm, self.metric).mean() <= most)


@dataclass(frozen=True, repr=False)
class Paired(Condition):
    """A metric of one arm held against that of another, seed by seed."""

    metric: str
    _: KW_ONLY
    arm: str
    than: str

    def arms(self) -> tuple[str, ...]:
        return self.arm, self.than

    def differences(self, numbers: Numbers) -> np.ndarray:
        """The one minus the other, [seeds]."""
        return taken(numbers, self.arm, self.metric) - taken(numbers, self.than, self.metric)


@spec
class Differs(Paired):
    """A metric of `arm` minus that of `than`, seed by seed, is at least `by`; or, of a negative `by`, at most.

    |by| is the smallest effect of interest, stated before the runs. The paired bootstrap interval of the mean decides:
    all beyond `by` is yes; all within ±by is no, there is no effect; all beyond −by is no, on the wrong side.
    """

    by: float = dataclasses.field(kw_only=True)

    def __post_init__(self) -> None:
        if self.by == 0:
            raise HeadwayError("by", "must not be 0: how large a difference would matter?", self.by)

    def judge(self, numbers: Numbers) -> Judged:
        sign, least = np.sign(self.by), abs(self.by)
        differences = sign * self.differences(numbers)
        low, high = interval(differences.tolist(), LEVEL)
        answer: Answer = "yes" if low > least else "no" if high < least and (low > -least or high < -least) else "open"
        reason = ("wrong side" if high < -least else "no effect") if answer == "no" else ""
        word = "above" if sign > 0 else "below"
        said = f"{self.metric} of {self.arm} is {word} that of {self.than} by {least:g}"
        least_end, most_end = sorted((sign * low, sign * high))
        p = sign_p(differences.tolist(), 0.0)
        return Judged(said, answer, float(sign * differences.mean()), least_end, most_end, p, reason)

    def points(self, numbers: Numbers) -> bool:
        return bool(np.sign(self.by) * self.differences(numbers).mean() > 0)


@spec
class Alike(Paired):
    """A metric of `arm` minus that of `than`, seed by seed, stays within ±`within`, with its whole interval."""

    within: Annotated[float, Field(gt=0)] = dataclasses.field(kw_only=True)

    def judge(self, numbers: Numbers) -> Judged:
        differences = self.differences(numbers)
        low, high = interval(differences.tolist(), LEVEL)
        apart = low > self.within or high < -self.within
        answer: Answer = "no" if apart else "yes" if max(-low, high) <= self.within else "open"
        said = f"{self.metric} of {self.arm} is that of {self.than} within {self.within:g}"
        return Judged(said, answer, float(differences.mean()), low, high, reason="out of bounds" if apart else "")

    def points(self, numbers: Numbers) -> bool:
        return bool(abs(self.differences(numbers).mean()) <= self.within)


@spec
class Dose(Condition):
    """A metric rises by at least `by` from the first arm to the last, or falls where `by` is negative, and never turns.

    A step turns back where its paired differences, whole interval and all, go back by more than TURN of `by`.
    """

    metric: str
    _: KW_ONLY
    along: Annotated[tuple[str, ...], Field(min_length=3)]
    by: float

    def judge(self, numbers: Numbers) -> Judged:
        whole = Differs(self.metric, arm=self.along[-1], than=self.along[0], by=self.by).judge(numbers)
        values = [taken(numbers, arm, self.metric) for arm in self.along]
        steps = [np.sign(self.by) * (b - a) for a, b in pairwise(values)]
        back = any(interval(step.tolist(), LEVEL)[1] < -TURN * abs(self.by) for step in steps)
        said = f"{self.metric} {'rises' if self.by > 0 else 'falls'} by {abs(self.by):g} along {', '.join(self.along)}"
        answer: Answer = "no" if back else whole.answer
        return Judged(said, answer, whole.value, whole.low, whole.high, whole.p, "wrong side" if back else whole.reason)

    def points(self, numbers: Numbers) -> bool:
        return Differs(self.metric, arm=self.along[-1], than=self.along[0], by=self.by).points(numbers)

    def arms(self) -> tuple[str, ...]:
        return self.along


@spec
class Some(Condition):
    """At least `least` of several conditions hold."""

    conditions: Annotated[tuple[Condition, ...], Field(min_length=1)]
    _: KW_ONLY
    least: Annotated[int, Field(ge=1)] = 1

    def judge(self, numbers: Numbers) -> Judged:
        found = [condition.judge(numbers) for condition in self.conditions]
        sure, possible = (sum(one.answer in words for one in found) for words in (("yes",), ("yes", "open")))
        answer: Answer = "yes" if sure >= self.least else "no" if possible < self.least else "open"
        said = f"{self.least} of: {'; '.join(one.said for one in found)}"
        return Judged(said, answer, sure, sure, possible, reason="no effect" if answer == "no" else "")

    def points(self, numbers: Numbers) -> bool:
        return sum(condition.points(numbers) for condition in self.conditions) >= self.least

    def arms(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(arm for condition in self.conditions for arm in condition.arms()))


def taken(numbers: Numbers, arm: str, metric: str) -> np.ndarray:
    """The values of a metric in an arm, [seeds]."""
    for where, name, known in (("arm", arm, numbers), ("metric", metric, numbers.get(arm, {}))):
        if name not in known:
            raise HeadwayError(where, f"must be measured: {', '.join(known)}", name, did_you_mean(name, known))
    return np.asarray(numbers[arm][metric], float)
