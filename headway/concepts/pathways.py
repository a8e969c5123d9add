"""Paths through a map: how they walk its edges, what must be known first, what no path visits, routes between two."""

import itertools
from collections.abc import Sequence
from typing import Literal, NamedTuple

from headway.concepts.centrality import network_of
from headway.concepts.course import CriticalPath, Pathway, Stop
from headway.concepts.graph import Edge, Map
from headway.spec.error import HeadwayError

Way = Literal["forward", "backward", "no edge", "missing"]


class Leg(NamedTuple):
    """From one place of a path to the next: the concepts at both, and the way between them.

    way   along an edge, against one, where there is none, or with an end that is no concept of the map
    """

    source: tuple[str, ...]
    target: tuple[str, ...]
    way: Way


class Step(NamedTuple):
    """An edge of a route, and whether it is taken in its own direction."""

    edge: Edge
    forward: bool


def places(subject: Map, stops: Sequence[Stop]) -> tuple[tuple[str, ...], ...]:
    """The concepts of a path, place by place; those of the map that share a place are alternatives.

    A stop that opens with a concept and names others in brackets, `Normalization (BatchNorm, LayerNorm)`, is a place
    for each, one after the other. A stop that names no concept of the map is an empty place.
    """
    found = list[tuple[str, ...]]()
    concepts = {concept.name: concept for concept in subject.concepts}
    for stop in stops:
        here = tuple(name for name in stop.concepts if name in concepts)
        head, bracket, _ = stop.title.partition("(")
        opens = bracket and here and head.strip().casefold() in concepts[here[0]].words
        found += [(name,) for name in here] if opens else [here]
    return tuple(found)


def walk(subject: Map, stops: Sequence[Stop]) -> tuple[Leg, ...]:
    """How a path goes along the edges of a map, place by place."""
    pairs = {edge.pair for edge in subject.edges}

    def way(here: tuple[str, ...], there: tuple[str, ...]) -> Way:
        if not here or not there:
            return "missing"
        if any(pair in pairs for pair in itertools.product(here, there)):
            return "forward"
        return "backward" if any(pair in pairs for pair in itertools.product(there, here)) else "no edge"

    return tuple(Leg(here, there, way(here, there)) for here, there in itertools.pairwise(places(subject, stops)))


def prerequisites(subject: Map, *goals: str) -> tuple[str, ...]:
    """What must be known for the goals, the goals included, each after what it requires.

    Goals are names, titles or aliases. It is the smallest such set: the closure of `requires`.
    """
    requires = {concept.name: concept.requires for concept in subject.concepts}
    waiting, order = [subject.concept(goal).name for goal in reversed(goals)], dict[str, None]()
    while waiting:
        missing = [name for name in requires[waiting[-1]] if name not in order]
        if missing:
            waiting += reversed(missing)
        else:
            order.setdefault(waiting.pop())
    return tuple(order)


def critical_path(subject: Map) -> tuple[str, ...]:
    """The computed critical path: the prerequisites of the map's goal."""
    if subject.goal is None:
        raise HeadwayError("goal", "a critical path leads to a goal", None, 'Add to the map: goal = "a-concept"')
    return prerequisites(subject, subject.goal)


def required_by(subject: Map, name: str) -> tuple[str, ...]:
    """The concepts that name this one among what they require."""
    return tuple(concept.name for concept in subject.concepts if name in concept.requires)


def visited_by(subject: Map, name: str) -> tuple[Pathway | CriticalPath, ...]:
    """The pathways and critical paths that a concept is on: as a stop, or beside the stops."""
    paths: tuple[Pathway | CriticalPath, ...] = (*subject.pathways, *subject.critical)
    return tuple(path for path in paths if name in concepts_of(path))


def concepts_of(path: Pathway | CriticalPath) -> tuple[str, ...]:
    """The concepts of a path: those of its stops in their order, then those that belong to it besides."""
    stops = tuple(name for stop in path.stops for name in stop.concepts)
    return (*stops, *path.also) if isinstance(path, Pathway) else stops


def course(subject: Map, path: Pathway) -> tuple[str, ...]:
    """All that a pathway takes: its concepts and what they require, each after what it requires."""
    return prerequisites(subject, *concepts_of(path))


def unvisited(subject: Map) -> tuple[str, ...]:
    """The concepts on no pathway and no critical path."""
    return tuple(concept.name for concept in subject.concepts if not visited_by(subject, concept.name))


def routes(subject: Map, start: str, end: str, *, most: int = 5) -> tuple[tuple[Step, ...], ...]:
    """The shortest routes between two concepts, along the arrows; where there is none, against them too."""
    import networkx

    graph, (a, b) = network_of(subject), (subject.concept(start).name, subject.concept(end).name)
    ways = graph if networkx.has_path(graph, a, b) else graph.to_undirected()
    if not networkx.has_path(ways, a, b):
        return ()
    by_pair = {edge.pair: edge for edge in reversed(subject.edges)}
    found = itertools.islice(networkx.all_shortest_paths(ways, a, b), most)
    return tuple(
        tuple(
            Step(by_pair[pair], True) if pair in by_pair else Step(by_pair[pair[::-1]], False)
            for pair in itertools.pairwise(route)
        )
        for route in found
    )
