"""Checks of what a document states against a known map: types of concepts, relations between them."""

from collections import Counter, defaultdict
from collections.abc import Iterator

from headway.concepts.checks.facts import Edge, Facts
from headway.concepts.checks.finding import Found, check
from headway.concepts.checks.statements import spelling, statement


def stated(facts: Facts) -> list[Edge]:
    """The statements of the drawing, and of the matrix where it joins other pairs."""
    rows = [
        Edge(a, row.relation, b) for row, pairs in facts.rows for a, b in sorted(pairs) if (a, b) not in facts.drawn
    ]
    return [*facts.edges, *rows]


def types(facts: Facts) -> dict[str, str]:
    """Key → type of the concepts that the known map has."""
    return {facts.names.key(one.title): one.type for one in (facts.known.concepts if facts.known else ())}


@check("of another type", "type")
def of_another_type(facts: Facts) -> Iterator[Found]:
    """One effect has an object of another type than all other statements of its relation, at least two.

    Types of concepts, and which relations are effects, are those of the known map.
    """
    known, groups = types(facts), defaultdict[str, list[Edge]](list)
    effects = {one.name for one in (facts.known.relations if facts.known else ()) if one.family == "effect"}
    for edge in stated(facts):
        if edge.target in known and spelling(facts, edge.word) in effects:
            groups[spelling(facts, edge.word)].append(edge)
    for edges in groups.values():
        usual, times = Counter(known[edge.target] for edge in edges).most_common(1)[0]
        for edge in edges:
            if times > 1 and len(edges) == times + 1 and known[edge.target] != usual:
                section = "Drawing" if edge in facts.edges else "Matrix"
                yield Found(section, (statement(facts, edge),), f"a {known[edge.target]}", f"a {usual}")


@check("not as in the map", "type")
def not_as_in_the_map(facts: Facts) -> Iterator[Found]:
    """The known map joins the two concepts by other relations alone, or only the other way round."""
    if not facts.known:
        return
    keys = {concept.name: facts.names.key(concept.title) for concept in facts.known.concepts}
    known = defaultdict[frozenset[str], list[Edge]](list)
    for one in facts.known.edges:
        made = Edge(keys[one.source], one.relation, keys[one.target])
        known[frozenset(made.pair)].append(made)
    for edge in stated(facts):
        there = known[frozenset(edge.pair)]
        if there and edge._replace(word=spelling(facts, edge.word)) not in there:
            section = "Drawing" if edge in facts.edges else "Matrix"
            said = "; ".join(statement(facts, made) for made in there)
            yield Found(section, (statement(facts, edge),), edge.word, said)
