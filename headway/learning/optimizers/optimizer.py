"""What an optimizer is: Optax's protocol, its learning rate, and the parameters that it treats alike."""

import math
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace
from itertools import groupby
from typing import Any, NamedTuple, Self

import jax
import jax.numpy as jnp

from headway.learning.schedules.schedule import rate_at, resolved, times
from headway.learning.targets import at_least_float32
from headway.network.layer import Parameter
from headway.network.values import flatten
from headway.spec.node import Spec

Memory = dict[str, Any]
Declared = Mapping[str, Any] | None


class GradientTransformation(NamedTuple):
    """Optax's protocol: `init(params)` gives a state, `update(gradients, state, params)` updates and the next state.

    The updates are added to the parameters: see `apply_updates`.
    """

    init: Callable[[Any], Any]
    update: Callable[..., tuple[Any, Any]]


@dataclass(frozen=True)
class Group:
    """Parameters that an optimizer treats alike: by which rule, how they decay, and how many numbers they hold."""

    rule: str
    decay: str
    addresses: tuple[str, ...]
    size: int

    @classmethod
    def of(cls, rule: str, decay: str, parameters: Mapping[str, Parameter]) -> "Group":
        """The group of these parameters by address."""
        return cls(rule, decay, tuple(parameters), sum(math.prod(p.shape) for p in parameters.values()))


class Optimizer(Spec):
    """From gradients to updates. A kind defines `transformation` and `groups`, and has a field `learning_rate`.

    Kinds made of other optimizers define the other methods too. `declared` is everywhere what
    `network.declare(inputs)` gives; the parameters at hand may be a part of it.
    """

    def transformation(self, declared: Declared = None) -> GradientTransformation:
        """The optimizer as a gradient transformation. Its state is a dict whose "count" is the updates made.

        Without `declared` the parameters are not a Headway network's.
        """
        raise NotImplementedError

    def groups(self, declared: Mapping[str, Any], among: Collection[str] | None = None) -> tuple[Group, ...]:
        """The parameters that are treated alike, of those whose address is `among` these (None: of all)."""
        raise NotImplementedError

    def held(self, params: Any, declared: Mapping[str, Any]) -> Any:
        """The parameters, those that no update changes behind `stop_gradient`: they have no part in a norm either."""
        return params

    def title(self) -> str:
        """What it is called in a line."""
        return type(self).__name__

    def main_rate(self) -> Any:
        """The learning rate, a number or a schedule, of most parameters; None where it is not known."""
        optimizer: Any = self
        return optimizer.learning_rate

    def rate(self, index: Any) -> Any:
        """The learning rate of most parameters in the update with this index; NaN where it is not known."""
        rate = self.main_rate()
        return jnp.nan if rate is None else rate_at(rate, index)

    def resolved(self, updates: int, epoch: int) -> Self:
        """The same optimizer in numbers of updates, for a run of `updates` with `epoch` of them to an epoch."""
        return self._with_rate(resolved("learning_rate", self.main_rate(), updates, epoch))

    def times(self, factor: float) -> Self:
        """The same optimizer with every learning rate `factor` times as high throughout."""
        return self._with_rate(times(self.main_rate(), factor))

    def _with_rate(self, learning_rate: Any) -> Self:
        optimizer: Any = self
        return replace(optimizer, learning_rate=learning_rate)


def apply_updates(params: Any, updates: Any) -> Any:
    """θ + u, added in float32 at least and returned in the parameters' dtype."""
    return jax.tree.map(lambda p, u: (at_least_float32(p) + u).astype(jnp.result_type(p)), params, updates)


def zeros_like(params: Any) -> Any:
    """Zeros of the parameters' shapes, in float32 at least."""
    return jax.tree.map(lambda p: jnp.zeros_like(at_least_float32(p)), params)


def rule_in_words(optimizer: Optimizer) -> str:
    """`AdamW, learning rate 0.01`."""
    rate = optimizer.main_rate()
    return f"{optimizer.title()}, learning rate {'of its own' if rate is None else rate}"


def describe(optimizer: Optimizer, declared: Mapping[str, Any]) -> str:
    """The groups of parameters of an optimizer, a line each, below the rule that they follow."""
    lines = []
    for rule, groups in groupby(optimizer.groups(declared), lambda group: group.rule):
        lines.append(rule)
        for group in groups:
            decay = f"{group.decay}: " if group.decay else ""
            lines.append(f"  {decay}{group.size:,} parameters in {', '.join(group.addresses)}")
    return "\n".join(lines)


def chosen(declared: Mapping[str, Any], among: Collection[str] | None) -> dict[str, Parameter]:
    """The declared parameters by address, of those `among` these (None: of all)."""
    return {a: p for a, p in flatten(declared).items() if among is None or a in among}
