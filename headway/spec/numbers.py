"""Numbers leave a spec for the compiled step and come back there: what remains is its structure.

`split` takes every declared `Number` and `Count` out; two specs that differ only in these have equal
structures, so they share one compiled program. `join` puts values (numbers, or tracers inside a step)
back without validation; a joined spec is never hashed or compared.
"""

import dataclasses
from collections.abc import Mapping
from typing import Any, TypeVar

from headway.spec.error import join_address
from headway.spec.node import Spec, data_fields, field_names, held, is_family

S = TypeVar("S", bound=Spec)


@dataclasses.dataclass(frozen=True)
class _Hole:
    """Stands in a structure where a number was."""


HOLE = _Hole()


def split(node: S) -> tuple[S, dict[str, float | int]]:
    """A spec without its numbers, and the numbers by address (`optimizer/learning_rate`)."""
    numbers: dict[str, float | int] = {}

    def take(spec: Spec, name: str, value: Any, address: str) -> Any:
        if name in data_fields(type(spec)):
            if isinstance(value, tuple):
                return tuple(take(spec, name, v, join_address(address, str(i))) for i, v in enumerate(value))
            if isinstance(value, int | float) and not isinstance(value, bool):
                numbers[address] = value
                return HOLE
        return value

    structure: S = _rebuilt(node, "", take)
    return structure, numbers


def join(structure: S, numbers: Mapping[str, Any]) -> S:
    """The inverse of `split`: every hole filled with `numbers[address]`, which may be a traced value."""

    def fill(spec: Spec, name: str, value: Any, address: str) -> Any:
        if isinstance(value, tuple):
            return tuple(fill(spec, name, v, join_address(address, str(i))) for i, v in enumerate(value))
        return numbers[address] if isinstance(value, _Hole) else value

    joined: S = _rebuilt(structure, "", fill)
    return joined


def _rebuilt(node: Any, address: str, leaf: Any) -> Any:
    """A copy of the tree with `leaf(spec, field, value, address)` in place of every plain value."""
    copy = object.__new__(type(node))
    for name in field_names(type(node)):
        value = getattr(node, name)
        new = tuple(
            _rebuilt(part, join_address(address, key), leaf)
            if isinstance(part, Spec)
            else leaf(node, name, part, join_address(address, key))
            for key, part in held(type(node), name, value)
        )
        object.__setattr__(copy, name, new if is_family(value) else new[0])
    return copy
