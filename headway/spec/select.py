"""Find parts of a spec by kind, address pattern or predicate."""

import difflib
from collections.abc import Callable, Iterable
from fnmatch import fnmatchcase
from typing import Any, TypeVar, overload

from headway.spec.error import HeadwayError, did_you_mean, join_address
from headway.spec.node import Spec, children, field_names, find_kind, segment_of, walk

S = TypeVar("S", bound=Spec)


def matches(pattern: str, address: str) -> bool:
    """Whether an address has the form of a pattern, segment by segment.

    `*` is any one segment, `**` any number of them, also none; within a segment `*`, `?` and `[…]` stand
    for characters: `**/conv*/w` matches `conv1/w` and `body/conv2/w`. The root's address is "".
    """
    return _matches(_segments(pattern), _segments(address))


def _segments(address: str) -> list[str]:
    return address.split("/") if address else []


def _matches(pattern: list[str], address: list[str]) -> bool:
    match pattern:
        case []:
            return not address
        case ["**", *rest]:
            return any(_matches(rest, address[start:]) for start in range(len(address) + 1))
        case [first, *rest]:
            return bool(address) and fnmatchcase(address[0], first) and _matches(rest, address[1:])
    return False


def match_addresses(patterns: Iterable[str], addresses: Iterable[str], where: str) -> tuple[str, ...]:
    """The addresses that at least one pattern matches, in their own order.

    A pattern that matches nothing is an error at `where`, with the addresses that come close.
    """
    patterns, addresses = tuple(patterns), tuple(addresses)
    for pattern in patterns:
        if not any(matches(pattern, address) for address in addresses):
            raise HeadwayError(where, "a pattern must match something", repr(pattern), _close(pattern, addresses))
    return tuple(a for a in addresses if any(matches(pattern, a) for pattern in patterns))


def _close(pattern: str, addresses: tuple[str, ...], most: int = 6) -> str:
    close = difflib.get_close_matches(pattern, addresses, n=most, cutoff=0.4)
    if close:
        return f"Close to it: {', '.join(close)}."
    more = f" and {len(addresses) - most} more" if len(addresses) > most else ""
    return f"There is: {', '.join(a or '(root)' for a in addresses[:most]) or 'nothing'}{more}."


@overload
def select(
    root: Spec, kind: type[S], at: str = "**", where: Callable[[S], bool] | None = None
) -> tuple[tuple[str, S], ...]: ...


@overload
def select(
    root: Spec, kind: str | None = None, at: str = "**", where: Callable[[Any], bool] | None = None
) -> tuple[tuple[str, Spec], ...]: ...


def select(
    root: Spec, kind: type[Any] | str | None = None, at: str = "**", where: Callable[[Any], bool] | None = None
) -> tuple[tuple[str, Any], ...]:
    """Every part with its address, parents first, that meets all that is asked.

    `kind` is a class, an interface or a name such as `headway/Dense`; `at` a pattern, an error if it
    matches no address; `where` a predicate of the part.
    """
    cls = find_kind(kind) if isinstance(kind, str) else kind or Spec
    parts = dict(walk(root))
    found = ((address, parts[address]) for address in match_addresses([at], parts, "select"))
    return tuple((a, part) for a, part in found if isinstance(part, cls) and (where is None or where(part)))


def get(root: Spec, address: str) -> Any:
    """The part at an address, or the value of a field: `get(recipe, "optimizer/learning_rate")`.

    A copy of what is repeated has an address of its own: `get(recipe, "network/3/7/0")`.
    """
    found = fields(root) | dict(walk(root))
    if address not in found and (copied := repeated(root, address)):
        at, copies = copied
        return get(copies, address.removeprefix(at).lstrip("/"))
    if address not in found:
        raise HeadwayError(address, "there is nothing at this address", None, _next_segments(address, found))
    return found[address]


def fields(root: Spec) -> dict[str, Any]:
    """Address → value of every field of every part, parts and families included."""
    return {
        join_address(a, segment_of(type(node), name)): getattr(node, name)
        for a, node in walk(root)
        for name in field_names(type(node))
    }


def repeated(root: Spec, address: str) -> tuple[str, Spec] | None:
    """What repeats the part that an address names a copy of: where it stands, and its form with every copy written out.

    None where the address is in no copy.
    """
    for at, node in walk(root):
        if address.startswith(stem := f"{at}/" if at else "") and (copies := node.written_out()) is not None:
            first = address.removeprefix(stem).partition("/")[0]
            if first in children(copies) and first not in children(node):
                return at, copies
    return None


def _next_segments(address: str, known: Iterable[str]) -> str:
    """What could stand in the place of the first segment that does not exist."""
    known, reached = tuple(known), _segments(address)
    while reached and "/".join(reached) not in known:
        wrong = reached.pop()
    stem = "".join(f"{segment}/" for segment in reached)
    options = {a.removeprefix(stem).partition("/")[0] for a in known if a.startswith(stem)} - {""}
    return did_you_mean(wrong, options)
