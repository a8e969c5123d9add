"""The grid of a sweep: axes of one field or of several that change together, and a recipe at each of its points."""

import itertools
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from headway.spec.edit import Replace, Set, edit
from headway.spec.error import HeadwayError
from headway.spec.node import Spec
from headway.spec.select import fields
from headway.training.recipe import Recipe

Over = Mapping[str | tuple[str, ...], Iterable[Any]]
Point = dict[str, Any]


def points(over: Over) -> tuple[Point, ...]:
    """Every combination of the axes' values, the last axis the fastest: what each address is to be.

    An axis is an address with its values, or several addresses with one tuple of values for each step:
    `{("optimizer/learning_rate", "batch_size"): ((1e-3, 32), (3e-3, 128))}`.
    """
    axes = [_axis(key if isinstance(key, tuple) else (key,), values) for key, values in over.items()]
    if not axes or any(not axis for axis in axes):
        raise HeadwayError("over", "a sweep needs values to go over", dict(over), 'Try {"seed": range(8)}.')
    addresses = [address for axis in axes for address in axis[0]]
    if twice := [address for address in addresses if addresses.count(address) > 1]:
        raise HeadwayError("over", "an address must stand in one axis", twice[0], "Remove it from the others.")
    return tuple({k: v for part in parts for k, v in part.items()} for parts in itertools.product(*axes))


def _axis(addresses: tuple[str, ...], values: Iterable[Any]) -> list[Point]:
    where = ", ".join(map(str, addresses))
    if isinstance(values, str | bytes | Spec) or not isinstance(values, Iterable):
        raise HeadwayError("over", f"{where} needs several values", repr(values), f'Write {{"{where}": (…, …)}}.')
    plain = [value.item() if isinstance(value, np.generic) else value for value in values]
    if len(addresses) == 1:
        return [{addresses[0]: value} for value in plain]
    for value in plain:
        if not isinstance(value, Sequence) or len(value) != len(addresses):
            raise HeadwayError("over", f"{where} change together and need {len(addresses)} values a step", repr(value))
    return [dict(zip(addresses, value, strict=True)) for value in plain]


def recipe_at(recipe: Recipe, point: Mapping[str, Any]) -> Recipe:
    """The recipe with these values, put in one after the other: a new optimizer before its learning rate."""
    for address, value in point.items():
        replaces = isinstance(value, Spec) and address not in fields(recipe)
        recipe = edit(recipe, Replace(address, by=value) if replaces else Set(address, value=value)).spec
    return recipe
