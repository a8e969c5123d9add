"""A report as sections of text, tables and pictures, and its form on a terminal."""

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass, field

WIDTH = 100
"""Columns of a terminal that a report keeps within."""
GAP, LEAST = 2, 14
"""Spaces between columns, and the width down to which columns are broken before others are."""


@dataclass(frozen=True)
class Rows:
    """A table.

    header    its columns' names; empty for facts, each with its name in the first column
    align     a letter a column, l or r; what is left out is l
    breaks    the columns whose text is broken first where a line would be too long; by default any
    """

    rows: Sequence[tuple[str, ...]]
    header: tuple[str, ...] = ()
    align: str = ""
    breaks: tuple[int, ...] = ()


@dataclass(frozen=True)
class Picture:
    """The name of a picture, and what stands in its place where only text can be shown."""

    name: str
    text: str = ""


@dataclass(frozen=True)
class Section:
    """A part of a report under its title."""

    title: str
    parts: list[str | Rows | Picture] = field(default_factory=list)


def as_text(sections: Sequence[Section], width: int = WIDTH) -> str:
    """The sections for a terminal: no line is longer than `width`."""
    blocks = []
    for section in sections:
        shown = [text for part in section.parts if (text := _part(part, width))]
        blocks.append("\n".join([section.title, "─" * min(width, len(section.title)), "\n\n".join(shown)]))
    return "\n\n".join(blocks) + "\n"


def _part(part: str | Rows | Picture, width: int) -> str:
    match part:
        case str():
            return textwrap.fill(part, width, break_on_hyphens=False)
        case Picture():
            return part.text
    return columns(part, width)


def columns(table: Rows, width: int = WIDTH) -> str:
    """A table in aligned columns; the widest are broken into lines where it would not fit."""
    lines = [table.header, *table.rows] if table.header else list(table.rows)
    if not lines:
        return ""
    widths = [max(len(line[i]) for line in lines) for i in range(len(lines[0]))]
    for allowed, least in ((table.breaks, LEAST), (range(len(widths)), 1)):
        while sum(widths) + GAP * (len(widths) - 1) > width and any(widths[i] > least for i in allowed):
            widths[max(allowed, key=lambda i: widths[i])] -= 1
    made = [_laid_out(line, widths, table.align) for line in lines]
    if table.header:
        made.insert(1, (" " * GAP).join("─" * w for w in widths))
    return "\n".join(made)


def _laid_out(line: tuple[str, ...], widths: Sequence[int], align: str) -> str:
    """One row, of as many lines as its longest cell needs."""
    cells = [textwrap.wrap(cell, w, break_on_hyphens=False) or [""] for cell, w in zip(line, widths, strict=True)]
    height = max(map(len, cells))
    filled = [cell + [""] * (height - len(cell)) for cell in cells]
    right = [align[i : i + 1] == "r" for i in range(len(line))]
    shown = [[text.rjust(w) if r else text.ljust(w) for text, w, r in zip(row, widths, right, strict=True)]
             for row in zip(*filled, strict=True)]  # fmt: skip
    return "\n".join((" " * GAP).join(row).rstrip() for row in shown)
