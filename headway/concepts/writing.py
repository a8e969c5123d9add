"""A map as a document with counted totals, and a document as Markdown that reads back as the same document."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import fields, is_dataclass, replace
from typing import Any

from headway.concepts import course
from headway.concepts.centrality import BANDS, centrality
from headway.concepts.document import Document, parse, reader
from headway.concepts.graph import Map
from headway.concepts.markdown import table_lines
from headway.concepts.mermaid import MermaidEdge, MermaidGraph, MermaidGroup, mermaid_of, write_mermaid
from headway.concepts.notation import bounds_text, names_text, stops_text, tree_lines
from headway.concepts.reading.statements import drawn
from headway.concepts.sections import (
    Advice,
    Band,
    Branch,
    Connection,
    CriticalPath,
    Definition,
    Drawing,
    Header,
    Neighbour,
    Pathway,
    Rank,
    Reason,
    Statement,
)
from headway.spec.error import HeadwayError

IN_TABLES = 3
"""The connections from which a concept has a row of its own; those with fewer are named in a list."""
Lines = Iterator[str]


def document_of(subject: Map, *, date: str = "") -> Document:
    """What a document says of a map: every total is counted, every concept is drawn, ranked and defined."""
    titles = {concept.name: concept.title for concept in subject.concepts}
    return Document(
        Header(f"Concept Map: {subject.title}", subject.source, subject.subject, date,
               len(subject.concepts), len(subject.edges)),
        drawn(mermaid_of(subject)),
        hierarchy_of(subject),
        tuple(Statement(titles[e.source], titles[e.target], subject.word(e), e.strength) for e in subject.edges),
        bands_of(subject),
        pathways_of(subject.pathways),
        tuple(critical_of(path) for path in subject.critical),
        tuple(neighbour_of(neighbour) for neighbour in subject.neighbours),
        tuple(Definition(concept.title, concept.definition) for concept in subject.concepts),
        tuple(Advice(advice.title, advice.items) for advice in subject.advice),
    )  # fmt: skip


def hierarchy_of(subject: Map) -> Branch:
    """The map's hierarchy; where it has none, its groups with their concepts."""
    if subject.hierarchy:
        return Branch(subject.title, tuple(
            Branch(heading.title, tuple(
                Branch(entry.title, tuple(Branch(fact) for fact in entry.facts)) for entry in heading.entries
            )) for heading in subject.hierarchy
        ))  # fmt: skip
    groups = [(group.name, group.title) for group in subject.groups]
    return Branch(subject.title, tuple(
        Branch(title, tuple(Branch(concept.title) for concept in subject.concepts if concept.group == name))
        for name, title in groups
    ))  # fmt: skip


def bands_of(subject: Map) -> tuple[Band, ...]:
    """Every concept in the band of its connections, the most connected first; those with few are only named."""
    title = {concept.name: concept.title for concept in subject.concepts}
    role = {concept.name: concept.role or concept.type for concept in subject.concepts}
    rows, found, above = centrality(subject), list[Band](), None
    for name, least in BANDS.items():
        inside = [row for row in rows if row.band == name]
        band = Band(f"{name.capitalize()} Centrality", least, above)
        ranks = tuple(
            Rank(title[row.concept], row.incoming, row.outgoing, row.total,
                 (f"{row.betweenness:.3f}", f"{row.pagerank:.3f}"), role[row.concept])
            for row in inside
        )  # fmt: skip
        if inside and least >= IN_TABLES:
            found.append(replace(band, measures=("Betweenness", "PageRank"), rows=ranks))
        elif inside:
            found.append(replace(band, named=tuple(title[row.concept] for row in inside)))
        above = least - 1
    return tuple(found)


def pathways_of(paths: tuple[course.Pathway, ...]) -> tuple[Pathway, ...]:
    """The pathways, numbered; each speaks of the others by number."""
    numbers = {path.title: f"Pathway {i}" for i, path in enumerate(paths, 1)}
    return tuple(
        Pathway(path.title, tuple(stop.title for stop in path.stops), i, path.goal,
                (*(numbers.get(title, title) for title in path.after), *path.outside), path.assessment)
        for i, path in enumerate(paths, 1)
    )  # fmt: skip


def critical_of(path: course.CriticalPath) -> CriticalPath:
    """A critical path with its rationale and its reasons, if it gives any."""
    stops = tuple(stop.title for stop in path.stops)
    return CriticalPath(path.title, stops, path.rationale, tuple(map(Reason, stops, path.reasons)))


def neighbour_of(neighbour: course.Neighbour) -> Neighbour:
    """What the subject is to another one."""
    rows = (Connection(one.title, one.there, one.implication) for one in neighbour.connections)
    return Neighbour(neighbour.title, ("Concept", neighbour.column, "Implication"), tuple(rows))


def write(document: Document) -> str:
    """The document as Markdown. What would not read back as it is, such as a stop with an arrow in it, is an error."""
    parts = {
        "Visual Concept Map (Mermaid)": drawing_lines(document.drawing),
        "Concept Hierarchy": hierarchy_lines(document.hierarchy),
        "Relationship Matrix": matrix_lines(document.matrix),
        "Centrality Index": spaced(band_lines(band) for band in document.bands),
        "Learning Pathways": spaced(pathway_lines(path) for path in document.pathways),
        "Critical Path Analysis": spaced(critical_lines(path) for path in document.critical),
        "Cross-Lesson Connections": spaced(neighbour_lines(neighbour) for neighbour in document.neighbours),
        "Concept Definitions (Quick Reference)": definition_lines(document.definitions),
        "Study Recommendations": spaced(advice_lines(advice) for advice in document.advice),
    }
    written = [(title, "\n".join([*remark_lines(document, title), *lines])) for title, lines in parts.items()]
    written = [part for part in written if part[1]] + [(other.title, other.text) for other in document.others]
    sections = [f"## {title}\n\n{body}" for title, body in written]
    footer = [f"*{document.footer}*"] if document.footer else []
    text = "\n\n---\n\n".join(["\n".join(header_lines(document.header)), *sections, *footer]) + "\n"
    check(document, text)
    return text


def check(document: Document, text: str) -> None:
    """Refuse a text that does not say what the document says."""
    fix = "Leave out what the form puts between titles, such as arrows and line breaks, or what it begins lines with."
    try:
        again = parse(text)
    except HeadwayError as error:
        raise HeadwayError("document", "must read back as it is written", str(error), fix) from None
    for field in fields(Document):
        want, got = getattr(document, field.name), getattr(again, field.name)
        if field.compare and want != got:
            told, read = apart(want, got)
            raise HeadwayError(f"document, {field.name}", f"{told!r} must read back as it is written", repr(read), fix)


def apart(want: Any, got: Any) -> tuple[Any, Any]:
    """The smallest parts in which two unequal records of one kind differ."""
    if is_dataclass(want) and is_dataclass(got):
        pairs = [(getattr(want, field.name), getattr(got, field.name)) for field in fields(want) if field.compare]
    elif isinstance(want, tuple) and isinstance(got, tuple) and len(want) == len(got):
        pairs = list(zip(want, got, strict=True))
    else:
        return want, got
    return next(apart(a, b) for a, b in pairs if a != b)


def spaced(parts: Iterable[Lines]) -> Lines:
    """The lines of the parts with a blank line between them."""
    for i, lines in enumerate(parts):
        yield from [""] * bool(i)
        yield from lines


def remark_lines(document: Document, title: str) -> Lines:
    """The quote that opens the section of this title."""
    if remark := document.remarks.get(reader(title)):
        yield from (f"> {line}".rstrip() for line in remark.split("\n"))
        yield ""


def field_lines(said: Mapping[str, object]) -> Lines:
    """A line for each field that is said, with blank lines between them: without, a page would run them together."""
    yield from spaced(iter([f"**{name}:** {value}"]) for name, value in said.items() if value not in ("", None))


def header_lines(header: Header) -> Lines:
    yield f"# {header.title}"
    yield ""
    said = {"Source": header.source, "Subject Area": header.subject, "Date Generated": header.date,
            "Total Concepts": header.concepts, "Total Relationships": header.relationships}  # fmt: skip
    yield from field_lines(said)


def drawing_lines(drawing: Drawing | None) -> Lines:
    if drawing is None:
        return
    nodes = {str(i): node for i, node in enumerate(drawing.nodes)}
    members = [tuple(name for name, node in nodes.items() if node.group == i) for i in range(len(drawing.groups))]
    made = MermaidGraph(
        {name: node.title for name, node in nodes.items()},
        tuple(map(MermaidGroup, drawing.groups, members)),
        tuple(MermaidEdge(str(arrow.source), arrow.word, str(arrow.target)) for arrow in drawing.arrows),
        drawing.direction,
    )
    yield from ("```mermaid", write_mermaid(made).rstrip("\n"), "```")


def hierarchy_lines(root: Branch | None) -> Lines:
    if root:
        yield from ("```", *tree_lines(root), "```")


def matrix_lines(rows: tuple[Statement, ...]) -> Lines:
    more = [name for name in ("claim", "measured", "verdict") if any(getattr(row, name) for row in rows)]
    header = ("From Concept", "To Concept", "Relationship Type", "Strength", *map(str.capitalize, more))
    if rows:
        said = ("source", "target", "relation", "strength", *more)
        yield from table_lines(header, ([getattr(row, name) for name in said] for row in rows))


def band_lines(band: Band) -> Lines:
    yield from (f"**{band.title}{bounds_text(band.low, band.high)}:**", "")
    if band.rows:
        rows = ((r.concept, r.incoming, r.outgoing, r.total, *r.measures, r.role) for r in band.rows)
        yield from table_lines(("Concept", "Incoming", "Outgoing", "Total", *band.measures, "Role"), rows)
    if band.named:
        yield from [""] * bool(band.rows)
        yield f"- {names_text(band.named)}"


def pathway_lines(path: Pathway) -> Lines:
    yield from (f"### {f'Pathway {path.number}: ' if path.number is not None else ''}{path.title}", "")
    said = {"Goal": path.goal, "Sequence": stops_text(path.stops), "Prerequisites": names_text(path.prerequisites),
            "Assessment": path.assessment}  # fmt: skip
    yield from field_lines(said)


def critical_lines(path: CriticalPath) -> Lines:
    yield from (f"**{path.title}:**", "", "```", stops_text(path.stops), "```")
    if path.rationale:
        yield from ("", f"**Rationale:** {path.rationale}")
    yield from [""] * bool(path.reasons)
    for i, reason in enumerate(path.reasons, 1):
        yield f"{i}. {f'**{reason.stop}:** ' if reason.stop else ''}{reason.text}"


def neighbour_lines(neighbour: Neighbour) -> Lines:
    yield from [f"### To {neighbour.title}", ""] * bool(neighbour.title)
    yield from table_lines(neighbour.columns, ((row.concept, row.there, row.implication) for row in neighbour.rows))


def definition_lines(definitions: tuple[Definition, ...]) -> Lines:
    if definitions:
        yield from table_lines(("Concept", "One-Line Definition"), ((one.concept, one.text) for one in definitions))


def advice_lines(advice: Advice) -> Lines:
    yield from [f"### {advice.title}", ""] * bool(advice.title)
    yield from (f"{i}. {item}" for i, item in enumerate(advice.items, 1))
