"""Stochastic gradient descent: straight against the gradient, or along its decaying sum."""

from collections.abc import Mapping
from dataclasses import KW_ONLY
from typing import Any

import jax

from headway.learning.optimizers.descent import Beta, Descent
from headway.learning.optimizers.optimizer import Memory, zeros_like
from headway.learning.schedules.schedule import NonNegative, Schedule
from headway.spec.error import HeadwayError
from headway.spec.node import spec


@spec
class SGD(Descent):
    """d = g, or with momentum μ: v ← μ v + g, d = v; with Nesterov's d = g + μ v.

    Momentum as in PyTorch and Optax, where η is outside v (Sutskever et al. 2013). v starts at 0.
    """

    learning_rate: NonNegative | Schedule
    _: KW_ONLY
    momentum: Beta | None = None
    nesterov: bool = False

    def __post_init__(self) -> None:
        Descent.__post_init__(self)
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
