"""A map of a subject: concepts, typed edges between them, their hierarchy, and the paths through them."""

from collections import Counter
from collections.abc import Collection, Iterable
from dataclasses import KW_ONLY
from graphlib import CycleError, TopologicalSorter
from typing import Literal, TypeVar

from headway.concepts.course import Advice, CriticalPath, Heading, Neighbour, Pathway
from headway.concepts.text import Line, Remark, Slug
from headway.spec.error import HeadwayError, did_you_mean
from headway.spec.node import Spec, spec

Type = Literal["component", "method", "quantity", "failure", "hyperparameter", "practice", "context"]
Family = Literal["taxonomy", "mechanism", "effect", "learning"]
C = TypeVar("C", "Concept", "Relation")


@spec
class Group(Spec):
    """A part of the subject, drawn as one box."""

    name: Slug
    _: KW_ONLY
    title: Line


@spec
class Relation(Spec):
    """A kind of edge: `word` stands between the titles of two concepts, `ReLU —solves→ Vanishing Gradient`.

    family    taxonomy (what is a kind of what), mechanism (what consists of, uses, makes or changes what), effect
              (what a measurement can refute) or learning (what to know or to choose for what)
    domain    the types of concepts that it can start from; empty: any
    range     the types of concepts that it can lead to; empty: any
    aliases   other words under which it is written
    """

    name: Slug
    _: KW_ONLY
    word: Line
    family: Family
    domain: tuple[Type, ...] = ()
    range: tuple[Type, ...] = ()
    aliases: tuple[Line, ...] = ()

    @property
    def words(self) -> frozenset[str]:
        """Everything that it answers to, in lower case: name, word, aliases; a hyphen may be a space."""
        words = [word.casefold() for word in (self.name, self.word, *self.aliases)]
        return frozenset([*words, *(word.replace("-", " ") for word in words)])


@spec
class Concept(Spec):
    """One thing to know.

    group        the name of its group; None for what the subject only touches
    aliases      other titles under which documents speak of it
    definition   one sentence of our own
    role         what it is to the subject, in a few words
    api          dotted names of the code that is this concept; empty while planned, or where it is no code
    requires     names of the concepts that its definition takes for known
    source       where the definition is from: paper or book
    checked_by   the tests that compare its code with something independent: `tests/file.py::test_name`
    proposed     whether it is not in the source, but added since the map does not hang together without it
    """

    name: Slug
    _: KW_ONLY
    title: Line
    type: Type
    group: Slug | None = None
    aliases: tuple[Line, ...] = ()
    definition: Line
    role: Remark = ""
    api: tuple[Line, ...] = ()
    requires: tuple[Slug, ...] = ()
    source: Remark = ""
    checked_by: tuple[Line, ...] = ()
    proposed: bool = False

    @property
    def words(self) -> frozenset[str]:
        """Everything that it answers to, in lower case: name, title, aliases."""
        return frozenset(word.casefold() for word in (self.name, self.title, *self.aliases))

    @property
    def code(self) -> str:
        """Where its code is, or why there is none."""
        return ", ".join(self.api) or ("no code of its own" if self.type == "context" else "planned")


@spec
class Edge(Spec):
    """One statement of the map.

    word          the word of its relation under which it stands in the source; empty: the relation's own
    strength      how sure the source is of it, in its own word
    provenance    where it stands: "graph", "matrix", "proposed"
    claim         its number in the list of claims, such as R11
    why           what is wrong with it as worded; it stays visible, with the claims that it is `replaced_by`
    """

    source: Slug
    _: KW_ONLY
    relation: Slug
    target: Slug
    word: Remark = ""
    strength: Remark = ""
    provenance: tuple[Line, ...] = ()
    claim: Remark = ""
    why: Remark = ""
    replaced_by: tuple[Line, ...] = ()

    @property
    def pair(self) -> tuple[str, str]:
        """From where to where."""
        return self.source, self.target


@spec
class Map(Spec):
    """A subject as a graph: every name in it is declared, no two concepts share a title, nothing requires itself."""

    title: Line
    _: KW_ONLY
    subject: Line
    source: Remark = ""
    goal: Slug | None = None  # the concept whose prerequisite closure is the critical path that is computed
    concepts: tuple[Concept, ...]
    groups: tuple[Group, ...] = ()
    relations: tuple[Relation, ...] = ()
    edges: tuple[Edge, ...] = ()
    hierarchy: tuple[Heading, ...] = ()
    pathways: tuple[Pathway, ...] = ()
    critical: tuple[CriticalPath, ...] = ()
    neighbours: tuple[Neighbour, ...] = ()
    advice: tuple[Advice, ...] = ()

    def __post_init__(self) -> None:
        self._check_names()
        concepts = {concept.name for concept in self.concepts}
        groups, relations = {group.name for group in self.groups}, {relation.name for relation in self.relations}
        for concept in self.concepts:
            _declared(f"concepts/{concept.name}/group", [concept.group], groups)
            _declared(f"concepts/{concept.name}/requires", concept.requires, concepts)
        for edge in self.edges:
            _declared(f"concepts/{edge.source}/edges", edge.pair, concepts)
            _declared(f"concepts/{edge.source}/edges", [edge.relation], relations)
        self._check_types()
        for heading in self.hierarchy:
            for entry in heading.entries:
                _declared(f"hierarchy/{heading.title}/{entry.title}", [entry.concept], concepts)
        paths: tuple[Pathway | CriticalPath, ...] = (*self.pathways, *self.critical)
        for path in paths:
            for stop in path.stops:
                _declared(f"paths/{path.title}/{stop.title}", stop.concepts, concepts)
        for path in self.pathways:
            _declared(f"pathways/{path.title}/also", path.also, concepts)
        for connection in (connection for neighbour in self.neighbours for connection in neighbour.connections):
            _declared(f"neighbours/{connection.title}", connection.concepts, concepts)
        _declared("goal", [self.goal], concepts)
        try:
            TopologicalSorter({c.name: c.requires for c in self.concepts}).prepare()
        except CycleError as error:
            cycle = error.args[1][::-1]
            raise HeadwayError(f"concepts/{cycle[0]}/requires", "nothing may require itself", " → ".join(cycle),
                               "Remove one of these from the other's `requires`.") from None  # fmt: skip

    def _check_names(self) -> None:
        _own_words("concepts", self.concepts)
        _own_words("relations", self.relations)
        _once("groups", [group.name for group in self.groups])
        _once("groups", [group.title for group in self.groups])
        _once("edges", [f"{edge.source} {edge.relation} {edge.target}" for edge in self.edges])
        _once("hierarchy", [heading.title for heading in self.hierarchy])
        _once("hierarchy", [f"{heading.title}/{e.title}" for heading in self.hierarchy for e in heading.entries])
        _once("paths", [*(path.title for path in self.pathways), *(path.title for path in self.critical)])
        _once("neighbours", [neighbour.title for neighbour in self.neighbours])
        _once("advice", [advice.title for advice in self.advice])

    def _check_types(self) -> None:
        """Every statement joins what its relation can join, or says why it stands there all the same."""
        types = {concept.name: concept.type for concept in self.concepts}
        relations = {relation.name: relation for relation in self.relations}
        for edge in self.edges:
            one = relations[edge.relation]
            for name, end, allowed in (("domain", edge.source, one.domain), ("range", edge.target, one.range)):
                if allowed and types[end] not in allowed and not edge.why:
                    said, must = f"{edge.source} {self.word(edge)} {edge.target}", ", ".join(allowed)
                    raise HeadwayError(
                        f"concepts/{edge.source}/edges",
                        f"the {name} of {one.name} is {must}",
                        f"{end}, a {types[end]}, in {said!r}",
                        "Or say why it stands there all the same: why = …",
                    )

    def word(self, edge: Edge) -> str:
        """The word between the ends of a statement."""
        return edge.word or self.relation(edge.relation).word

    def concept(self, word: str) -> Concept:
        """The concept of this name, title or alias, whatever its case."""
        return _answering("concept", word, self.concepts)

    def relation(self, word: str) -> Relation:
        """The relation of this name, word or alias, whatever its case."""
        return _answering("relation", word, self.relations)


def _answering(place: str, word: str, parts: tuple[C, ...]) -> C:
    known, wanted = {own: part for part in parts for own in part.words}, word.strip().casefold()
    if wanted not in known:
        names, close = ", ".join(part.name for part in parts), did_you_mean(wanted, known)
        raise HeadwayError(place, f"no {place} of this name", repr(word), close if "?" in close else f"Known: {names}.")
    return known[wanted]


def _once(place: str, words: list[str]) -> None:
    twice = [word for word, times in Counter(words).items() if times > 1]
    if twice:
        raise HeadwayError(place, "must be given once each", ", ".join(twice), "Rename or remove one.")


def _own_words(place: str, parts: Iterable[Concept | Relation]) -> None:
    owners: dict[str, Concept | Relation] = {}
    for part in parts:
        for word in sorted(part.words):
            if owners.setdefault(word, part) is not part:
                raise HeadwayError(f"{place}/{part.name}", "must share no name, title or alias with another",
                                   f"{word!r}, which is also {owners[word].name}", "Rename one.")  # fmt: skip


def _declared(place: str, used: Iterable[str | None], known: Collection[str]) -> None:
    for name in used:
        if name is not None and name not in known:
            raise HeadwayError(place, "must be declared in the map", repr(name), did_you_mean(name, known))
