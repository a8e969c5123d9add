"""What a network makes of single examples: the loss of each alone, and of all, and labels that it never gives."""

import functools
from collections.abc import Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from headway.data.dataset import Arrays, Dataset, Examples
from headway.learning.losses import Loss
from headway.spec.numbers import join, split
from headway.training.evaluate import outputs
from headway.training.recipe import Recipe


def losses_of(recipe: Recipe, values: Mapping[str, Any], examples: Examples) -> np.ndarray:
    """The loss of every example [n] in evaluation mode, without its weight."""
    made = outputs(recipe.network, values, examples.x, precision=recipe.precision)
    structure, numbers = split(recipe.loss)
    return np.asarray(_each(structure, numbers, Arrays(jnp.asarray(made), *examples.arrays[1:])))


@functools.partial(jax.jit, static_argnames="structure")
def _each(structure: Loss, numbers: Mapping[str, Any], examples: Arrays) -> jax.Array:
    loss = join(structure, numbers)
    return jax.vmap(lambda one: loss(*jax.tree.map(lambda part: part[None], one)))(examples)


def loss_of(loss: Loss, outputs: np.ndarray, examples: Examples) -> float:
    """The loss of these outputs for the examples."""
    structure, numbers = split(loss)
    return float(_value(structure, numbers, Arrays(jnp.asarray(outputs), *examples.arrays[1:])))


@functools.partial(jax.jit, static_argnames="structure")
def _value(structure: Loss, numbers: Mapping[str, Any], examples: Arrays) -> jax.Array:
    value: jax.Array = join(structure, numbers)(*examples)
    return value


def never_predicted(recipe: Recipe, values: Mapping[str, Any], data: Dataset, split: str) -> frozenset[int] | None:
    """The labels of a split that ten or more examples have, and the network gives none; None of other targets."""
    part = data.splits()[split]
    if data.classes is None or part.y.ndim > 1:
        return None
    made = outputs(recipe.network, values, part.x, precision=recipe.precision)
    if made.shape[-1] != len(data.classes):
        return None
    counts = np.bincount(part.y, minlength=made.shape[-1])
    return frozenset(np.flatnonzero(counts >= 10).tolist()) - frozenset(made.argmax(axis=-1).tolist())
