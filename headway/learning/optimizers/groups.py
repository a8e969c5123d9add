"""Parameters treated each in their way, chosen by address: another rate or decay, another optimizer, or frozen."""

from collections.abc import Collection, Mapping
from dataclasses import KW_ONLY, dataclass, replace
from typing import Annotated, Any, NamedTuple, Self

import jax
import jax.numpy as jnp
from pydantic import Field

from headway.learning.optimizers.descent import Descent, Patterns
from headway.learning.optimizers.optimizer import (
    Declared,
    GradientTransformation,
    Group,
    Memory,
    Optimizer,
    chosen,
)
from headway.network.values import address_of, by_address, flatten, formed, nest
from headway.spec.error import HeadwayError
from headway.spec.node import Spec, spec
from headway.spec.select import match_addresses

Pattern = Annotated[str, Field(min_length=1)]
Positive = Annotated[float, Field(gt=0)]


@dataclass(frozen=True, repr=False)
class Treatment(Spec):
    """How the parameters whose address matches any of the patterns (`0/w`, `head/**`) are treated."""

    patterns: Pattern | Patterns

    def optimizer_for(self, default: Optimizer) -> Optimizer | None:
        """The optimizer of these parameters; None where nothing changes them."""
        raise NotImplementedError

    def times(self, factor: float) -> "Treatment":
        """The same treatment where every learning rate is `factor` times as high."""
        return self


@spec
class Adjusted(Treatment):
    """The default optimizer with its learning rate times `rate_factor`, or with another weight decay λ.

    λ acts on what decays by the default optimizer's rule: a bias that does not decay there does not here.
    """

    patterns: Pattern | Patterns
    _: KW_ONLY
    rate_factor: Positive | None = None
    weight_decay: Annotated[float, Field(ge=0)] | None = None

    def __post_init__(self) -> None:
        if self.rate_factor is None and self.weight_decay is None:
            raise HeadwayError("rate_factor", "must be given, or weight_decay", None, "Or leave the rule out.")

    def optimizer_for(self, default: Optimizer) -> Optimizer:
        adjusted = default if self.rate_factor is None else default.times(self.rate_factor)
        if self.weight_decay is None:
            return adjusted
        if not isinstance(adjusted, Descent):
            raise HeadwayError("weight_decay", "the default optimizer has no weight decay of ours", repr(default),
                               "Use Assigned(…, optimizer=…).")  # fmt: skip
        return replace(adjusted, weight_decay=self.weight_decay)


@spec
class Assigned(Treatment):
    """Another optimizer, with settings and a state of its own."""

    patterns: Pattern | Patterns
    _: KW_ONLY
    optimizer: Optimizer

    def optimizer_for(self, default: Optimizer) -> Optimizer:
        return self.optimizer

    def times(self, factor: float) -> Treatment:
        return replace(self, optimizer=self.optimizer.times(factor))


@spec
class Frozen(Treatment):
    """No optimizer: the parameters stay as they are, and their gradient, not computed, is no part of any norm.

    What is no parameter, such as the running statistics of BatchNorm, goes on as ever.
    """

    patterns: Pattern | Patterns

    def optimizer_for(self, default: Optimizer) -> None:
        return None


class Part(NamedTuple):
    """Parameters that share a treatment: its name in the state, their addresses, their optimizer (None: none)."""

    name: str
    addresses: tuple[str, ...]
    optimizer: Optimizer | None


@spec
class Groups(Optimizer):
    """A default optimizer, and rules for the parameters that are treated in another way: the first that matches holds.

    `Groups(AdamW(1e-3), rules=(Frozen("0/**"), Assigned("head/*", optimizer=SGD(0.1))))`.

    A pattern that matches nothing is an error, and so is a rule for which earlier ones leave nothing.
    The state is {"count": updates made, "0": that of the first rule, …, "rest": that of the default}.
    """

    optimizer: Optimizer
    _: KW_ONLY
    rules: Annotated[tuple[Treatment, ...], Field(min_length=1)]

    def __post_init__(self) -> None:
        if any(isinstance(optimizer, Groups) for optimizer in (self.optimizer, *self.optimizers())):
            raise HeadwayError("optimizer", "groups must not be nested", "Groups in Groups", "Put all rules into one.")

    def optimizers(self) -> tuple[Optimizer | None, ...]:
        """The optimizer of each rule."""
        found = []
        for i, rule in enumerate(self.rules):
            try:
                found.append(rule.optimizer_for(self.optimizer))
            except HeadwayError as error:
                raise error.under(f"rules/{i}") from None
        return tuple(found)

    def parts(self, addresses: Collection[str]) -> tuple[Part, ...]:
        """The parameters at these addresses as the rules share them out, the rest first."""
        left, parts = list(addresses), list[Part]()
        for i, (rule, optimizer) in enumerate(zip(self.rules, self.optimizers(), strict=True)):
            patterns = (rule.patterns,) if isinstance(rule.patterns, str) else rule.patterns
            matched = match_addresses(patterns, addresses, f"rules/{i}/patterns")
            mine = tuple(address for address in matched if address in left)
            if not mine:
                raise HeadwayError(f"rules/{i}/patterns", "earlier rules leave nothing for it", repr(rule.patterns),
                                   "Put it before them, or remove it.")  # fmt: skip
            parts.append(Part(str(i), mine, optimizer))
            left = [address for address in left if address not in mine]
        if not left and not any(part.optimizer for part in parts):
            raise HeadwayError("rules", "every parameter is frozen", None, "Leave one to learn.")
        return (Part("rest", tuple(left), self.optimizer), *parts) if left else tuple(parts)

    def transformation(self, declared: Declared = None) -> GradientTransformation:
        known = None if declared is None else tuple(flatten(declared))

        def init(params: Any) -> Memory:
            here, state = by_address(params), {"count": jnp.zeros((), jnp.int32)}
            for name, addresses, optimizer in self.parts(known or here):
                if optimizer is not None:
                    state[name] = optimizer.transformation(declared).init(part(here, addresses))
            return state

        def update(gradients: Any, state: Memory, params: Any = None) -> tuple[Any, Memory]:
            g, p = by_address(gradients), None if params is None else by_address(params)
            updates, after = {a: jnp.zeros_like(g[a] if p is None else p[a]) for a in g}, {"count": state["count"] + 1}
            for name, addresses, optimizer in self.parts(known or g):
                if optimizer is not None:
                    own = optimizer.transformation(declared)
                    theirs = None if p is None else part(p, addresses)
                    changes, after[name] = own.update(part(g, addresses), state[name], theirs)
                    updates |= by_address(changes)
            return formed(updates, gradients), after

        return GradientTransformation(init, update)

    def groups(self, declared: Mapping[str, Any], among: Collection[str] | None = None) -> tuple[Group, ...]:
        found: list[Group] = []
        for name, addresses, optimizer in self.parts(chosen(declared, among)):
            if optimizer is None:
                found.append(Group.of("Frozen", "", chosen(declared, addresses)))
                continue
            try:
                found += optimizer.groups(declared, addresses)
            except HeadwayError as error:
                raise error.under("optimizer").under("" if name == "rest" else f"rules/{name}") from None
        return tuple(found)

    def held(self, params: Any, declared: Mapping[str, Any]) -> Any:
        parts = self.parts(tuple(flatten(declared)))
        frozen = {a for _, addresses, optimizer in parts if optimizer is None for a in addresses}

        def hold(path: Any, p: Any) -> Any:
            return jax.lax.stop_gradient(p) if address_of(path) in frozen else p

        return jax.tree.map_with_path(hold, params)

    def title(self) -> str:
        return f"{self.optimizer.title()} in groups"

    def main_rate(self) -> Any:
        return self.optimizer.main_rate()

    def resolved(self, updates: int, epoch: int) -> Self:
        """Durations in updates, and what is adjusted as an optimizer of its own, so that its numbers are data."""
        at, rules = "optimizer", list[Treatment]()
        try:
            default = self.optimizer.resolved(updates, epoch)
            for i, (rule, own) in enumerate(zip(self.rules, self.optimizers(), strict=True)):
                at = f"rules/{i}/optimizer"
                rules.append(Assigned(rule.patterns, optimizer=own.resolved(updates, epoch)) if own else rule)
        except HeadwayError as error:
            raise error.under(at) from None
        return replace(self, optimizer=default, rules=tuple(rules))

    def times(self, factor: float) -> Self:
        rules = tuple(rule.times(factor) for rule in self.rules)
        return replace(self, optimizer=self.optimizer.times(factor), rules=rules)


def part(flat: Mapping[str, Any], addresses: tuple[str, ...]) -> dict[str, Any]:
    """The parameters at these addresses, of those that there are, nested."""
    return nest({address: flat[address] for address in addresses if address in flat})
