"""Directions in which to cut the landscape: random ones as large as the weights, and those that training took."""

from collections.abc import Sequence
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax.flatten_util import ravel_pytree

from headway.learning.clipping import unit_norms
from headway.network.context import salt
from headway.network.layer import Params
from headway.network.values import restacked, unstacked
from headway.spec.error import HeadwayError


def random_direction(params: Params, key: jax.Array) -> Params:
    """d ← d · ‖θ‖ / ‖d‖ unit by unit, with d ~ N(0, 1): a filter-normalized direction (Li et al. 2018).

    A unit is what one index of the last axis of the weights θ [..., units] has: all that leads into one neuron
    or channel. Vectors and scalars, the biases and the parameters of norms, stay where they are: d = 0. So a
    step of 1 is as large as the weights themselves, and networks whose weights differ in scale compare.
    """

    def one(path: tuple[object, ...], w: jax.Array) -> jax.Array:
        if w.ndim < 2:
            return jnp.zeros_like(w)
        d = jax.random.normal(jax.random.fold_in(key, salt(jax.tree_util.keystr(path))), w.shape, w.dtype)
        return (d * unit_norms(w) / unit_norms(d)).astype(w.dtype)

    copies = unstacked(params)
    if not any(w.ndim >= 2 for w in jax.tree.leaves(copies)):
        raise HeadwayError("params", "a random direction needs weights of two axes or more", "none",
                           "Give a direction of your own.")  # fmt: skip
    direction: Params = restacked(jax.tree.map_with_path(one, copies), params)
    return direction


class Principal(NamedTuple):
    """Directions in which a path spreads most, of length 1 and at right angles, and their shares of its variance."""

    directions: tuple[Params, ...]
    shares: tuple[float, ...]


def principal_directions(path: Sequence[Params], count: int = 2) -> Principal:
    """The first principal components of the parameters θ_1 … θ_n that training passed (Li et al. 2018, section 7).

    The path of any long random walk lies almost in a plane too, and looks like a curve with a purpose (Antognini
    & Sohl-Dickstein 2018): a large share says little.
    """
    if len(path) <= count:
        raise HeadwayError("path", f"{count} directions need more than {count} points", f"{len(path)} points")
    _, unravel = ravel_pytree(path[-1])
    M = np.stack([np.asarray(ravel_pytree(params)[0], np.float64) for params in path])
    _, s, V = np.linalg.svd(M - M.mean(axis=0), full_matrices=False)
    if len(s) < count or not s[count - 1] > s[0] * 1e-7:
        raise HeadwayError("path", f"must spread in {count} directions", f"{np.sum(s > s[0] * 1e-7)}",
                           "Give points further apart, or a line.")  # fmt: skip
    shares = np.square(s) / np.sum(np.square(s))
    dtype = ravel_pytree(path[-1])[0].dtype
    return Principal(tuple(unravel(jnp.asarray(v, dtype)) for v in V[:count]), tuple(shares[:count].tolist()))


def difference(end: Params, start: Params) -> Params:
    """end − start."""
    return jax.tree.map(jnp.subtract, end, start)
