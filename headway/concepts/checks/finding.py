"""The form of a finding, and of the check that finds it."""

from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from typing import Any, Literal, NamedTuple

from headway.concepts.checks.facts import Facts

Kind = Literal["count", "coverage", "name", "structure", "path", "type", "reading"]
Value = str | int | None


@dataclass(frozen=True)
class Inconsistency:
    """Where a document disagrees with itself or with a known map.

    section   the part of the document
    kind      count (a number is wrong), coverage (one part has what another lacks), name, structure, path, type, or
              reading (a line that could not be read)
    what      the name of the check
    stated    what the document says, counted what it comes to
    where     the concepts, edges or titles concerned
    line      the line of the document; 0 where it is about more than one
    """

    section: str
    kind: Kind
    what: str
    stated: Value
    counted: Value
    where: tuple[str, ...]
    line: int

    def row(self) -> tuple[Value, ...]:
        """The cells of a table: section, finding, stated, counted, line, where."""
        return self.section, self.what, self.stated, self.counted, self.line or None, ", ".join(self.where)

    def to_dict(self) -> dict[str, Any]:
        """The finding as JSON holds it."""
        return asdict(self) | {"where": list(self.where)}


class Found(NamedTuple):
    """A finding as its check says it: the section, and what `Inconsistency` says of the other fields."""

    section: str
    where: tuple[str, ...] = ()
    stated: Value = None
    counted: Value = None
    line: int = 0


@dataclass(frozen=True)
class Check:
    """A question to a document: the name and kind of what it finds, what that means, and the function that looks."""

    what: str
    kind: Kind
    meaning: str
    find: Callable[[Facts], Iterator[Found]]

    def __call__(self, facts: Facts) -> Iterator[Inconsistency]:
        for found in self.find(facts):
            yield Inconsistency(
                found.section, self.kind, self.what, found.stated, found.counted, found.where, found.line
            )


def check(what: str, kind: Kind) -> Callable[[Callable[[Facts], Iterator[Found]]], Check]:
    """Make a check of a function; its docstring is what a finding means."""
    return lambda find: Check(what, kind, " ".join((find.__doc__ or "").split()), find)
