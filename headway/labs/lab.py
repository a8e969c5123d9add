"""A lab writes a task for a seed, and grades what a learner makes of it: points for each part, and a hint."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

Values = Mapping[str, Any]
"""What the learner's file holds under the names that a task asks for, as plain values."""
LEAVE = "decides the numbers of this task: leave it"


@dataclass(frozen=True)
class Part:
    """What one part of a task came to: the points, of how many, and where they are not all there, why."""

    name: str
    points: int
    of: int
    hint: str = ""


@dataclass(frozen=True)
class Grade:
    """What a learner's answers came to, part by part."""

    parts: tuple[Part, ...]

    @property
    def points(self) -> int:
        return sum(part.points for part in self.parts)

    @property
    def of(self) -> int:
        return sum(part.of for part in self.parts)

    @property
    def solved(self) -> bool:
        return self.points == self.of

    @property
    def hints(self) -> tuple[str, ...]:
        return tuple(part.hint for part in self.parts if part.hint)


@dataclass(frozen=True)
class Blank:
    """A name that the learner has to give a value.

    about       what is asked for, as a comment above it
    solution    lines of Python that give it: the reference answer
    start       the lines that the learner finds there; by default `name = None`
    calls       where it is a function: the arguments it is called with, one tuple a call
    """

    name: str
    about: str
    solution: str
    start: str = ""
    calls: tuple[tuple[float, ...], ...] = ()

    @property
    def untouched(self) -> str:
        return self.start or f"{self.name} = None"


@dataclass(frozen=True)
class Task:
    """A lab with the numbers of one seed.

    given    lines of Python that stand before the blanks
    grade    the learner's values → the grade
    files    other files that lie beside the learner's, name → text
    end      lines of Python behind the blanks
    """

    given: str
    blanks: tuple[Blank, ...]
    grade: Callable[[Values], Grade]
    files: Mapping[str, str] = field(default_factory=dict)
    end: str = ""


@dataclass(frozen=True)
class Lab:
    """A lab: what it teaches, what the learner is told, and its task for any seed.

    teaches     the sentence of the map that it serves: a pathway's assessment or a piece of advice
    text        the task in words, the head of the learner's file
    draw        seed → task
    claims      numbers of the claims that answer it by measurement
    """

    name: str
    title: str
    teaches: str
    text: str
    draw: Callable[[int], Task]
    claims: tuple[str, ...] = ()

    def files(self, seed: int) -> dict[str, str]:
        """What the learner gets: `answer.py` with blanks, and what lies beside it."""
        task = self.draw(seed)
        return {"answer.py": self._source(seed, task, [blank.untouched for blank in task.blanks]), **task.files}

    def solution(self, seed: int) -> str:
        """The learner's file with the reference answers."""
        task = self.draw(seed)
        return self._source(seed, task, [blank.solution for blank in task.blanks])

    def _source(self, seed: int, task: Task, filled: list[str]) -> str:
        head = f'"""{self.title}.\n\n{self.text}\n\nWhen you are done: headway learn {self.name} --check\n"""\n'
        asked = (f"# {blank.about}\n{lines}\n" for blank, lines in zip(task.blanks, filled, strict=True))
        parts = (head, f"SEED = {seed}  # {LEAVE}\n", task.given + "\n", *asked, task.end + "\n")
        return "\n".join(part for part in parts if part.strip())


def hidden_seeds(seed: int) -> tuple[int, ...]:
    """Three seeds that an answer is graded on, others for every task, and none of them that of its recipe."""
    drawn = np.random.default_rng([seed, 4]).choice(9000, 3, replace=False)
    return tuple(1000 + int(one) for one in drawn)


def with_recipe(module: str, shows: str) -> tuple[str, str]:
    """Lines before and behind the blanks of a task with a recipe.json: read it, and print what `shows` makes of it."""
    end = f"""\
if __name__ == "__main__":
    print(recipe, {shows}(recipe, data), sep="\\n")"""
    given = f"""\
from pathlib import Path

import headway as hw
from headway.labs.{module} import examples, {shows}

data = examples(SEED)
recipe = hw.load(Path(__file__).with_name("recipe.json"))"""
    return given, end
