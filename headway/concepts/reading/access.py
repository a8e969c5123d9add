"""What a section holds, by name: the columns of its tables, its fields, what stands below its headings."""

import re
from collections.abc import Iterator

from headway.concepts.markdown import Block, Fence, Field, Heading, Row, Section, Table, as_field, blocks
from headway.spec.error import HeadwayError

Patterns = dict[str, str]
"""Name of a column → what its title has in it, as a regular expression."""


def only_fence(section: Section, what: str) -> Fence | None:
    """The one fence of a section, with a note of all else; None where there is none."""
    found: Fence | None = None
    for block in blocks(section.lines):
        if not isinstance(block, Fence):
            section.note(block, what)
        elif found:
            raise HeadwayError(f"line {block.line}", f"the section holds {what}", "a second block", "Join the two.")
        else:
            found = block
    return found


def tables(section: Section, required: Patterns, optional: Patterns) -> Iterator[tuple[Table, dict[str, int]]]:
    """Every table of a section with its columns by name; a note of all else, and of columns without a name."""
    for block in blocks(section.lines):
        if not isinstance(block, Table):
            section.note(block, f"a table with the columns: {', '.join(required | optional)}")
            continue
        at = columns(block, required, optional)
        if len(at) < len(block.header):
            section.note(block, f"no columns but: {', '.join(required | optional)}")
        yield block, at


def columns(table: Table, required: Patterns, optional: Patterns) -> dict[str, int]:
    """Which column has which name: the first not yet taken that the pattern fits."""
    at: dict[str, int] = {}
    for name, pattern in (required | optional).items():
        free = (i for i, title in enumerate(table.header) if i not in at.values() and re.search(pattern, title.lower()))
        place = next(free, None)
        if place is not None:
            at[name] = place
        elif name in required:
            raise HeadwayError(f"line {table.line}", f"the table needs a column {name!r}", " | ".join(table.header),
                               f"Its columns are: {', '.join(required | optional)}.")  # fmt: skip
    return at


def cell(row: Row, at: dict[str, int], name: str) -> str:
    """What stands in a column that need not be there."""
    return row.cells[at[name]] if name in at else ""


def filled(row: Row, at: dict[str, int], name: str) -> str:
    """What stands in a cell that must not be empty."""
    text = row.cells[at[name]]
    if not text:
        raise HeadwayError(f"line {row.line}", f"the column {name!r} must not be empty", row.text)
    return text


def below_headings(section: Section) -> Iterator[tuple[Heading | None, list[Block]]]:
    """The blocks under each heading; first, under None, those above all headings, where there are any."""
    head: Heading | None = None
    found: list[Block] = []
    for block in blocks(section.lines):
        if isinstance(block, Heading):
            if head or found:
                yield head, found
            head, found = block, []
        else:
            found.append(block)
    if head or found:
        yield head, found


def fields(section: Section, under: list[Block], *words: str) -> dict[str, Field]:
    """The fields whose keys have one of the words in them, by that word; a note of all else."""
    said: dict[str, Field] = {}
    for block in under:
        one = as_field(block)
        word = next((word for word in words if one and word in one.key.lower()), "")
        if not one or not word:
            section.note(block, f"the fields: {', '.join(words)}")
        elif word in said:
            raise HeadwayError(f"line {one.line}", f"{word} must be said once", repr(one.text), "Join or remove one.")
        else:
            said[word] = one
    return said


def text_of(said: dict[str, Field], word: str) -> str:
    """What a field says; "" where it is not there."""
    return said[word].text if word in said else ""
