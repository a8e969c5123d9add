"""The shapes that each interface promises, written with jaxtyping and checked by beartype for every kind.

Only tests check them: the package itself needs neither library.
"""
# ruff: noqa: F722, F821 (jaxtyping's shapes are strings, but no Python)

from typing import Any

import jax
import jax.numpy as jnp
import pytest
from beartype import beartype
from jaxtyping import Array, Float, Inexact, Int, Key, PyTree, Shaped, TypeCheckError, jaxtyped

from headway.data.augment import Augmentation
from headway.learning.clipping import Clip
from headway.learning.losses import Loss
from headway.learning.metrics import Metric
from headway.learning.optimizers.optimizer import Optimizer
from headway.learning.schedules.schedule import Schedule
from headway.network.initialization import Initializer
from headway.network.layer import Activation, Context, Layer, initialize, salts
from headway.spec.node import Spec
from kinds import ALL, examples, input_shapes, inputs, outputs_and_targets, ready, work

checked = jaxtyped(typechecker=beartype)


@checked
def draw(kind: Initializer, key: Key[Array, ""]) -> Float[Array, "8 6"]:
    return kind.draw(key, (8, 6), (8, 6), jnp.dtype(jnp.float32))


@checked
def activate(kind: Activation, x: Float[Array, "*shape"]) -> Float[Array, "*shape"]:
    return kind.function(x)


@checked
def run(
    kind: Layer, values: Any, x: Float[Array, "batch *inputs"] | Int[Array, "batch *inputs"], context: Context
) -> Float[Array, "batch *outputs"]:
    return kind.apply_with_state(*values, x, context)[0]


@checked
def judge(
    kind: Loss, outputs: Float[Array, "batch *axes"], targets: Shaped[Array, "batch *labels"]
) -> Float[Array, "batch"]:
    return kind.per_example(outputs, targets)


@checked
def add(
    kind: Metric, outputs: Float[Array, "batch *axes"], targets: Shaped[Array, "batch *labels"]
) -> dict[str, Inexact[Array, "*sums"]]:
    return kind.sums(outputs, targets)


@checked
def clip(
    kind: Clip, gradients: PyTree[Float[Array, "?*shape"], "T"], params: PyTree[Float[Array, "?*shape"], "T"]
) -> PyTree[Float[Array, "?*shape"], "T"]:
    return kind.clip(gradients, params)


@checked
def update(
    kind: Optimizer, gradients: PyTree[Float[Array, "?*shape"], "T"], params: PyTree[Float[Array, "?*shape"], "T"]
) -> PyTree[Float[Array, "?*shape"], "T"]:
    transformation = kind.transformation()
    return transformation.update(gradients, transformation.init(params), params)[0]


@checked
def rate(kind: Schedule, index: Int[Array, "*when"]) -> Float[Array, "*when"]:
    return kind.value(index)


@checked
def alter(
    kind: Augmentation, x: Float[Array, "batch *shape"], y: Float[Array, "batch *targets"], keys: Key[Array, "batch"]
) -> tuple[Float[Array, "batch *shape"], Float[Array, "batch *targets"]]:
    return kind.apply_to_batch(x, y, keys)


def promised(node: Spec) -> None:
    """Run a kind under the promise of its interface."""
    match node:
        case Initializer():
            draw(node, jax.random.key(0))
        case Layer():
            context = Context("train", keys=jax.random.split(jax.random.key(0), 4), salts=salts(node))
            for shape in input_shapes(node):
                x = inputs(node, shape)
                run(node, initialize(node, shape, jax.random.key(0)), x, context)
                if isinstance(node, Activation):
                    activate(node, x)
        case Loss() | Metric():
            (judge if isinstance(node, Loss) else add)(node, *outputs_and_targets(node, jnp.float32))
        case Augmentation():
            alter(node, jnp.ones((4, 5, 6, 2)), jnp.ones((4, 3)), jax.random.split(jax.random.key(0), 4))
        case Clip():
            clip(node, *work(node)[1])
        case Optimizer():
            update(node, *work(node)[1])
        case Schedule():
            rate(node, jnp.arange(0, 120, 7))
            rate(node, jnp.array(3))


PROMISING = (Activation, Augmentation, Clip, Initializer, Layer, Loss, Metric, Optimizer, Schedule)


@pytest.mark.parametrize("cls", [cls for cls in ALL if issubclass(cls, PROMISING)], ids=lambda cls: cls.__name__)
def test_a_kind_keeps_the_shapes_that_its_interface_promises(cls: type[Spec]) -> None:
    for node in map(ready, examples(cls)):
        promised(node)


def test_a_broken_promise_is_seen() -> None:
    class Summed(Loss):
        def per_target(self, outputs: jax.Array, targets: jax.Array) -> jax.Array:
            return jnp.sum(outputs)

    with pytest.raises(TypeCheckError, match="return"):
        judge(Summed(), jnp.ones((3, 2)), jnp.ones(3))
