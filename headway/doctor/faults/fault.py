"""A fault: an edit of a healthy recipe that keeps it from learning, and its cause; and the edits that faults are of."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

from headway.data.dataset import Source
from headway.network.compose import last_address
from headway.network.dense import Dense
from headway.network.initialization import Initializer
from headway.network.layer import Activation, Layer
from headway.spec.edit import Edit, InsertAfter, Replace, Set, edit
from headway.spec.error import join_address
from headway.spec.node import walk
from headway.spec.select import select
from headway.training.recipe import Recipe

Break = Callable[[Recipe], tuple[Edit, ...]]
Harm = Literal["loss", "promise"]


@dataclass(frozen=True)
class Fault:
    """One thing that is wrong.

    causes    ids of the rules that name it rightly: the first is the cause, the others come to the same, for `because`
    on        ids of the bases that it is put into; the cure is the base itself
    breaks    the edits of such a base
    harm      what it spoils: the held-out "loss", or what the loss "promise"s: then it is better than it should be
    split     what is held out
    """

    id: str
    family: str
    causes: tuple[str, ...]
    on: tuple[str, ...]
    breaks: Break
    because: str = ""
    harm: Harm = "loss"
    split: str = "validation"

    def into(self, base: Recipe) -> Recipe:
        """The base with the fault in it."""
        faulty: Recipe = edit(base, *self.breaks(base)).spec
        return faulty


def both(*breaks: Break) -> Break:
    """Several edits at once."""
    return lambda recipe: tuple(one for part in breaks for one in part(recipe))


def setting(address: str, value: Any) -> Break:
    """A field at another value, or a part in the place of another."""
    return lambda recipe: (Set(address, value=value),)


def source(change: Callable[[Source], Source]) -> Break:
    """Examples from another source, made of the base's."""

    def breaks(recipe: Recipe) -> tuple[Edit, ...]:
        assert recipe.data is not None
        return (Replace("data/source", by=change(recipe.data.source)),)

    return breaks


def raw(change: Callable[[Source], Source]) -> Break:
    """Examples from another source, not standardized."""
    return both(source(change), setting("data/standardize", False))


def rate(factor: float) -> Break:
    """The learning rate so many times as high throughout."""
    return lambda recipe: (Replace("optimizer", by=recipe.optimizer.times(factor)),)


def at_end(layer: Layer) -> Break:
    """One more layer behind the last."""
    return lambda recipe: (InsertAfter(join_address("network", last_address(recipe.network)), new=layer),)


def weights(init: Initializer) -> Break:
    """All weights of dense layers and convolutions drawn in another way."""
    return lambda recipe: tuple(
        Set(join_address("network", address, "init"), value=init)
        for address, part in walk(recipe.network) if hasattr(part, "init") and hasattr(part, "bias")
    )  # fmt: skip


def weights_of(nth: int, init: Initializer) -> Break:
    """The weights of one dense layer, 0 for the first, drawn in another way."""
    return lambda recipe: (Set(join_address(select(recipe, Dense)[nth][0], "init"), value=init),)


def activations(by: Layer) -> Break:
    """Another activation in the place of every one."""
    return lambda recipe: tuple(Replace(address, by=by) for address, _ in select(recipe, Activation))


def behind_activations(layer: Layer) -> Break:
    """One more layer behind every activation."""
    return lambda recipe: tuple(InsertAfter(address, new=layer) for address, _ in select(recipe, Activation))


def behind_hidden(layer: Layer) -> Break:
    """One more layer behind every dense layer and convolution but the last."""
    return lambda recipe: tuple(
        InsertAfter(address, new=layer)
        for address, part in walk(recipe) if hasattr(part, "init") and hasattr(part, "bias")
        and address != join_address("network", last_address(recipe.network))
    )  # fmt: skip


def network(make: Callable[[int], Layer]) -> Break:
    """Another network, made for as many outputs as the base's has."""
    return lambda recipe: (Replace("network", by=make(outputs_of(recipe))),)


def outputs_of(recipe: Recipe) -> int:
    """How many numbers the network gives."""
    return select(recipe.network, Dense)[-1][1].units


def updates_of(recipe: Recipe) -> int:
    """How many updates the base makes."""
    assert isinstance(recipe.length, int)
    return recipe.length
