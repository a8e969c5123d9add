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
from headway.network.layer import Layer, apply
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


def on_device(recipe: Recipe, examples: Examples) -> Padded:
    """Examples in full batches on the device, for judging them more than once."""
    batches = padded(examples, min(recipe.evaluation.batch_size, len(examples)))
    return Padded(*(jnp.asarray(part) for part in batches))


def judge(recipe: Recipe, values: Mapping[str, Any], examples: Examples | Padded) -> dict[str, float]:
    """Loss and metrics of `values` ({"params", "network"}) on all examples, each counted once or by its weights."""
    judgement = Judgement(recipe.network, loss=recipe.loss, metrics=recipe.evaluation.metrics)
    structure, numbers = split(judgement)
    batches = examples if isinstance(examples, Padded) else on_device(recipe, examples)
    sums = _sums(structure, numbers, values["params"], values["network"], batches)
    loss = recipe.loss.value(sums.pop("loss"))
    return {"loss": float(loss)} | {m.label: float(m.value(sums[m.label])) for m in recipe.evaluation.metrics}


@functools.partial(jax.jit, static_argnames="structure")
def _sums(structure: Judgement, numbers: Mapping[str, Any], params: Any, network: Any, batches: Any) -> Any:
    judgement = join(structure, numbers)

    def one(batch: Any) -> Any:
        x, y, weights = batch
        outputs, _ = apply(judgement.network, params, x, network)
        sums = {m.label: m.sums(outputs, y, weights) for m in judgement.metrics}
        return sums | {"loss": judgement.loss.sums(outputs, y, weights)}

    return jax.tree.map(lambda s: jnp.sum(s, axis=0), jax.lax.map(one, batches))


def outputs(network: Layer, values: Mapping[str, Any], x: np.ndarray, batch_size: int = 1000) -> np.ndarray:
    """The network's outputs [examples, …] in evaluation mode, computed in batches."""
    structure, numbers = split(network)
    size = min(batch_size, max(1, len(x)))
    rows = [np.concatenate([x[i : i + size], np.zeros((max(0, i + size - len(x)), *x.shape[1:]), x.dtype)])
            for i in range(0, len(x), size)]  # fmt: skip
    if not rows:
        return np.zeros((0, *network.shape(x.shape[1:])), np.float32)
    made = [_outputs(structure, numbers, values["params"], values["network"], row) for row in rows]
    return np.concatenate([np.asarray(y) for y in made])[: len(x)]


@functools.partial(jax.jit, static_argnames="structure")
def _outputs(structure: Layer, numbers: Mapping[str, Any], params: Any, network: Any, x: Any) -> jax.Array:
    return apply(join(structure, numbers), params, x, network)[0]
