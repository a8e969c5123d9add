"""What the subject is said to hold: header, drawing, hierarchy, matrix, centrality, definitions."""

from dataclasses import replace

from headway.concepts.markdown import Block, Fence, Field, Heading, Item, Section, Table, blocks
from headway.concepts.mermaid import MermaidGraph, parse_mermaid
from headway.concepts.notation import bounds, names, tree, whole
from headway.concepts.reading.access import cell, columns, fields, filled, only_fence, tables, text_of
from headway.concepts.sections import Arrow, Band, Branch, Definition, Drawing, Header, Node, Rank, Statement
from headway.spec.error import HeadwayError


def header(section: Section) -> Header:
    """`# Title`, and the fields source, subject, date, total concepts and total relationships."""
    found = list(blocks(section.lines))
    title = next((b for b in found if isinstance(b, Heading) and b.level == 1), None)
    if not title:
        raise HeadwayError("line 1", "a document begins with its title", None, "Write: # Concept Map: …")
    rest = [block for block in found if block is not title]
    said = fields(section, rest, "total concept", "total relation", "source", "subject", "date")
    concepts, relationships = (
        whole(said[word].text, said[word].line) if word in said else None
        for word in ("total concept", "total relation")
    )
    source, subject, date = (text_of(said, word) for word in ("source", "subject", "date"))
    return Header(title.text, source, subject, date, concepts, relationships)


def drawing(section: Section) -> Drawing | None:
    """The graph in the section's block of Mermaid."""
    fence = only_fence(section, "one block of Mermaid")
    return drawn(parse_mermaid("\n" * fence.line + fence.text)) if fence else None  # its mistakes name our lines


def drawn(graph: MermaidGraph) -> Drawing:
    """The graph with its nodes in the order of their groups."""
    home = {node: i for i, group in enumerate(graph.groups) for node in group.nodes}
    order = sorted(graph.nodes, key=lambda node: home.get(node, len(graph.groups)))
    place = {node: i for i, node in enumerate(order)}
    return Drawing(
        tuple(group.title for group in graph.groups),
        tuple(Node(graph.nodes[node], home.get(node), node) for node in order),
        tuple(Arrow(place[edge.source], edge.word, place[edge.target]) for edge in graph.edges),
        graph.direction,
    )


def hierarchy(section: Section) -> Branch | None:
    """The tree, drawn with lines in a fence or written as a nested list."""
    found = list(blocks(section.lines))
    if any(isinstance(block, Fence) for block in found):
        fence = only_fence(section, "one tree")
        return tree(enumerate(fence.text.split("\n"), fence.line + 1)) if fence else None
    items = {block.line for block in found if isinstance(block, Item)}
    for block in found:
        if block.line not in items:
            section.note(block, "one tree")
    return tree((number, line) for number, line in section.lines if number in items)


def matrix(section: Section) -> tuple[Statement, ...]:
    """A table: from, to, relationship, and what else is given of the columns of `Statement`."""
    required = {"from": r"\bfrom|source", "to": r"\bto\b|target", "relationship": "relation|type"}
    optional = {name: name for name in ("strength", "claim", "measured", "verdict")}
    return tuple(
        Statement(
            filled(row, at, "from"),
            filled(row, at, "to"),
            filled(row, at, "relationship"),
            line=row.line,
            **{name: cell(row, at, name) for name in optional},
        )
        for table, at in tables(section, required, optional)
        for row in table.rows
    )


def definitions(section: Section) -> tuple[Definition, ...]:
    """A table: concept and definition."""
    required = {"concept": "concept|term|name", "definition": "definition|meaning|description"}
    return tuple(
        Definition(filled(row, at, "concept"), filled(row, at, "definition"), row.line)
        for table, at in tables(section, required, {})
        for row in table.rows
    )


def centrality(section: Section) -> tuple[Band, ...]:
    """Bands: a bold title or heading with its bounds, and below it a table of concepts or a list of their names."""
    found: list[Band] = []
    for block in blocks(section.lines):
        if (band := band_of(block)) is not None:
            found.append(band)
            if band.low is None:
                section.note(block, "the bounds of the band behind its title: (3-5 connections)")
        elif not isinstance(block, Table | Item):
            section.note(block, "bands, with tables or lists of their concepts")
        elif not found:
            raise HeadwayError(f"line {block.line}", "concepts stand below the title of their band", repr(block.text),
                               "Write above them: **High Centrality (6+ connections):**")  # fmt: skip
        else:
            found[-1] = widened(found[-1], block)
    return tuple(found)


def band_of(block: Block) -> Band | None:
    """The band that a heading or a bold title begins, with the names that stand behind it; None for all else."""
    if isinstance(block, Heading):
        return Band(*bounds(block.text.rstrip(":"), block.line), line=block.line)
    if isinstance(block, Field):
        title, low, high = bounds(block.key, block.line)
        return (
            Band(title, low, high, named=names(block.text), line=block.line)
            if low is not None or not block.text
            else None
        )
    return None


def widened(band: Band, block: Table | Item) -> Band:
    """The band with the concepts of a table or an item below it."""
    if isinstance(block, Item):
        return replace(band, named=band.named + names(block.text))
    measures, rows = ranks(block)
    if band.rows and measures != band.measures:
        raise HeadwayError(f"line {block.line}", "the tables of a band have the same columns", block.text)
    return replace(band, measures=measures, rows=band.rows + rows)


def ranks(table: Table) -> tuple[tuple[str, ...], tuple[Rank, ...]]:
    """The titles of further measures, and the rows of a table of connections."""
    at = columns(table, {"concept": "concept|node|name", "incoming": r"\bin", "outgoing": r"\bout",
                         "total": "total|degree|connections"}, {"role": "role|why"})  # fmt: skip
    more = [i for i in range(len(table.header)) if i not in at.values()]
    rows = []
    for row in table.rows:
        incoming, outgoing, total = (whole(row.cells[at[name]], row.line) for name in ("incoming", "outgoing", "total"))
        measures = tuple(row.cells[i] for i in more)
        rows.append(
            Rank(filled(row, at, "concept"), incoming, outgoing, total, measures, cell(row, at, "role"), row.line)
        )
    return tuple(table.header[i] for i in more), tuple(rows)
