"""An optimizer that climbs, and a loss in a very small unit: one is wrong, the other only looks so."""

from collections.abc import Collection, Mapping
from dataclasses import KW_ONLY, replace
from typing import Annotated, Any, ClassVar, Self

import jax
import jax.numpy as jnp
from pydantic import Field

from headway.learning.backpropagation.losses import cross_entropy
from headway.learning.backpropagation.rule import rule
from headway.learning.losses import CrossEntropy, Expects, Loss, Targets
from headway.learning.optimizers.optimizer import Declared, GradientTransformation, Group, Memory, Optimizer
from headway.spec.node import Number, spec


@spec
class Ascent(Optimizer):
    """The optimizer, given −dL/dθ in the place of dL/dθ: a sign is wrong, and the loss is climbed."""

    optimizer: Optimizer

    def transformation(self, declared: Declared = None) -> GradientTransformation:
        theirs = self.optimizer.transformation(declared)

        def update(gradients: Any, state: Memory, params: Any = None) -> tuple[Any, Memory]:
            updates, after = theirs.update(jax.tree.map(jnp.negative, gradients), state, params)
            return updates, after

        return GradientTransformation(theirs.init, update)

    def groups(self, declared: Mapping[str, Any], among: Collection[str] | None = None) -> tuple[Group, ...]:
        return self.optimizer.groups(declared, among)

    def held(self, params: Any, declared: Mapping[str, Any]) -> Any:
        return self.optimizer.held(params, declared)

    def title(self) -> str:
        return f"{self.optimizer.title()} upwards"

    def main_rate(self) -> Any:
        return self.optimizer.main_rate()

    def resolved(self, updates: int, epoch: int) -> Self:
        return replace(self, optimizer=self.optimizer.resolved(updates, epoch))

    def times(self, factor: float) -> Self:
        return replace(self, optimizer=self.optimizer.times(factor))


@spec
class ScaledCrossEntropy(Loss):
    """L = `factor` times the `CrossEntropy`: the same minimum in another unit. Shapes as there."""

    expects: ClassVar[Expects] = "logits"
    targets: ClassVar[Targets] = "labels"

    _: KW_ONLY
    factor: Annotated[Number, Field(ge=0)] = 1e-4

    def per_target(self, outputs: jax.Array, targets: jax.Array) -> jax.Array:
        return self.factor * CrossEntropy().per_target(outputs, targets)


@rule(ScaledCrossEntropy)
def scaled_cross_entropy(loss: ScaledCrossEntropy, z: jax.Array, targets: jax.Array) -> jax.Array:
    """dL/dz = factor (p − q)."""
    return loss.factor * cross_entropy(CrossEntropy(), z, targets)
