"""Checks of what the document states: totals, the drawing, the matrix, the spelling of names."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator

from headway.concepts.checks.facts import Edge, Facts, Pair
from headway.concepts.checks.finding import Found, check
from headway.concepts.vocabulary import SPACE, bare, normal


def arrows(facts: Facts, pairs: Iterable[Pair]) -> tuple[str, ...]:
    """`A → B` for every pair."""
    return tuple(" → ".join(facts.names.shown(pair)) for pair in pairs)


def repeated(items: Iterable[str]) -> tuple[str, ...]:
    """What stands there more than once."""
    return tuple(item for item, times in Counter(items).items() if times > 1)


@check("total of concepts", "count")
def total_of_concepts(facts: Facts) -> Iterator[Found]:
    """The header's total is not the number of distinct concepts in the drawing and the matrix."""
    stated, nodes = facts.document.header.concepts, len(set(facts.nodes))
    if stated is not None and facts.concepts and stated != len(facts.concepts):
        rest = len(facts.concepts) - nodes
        yield Found("Header", (f"{nodes} in the drawing", f"{rest} only in the matrix"), stated, len(facts.concepts))


@check("total of relationships", "count")
def total_of_relationships(facts: Facts) -> Iterator[Found]:
    """The header's total is not the number of arrows in the drawing and of pairs that only the matrix joins."""
    stated, counted = facts.document.header.relationships, len(facts.edges) + len(facts.stated)
    if stated is not None and facts.concepts and stated != counted:
        where = (f"{len(facts.edges)} in the drawing", f"{len(facts.stated)} only in the matrix")
        yield Found("Header", where, stated, counted)


@check("drawn twice", "name")
def drawn_twice(facts: Facts) -> Iterator[Found]:
    """Two nodes of the drawing have the same title, or two arrows of one word join the same nodes."""
    edges = Counter(edge._replace(word=normal(edge.word)) for edge in facts.edges)
    again = (edge for edge in dict.fromkeys(facts.edges) if edges[edge._replace(word=normal(edge.word))] > 1)
    for title in (*facts.names.shown(repeated(facts.nodes)), *(statement(facts, edge) for edge in again)):
        yield Found("Drawing", (title,))


@check("in pieces", "structure")
def in_pieces(facts: Facts) -> Iterator[Found]:
    """The drawing falls into parts that no arrow joins; all but the largest are named."""
    import networkx

    parts = sorted(networkx.weakly_connected_components(facts.network), key=len, reverse=True)
    for part in parts[1:]:
        yield Found("Drawing", in_order(facts, part), counted=len(parts))


@check("only tie", "structure")
def only_tie(facts: Facts) -> Iterator[Found]:
    """One arrow alone ties two or more concepts to the rest: if it is wrong, they are lost."""
    import networkx

    ways = networkx.Graph(facts.network.to_undirected())
    bridges = {frozenset(pair) for pair in networkx.bridges(ways)} if ways else set()
    arrows = Counter(frozenset(edge.pair) for edge in facts.edges)
    for edge in facts.edges:
        if frozenset(edge.pair) in bridges and arrows[frozenset(edge.pair)] == 1:
            ways.remove_edge(*edge.pair)
            part = min((networkx.node_connected_component(ways, end) for end in edge.pair[::-1]), key=len)
            ways.add_edge(*edge.pair)
            if len(part) > 1:
                yield Found("Drawing", in_order(facts, part), statement(facts, edge), len(part))


def in_order(facts: Facts, keys: set[str]) -> tuple[str, ...]:
    """The titles of concepts, in the order of the drawing."""
    return facts.names.shown(key for key in dict.fromkeys(facts.nodes) if key in keys)


def statement(facts: Facts, edge: Edge) -> str:
    """`A —word→ B`."""
    source, target = facts.names.shown(edge.pair)
    return f"{source} {f'—{edge.word}' if edge.word else ''}→ {target}"


@check("no node of its own", "structure")
def no_node_of_its_own(facts: Facts) -> Iterator[Found]:
    """A word stands in the titles of three or more nodes and is no concept itself."""
    found: dict[str, list[str]] = {}
    for title in facts.names.shown(dict.fromkeys(facts.nodes)):
        for word in dict.fromkeys(SPACE.split(bare(title))):
            found.setdefault(normal(word), []).append(title)
    for word, there in found.items():
        if len(there) > 2 and len(word) > 3 and not facts.names.knows(word):
            yield Found("Drawing", tuple(there), word, len(there))


@check("row repeated", "name")
def row_repeated(facts: Facts) -> Iterator[Found]:
    """A row of the matrix says of a pair what another row has said."""
    said: dict[tuple[frozenset[Pair], str], int] = {}
    for row, pairs in facts.rows:
        first = said.setdefault((pairs, normal(row.relation)), row.line)
        if first != row.line:
            yield Found("Matrix", arrows(facts, sorted(pairs)), f"line {first}", line=row.line)


@check("only in the matrix", "coverage")
def only_in_the_matrix(facts: Facts) -> Iterator[Found]:
    """The matrix joins pairs that no arrow of the drawing joins."""
    if facts.nodes and facts.stated:
        yield Found("Matrix", arrows(facts, facts.stated), f"{len(facts.rows)} rows", len(facts.stated))


@check("only in the drawing", "coverage")
def only_in_the_drawing(facts: Facts) -> Iterator[Found]:
    """The drawing joins pairs that no row of the matrix joins."""
    told = {pair for _, pairs in facts.rows for pair in pairs}
    missing = tuple(dict.fromkeys(edge.pair for edge in facts.edges if edge.pair not in told))
    if facts.rows and missing:
        yield Found("Matrix", arrows(facts, missing), f"{len(facts.edges)} arrows", len(missing))


@check("another relation", "name")
def another_relation(facts: Facts) -> Iterator[Found]:
    """A row of the matrix says of a pair another relation than the arrow of the drawing does."""
    words = defaultdict(list)
    for edge in facts.edges:
        words[edge.pair].append(edge.word)
    for row, pairs in facts.rows:
        for pair in sorted(pairs):
            if pair in words and spelling(facts, row.relation) not in {spelling(facts, w) for w in words[pair]}:
                yield Found("Matrix", arrows(facts, [pair]), row.relation, ", ".join(words[pair]), row.line)


def spelling(facts: Facts, word: str) -> str:
    """What is common to all spellings of a relation; the aliases of a known map are spellings too."""
    for relation in facts.known.relations if facts.known else ():
        if normal(word) in map(normal, (relation.word, relation.name, *relation.aliases)):
            return relation.name
    return normal(word)


@check("several spellings", "name")
def several_spellings(facts: Facts) -> Iterator[Found]:
    """One relation is written in several ways."""
    found: dict[str, dict[str, None]] = {}
    for word in (*(edge.word for edge in facts.edges), *(row.relation for row in facts.document.matrix)):
        found.setdefault(spelling(facts, word), {})[word] = None
    for words in found.values():
        if len(words) > 1:
            yield Found("Matrix", tuple(words), counted=len(words))


@check("several titles", "name")
def several_titles(facts: Facts) -> Iterator[Found]:
    """One concept has several titles."""
    found: dict[str, dict[str, None]] = {}
    for title in map(bare, titles(facts)):
        if facts.names.knows(title):
            found.setdefault(facts.names.key(title), {})[title] = None
    for words in found.values():
        if len(words) > 1:
            yield Found("Names", tuple(words), counted=len(words))


def titles(facts: Facts) -> Iterator[str]:
    """Every title that the document gives a concept, in the order of its sections."""
    document = facts.document
    yield from (node.title for node in (document.drawing.nodes if document.drawing else ()))
    yield from (
        branch.title for depth, branch in (document.hierarchy.walk() if document.hierarchy else ()) if depth == 2
    )
    yield from (title for row in document.matrix for title in (row.source, row.target))
    yield from (title for band in document.bands for title in (*(row.concept for row in band.rows), *band.named))
    yield from (stop for path in facts.paths for stop in path.stops)
    yield from (row.concept for neighbour in document.neighbours for row in neighbour.rows)
    yield from (definition.concept for definition in document.definitions)
