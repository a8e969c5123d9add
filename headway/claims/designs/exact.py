"""What exact checks share: parameters drawn by NumPy, the largest of many differences, and whether a kind is known."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from headway.network.layer import Layer, Params, initialize
from headway.spec.node import Spec, find_kind


def drawn(network: Layer, inputs: tuple[int, ...]) -> Params:
    """Parameters of variance 1 / 4 in float64, biases too, so that none is 0."""
    rng, key = np.random.default_rng(0), jax.random.key(0)
    shapes, _ = jax.eval_shape(lambda: initialize(network, inputs, key, jnp.float64))
    params: Params = jax.tree.map(lambda leaf: rng.normal(0, 0.5, leaf.shape), shapes)
    return params


def largest(differences: Any) -> float:
    """The largest of their sizes."""
    return float(np.abs(np.asarray(differences)).max())


def registered(part: Spec, family: type[Spec]) -> float:
    """Whether the registry has the kind of this part under its own name, as one of a family: 1 or 0."""
    kind = find_kind(f"headway/{type(part).__name__}")
    return float(kind is type(part) and issubclass(kind, family))
