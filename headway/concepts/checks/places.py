"""Checks of where concepts stand: in the drawing, in a band of centrality, in the hierarchy, among the definitions."""

from collections import defaultdict
from collections.abc import Iterator

from headway.concepts.checks.facts import Facts
from headway.concepts.checks.finding import Found, check
from headway.concepts.sections import Band, Branch, Rank
from headway.concepts.vocabulary import normal


def places(facts: Facts) -> Iterator[tuple[str, list[str]]]:
    """Every section that speaks of concepts, with the titles it gives them."""
    document = facts.document
    yield "Matrix", [title for row in document.matrix for title in (row.source, row.target)]
    yield "Hierarchy", [entry.title for _, entry in entries(document.hierarchy)]
    yield "Centrality", [title for band in document.bands for title in members(band)]
    yield "Connections", [row.concept for neighbour in document.neighbours for row in neighbour.rows]
    yield "Definitions", [definition.concept for definition in document.definitions]


def members(band: Band) -> tuple[str, ...]:
    """The titles in a band."""
    return (*(row.concept for row in band.rows), *band.named)


def entries(hierarchy: Branch | None) -> list[tuple[Branch, Branch]]:
    """The second level of a hierarchy, each entry with its heading."""
    return [(heading, entry) for heading in (hierarchy.children if hierarchy else ()) for entry in heading.children]


@check("not drawn", "coverage")
def not_drawn(facts: Facts) -> Iterator[Found]:
    """A section speaks of concepts that the drawing lacks."""
    for section, titles in places(facts):
        missing = dict.fromkeys(part for title in titles for part in facts.lacking(title))
        if facts.nodes and missing:
            yield Found(section, tuple(missing), counted=len(missing))


@check("left out", "coverage")
def left_out(facts: Facts) -> Iterator[Found]:
    """Concepts of the drawing stand in no band, nowhere in the hierarchy, on no path, or have no definition."""
    document = facts.document
    branches = [branch.title for _, branch in document.hierarchy.walk()] if document.hierarchy else []
    told = dict(places(facts)) | {"Hierarchy": branches, "Paths": [stop for path in facts.paths for stop in path.stops]}
    for section in ("Hierarchy", "Centrality", "Paths", "Definitions"):
        reached = {key for title in told[section] for key in facts.in_drawing(title)}
        missing = [key for key in dict.fromkeys(facts.nodes) if key not in reached]
        if told[section] and missing:
            yield Found(section, facts.names.shown(missing), counted=len(missing))


@check("stands twice", "name")
def stands_twice(facts: Facts) -> Iterator[Found]:
    """A concept is filed under two entries of the hierarchy, ranked twice, or defined twice."""
    document = facts.document
    told = [
        *(("Hierarchy", entry.title, heading.title) for heading, entry in entries(document.hierarchy)),
        *(("Centrality", title, band.title) for band in document.bands for title in members(band)),
        *(("Definitions", definition.concept, definition.text) for definition in document.definitions),
    ]
    found = defaultdict[tuple[str, str], list[tuple[str, str]]](list)
    for section, title, where in told:
        found[section, facts.names.key(title)].append((title, where))
    for (section, _), several in found.items():
        if len(several) > 1:
            yield Found(section, tuple(where for _, where in several), several[0][0], len(several))


def ranked(facts: Facts) -> Iterator[tuple[Band, Rank, str]]:
    """The rows of the centrality tables that are about one node, with its key."""
    for band in facts.document.bands:
        for row in band.rows:
            meant = facts.in_drawing(row.concept)
            if len(meant) == 1:
                yield band, row, meant[0]


@check("degrees", "count")
def degrees(facts: Facts) -> Iterator[Found]:
    """A row of the centrality table states other connections than the drawing has: incoming/outgoing/total."""
    for _, row, key in ranked(facts):
        true = facts.degrees(key)
        if (row.incoming, row.outgoing) != true:
            stated = f"{row.incoming}/{row.outgoing}/{row.total}"
            yield Found("Centrality", (row.concept,), stated, f"{true[0]}/{true[1]}/{sum(true)}", row.line)


@check("sum of connections", "count")
def sum_of_connections(facts: Facts) -> Iterator[Found]:
    """In a row of the centrality table incoming and outgoing do not add up to the total."""
    for band in facts.document.bands:
        for row in band.rows:
            if row.incoming + row.outgoing != row.total:
                yield Found("Centrality", (row.concept,), row.total, row.incoming + row.outgoing, row.line)


@check("outside its band as stated", "count")
def outside_as_stated(facts: Facts) -> Iterator[Found]:
    """A row of the centrality table states a total that its band does not allow."""
    for band in facts.document.bands:
        for row in band.rows:
            if not band.holds(row.total):
                yield Found("Centrality", (row.concept,), limits(band), row.total, row.line)


@check("outside its band as counted", "count")
def outside_as_counted(facts: Facts) -> Iterator[Found]:
    """A concept has more or fewer connections in the drawing than its band allows, whatever its row states."""
    told = [(band, row.concept, key, row.line) for band, row, key in ranked(facts) if band.holds(row.total)]
    named = [(band, name, key, 0) for band in facts.document.bands for name in band.named
             for key in facts.in_drawing(name)]  # fmt: skip
    for band, title, key, line in (*told, *named):
        counted = sum(facts.degrees(key))
        if not band.holds(counted):
            yield Found("Centrality", (title,), limits(band), counted, line)


def limits(band: Band) -> str:
    """`6+`, `3-5` or `0`."""
    if band.high is None:
        return f"{band.low}+"
    return f"{band.low}-{band.high}" if band.high != band.low else f"{band.low}"


@check("no such group", "coverage")
def no_such_group(facts: Facts) -> Iterator[Found]:
    """Headings of the hierarchy are no groups of the drawing, or groups no headings."""
    drawing, root = facts.document.drawing, facts.document.hierarchy
    if not drawing or not drawing.groups or not root:
        return
    groups, headings = ({normal(title): title for title in titles}
                        for titles in (drawing.groups, [branch.title for branch in root.children]))  # fmt: skip
    for section, here, there in (("Hierarchy", headings, groups), ("Drawing", groups, headings)):
        missing = tuple(title for key, title in here.items() if key not in there)
        if missing:
            yield Found(section, missing, counted=len(missing))


@check("in another group", "name")
def in_another_group(facts: Facts) -> Iterator[Found]:
    """A concept is filed under a heading that is a group of the drawing, and is drawn in another group."""
    drawing = facts.document.drawing
    if not drawing:
        return
    groups = {normal(title): i for i, title in enumerate(drawing.groups)}
    home = {facts.names.key(node.title): node.group for node in drawing.nodes}
    for heading, entry in entries(facts.document.hierarchy):
        group = groups.get(normal(heading.title))
        for key in facts.in_drawing(entry.title):
            drawn = home[key]
            if group is not None and drawn != group:
                title = "no group" if drawn is None else drawing.groups[drawn]
                yield Found("Hierarchy", facts.names.shown([key]), heading.title, title, entry.line)
