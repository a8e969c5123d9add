"""What several checks look at, and the record of what one of them found."""

from dataclasses import dataclass
from typing import Any, Literal

import jax.numpy as jnp
import numpy as np

from headway.doctor.preflight.foreign import Foreign, Leaves, fit

Outcome = Literal["passed", "failed", "not seen"]
MARGIN = 16
"""How many times the measured rounding a difference must be to count as one."""


@dataclass(frozen=True)
class Check:
    """What one check found.

    verdict    "passed", "failed", or "not seen" where this function and batch cannot show it
    measured   what was seen; `expected` what a healthy function shows; `fix` what to do about a failure
    where      addresses of parameters (`layers/0/w`) or of leaves of the batch (`batch/x`)
    concept    the concept of the map that it concerns
    """

    name: str
    verdict: Outcome
    measured: str
    expected: str = ""
    fix: str = ""
    where: tuple[str, ...] = ()
    concept: str = ""

    def __str__(self) -> str:
        more = f" and {len(self.where) - 4} more" if len(self.where) > 4 else ""
        place = f"{', '.join(self.where[:4])}{more}: " if self.where else ""
        lines = [f"{self.verdict:<8}  {self.name:<12}  {place}{self.measured}"]
        if self.verdict == "failed":
            lines += [f"{'':<24}{word:<8}  {text}" for word, text in (("expected", self.expected), ("fix", self.fix))]
        return "\n".join(lines)


@dataclass(frozen=True)
class Seen:
    """What several checks look at.

    first, rounding    the loss on the whole batch; how far rounding moves it on a few rows
    chance             the loss where all weights are 0: the same is said of every input; NaN where there is none
    classes            their number, as given or as a chance of exactly ln C shows it; None where it is unknown
    start, later       max |∂L/∂θ| over the rows, at first and after ten updates; `nudged` are the weights then
    """

    first: float
    rounding: float
    chance: float
    classes: int | None
    start: list[Any]
    later: list[Any]
    nudged: Leaves


def look(subject: Foreign, first: float, start: list[Any], classes: int | None) -> Seen:
    """Measure what several checks look at."""
    rows, whole = subject.groups()[0], np.arange(subject.rows)
    chance = subject.at_rows(tuple(jnp.zeros_like(weight) for weight in subject.weights), whole)
    if classes is None and np.isfinite(chance):
        counted = round(np.exp(min(abs(chance), 20)))
        labels = any(np.issubdtype(leaf.dtype, np.integer) for leaf in subject.batch if isinstance(leaf, np.ndarray))
        exact = counted >= 2 and abs(abs(chance) - np.log(counted)) < 1e-5 * abs(chance)
        classes = counted if exact and (labels or counted <= 100) else None
    nudged = fit(subject, rows, 1e-3, 10).weights
    later = subject.sensitivity(nudged)
    if not all(np.isfinite(most).all() for most in later):
        nudged, later = subject.weights, start
    return Seen(first, subject.rounding(subject.weights, rows), chance, classes, start, later, nudged)
