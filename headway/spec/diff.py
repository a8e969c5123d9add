"""What turns one spec into another, as edits."""

from collections.abc import Iterator

from headway.spec.edit import Edit, Edits, InsertAfter, InsertBefore, Remove, Replace, Set
from headway.spec.error import join_address
from headway.spec.node import Spec, field_names, held, is_family, segment_of

Changes = tuple[Edit, ...]
Family = tuple[Spec, ...]
Path = tuple[Changes, "Path | None"]


def diff(a: Spec, b: Spec) -> Edits:
    """The edits with `apply(a, diff(a, b)).spec == b`: few, and such that what can stay stays.

    A part of the same kind keeps its place and its parameters and has fields set; another kind replaces
    it. The members of a tuple are aligned at the least cost (Needleman & Wunsch 1970), so that a layer
    put between two others is one insertion.
    """
    return Edits(tuple(_changes(a, b, "")))


def _changes(a: Spec, b: Spec, at: str) -> Iterator[Edit]:
    if a == b:
        return
    cls = type(a)
    if cls is not type(b):
        yield Replace(at, by=b)
        return
    for name in field_names(cls):
        old, new = getattr(a, name), getattr(b, name)
        if isinstance(old, Spec) and isinstance(new, Spec):
            yield from _changes(old, new, join_address(at, segment_of(cls, name)))
        elif is_family(old) and is_family(new):
            yield from _aligned([join_address(at, key) for key, _ in held(cls, name, old)], old, new)
        elif old != new:
            yield Set(join_address(at, name), value=new)


def _aligned(places: list[str], old: Family, new: Family) -> Iterator[Edit]:
    """The edits that make the members `old`, which stand at `places`, into `new`."""
    start = _same(old, new)
    end = _same(old[start:][::-1], new[start:][::-1])
    n, m = len(old) - end, len(new) - end
    best: dict[tuple[int, int], tuple[float, Path | None]] = {(n, m): (0.0, None)}
    for i in range(n, start - 1, -1):
        for j in range(m, start - 1, -1):
            options = []
            if i < n and j < m:
                changes = tuple(_changes(old[i], new[j], places[i]))
                options.append((_price(old[i], new[j], len(changes)), changes, best[i + 1, j + 1]))
            if i < n:
                options.append((1.0, (Remove(places[i]),), best[i + 1, j]))
            if j < m:
                options.append((1.0, (_inserted(new[j], places, i),), best[i, j + 1]))
            if options:
                best[i, j] = min(((p + cost, (edits, path)) for p, edits, (cost, path) in options), key=lambda o: o[0])
    path = best[start, start][1]
    while path:
        yield from path[0]
        path = path[1]


def _same(old: Family, new: Family) -> int:
    """How many members agree from the start."""
    return next((n for n, (a, b) in enumerate(zip(old, new, strict=False)) if a != b), min(len(old), len(new)))


def _inserted(new: Spec, places: list[str], index: int) -> Edit:
    return InsertBefore(places[index], new=new) if index < len(places) else InsertAfter(places[-1], new=new)


def _price(old: Spec, new: Spec, changes: int) -> float:
    """Of making one member into another: always less than the 2 of a removal and an insertion."""
    if type(old) is not type(new):
        return 1.9
    return 1.5 - 0.5 / changes if changes else 0.0
