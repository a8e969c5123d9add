"""Labs whose answers are values: numbers are drawn by a seed, the learner fills in what follows from them."""

import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from headway.labs.grading import Asked, Mistake, distinct, judged, malformed
from headway.labs.lab import Blank, Grade, Task, Values

Numbers = Mapping[str, Any]
Rule = Callable[..., Any]
"""A function whose parameters are named for given numbers and for answers before its own."""
DRAWS = 200


@dataclass(frozen=True)
class Question:
    """A blank to be filled with a value.

    about       what is asked for
    answer      the value
    mistakes    hint → what the mistake gives that the hint is for
    """

    name: str
    about: str
    answer: Rule
    mistakes: Mapping[str, Rule] = field(default_factory=dict)


@dataclass(frozen=True)
class Questions:
    """Questions that build on each other, and how the numbers are drawn from which they start.

    Each answer is judged by what follows from the learner's own answers before it: a mistake costs once.
    """

    given: Callable[[np.random.Generator], Numbers]
    asks: Sequence[Question]

    def __call__(self, seed: int) -> Task:
        """The task of a seed."""
        numbers = self.numbers(seed)
        asked = self.asked(numbers)
        lines = "\n".join(f"{name} = {written(value)}" for name, value in numbers.items())
        blanks = tuple(Blank(one.name, question.about, f"{one.name} = {written(one.truth)}")
                       for question, one in zip(self.asks, asked, strict=True))  # fmt: skip
        return Task(lines, blanks, lambda values: self.grade(numbers, values))

    def asked(self, numbers: Numbers, own: Values | None = None) -> list[Asked]:
        """What each question should be answered with, after the learner's own answers where their form is right."""
        known, found = dict(numbers), list[Asked]()
        for question in self.asks:
            with np.errstate(all="ignore"):  # what a mistake leads to need not be finite
                truth = follows(question.answer, known)
                mistakes = tuple(Mistake(follows(rule, known), hint) for hint, rule in question.mistakes.items())
            found.append(Asked(question.name, truth, mistakes))
            value = (own or {}).get(question.name)
            known[question.name] = truth if malformed(value, truth) else value_like(value, truth)
        return found

    def grade(self, numbers: Numbers, own: Values) -> Grade:
        """Every answer judged by what follows from those before it."""
        return Grade(tuple(judged(own.get(one.name), one) for one in self.asked(numbers, own)))

    def numbers(self, seed: int) -> Numbers:
        """The first numbers drawn with which each mistake can be told by its value."""
        drawn = (self.given(np.random.default_rng([seed, draw])) for draw in range(DRAWS))
        return next(numbers for numbers in drawn if distinct(self.asked(numbers)))


def follows(rule: Rule, known: Numbers) -> Any:
    """What a rule gives, each parameter taken from the number of its name."""
    return rule(*(known[name] for name in inspect.signature(rule).parameters))


def value_like(value: Any, truth: Any) -> Any:
    """A learner's value in the form that rules compute with."""
    return value if isinstance(truth, str) else np.asarray(value, float) if np.shape(truth) else float(value)


def written(value: Any) -> str:
    """A value as Python: arrays as lists, numbers to six digits."""
    if isinstance(value, str | bool):
        return f'"{value}"' if isinstance(value, str) else str(value)
    if isinstance(value, np.ndarray | list | tuple):
        return f"[{', '.join(written(part) for part in value)}]"
    if isinstance(value, int | np.integer):
        return str(int(value))
    return repr(float(f"{value:.6g}"))
