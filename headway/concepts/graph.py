"""A map of a subject: concepts, typed edges between them, their hierarchy, and the paths through them."""

import re
from collections import Counter
from collections.abc import Collection, Iterable
from dataclasses import KW_ONLY
from graphlib import CycleError, TopologicalSorter
from typing import Annotated, Literal, TypeVar

from pydantic import AfterValidator, Field

from headway.spec.error import HeadwayError, did_you_mean
from headway.spec.node import Spec, spec

Slug = Annotated[str, Field(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$")]
_BREAKS = r"\x00-\x1f\x7f-\x9f\u2028\u2029\ufffe\uffff"
Line = Annotated[str, Field(pattern=rf"^[^\s{_BREAKS}]([^{_BREAKS}]*[^\s{_BREAKS}])?$")]
"""Text on one line: no control characters, no space at its ends."""


def _on_one_line(text: str) -> str:
    if re.search(f"[{_BREAKS}]", text):
        raise ValueError("must stand on one line, without control characters")
    return text


Remark = Annotated[str, AfterValidator(_on_one_line)]
"""Text on one line that may be empty."""

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
    aliases   other words under which documents write it
    """

    name: Slug
    _: KW_ONLY
    word: Line
    family: Family
    aliases: tuple[Line, ...] = ()

    @property
    def words(self) -> frozenset[str]:
        """Everything that it answers to, in lower case: name, word, aliases."""
        return frozenset(word.casefold() for word in (self.name, self.word, *self.aliases))


@spec
class Concept(Spec):
    """One thing to know.

    group        the name of its group; None for what the subject only touches
    aliases      other titles under which documents speak of it
    definition   one sentence of our own
    api          dotted names of the code that is this concept; empty while planned, or where it is no code
    requires     names of the concepts that its definition takes for known
    source       where the definition is from: paper or book
    checked_by   the tests that compare its code with something independent: `tests/file.py::test_name`
    """

    name: Slug
    _: KW_ONLY
    title: Line
    type: Type
    group: Slug | None = None
    aliases: tuple[Line, ...] = ()
    definition: Line
    api: tuple[Line, ...] = ()
    requires: tuple[Slug, ...] = ()
    source: Remark = ""
    checked_by: tuple[Line, ...] = ()

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

    strength     how sure the source is of it, in its own word
    provenance   where it stands: "graph", "matrix"
    claim        its number in the list of claims, such as R11
    """

    source: Slug
    _: KW_ONLY
    relation: Slug
    target: Slug
    strength: Remark = ""
    provenance: tuple[Line, ...] = ()
    claim: Remark = ""

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
    """What concepts of this subject are in another: the title here, what it is `there`, and what follows from it."""

    title: Line
    _: KW_ONLY
    concepts: tuple[Slug, ...] = ()
    there: Line
    implication: Line
    claim: Remark = ""


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
        for heading in self.hierarchy:
            for entry in heading.entries:
                _declared(f"hierarchy/{heading.title}/{entry.title}", [entry.concept], concepts)
        paths: tuple[Pathway | CriticalPath, ...] = (*self.pathways, *self.critical)
        for path in paths:
            for stop in path.stops:
                _declared(f"paths/{path.title}/{stop.title}", stop.concepts, concepts)
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
