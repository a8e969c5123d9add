"""What a map says beside its graph: the hierarchy, the paths through it, other subjects, and advice."""

from dataclasses import KW_ONLY

from headway.concepts.text import Line, Remark, Slug
from headway.spec.node import Spec, spec


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
    """A way to learn a part of the subject; `after` names the pathways, `outside` the knowledge, it builds on.

    `also` are concepts that belong to it beside its stops.
    """

    stops: tuple[Stop, ...]
    _: KW_ONLY
    title: Line
    goal: Line
    also: tuple[Slug, ...] = ()
    after: tuple[Line, ...] = ()
    outside: tuple[Line, ...] = ()
    assessment: Line


@spec
class CriticalPath(Spec):
    """The shortest way to a goal, and why; `reasons` has a sentence for each stop, or is empty."""

    stops: tuple[Stop, ...]
    _: KW_ONLY
    title: Line
    rationale: Remark = ""
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
