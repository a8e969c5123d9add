"""What the checks of a document share: its concepts and edges by key, the steps of its paths."""

import functools
from dataclasses import dataclass
from itertools import pairwise, product
from typing import Any, Literal, NamedTuple

from headway.concepts.document import Document
from headway.concepts.graph import Map
from headway.concepts.sections import CriticalPath, Pathway, Statement
from headway.concepts.vocabulary import Vocabulary, vocabulary

Pair = tuple[str, str]


class Edge(NamedTuple):
    """An arrow of the drawing between two concepts."""

    source: str
    word: str
    target: str

    @property
    def pair(self) -> Pair:
        return self.source, self.target


class Step(NamedTuple):
    """From one stop of a path to the next, and how the drawing leads there.

    way     forward along an edge, backward along one, unlinked (no edge either way), or undrawn (a stop is no node)
    route   the shortest way along the arrows where there is one, for an unlinked step
    """

    path: str
    line: int
    source: str
    target: str
    way: Literal["forward", "backward", "unlinked", "undrawn"]
    route: tuple[str, ...] = ()


@dataclass(frozen=True)
class Facts:
    """A document with its titles understood."""

    document: Document
    known: Map | None
    names: Vocabulary

    @functools.cached_property
    def nodes(self) -> tuple[str, ...]:
        """The concepts of the drawing, node by node."""
        drawing = self.document.drawing
        return tuple(self.names.key(node.title) for node in drawing.nodes) if drawing else ()

    @functools.cached_property
    def edges(self) -> tuple[Edge, ...]:
        """The arrows of the drawing between concepts."""
        arrows = self.document.drawing.arrows if self.document.drawing else ()
        return tuple(Edge(self.nodes[arrow.source], arrow.word, self.nodes[arrow.target]) for arrow in arrows)

    @functools.cached_property
    def drawn(self) -> frozenset[Pair]:
        """From where to where the drawing has an arrow."""
        return frozenset(edge.pair for edge in self.edges)

    @functools.cached_property
    def rows(self) -> tuple[tuple[Statement, frozenset[Pair]], ...]:
        """The rows of the matrix with the pairs of concepts that they join."""
        of = self.names.of
        return tuple((row, frozenset(product(of(row.source), of(row.target)))) for row in self.document.matrix)

    @functools.cached_property
    def stated(self) -> tuple[Pair, ...]:
        """The pairs that only the matrix has."""
        return tuple(dict.fromkeys(pair for _, pairs in self.rows for pair in sorted(pairs) if pair not in self.drawn))

    @functools.cached_property
    def concepts(self) -> tuple[str, ...]:
        """Every concept of the drawing and the matrix, once."""
        titles = [title for row in self.document.matrix for title in (row.source, row.target)]
        ends = [key for title in titles for key in self.names.of(title)]
        return tuple(dict.fromkeys((*self.nodes, *ends)))

    @functools.cached_property
    def network(self) -> Any:
        """The drawing as a graph of networkx."""
        import networkx

        graph = networkx.MultiDiGraph()
        graph.add_nodes_from(self.nodes)
        graph.add_edges_from(edge.pair for edge in self.edges)
        return graph

    def degrees(self, node: str) -> tuple[int, int]:
        """How many arrows of the drawing end at a node, and how many begin there."""
        return self.network.in_degree(node), self.network.out_degree(node)

    def in_drawing(self, title: str) -> tuple[str, ...]:
        """The nodes that a title means."""
        return tuple(key for key in self.names.meaning(title).concepts if key in self.nodes)

    def lacking(self, title: str) -> tuple[str, ...]:
        """The parts of a title that the drawing lacks."""
        return tuple(part for key, part in self.names.brought(title).items() if key not in self.nodes)

    @functools.cached_property
    def paths(self) -> tuple[Pathway | CriticalPath, ...]:
        """Pathways, then critical paths."""
        return (*self.document.pathways, *self.document.critical)

    @functools.cached_property
    def steps(self) -> tuple[Step, ...]:
        """Every step of every path."""
        return tuple(self.step(path, *pair) for path in self.paths for pair in pairwise(path.stops))

    def step(self, path: Pathway | CriticalPath, source: str, target: str) -> Step:
        """How the drawing leads from one stop to the next; it is enough that one concept of each is linked."""
        here, there = self.in_drawing(source), self.in_drawing(target)
        made = Step(path.title, path.line, source, target, "unlinked")
        if not here or not there:
            return made._replace(way="undrawn")
        if set(here) & set(there) or self.drawn & set(product(here, there)):
            return made._replace(way="forward")
        if self.drawn & set(product(there, here)):
            return made._replace(way="backward")
        return made._replace(route=self.names.shown(self.shortest(here, there)))

    def shortest(self, starts: tuple[str, ...], ends: tuple[str, ...]) -> tuple[str, ...]:
        """A shortest way along the arrows from one of `starts` to one of `ends`; empty where there is none."""
        import networkx

        ways = (tuple(networkx.shortest_path(self.network, a, b)) for a, b in product(starts, ends)
                if networkx.has_path(self.network, a, b))  # fmt: skip
        return min(ways, key=len, default=())


def facts_of(document: Document, known: Map | None = None) -> Facts:
    """The document with every title resolved, by its own drawing and by a known map where one is given."""
    ends = (title for row in document.matrix for title in (row.source, row.target))
    return Facts(document, known, vocabulary(document.drawing, ends, known))
