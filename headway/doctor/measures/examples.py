"""The loss of each example alone, so that two networks can be held against each other in pairs."""

import functools
from collections.abc import Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from headway.data.dataset import Arrays, Examples
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
