"""A concept map as a document: what its sections say, read from Markdown by anyone's hand."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from headway.concepts.markdown import Note, Section, sections
from headway.concepts.reading import paths, statements
from headway.concepts.sections import (
    Advice,
    Band,
    Branch,
    CriticalPath,
    Definition,
    Drawing,
    Header,
    Neighbour,
    Other,
    Pathway,
    Statement,
)
from headway.spec.error import HeadwayError

FOOTER = re.compile(r"\*[^*\s](?:[^*]*[^*\s])?\*")


@dataclass(frozen=True)
class Document:
    """What a document of the form says; a section that is not there is None or empty.

    remarks  field of a section → the quote that opens it
    notes    the lines that said nothing to their section's reader, and the sections that are none of the form's.
             They are no part of what is said: documents that differ in them, or in line numbers, are equal.
    """

    header: Header
    drawing: Drawing | None = None
    hierarchy: Branch | None = None
    matrix: tuple[Statement, ...] = ()
    bands: tuple[Band, ...] = ()
    pathways: tuple[Pathway, ...] = ()
    critical: tuple[CriticalPath, ...] = ()
    neighbours: tuple[Neighbour, ...] = ()
    definitions: tuple[Definition, ...] = ()
    advice: tuple[Advice, ...] = ()
    others: tuple[Other, ...] = ()
    footer: str = ""
    remarks: Mapping[str, str] = field(default_factory=dict)
    notes: tuple[Note, ...] = field(default=(), compare=False)


READERS: dict[str, tuple[str, Callable[[Section], Any]]] = {
    "drawing": (r"mermaid|visual", statements.drawing),
    "hierarchy": (r"hierarchy", statements.hierarchy),
    "matrix": (r"matrix", statements.matrix),
    "bands": (r"centrality", statements.centrality),
    "critical": (r"critical path", paths.critical),
    "pathways": (r"pathway", paths.pathways),
    "neighbours": (r"connections|cross-", paths.neighbours),
    "definitions": (r"definition|glossary", statements.definitions),
    "advice": (r"recommendation|study", paths.advice),
}
"""Field of a document → what the title of its section has in it, and who reads it; the first that fits counts."""


def parse(text: str) -> Document:
    """The document in a Markdown text, whatever the order, numbers and case of its `## ` headings.

    Errors name the line, what the form asks for there, and how to mend it.
    """
    body, footer = without_footer(text.removeprefix("\ufeff"))
    first, *rest = sections(body)
    said: dict[str, Any] = {"header": statements.header(first)}
    others, notes, lines, remarks = [], [*first.notes], dict[str, int](), dict[str, str]()
    for section in rest:
        name = reader(section.title)
        if not name:
            others.append(Other(section.title, section.text))
            notes.append(Note(section.line, f"## {section.title}", "a section of the form; it is kept as it stands"))
            continue
        if name in lines:
            raise HeadwayError(f"line {section.line}", "a document has each section once", section.title,
                               f"Join it to the one of line {lines[name]}.")  # fmt: skip
        remark, section = section.opening()
        remarks |= {name: remark} if remark else {}
        lines[name], said[name] = section.line, READERS[name][1](section)
        notes += section.notes
    if not lines:
        raise HeadwayError("line 1", "a concept map has sections, such as `## Relationship Matrix`", "none")
    notes.sort(key=lambda note: note.line)
    return Document(**said, others=tuple(others), footer=footer, remarks=remarks, notes=tuple(notes))


def reader(title: str) -> str:
    """The field of a document that a section with this title says, "" where there is none."""
    return next((name for name, (pattern, _) in READERS.items() if re.search(pattern, title.lower())), "")


def without_footer(text: str) -> tuple[str, str]:
    """The text, and the line in italics that ends it, if one does, without its asterisks."""
    body, _, last = text.rstrip().rpartition("\n")
    return (body, last.strip()[1:-1]) if FOOTER.fullmatch(last.strip()) else (text, "")
