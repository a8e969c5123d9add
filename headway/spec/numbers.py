"""Numbers leave a spec for the compiled step and come back there: what remains is its structure.

`split` takes every declared `Number` and `Count` out; two specs that differ only in these have equal
structures, so they share one compiled program. `join` puts values (numbers, or tracers inside a step)
back without validation; a joined spec is never hashed or compared.
"""

import dataclasses
from collections.abc import Mapping
from typing import Any, TypeVar

from headway.spec.error import join_address
from headway.spec.node import Spec, data_fields, field_names, is_family, segment

S = TypeVar("S", bound=Spec)


@dataclasses.dataclass(frozen=True)
class _Hole:
    """Stands in a structure where a number was."""


HOLE = _Hole()


def split(node: S) -> tuple[S, dict[str, float | int]]:
    """A spec without its numbers, and the numbers by address (`optimizer/learning_rate`)."""
    numbers: dict[str, float | int] = {}

    def take(spec: Spec, name: str, value: Any, address: str) -> Any:
        if name in data_fields(type(spec)) and isinstance(value, int | float) and not isinstance(value, bool):
            numbers[address] = value
            return HOLE
        return value

    structure: S = _rebuilt(node, "", take)
    return structure, numbers


def join(structure: S, numbers: Mapping[str, Any]) -> S:
    """The inverse of `split`: every hole filled with `numbers[address]`, which may be a traced value."""
    joined: S = _rebuilt(
        structure, "", lambda spec, name, value, at: numbers[at] if isinstance(value, _Hole) else value
    )
    return joined


def _rebuilt(node: Any, address: str, leaf: Any) -> Any:
    """A copy of the tree with `leaf(spec, field, value, address)` in place of every plain value."""
    copy = object.__new__(type(node))
    for place, name in enumerate(field_names(type(node))):
        value, at = getattr(node, name), join_address(address, name)
        if isinstance(value, Spec):
            value = _rebuilt(value, at, leaf)
        elif is_family(value):
            stem = address if place == 0 else at
            value = tuple(_rebuilt(c, join_address(stem, segment(c, i)), leaf) for i, c in enumerate(value))
        else:
            value = leaf(node, name, value, at)
        object.__setattr__(copy, name, value)
    return copy
