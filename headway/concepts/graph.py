"""A map of a subject: concepts, typed edges between them, their hierarchy, and the paths through them."""

from collections.abc import Iterable
from dataclasses import KW_ONLY
from graphlib import CycleError, TopologicalSorter
from typing import Annotated, Literal

from pydantic import Field

from headway.spec.error import HeadwayError, did_you_mean
from headway.spec.node import Spec, spec

Slug = Annotated[str, Field(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$")]
Line = Annotated[str, Field(pattern=r"^\S(.*\S)?$")]
"""Text on one line, without space at its ends."""

Type = Literal["component", "method", "quantity", "failure", "hyperparameter", "practice", "context"]
Family = Literal["taxonomy", "mechanism", "effect", "learning"]


@spec
class Group(Spec):
    """A part of the subject, drawn as one box."""

    name: Slug
    _: KW_ONLY
    title: Line


@spec
class Relation(Spec):
    """A kind of edge: `word` stands between the titles of two concepts, `ReLU —solves→ Vanishing Gradient`.

    family   taxonomy (what is a kind or part of what), mechanism (what uses or makes what), effect (what a
             measurement can refute) or learning
    """

    name: Slug
    _: KW_ONLY
    word: Line
    family: Family


@spec
class Concept(Spec):
    """One thing to know.

    group        the name of its group; None for what the subject only touches
    aliases      other titles under which documents speak of it
    definition   one sentence of our own
    api          dotted names of the code that is this concept; empty while planned, or where it is no code
    requires     names of the concepts that its definition takes for known
    source       where the definition is from: paper or book
    """

    name: Slug
    _: KW_ONLY
    title: Line
    type: Type
    group: Slug | None = None
    aliases: tuple[Line, ...] = ()
    definition: Line
    api: tuple[str, ...] = ()
    requires: tuple[Slug, ...] = ()
    source: str = ""


@spec
class Edge(Spec):
    """One statement of the map.

    strength     how sure the source is of it, in its own word
    provenance   where it stands: "graph", "matrix"; claim is its number in the list of claims, such as R11
    """

    source: Slug
    _: KW_ONLY
    relation: Slug
    target: Slug
    strength: str = ""
    provenance: tuple[str, ...] = ()
    claim: str = ""

    @property
    def pair(self) -> tuple[str, str]:
        """From where to where."""
        return self.source, self.target


@spec
class Entry(Spec):
    """A second-level entry of the hierarchy: a concept of the map (None where it is only here), and facts about it."""

    title: Line
    _: KW_ONLY
    concept: Slug | None = None
    facts: tuple[Line, ...] = ()


@spec
class Heading(Spec):
    """A first-level heading of the hierarchy."""

    entries: tuple[Entry, ...]
    _: KW_ONLY
    title: Line


@spec
class Stop(Spec):
    """A stop on a path: the title that a reader sees, and the concepts meant."""

    title: Line
    _: KW_ONLY
    concepts: tuple[Slug, ...] = ()


@spec
class Pathway(Spec):
    """A way to learn a part of the subject; `after` names the pathways, `outside` the knowledge, it builds on."""

    stops: tuple[Stop, ...]
    _: KW_ONLY
    title: Line
    goal: Line
    after: tuple[Line, ...] = ()
    outside: tuple[Line, ...] = ()
    assessment: Line


@spec
class CriticalPath(Spec):
    """The shortest way to a goal; `reasons` has a sentence for each stop, or is empty."""

    stops: tuple[Stop, ...]
    _: KW_ONLY
    title: Line
    reasons: tuple[Line, ...] = ()


@spec
class Connection(Spec):
    """What a concept of this subject is in another: `title` here, `there`, and what follows from it."""

    title: Line
    _: KW_ONLY
    concept: Slug | None = None
    there: Line
    implication: Line


@spec
class Neighbour(Spec):
    """Another subject that this one connects to."""

    connections: tuple[Connection, ...]
    _: KW_ONLY
    title: Line
    column: Line = "Connection"


@spec
class Advice(Spec):
    """What to study, under a heading."""

    items: tuple[Line, ...]
    _: KW_ONLY
    title: Line


@spec
class Map(Spec):
    """A subject as a graph: every name in it is declared, no two concepts share a title, and nothing requires itself.

    goal   the concept whose prerequisite closure is the critical path that is computed
    """

    concepts: tuple[Concept, ...]
    _: KW_ONLY
    title: Line
    subject: Line
    source: str = ""
    goal: Slug | None = None
    groups: tuple[Group, ...] = ()
    relations: tuple[Relation, ...] = ()
    edges: tuple[Edge, ...] = ()
    hierarchy: tuple[Heading, ...] = ()
    pathways: tuple[Pathway, ...] = ()
    critical: tuple[CriticalPath, ...] = ()
    neighbours: tuple[Neighbour, ...] = ()
    advice: tuple[Advice, ...] = ()

    def __post_init__(self) -> None:
        concepts = [concept.name for concept in self.concepts]
        _once("concepts", [*concepts])
        _once("concepts", [title.lower() for c in self.concepts for title in {c.title, *c.aliases}])
        _once("edges", [f"{e.source} {e.relation} {e.target}" for e in self.edges])
        groups, relations = [group.name for group in self.groups], [relation.name for relation in self.relations]
        for concept in self.concepts:
            _declared(f"{concept.name}/group", [concept.group], groups)
            _declared(f"{concept.name}/requires", concept.requires, concepts)
        for i, edge in enumerate(self.edges):
            _declared(f"edges/{i}", edge.pair, concepts)
            _declared(f"edges/{i}/relation", [edge.relation], relations)
        for entry in (entry for heading in self.hierarchy for entry in heading.entries):
            _declared(f"hierarchy, {entry.title}", [entry.concept], concepts)
        paths: tuple[Pathway | CriticalPath, ...] = (*self.pathways, *self.critical)
        for path in paths:
            _declared(path.title, [name for stop in path.stops for name in stop.concepts], concepts)
        for connection in (c for neighbour in self.neighbours for c in neighbour.connections):
            _declared(f"neighbours, {connection.title}", [connection.concept], concepts)
        _declared("goal", [self.goal], concepts)
        try:
            TopologicalSorter({c.name: c.requires for c in self.concepts}).prepare()
        except CycleError as error:
            raise HeadwayError("requires", "nothing may require itself", " → ".join(error.args[1])) from None

    def concept(self, name: str) -> Concept:
        """The concept of this name, title or alias, whatever its case."""
        wanted = name.lower().strip()
        titles = {title.lower(): c for c in self.concepts for title in (c.name, c.title, *c.aliases)}
        if wanted not in titles:
            raise HeadwayError("concept", "no concept of this name", name, did_you_mean(wanted, titles))
        return titles[wanted]


def _once(place: str, names: list[str]) -> None:
    twice = {name for name in names if names.count(name) > 1}
    if twice:
        raise HeadwayError(place, "must be given once each", ", ".join(sorted(twice)))


def _declared(place: str, used: Iterable[str | None], known: list[str]) -> None:
    for name in used:
        if name is not None and name not in known:
            raise HeadwayError(place, "must be declared in the map", name, did_you_mean(name, known))
