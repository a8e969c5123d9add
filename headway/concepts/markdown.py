"""Markdown as sections and blocks that know their lines: headings, fields, items, tables, fences, text."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from itertools import takewhile

from headway.spec.error import HeadwayError

HEADING = re.compile(r"(#{1,6})\s+(.*?)(?:\s+#+)?")
FIELD = re.compile(r"\*\*(?P<key>[^*]+?)(?P<in>:)?\*\*(?P<out>:)?\s*(?P<value>.*)")
ITEM = re.compile(r"(?:[-*+]|\d+[.)])\s+(.*)")
RULE = re.compile(r"-{3,}|\*{3,}|_{3,}")
FENCE = re.compile(r"(`{3,}|~{3,})\s*([^`]*)")
DASHES = re.compile(r":?-+:?")
PIPE = re.compile(r"(?<!\\)\|")


@dataclass(frozen=True)
class Block:
    """A piece of a section: a field's value, an item, the content of a fence, or text that is nothing else."""

    line: int
    text: str


@dataclass(frozen=True)
class Heading(Block):
    """`### text` below the level of sections."""

    level: int


@dataclass(frozen=True)
class Field(Block):
    """`**key:** text`, or a line that is bold as a whole."""

    key: str


@dataclass(frozen=True)
class Item(Block):
    """`- text` or `1. text`."""


@dataclass(frozen=True)
class Fence(Block):
    """The lines between two ``` with the language named behind the first; `line` is that of the first ```."""

    language: str


@dataclass(frozen=True)
class Row(Block):
    """A row of a table; `text` is the row as it stands."""

    cells: tuple[str, ...]


@dataclass(frozen=True)
class Table(Block):
    """A header and rows of as many cells; `text` is the header as it stands."""

    header: tuple[str, ...]
    rows: tuple[Row, ...]


@dataclass(frozen=True)
class Note:
    """A line that says nothing to the reader of its section, and what was expected there."""

    line: int
    text: str
    expected: str

    def __str__(self) -> str:
        return f"line {self.line}: not read: {self.text!r}; expected {self.expected}"


Lines = tuple[tuple[int, str], ...]
"""Number and text of lines that follow each other."""


@dataclass(frozen=True)
class Section:
    """What stands below a `## title`, or above the first one (without a title). Its reader leaves notes here."""

    title: str
    line: int
    lines: Lines
    notes: list[Note] = field(default_factory=list)

    def note(self, block: Block, expected: str) -> None:
        """Report a block that has no place here."""
        self.notes.append(Note(block.line, dict(self.lines)[block.line].strip(), expected))

    def opening(self) -> tuple[str, "Section"]:
        """The remark that opens the section, lines that begin with `>`, and the section without it."""
        first = next((i for i, (_, line) in enumerate(self.lines) if line.strip()), 0)
        quoted = list(takewhile(lambda line: line.startswith(">"), (line.strip() for _, line in self.lines[first:])))
        remark = "\n".join(line.removeprefix(">").strip() for line in quoted)
        return remark, replace(self, lines=self.lines[first + len(quoted) :])

    @property
    def text(self) -> str:
        """The lines as they stand, without blank lines and rules at the ends."""
        kept = [line for _, line in self.lines]
        for end in (0, -1):
            while kept and (not kept[end].strip() or RULE.fullmatch(kept[end].strip())):
                kept.pop(end)
        return "\n".join(kept)


def sections(text: str) -> tuple[Section, ...]:
    """The document cut at its `## ` headings, those inside fences apart."""
    cuts, fence, opened = [("", 1, list[tuple[int, str]]())], "", 0
    for number, line in enumerate(text.replace("\r\n", "\n").split("\n"), 1):
        mark, heading = FENCE.fullmatch(line.strip()), HEADING.fullmatch(line.strip())
        if fence:
            fence = "" if closes(line, fence) else fence
        elif mark:
            fence, opened = mark[1], number
        elif heading and len(heading[1]) == 2:
            cuts.append((heading[2], number, []))
            continue
        cuts[-1][2].append((number, line))
    if fence:
        raise HeadwayError(f"line {opened}", "what a fence opens must be closed", fence, f"End it with a line {fence}.")
    return tuple(Section(title, line, tuple(lines)) for title, line, lines in cuts)


def closes(line: str, fence: str) -> bool:
    """True where a line ends what `fence` began."""
    line = line.strip()
    return len(line) >= len(fence) and set(line) == {fence[0]}


def blocks(lines: Lines) -> Iterator[Block]:
    """The blocks of a section in order. A line of text behind an item or field without a blank line continues it."""
    at, last = 0, 0
    held: Block | None = None
    while at < len(lines):
        number, line = lines[at]
        block, taken = read_block(lines[at:])
        wrapped = type(block) is Block and isinstance(held, Field | Item) and last == number - 1
        if wrapped and held is not None:
            held = continued(held, line.strip())
        else:
            if held is not None:
                yield held
            held = block
        at, last = at + taken, number + taken - 1 if block else last
    if held is not None:
        yield held


def continued(block: Block, more: str) -> Block:
    """A field or an item with the line that goes on with it."""
    text = f"{block.text} {more}".strip()
    return Field(block.line, text, block.key) if isinstance(block, Field) else Item(block.line, text)


def read_block(lines: Lines) -> tuple[Block | None, int]:
    """The first block and how many lines it takes; None for blank lines and rules."""
    number, line = lines[0][0], lines[0][1].strip()
    if not line or RULE.fullmatch(line):
        return None, 1
    if line.startswith("|"):
        taken = [(n, text.strip()) for n, text in leading(lines, "|")]
        return read_table(taken), len(taken)
    if mark := FENCE.fullmatch(line):
        return read_fence(lines, mark)
    if heading := HEADING.fullmatch(line):
        return Heading(number, heading[2], len(heading[1])), 1
    return read_field(number, line) or read_item(number, line) or Block(number, line), 1


def leading(lines: Lines, mark: str) -> Iterator[tuple[int, str]]:
    """The lines from the first that begin with `mark`."""
    for number, line in lines:
        if not line.strip().startswith(mark):
            return
        yield number, line


def read_field(number: int, line: str) -> Field | None:
    """`**key:** value`, `**key**: value` or `**key**` as a field, else None."""
    found = FIELD.fullmatch(line)
    if not found or not (found["in"] or found["out"] or not found["value"]):
        return None
    return Field(number, found["value"].strip(), found["key"].strip())


def read_item(number: int, line: str) -> Item | None:
    """`- text` or `1. text` as an item, else None."""
    found = ITEM.fullmatch(line)
    return Item(number, found[1]) if found else None


def as_field(block: Block) -> Field | None:
    """A field, also one that stands as an item of a list."""
    return block if isinstance(block, Field) else read_field(block.line, block.text) if type(block) is Item else None


def read_fence(lines: Lines, mark: re.Match[str]) -> tuple[Fence, int]:
    """The fence that the first line opens; `sections` has seen that it is closed."""
    number = lines[0][0]
    taken = next(i for i, (_, line) in enumerate(lines[1:], 2) if closes(line, mark[1]))
    content = "\n".join(text for _, text in lines[1 : taken - 1])
    return Fence(number, content, mark[2].strip().lower()), taken


def read_table(lines: list[tuple[int, str]]) -> Table:
    """A table from its header, its rule and its rows."""
    (number, head), header = lines[0], cells(lines[0][1])
    if len(lines) < 2 or not all(DASHES.fullmatch(cell) for cell in cells(lines[1][1])):
        raise HeadwayError(f"line {number}", "the header of a table must be followed by its rule", head,
                           f"Write below it: {'|---' * len(header)}|")  # fmt: skip
    rows = tuple(Row(n, text, cells(text)) for n, text in lines[1:])
    for row in rows:
        if len(row.cells) != len(header):
            raise HeadwayError(f"line {row.line}", f"a row must have {len(header)} cells, as its header",
                               f"{len(row.cells)} in {row.text!r}", r"Write \| for a | inside a cell.")  # fmt: skip
    return Table(number, head, header, rows[1:])


def cells(line: str) -> tuple[str, ...]:
    r"""The cells of `| a | b |`; `\|` is a | inside a cell."""
    inner = line.removeprefix("|")
    inner = inner[:-1] if inner.endswith("|") and not inner.endswith("\\|") else inner
    return tuple(cell.strip().replace("\\|", "|") for cell in PIPE.split(inner))


def table_lines(header: Iterable[str], rows: Iterable[Iterable[object]]) -> Iterator[str]:
    """A table as Markdown: what `read_table` reads."""
    header = tuple(header)
    yield row_line(header)
    yield "|" + "|".join("-" * (len(name) + 2) for name in header) + "|"
    yield from (row_line(row) for row in rows)


def row_line(values: Iterable[object]) -> str:
    """One row of a table."""
    return "".join("| " + str(value).replace("|", "\\|") + " " for value in values) + "|"
