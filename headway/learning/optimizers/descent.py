"""Descent along a direction that is made of the gradients, with a weight decay apart from them."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any

import jax
import jax.numpy as jnp
from pydantic import Field

from headway.learning.optimizers.optimizer import (
    Declared,
    GradientTransformation,
    Group,
    Memory,
    Optimizer,
    chosen,
    rule_in_words,
)
from headway.learning.schedules.schedule import NonNegative, Schedule
from headway.learning.targets import at_least_float32
from headway.network.values import address_of, copy_axes, flatten
from headway.spec.error import HeadwayError
from headway.spec.node import Number
from headway.spec.select import match_addresses

Beta = Annotated[Number, Field(ge=0, lt=1)]
Patterns = Annotated[tuple[str, ...], Field(min_length=1)]


@dataclass(frozen=True, repr=False)
class Descent(Optimizer):
    """θ ← θ − η (d + λ θ): a kind says what direction d it takes from the gradients.

    learning_rate   η, a number or a schedule of the update's index
    weight_decay    λ, apart from the gradient in every kind (Loshchilov & Hutter 2019); None: no decay
    decay_only      patterns of addresses (`0/w`, `**/w`) of what decays; None: every parameter that
                    declares it, which weights do and biases and the parameters of norms do not

    The state is {"count": updates made, "m": …, …}, moments by the addresses of the parameters and in
    float32 even where these are narrower. The arithmetic is too; updates have the parameters' dtype.
    Of parameters that are not a Headway network's, arrays of two or more dimensions decay.
    """

    learning_rate: NonNegative | Schedule
    weight_decay: NonNegative | None = field(default=None, kw_only=True)
    decay_only: Patterns | None = field(default=None, kw_only=True)

    def __post_init__(self) -> None:
        if self.decay_only is not None and self.weight_decay is None:
            raise HeadwayError("decay_only", "chooses what decays, but nothing does", self.decay_only,
                               "Set weight_decay.")  # fmt: skip

    def memory(self, params: Any) -> Memory:
        """The moments before the first update."""
        raise NotImplementedError

    def direction(self, gradients: Any, memory: Mapping[str, Any], t: Any) -> tuple[Any, Memory]:
        """The direction d of update number t (1 for the first), and the moments after it."""
        raise NotImplementedError

    def transformation(self, declared: Declared = None) -> GradientTransformation:
        decays = None if declared is None else decaying(declared, self.decay_only)

        def init(params: Any) -> Memory:
            return {"count": jnp.zeros((), jnp.int32), **self.memory(params)}

        def update(gradients: Any, state: Memory, params: Any = None) -> tuple[Any, Memory]:
            rate = self.rate(state["count"])
            d, memory = self.direction(jax.tree.map(at_least_float32, gradients), state, state["count"] + 1)
            if self.weight_decay is not None:
                d = with_decay(d, self.weight_decay, params, decays)
            like = gradients if params is None else params
            updates = jax.tree.map(lambda d, p: (-rate * d).astype(jnp.result_type(p)), d, like)
            return updates, {"count": state["count"] + 1, **memory}

        return GradientTransformation(init, update)

    def groups(self, declared: Mapping[str, Any], among: Collection[str] | None = None) -> tuple[Group, ...]:
        here, rule = chosen(declared, among), rule_in_words(self)
        if self.weight_decay is None:
            return (Group.of(rule, "no weight decay", here),)
        yes = decaying(declared, self.decay_only)
        parts = {
            f"weight decay {self.weight_decay:g}": {a: p for a, p in here.items() if a in yes},
            "no weight decay": {a: p for a, p in here.items() if a not in yes},
        }
        return tuple(Group.of(rule, decay, part) for decay, part in parts.items() if part)


def with_decay(d: Any, decay: Any, params: Any, decays: Collection[str] | None) -> Any:
    """d + λ θ at the addresses in `decays`; where that is None, for arrays of two or more dimensions.

    That is two or more of every copy, where the layer is repeated.
    """
    if params is None:
        raise HeadwayError("weight_decay", "needs the parameters", None, "Call update(gradients, state, params).")

    def decayed(path: Any, d: Any, p: Any) -> Any:
        yes = jnp.ndim(p) - copy_axes(path) >= 2 if decays is None else address_of(path) in decays
        return d + decay * at_least_float32(p) if yes else d

    return jax.tree.map_with_path(decayed, d, params)


def decaying(
    declared: Mapping[str, Any], patterns: tuple[str, ...] | None = None, where: str = "decay_only"
) -> tuple[str, ...]:
    """The addresses of what decays, of the parameters that `network.declare(inputs)` gives.

    Without patterns, those that declare it; else those that any matches. A pattern that matches nothing is an error
    in the field `where`.
    """
    flat = flatten(declared)
    if patterns is None:
        return tuple(address for address, parameter in flat.items() if parameter.decays)
    return match_addresses(patterns, flat, where)
