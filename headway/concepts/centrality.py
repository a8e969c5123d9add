"""How the concepts of a map hang together: degrees, betweenness, PageRank, bridges, components, and what each means."""

from collections import Counter
from dataclasses import dataclass
from typing import Any, NamedTuple

from headway.concepts.graph import Edge, Map

BANDS = {"high": 6, "medium": 3, "low": 1, "isolated": 0}
"""Band → the least total degree in it."""

MEANING = {
    "in": "statements that end at the concept: what is done to it, or leads to it",
    "out": "statements that begin at it: what it does, has, or consists of",
    "total": "all statements about it: how much else is explained with it",
    "betweenness": "share of the shortest routes between two others that lead through it: what it connects",
    "PageRank": "share of time that a reader spends there who follows arrows at random: where explanations lead",
    "bridges": "edges without which the map falls into more parts: what one statement alone connects",
    "components": "parts of the map that no edge connects: what is explained without each other",
}


@dataclass(frozen=True)
class Centrality:
    """The measures of one concept.

    betweenness   Σ over ordered pairs (s, t) of others: the share of the shortest directed routes from s to t through
                  it, divided by the number of pairs (Freeman 1977)
    pagerank      stationary probability of a walk that follows an arrow with probability 0.85 and else starts
                  anywhere (Brin & Page 1998)
    """

    concept: str
    incoming: int
    outgoing: int
    betweenness: float
    pagerank: float

    @property
    def total(self) -> int:
        """All edges at it; one from it to itself counts twice."""
        return self.incoming + self.outgoing

    @property
    def band(self) -> str:
        """The first of BANDS whose threshold the total reaches."""
        return next(name for name, least in BANDS.items() if self.total >= least)


class Bridge(NamedTuple):
    """An edge without which the concepts in `cut`, the smaller side, would hang together with no other."""

    edge: Edge
    cut: tuple[str, ...]


def network_of(subject: Map) -> Any:
    """The map as a graph of networkx: nodes and edges in the map's order, what is said of them as attributes.

    Edges have keys `e0`, `e1`, …: two concepts may be joined by several.
    """
    import networkx

    graph = networkx.MultiDiGraph(title=subject.title, subject=subject.subject)
    for concept in subject.concepts:
        said: dict[str, Any] = {name: getattr(concept, name) for name in ("title", "type", "definition", "source")}
        listed = {name: ", ".join(getattr(concept, name)) for name in ("aliases", "requires", "api")}
        graph.add_node(concept.name, **said, **listed, group=concept.group or "")
    for i, edge in enumerate(subject.edges):
        relation = subject.relation(edge.relation)
        graph.add_edge(edge.source, edge.target, key=f"e{i}", relation=edge.relation, word=subject.word(edge),
                       family=relation.family, strength=edge.strength, provenance=", ".join(edge.provenance),
                       claim=edge.claim)  # fmt: skip
    return graph


def centrality(subject: Map) -> tuple[Centrality, ...]:
    """The measures of every concept, the most connected first."""
    import networkx

    graph = network_of(subject)
    between, rank = networkx.betweenness_centrality(graph), networkx.pagerank(graph) if graph else {}
    rows = [Centrality(name, graph.in_degree(name), graph.out_degree(name), between[name], rank[name])
            for name in graph]  # fmt: skip
    return tuple(sorted(rows, key=lambda row: (-row.total, -row.betweenness)))


def bridges(subject: Map) -> tuple[Bridge, ...]:
    """The edges whose loss alone would leave the map in more parts, directions apart, those that cut off most first."""
    import networkx

    ways = networkx.Graph(network_of(subject).to_undirected())
    joined = Counter(frozenset(edge.pair) for edge in subject.edges)
    single = {frozenset(pair) for pair in networkx.bridges(ways)} if ways else set()
    found = []
    for edge in subject.edges:
        if frozenset(edge.pair) in single and joined[frozenset(edge.pair)] == 1 and edge.source != edge.target:
            ways.remove_edge(*edge.pair)
            sides = [networkx.node_connected_component(ways, end) for end in edge.pair[::-1]]
            ways.add_edge(*edge.pair)
            found.append(Bridge(edge, _in_order(subject, min(sides, key=len))))
    return tuple(sorted(found, key=lambda bridge: -len(bridge.cut)))


def components(subject: Map) -> tuple[tuple[str, ...], ...]:
    """The parts between which there is no edge, the largest first, each in the map's order."""
    import networkx

    parts = [_in_order(subject, part) for part in networkx.weakly_connected_components(network_of(subject))]
    return tuple(sorted(parts, key=len, reverse=True))


def _in_order(subject: Map, names: set[str]) -> tuple[str, ...]:
    return tuple(concept.name for concept in subject.concepts if concept.name in names)
