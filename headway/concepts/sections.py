"""What each section of a concept map's document says, as plain records.

`line` is where a record stands in the text; it is no part of what is said, so records that differ in it are equal.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Header:
    """What stands above the first section; the totals are those that the author states."""

    title: str
    source: str = ""
    subject: str = ""
    date: str = ""
    concepts: int | None = None
    relationships: int | None = None


@dataclass(frozen=True)
class Node:
    """A box of the drawing in the group of this index; `id` is what the text of the drawing calls it."""

    title: str
    group: int | None = None
    id: str = field(default="", compare=False)


@dataclass(frozen=True)
class Arrow:
    """An arrow from one node to another, both by index, with its word."""

    source: int
    word: str
    target: int


@dataclass(frozen=True)
class Drawing:
    """The graph as it is drawn: titles of groups, nodes in the order of their groups (those of none last), arrows."""

    groups: tuple[str, ...]
    nodes: tuple[Node, ...]
    arrows: tuple[Arrow, ...]
    direction: str = "TD"


@dataclass(frozen=True)
class Branch:
    """A line of the hierarchy and what stands below it: subject, headings, entries, facts."""

    title: str
    children: tuple["Branch", ...] = ()
    line: int = field(default=0, compare=False)

    def walk(self, depth: int = 0) -> Iterator[tuple[int, "Branch"]]:
        """This line and all below it, from above, each with how deep it stands."""
        yield depth, self
        for child in self.children:
            yield from child.walk(depth + 1)


@dataclass(frozen=True)
class Statement:
    """A row of the relationship matrix; its claim, what was measured and the verdict, where it was put to the test."""

    source: str
    target: str
    relation: str
    strength: str = ""
    claim: str = ""
    measured: str = ""
    verdict: str = ""
    line: int = field(default=0, compare=False)


@dataclass(frozen=True)
class Rank:
    """A row of a centrality table: stated connections, and the further measures that the band names."""

    concept: str
    incoming: int
    outgoing: int
    total: int
    measures: tuple[str, ...] = ()
    role: str = ""
    line: int = field(default=0, compare=False)


@dataclass(frozen=True)
class Band:
    """Concepts with `low` to `high` connections (None: no bound is stated), as rows of a table or only named."""

    title: str
    low: int | None = None
    high: int | None = None
    measures: tuple[str, ...] = ()
    rows: tuple[Rank, ...] = ()
    named: tuple[str, ...] = ()
    line: int = field(default=0, compare=False)

    def holds(self, connections: int) -> bool:
        """True where this many connections are within the bounds."""
        return (self.low is None or connections >= self.low) and (self.high is None or connections <= self.high)


@dataclass(frozen=True)
class Pathway:
    """A way to learn a part of the subject, with the number that its heading gives it."""

    title: str
    stops: tuple[str, ...]
    number: int | None = None
    goal: str = ""
    prerequisites: tuple[str, ...] = ()
    assessment: str = ""
    line: int = field(default=0, compare=False)


@dataclass(frozen=True)
class Reason:
    """Why a stop is on a critical path."""

    stop: str
    text: str


@dataclass(frozen=True)
class CriticalPath:
    """The stops that are said to suffice, and why."""

    title: str
    stops: tuple[str, ...]
    rationale: str = ""
    reasons: tuple[Reason, ...] = ()
    line: int = field(default=0, compare=False)


@dataclass(frozen=True)
class Connection:
    """What a concept of this subject is in another one, and what follows."""

    concept: str
    there: str
    implication: str
    line: int = field(default=0, compare=False)


@dataclass(frozen=True)
class Neighbour:
    """Another lesson or subject, and the table of its connections with the names of its three columns."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[Connection, ...]


@dataclass(frozen=True)
class Definition:
    """A concept in one line."""

    concept: str
    text: str
    line: int = field(default=0, compare=False)


@dataclass(frozen=True)
class Advice:
    """What to study, under a heading."""

    title: str
    items: tuple[str, ...]


@dataclass(frozen=True)
class Other:
    """A section that is none of the form's, kept as it stands."""

    title: str
    text: str
