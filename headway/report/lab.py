"""Labs for a person: all of them with what was solved, and a grade with its hints."""

import textwrap
from collections.abc import Iterable, Mapping

from headway.labs.lab import Grade, Lab
from headway.labs.progress import Tried
from headway.report.table import Cell, table

WIDTH = 112


def labs_table(labs: Iterable[Lab], tried: Mapping[str, Tried]) -> str:
    """Every lab in a line: number, name, what it is, how far it is."""
    rows: list[tuple[Cell, ...]] = [(number, lab.name, lab.title, _standing(tried.get(lab.name)))
                                    for number, lab in enumerate(labs, 1)]  # fmt: skip
    solved = sum(one.solved for one in tried.values())
    return f"{table(('', 'lab', 'what it asks', 'points'), rows)}\n{solved} of {len(rows)} solved, in any order."


def _standing(tried: Tried | None) -> str:
    if tried is None:
        return ""
    return f"{tried.points}/{tried.of}" + (", solved" if tried.solved else "")


def grade_text(lab: Lab, grade: Grade) -> str:
    """Points part by part, a hint for each that is not right, and what to do next."""
    width = max(len(part.name) for part in grade.parts)
    lines = [f"{lab.title}: {grade.points} of {grade.of} points"]
    for part in grade.parts:
        head = f"{'✓' if part.points == part.of else '✗'} {part.name:<{width}}  {part.points}/{part.of}  "
        lines += textwrap.wrap(head + part.hint, WIDTH, subsequent_indent=" " * len(head)) or [head]
    end = [f"Solved. The reference answers: headway learn {lab.name} --solution",
           f"What was measured about it: headway claims {' '.join(lab.claims)}"]  # fmt: skip
    return "\n".join([*(line.rstrip() for line in lines), *(end if grade.solved else [])])
