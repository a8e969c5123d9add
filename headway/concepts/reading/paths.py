"""How the subject is said to be learned: pathways, critical paths, other lessons, advice."""

import re
from collections.abc import Iterator
from dataclasses import replace

from headway.concepts.markdown import Block, Fence, Field, Heading, Item, Section, Table, as_field, blocks
from headway.concepts.notation import ARROW, names, stops
from headway.concepts.reading.access import below_headings, fields, text_of
from headway.concepts.sections import Advice, Connection, CriticalPath, Neighbour, Pathway, Reason
from headway.spec.error import HeadwayError

NUMBERED = re.compile(r"(?:pathway\s+)?(\d{1,9})\s*[:.)]\s*(.+)", re.IGNORECASE)


def pathways(section: Section) -> tuple[Pathway, ...]:
    """Under each heading the fields goal, sequence, prerequisites and assessment."""
    return tuple(path for head, under in below_headings(section) if (path := pathway(section, head, under)))


def pathway(section: Section, head: Heading | None, under: list[Block]) -> Pathway | None:
    """One pathway; None for what stands above the first heading, which is noted."""
    if head is None:
        noted(section, under, "a heading: ### Pathway 1: …")
        return None
    said = fields(section, under, "goal", "sequence", "prerequisite", "assessment")
    if "sequence" not in said:
        raise HeadwayError(f"line {head.line}", "a pathway has a sequence", head.text, "Write: **Sequence:** A → B")
    number = NUMBERED.fullmatch(head.text)
    return Pathway(
        number[2] if number else head.text,
        stops(said["sequence"].text, said["sequence"].line),
        int(number[1]) if number else None,
        text_of(said, "goal"),
        names(text_of(said, "prerequisite")),
        text_of(said, "assessment"),
        head.line,
    )


def noted(section: Section, under: list[Block], expected: str) -> None:
    """A note of every block."""
    for block in under:
        section.note(block, expected)


def critical(section: Section) -> tuple[CriticalPath, ...]:
    """Bold titles or headings, each with a sequence in a fence or on its line, a rationale, and a list of reasons."""
    found: list[CriticalPath] = []
    for block in blocks(section.lines):
        path = found[-1] if found else None
        if begins(block):
            found.append(begun(block))
        elif path is None:
            section.note(block, "the title of a critical path: **Minimum Viable Understanding:**")
        else:
            found[-1] = longer(section, path, block)
    for path in found:
        if not path.stops:
            raise HeadwayError(f"line {path.line}", "a critical path has a sequence", path.title,
                               "Write below it, between two lines ```: A → B")  # fmt: skip
    return tuple(found)


def begins(block: Block) -> bool:
    """True for the title of a critical path: a heading, or a field that is no rationale and holds nothing or stops."""
    if isinstance(block, Field):
        return not is_rationale(block) and (not block.text or ARROW.search(block.text) is not None)
    return isinstance(block, Heading)


def begun(block: Block) -> CriticalPath:
    """A critical path with what its first line says."""
    title, text = (block.key, block.text) if isinstance(block, Field) else (block.text.rstrip(":"), "")
    return CriticalPath(title, stops(text, block.line) if text else (), line=block.line)


def is_rationale(block: Block) -> bool:
    return isinstance(block, Field) and "rationale" in block.key.lower()


def longer(section: Section, path: CriticalPath, block: Block) -> CriticalPath:
    """The path with what one more block says of it."""
    if isinstance(block, Fence) and not path.stops:
        return replace(path, stops=stops(block.text, block.line + 1))
    if is_rationale(block) and not path.rationale:
        return replace(path, rationale=block.text)
    if isinstance(block, Item):
        one = as_field(block)
        reason = Reason(one.key, one.text) if one else Reason("", block.text)
        return replace(path, reasons=(*path.reasons, reason))
    section.note(block, "one sequence, one **Rationale:** and a list of reasons")
    return path


def neighbours(section: Section) -> tuple[Neighbour, ...]:
    """Under each heading a table of three columns: concept, what it is there, implication."""
    return tuple(neighbour for head, under in below_headings(section) for neighbour in connected(section, head, under))


def connected(section: Section, head: Heading | None, under: list[Block]) -> Iterator[Neighbour]:
    """The tables of connections under one heading."""
    title = re.sub(r"^to\s+", "", head.text, flags=re.IGNORECASE) if head else ""
    for block in under:
        if not isinstance(block, Table):
            section.note(block, "a table of connections")
            continue
        if len(block.header) != 3:
            raise HeadwayError(f"line {block.line}", "a table of connections has three columns: the concept, what it "
                               "is there, what follows", " | ".join(block.header))  # fmt: skip
        for row in block.rows:
            if not all(row.cells):
                raise HeadwayError(f"line {row.line}", "no cell of a connection may be empty", row.text)
        rows = (Connection(row.cells[0], row.cells[1], row.cells[2], row.line) for row in block.rows)
        yield Neighbour(title, block.header, tuple(rows))
    if head and not any(isinstance(block, Table) for block in under):
        section.note(head, "a table of connections below it")


def advice(section: Section) -> tuple[Advice, ...]:
    """Under each heading a list of what to do."""
    found = []
    for head, under in below_headings(section):
        items = tuple(block.text for block in under if isinstance(block, Item))
        noted(section, [block for block in under if not isinstance(block, Item)], "a list of what to study")
        if head and not items:
            section.note(head, "a list below it")
        if items:
            found.append(Advice(head.text if head else "", items))
    return tuple(found)
