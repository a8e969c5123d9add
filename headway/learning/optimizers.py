"""Optimizers: from gradients to updates, in Optax's protocol, so that ours and Optax's serve in each other's place."""

import math
from collections.abc import Callable, Mapping
from dataclasses import KW_ONLY, dataclass, field
from typing import Annotated, Any, NamedTuple

import jax
import jax.numpy as jnp
from pydantic import Field

from headway.learning.losses import at_least_float32
from headway.learning.schedules.schedule import NonNegative, Schedule, rate_at
from headway.network.layer import Parameter
from headway.network.values import flatten
from headway.spec.error import HeadwayError
from headway.spec.node import Number, Spec, spec
from headway.spec.select import match_addresses

Beta = Annotated[Number, Field(ge=0, lt=1)]
Patterns = Annotated[tuple[str, ...], Field(min_length=1)]
Memory = dict[str, Any]


class GradientTransformation(NamedTuple):
    """Optax's protocol: `init(params)` gives a state, `update(gradients, state, params)` updates and the next state.

    The updates are added to the parameters: see `apply_updates`.
    """

    init: Callable[[Any], Any]
    update: Callable[..., tuple[Any, Any]]


@dataclass(frozen=True, repr=False)
class Optimizer(Spec):
    """θ ← θ − η (d + λ θ): a kind says what direction d it takes from the gradients.

    learning_rate   η, a number or a schedule of the update's index
    weight_decay    λ, apart from the gradient in every kind (Loshchilov & Hutter 2019); None: no decay
    decay_only      patterns of addresses (`0/w`, `**/w`) of what decays; None: every parameter that
                    declares it, which weights do and biases and the parameters of norms do not

    The state is {"count": updates made, "m": …, …}, moments by the addresses of the parameters and in
    float32 even where these are narrower. The arithmetic is too; updates have the parameters' dtype.
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

    def transformation(self, decayed: Any = None) -> GradientTransformation:
        """The optimizer as a gradient transformation.

        `decayed` is a tree of bools like the parameters: see `decay_mask`. Without it, as for parameters
        that are not a Headway network's, arrays of two or more dimensions decay.
        """

        def init(params: Any) -> Memory:
            return {"count": jnp.zeros((), jnp.int32), **self.memory(params)}

        def update(gradients: Any, state: Memory, params: Any = None) -> tuple[Any, Memory]:
            rate = rate_at(self.learning_rate, state["count"])
            d, memory = self.direction(jax.tree.map(at_least_float32, gradients), state, state["count"] + 1)
            if self.weight_decay is not None:
                d = with_decay(d, self.weight_decay, params, decayed)
            like = gradients if params is None else params
            updates = jax.tree.map(lambda d, p: (-rate * d).astype(jnp.result_type(p)), d, like)
            return updates, {"count": state["count"] + 1, **memory}

        return GradientTransformation(init, update)


@spec
class SGD(Optimizer):
    """d = g, or with momentum μ: v ← μ v + g, d = v; with Nesterov's d = g + μ v.

    Momentum as in PyTorch and Optax, where η is outside v (Sutskever et al. 2013). v starts at 0.
    """

    learning_rate: NonNegative | Schedule
    _: KW_ONLY
    momentum: Beta | None = None
    nesterov: bool = False

    def __post_init__(self) -> None:
        Optimizer.__post_init__(self)
        if self.nesterov and self.momentum is None:
            raise HeadwayError("nesterov", "is a kind of momentum, and there is none", None, "Set momentum=0.9.")

    def memory(self, params: Any) -> Memory:
        return {} if self.momentum is None else {"v": zeros_like(params)}

    def direction(self, gradients: Any, memory: Mapping[str, Any], t: Any) -> tuple[Any, Memory]:
        if self.momentum is None:
            return gradients, {}
        mu = self.momentum
        v = jax.tree.map(lambda v, g: mu * v + g, memory["v"], gradients)
        return (jax.tree.map(lambda v, g: g + mu * v, v, gradients) if self.nesterov else v), {"v": v}


@spec
class Adam(Optimizer):
    """m ← b1 m + (1 − b1) g, v ← b2 v + (1 − b2) g², d = m̂ / (√v̂ + eps) (Kingma & Ba 2015).

    m̂ = m / (1 − b1^t) and v̂ = v / (1 − b2^t) undo the start at 0; t = 1 at the first update.
    """

    learning_rate: NonNegative | Schedule = 1e-3
    _: KW_ONLY
    b1: Beta = 0.9
    b2: Beta = 0.999
    eps: Annotated[Number, Field(gt=0)] = 1e-8

    def memory(self, params: Any) -> Memory:
        return {"m": zeros_like(params), "v": zeros_like(params)}

    def direction(self, gradients: Any, memory: Mapping[str, Any], t: Any) -> tuple[Any, Memory]:
        return adam(gradients, memory, t, (self.b1, self.b2), self.eps)


@spec
class AdamW(Optimizer):
    """Adam's direction with a weight decay of 0.01 unless told otherwise (Loshchilov & Hutter 2019)."""

    learning_rate: NonNegative | Schedule = 1e-3
    _: KW_ONLY
    b1: Beta = 0.9
    b2: Beta = 0.999
    eps: Annotated[Number, Field(gt=0)] = 1e-8
    weight_decay: NonNegative | None = 0.01

    def memory(self, params: Any) -> Memory:
        return {"m": zeros_like(params), "v": zeros_like(params)}

    def direction(self, gradients: Any, memory: Mapping[str, Any], t: Any) -> tuple[Any, Memory]:
        return adam(gradients, memory, t, (self.b1, self.b2), self.eps)


@spec
class RMSProp(Optimizer):
    """v ← ρ v + (1 − ρ) g², d = g / (√v + eps); with momentum μ: u ← μ u + d, d = u (Tieleman & Hinton 2012).

    As in PyTorch, with eps outside the root and η outside u. v and u start at 0, which nothing undoes:
    of a steady gradient the first update is 1 / √(1 − ρ) times as long as the later ones.
    """

    learning_rate: NonNegative | Schedule = 1e-3
    _: KW_ONLY
    smoothing: Beta = 0.9
    momentum: Beta | None = None
    eps: Annotated[Number, Field(gt=0)] = 1e-8

    def memory(self, params: Any) -> Memory:
        memory = {"v": zeros_like(params)}
        return memory if self.momentum is None else memory | {"u": zeros_like(params)}

    def direction(self, gradients: Any, memory: Mapping[str, Any], t: Any) -> tuple[Any, Memory]:
        rho, mu = self.smoothing, self.momentum
        v = jax.tree.map(lambda v, g: rho * v + (1 - rho) * g * g, memory["v"], gradients)
        d = jax.tree.map(lambda v, g: g / (jnp.sqrt(v) + self.eps), v, gradients)
        if mu is None:
            return d, {"v": v}
        u = jax.tree.map(lambda u, d: mu * u + d, memory["u"], d)
        return u, {"v": v, "u": u}


@spec
class Lion(Optimizer):
    """d = sign(b1 m + (1 − b1) g), then m ← b2 m + (1 − b2) g: one moment, and only signs (Chen et al. 2023).

    Every entry moves by η: what suits is commonly 3 to 10 times less than for Adam, with λ as much larger.
    """

    learning_rate: NonNegative | Schedule = 1e-4
    _: KW_ONLY
    b1: Beta = 0.9
    b2: Beta = 0.99

    def memory(self, params: Any) -> Memory:
        return {"m": zeros_like(params)}

    def direction(self, gradients: Any, memory: Mapping[str, Any], t: Any) -> tuple[Any, Memory]:
        b1, b2 = self.b1, self.b2
        d = jax.tree.map(lambda m, g: jnp.sign(b1 * m + (1 - b1) * g), memory["m"], gradients)
        return d, {"m": jax.tree.map(lambda m, g: b2 * m + (1 - b2) * g, memory["m"], gradients)}


def adam(g: Any, memory: Mapping[str, Any], t: Any, betas: tuple[Any, Any], eps: Any) -> tuple[Any, Memory]:
    """The direction of Adam at update t, and its moments after it: the equations are in `Adam`."""
    b1, b2 = betas
    m = jax.tree.map(lambda m, g: b1 * m + (1 - b1) * g, memory["m"], g)
    # Not g**2: a square of its own would be shared with the gradient's norm, written to memory and read again.
    v = jax.tree.map(lambda v, g: b2 * v + (1 - b2) * g * g, memory["v"], g)
    d = jax.tree.map(lambda m, v: m / (1 - b1**t) / (jnp.sqrt(v / (1 - b2**t)) + eps), m, v)
    return d, {"m": m, "v": v}


def with_decay(d: Any, decay: Any, params: Any, decayed: Any) -> Any:
    """d + λ θ where `decayed` says so; without it, for arrays of two or more dimensions."""
    if params is None:
        raise HeadwayError("weight_decay", "needs the parameters", None, "Call update(gradients, state, params).")
    if decayed is None:
        decayed = jax.tree.map(lambda p: jnp.ndim(p) >= 2, params)
    return jax.tree.map(lambda d, p, yes: d + decay * at_least_float32(p) if yes else d, d, params, decayed)


def apply_updates(params: Any, updates: Any) -> Any:
    """θ + u, added in float32 at least and returned in the parameters' dtype."""
    return jax.tree.map(lambda p, u: (at_least_float32(p) + u).astype(jnp.result_type(p)), params, updates)


def zeros_like(params: Any) -> Any:
    """Zeros of the parameters' shapes, in float32 at least."""
    return jax.tree.map(lambda p: jnp.zeros_like(at_least_float32(p)), params)


def decay_mask(declared: Mapping[str, Any], patterns: tuple[str, ...] | None = None) -> Any:
    """What decays, as a tree of bools, of the parameters that `network.declare(inputs)` gives.

    Without patterns, those that declare it; else those whose address matches any. A pattern that matches
    nothing is an error.
    """
    if patterns is None:
        return jax.tree.map(lambda p: p.decays, declared)
    chosen = match_addresses(patterns, flatten(declared), "decay_only")
    return jax.tree.map_with_path(lambda path, p: "/".join(part.key for part in path) in chosen, declared)


@dataclass(frozen=True)
class Group:
    """Parameters that an optimizer treats alike: their addresses, how many numbers these are, and λ (None: none)."""

    addresses: tuple[str, ...]
    size: int
    weight_decay: float | None


def groups(optimizer: Optimizer, declared: Mapping[str, Any]) -> tuple[Group, ...]:
    """The parameters that decay and those that do not; a group without members is left out."""
    flat: dict[str, Parameter] = flatten(declared)
    decays = flatten(decay_mask(declared, optimizer.decay_only))
    found = []
    for rate in dict.fromkeys((optimizer.weight_decay, None)):
        addresses = tuple(a for a in flat if optimizer.weight_decay is None or decays[a] == (rate is not None))
        if addresses:
            found.append(Group(addresses, sum(math.prod(flat[a].shape) for a in addresses), rate))
    return tuple(found)


def describe(optimizer: Optimizer, declared: Mapping[str, Any]) -> str:
    """The optimizer and its groups of parameters, a line each."""
    lines = [f"{type(optimizer).__name__}, learning rate {optimizer.learning_rate}"]
    for group in groups(optimizer, declared):
        decay = "no weight decay" if group.weight_decay is None else f"weight decay {group.weight_decay:g}"
        lines.append(f"  {decay}: {group.size:,} parameters in {', '.join(group.addresses)}")
    return "\n".join(lines)
