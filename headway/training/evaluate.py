"""Judging a network on examples: loss and metrics over a whole set, in evaluation mode."""

import functools
from collections.abc import Mapping
from dataclasses import KW_ONLY
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from headway.data.batches import Padded, padded
from headway.data.dataset import Examples
from headway.learning.losses import Loss
from headway.learning.metrics import Metric
from headway.learning.targets import at_least_float32
from headway.network.layer import Context, Layer, apply
from headway.scale.precision import Float32, Precision
from headway.spec.node import Spec, spec
from headway.spec.numbers import join, split
from headway.training.recipe import Recipe


@spec
class Judgement(Spec):
    """What an evaluation computes: the part of a recipe that is compiled for it."""

    network: Layer
    _: KW_ONLY
    loss: Loss
    metrics: tuple[Metric, ...]
    precision: Precision = Float32()


def on_device(recipe: Recipe, examples: Examples) -> Padded:
    """Examples in full batches on the device, for judging them more than once."""
    batches = padded(examples, min(recipe.evaluation.batch_size, len(examples)))
    return Padded(*(jnp.asarray(part) for part in batches))


def judge(recipe: Recipe, values: Mapping[str, Any], examples: Examples | Padded) -> dict[str, float]:
    """Loss and metrics of `values` ({"params", "network"}) on all examples, each counted once or by its weights."""
    metrics = recipe.evaluation.metrics
    judgement = Judgement(recipe.network, loss=recipe.loss, metrics=metrics, precision=recipe.precision)
    structure, numbers = split(judgement)
    batches = examples if isinstance(examples, Padded) else on_device(recipe, examples)
    sums = _sums(structure, numbers, values["params"], values["network"], batches)
    loss = recipe.loss.value(sums.pop("loss"))
    return {"loss": float(loss)} | {m.label: float(m.value(sums[m.label])) for m in metrics}


@functools.partial(jax.jit, static_argnames="structure")
def _sums(structure: Judgement, numbers: Mapping[str, Any], params: Any, network: Any, batches: Any) -> Any:
    judgement = join(structure, numbers)
    context = Context(computes=judgement.precision.computes())

    def one(batch: Any) -> Any:
        x, y, weights = batch
        outputs, _ = apply(judgement.network, params, x, network, context)
        sums = {m.label: m.sums(outputs, y, weights) for m in judgement.metrics}
        return sums | {"loss": judgement.loss.sums(outputs, y, weights)}

    return jax.tree.map(lambda s: jnp.sum(s, axis=0), jax.lax.map(one, batches))


def outputs(
    network: Layer,
    values: Mapping[str, Any],
    x: np.ndarray,
    batch_size: int = 1000,
    precision: Precision = Float32(),  # noqa: B008 (a frozen spec)
) -> np.ndarray:
    """The network's outputs [examples, …] in evaluation mode, computed in batches; at least float32."""
    structure, numbers = split(network)
    size = min(batch_size, max(1, len(x)))
    rows = [np.concatenate([x[i : i + size], np.zeros((max(0, i + size - len(x)), *x.shape[1:]), x.dtype)])
            for i in range(0, len(x), size)]  # fmt: skip
    if not rows:
        return np.zeros((0, *network.shape(x.shape[1:])), np.float32)
    params, state = values["params"], values["network"]
    made = [_outputs(structure, precision, numbers, params, state, row) for row in rows]
    return np.concatenate([np.asarray(y) for y in made])[: len(x)]


@functools.partial(jax.jit, static_argnames=("structure", "precision"))
def _outputs(
    structure: Layer, precision: Precision, numbers: Mapping[str, Any], params: Any, network: Any, x: Any
) -> jax.Array:
    context = Context(computes=precision.computes())
    return at_least_float32(apply(join(structure, numbers), params, x, network, context)[0])
