"""Edits that a learner hands in: read from plain values, held to what may be changed, and applied to a recipe."""

from collections.abc import Sequence
from typing import Any

from headway.network.initialization import Shape
from headway.network.summary import summary
from headway.spec.edit import Edit, edit
from headway.spec.error import HeadwayError
from headway.spec.json import from_value
from headway.spec.node import field_names
from headway.training.recipe import Recipe

LARGER = 4
"""How many times as many parameters as before a network may have."""


def edits_of(value: Any) -> tuple[Edit, ...]:
    """The edits in a learner's value: one, or several in a row."""
    read = from_value(value, "edits")
    found = read if isinstance(read, tuple) else (read,)
    for one in found:
        if not isinstance(one, Edit):
            came = f"a value of type {type(one).__name__}"
            raise HeadwayError("edits", "must be edits in a tuple", came, 'Such as (hw.Set("batch_size", value=32),).')
    return found


def edited(recipe: Recipe, edits: Sequence[Edit], *, free: tuple[str, ...], inputs: Shape) -> Recipe:
    """The recipe after the edits. An error where they change another field than those free, or grow the network."""
    after = edit(recipe, *edits).spec
    for name in field_names(Recipe):
        if name not in free and getattr(after, name) != getattr(recipe, name):
            raise HeadwayError(name, "must stay as it is", None, f"Change what is in {', '.join(free)}.")
    before, now = (summary(one.network, inputs) for one in (recipe, after))
    if now.parameters > LARGER * before.parameters:
        raise HeadwayError("network", f"must stay below {LARGER * before.parameters:,} parameters", now.parameters)
    if now.depth < before.depth:
        raise HeadwayError("network", f"must keep its depth of {before.depth} layers with weights", now.depth,
                           "Mend the layers; do not take them out.")  # fmt: skip
    return after
