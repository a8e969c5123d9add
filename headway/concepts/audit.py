"""Audit of a concept map's document: what it counts to, and where it disagrees with itself or with a known map."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict, dataclass

from headway.concepts.checks import paths, places, statements, types
from headway.concepts.checks.facts import Facts, facts_of
from headway.concepts.checks.finding import Check, Found, Inconsistency, check
from headway.concepts.document import Document
from headway.concepts.graph import Map


@check("line not read", "reading")
def line_not_read(facts: Facts) -> Iterator[Found]:
    """A line says nothing in its section, or a section is none of the form's; counted is what was expected."""
    for note in facts.document.notes:
        yield Found("Document", (), note.text, note.expected, note.line)


CHECKS: tuple[Check, ...] = (
    statements.total_of_concepts,
    statements.total_of_relationships,
    statements.drawn_twice,
    statements.in_pieces,
    statements.only_tie,
    statements.no_node_of_its_own,
    statements.row_repeated,
    statements.only_in_the_matrix,
    statements.only_in_the_drawing,
    statements.another_relation,
    statements.several_spellings,
    statements.several_titles,
    places.not_drawn,
    places.left_out,
    places.stands_twice,
    places.in_another_group,
    places.no_such_group,
    places.degrees,
    places.sum_of_connections,
    places.outside_as_stated,
    places.outside_as_counted,
    paths.no_edge,
    paths.against_an_edge,
    paths.stop_not_drawn,
    paths.stop_twice,
    paths.passed_over,
    paths.reasons_for_other_stops,
    paths.no_earlier_pathway,
    paths.required_by_the_map,
    types.of_another_type,
    types.not_as_in_the_map,
    line_not_read,
)


COLUMNS = ("section", "finding", "stated", "counted", "line", "where")
"""The header over rows of `Inconsistency.row()`."""


def audit(document: Document, known: Map | None = None) -> tuple[Inconsistency, ...]:
    """Every finding of every check, in their order. A known map tells aliases, types and prerequisites."""
    facts = facts_of(document, known)
    return tuple(found for one in CHECKS for found in one(facts))


@dataclass(frozen=True)
class Counts:
    """What a document comes to.

    repeated_rows, other_rows   rows of the matrix that join what the drawing joins, and those that do not
    lacking                     concepts of the matrix that the drawing lacks
    concepts, pairs             distinct ones, of drawing and matrix together
    entries, facts              second level of the hierarchy, and the ends below it
    forward … undrawn           steps of all paths: along an edge, against one, along none, through a stop not drawn
    """

    nodes: int
    edges: int
    groups: int
    rows: int
    repeated_rows: int
    other_rows: int
    lacking: int
    concepts: int
    pairs: int
    definitions: int
    headings: int
    entries: int
    distinct_entries: int
    facts: int
    connections: int
    pathways: int
    critical_paths: int
    forward: int
    backward: int
    unlinked: int
    undrawn: int
    advice: int

    def rows_of_table(self) -> list[tuple[str, int]]:
        """What was counted and its number, for a table."""
        return [(name.replace("_", " "), number) for name, number in asdict(self).items()]


def counts(document: Document, known: Map | None = None) -> Counts:
    """Everything counted."""
    facts = facts_of(document, known)
    ways = Counter(step.way for step in facts.steps)
    entries = places.entries(document.hierarchy)
    deeper = [branch for depth, branch in (document.hierarchy.walk() if document.hierarchy else ()) if depth > 2]
    repeated = sum(pairs <= facts.drawn for _, pairs in facts.rows)
    return Counts(
        nodes=len(facts.nodes),
        edges=len(facts.edges),
        groups=len(document.drawing.groups) if document.drawing else 0,
        rows=len(facts.rows),
        repeated_rows=repeated,
        other_rows=len(facts.rows) - repeated,
        lacking=len(set(facts.concepts) - set(facts.nodes)),
        concepts=len(facts.concepts),
        pairs=len(facts.drawn) + len(facts.stated),
        definitions=len(document.definitions),
        headings=len(document.hierarchy.children) if document.hierarchy else 0,
        entries=len(entries),
        distinct_entries=len({facts.names.key(entry.title) for _, entry in entries}),
        facts=sum(not branch.children for branch in deeper),
        connections=sum(len(neighbour.rows) for neighbour in document.neighbours),
        pathways=len(document.pathways),
        critical_paths=len(document.critical),
        forward=ways["forward"],
        backward=ways["backward"],
        unlinked=ways["unlinked"],
        undrawn=ways["undrawn"],
        advice=sum(len(advice.items) for advice in document.advice),
    )
