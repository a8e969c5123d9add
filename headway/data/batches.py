"""Batch k as a pure function of (seed, k): which examples it holds, and each one's own random key."""

import math
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jax.typing import ArrayLike

from headway.data.dataset import Examples
from headway.data.schema import Array


class Place(NamedTuple):
    """Where in the order of training a batch starts: an epoch, and a position in it < examples."""

    epoch: ArrayLike
    position: ArrayLike


class Draw(NamedTuple):
    """Which examples a batch holds, and where they stand in the order of training. All [batch], uint32."""

    indices: jax.Array
    epochs: jax.Array
    positions: jax.Array


class Padded(NamedTuple):
    """Examples in full batches: x [batches, batch, …], y and weights likewise; without weights of its own, 0 or 1."""

    x: Array | jax.Array
    y: Array | jax.Array
    weights: Array | jax.Array


def batch_indices(seed: ArrayLike, epoch: ArrayLike, position: ArrayLike, batch_size: int, examples: int) -> Draw:
    """The batch that starts at `position` of `epoch`; what goes past the end is the next epoch's beginning.

    Every epoch visits each of the `examples` (< 2^31) once, in an order of its own. `seed`, `epoch` and
    `position` < examples are uint32 and may be traced; nothing else is needed, so any batch can be had at once.
    """
    at = jnp.asarray(position, jnp.uint32) + jnp.arange(batch_size, dtype=jnp.uint32)
    epochs, positions = jnp.asarray(epoch, jnp.uint32) + at // examples, at % examples
    return Draw(permuted(seed, epochs, positions, examples), epochs, positions)


def permuted(seed: ArrayLike, epochs: jax.Array, positions: jax.Array, examples: int) -> jax.Array:
    """Position → example: for each (seed, epoch) a permutation of [0, examples), one entry at a time.

    A Feistel network on pairs (l, r) in [0, a) × [0, b), a b ≥ examples: in turn l ← l + F(r) mod a and
    r ← r + F(l) mod b, which can be undone whatever F is. What lands past the last example walks on until
    it lands on one (Black & Rogaway 2002); a b < examples + a, so that few walk. All [batch], uint32.
    """
    # With four rounds the places of two examples are visibly correlated; small halves need more than eight.
    rounds = 16 if examples <= 64 else 8
    a = math.isqrt(max(examples - 1, 0)) + 1
    b = -(-examples // a)
    key = mixed(mixed(jnp.asarray(seed, jnp.uint32)) ^ epochs)
    keys = [mixed(key + jnp.uint32(n)) for n in range(1, rounds + 1)]

    def shuffle(place: jax.Array) -> jax.Array:
        l, r = place // b, place % b  # noqa: E741 (the literature's letters)
        for even, odd in zip(keys[::2], keys[1::2], strict=True):
            l = _turned(l, mixed(r ^ even), a)  # noqa: E741
            r = _turned(r, mixed(l ^ odd), b)
        return l * b + r

    def walk(place: jax.Array) -> jax.Array:
        return jnp.where(place < examples, place, shuffle(place))

    return lax.while_loop(lambda place: jnp.any(place >= examples), walk, shuffle(positions))


def mixed(x: jax.Array) -> jax.Array:
    """A bijection of uint32 in which every bit of the input moves every bit of the output (Wellons, lowbias32)."""
    x = (x ^ (x >> 16)) * jnp.uint32(0x7FEB352D)
    x = (x ^ (x >> 15)) * jnp.uint32(0x846CA68B)
    return x ^ (x >> 16)


def _turned(x: jax.Array, random: jax.Array, size: int) -> jax.Array:
    """x + F mod size for x < size ≤ 2^16, F the upper half of 32 random bits scaled to [0, size)."""
    moved = x + (((random >> 16) * jnp.uint32(size)) >> 16)
    return jnp.where(moved < size, moved, moved - jnp.uint32(size))


def place(step: int, batch_size: int, examples: int) -> Place:
    """Where batch `step` starts: exact for any number of steps."""
    return Place(*divmod(step * batch_size, examples))


def advance(place: Place, passed: ArrayLike, examples: int) -> Place:
    """Where the next batch starts after so many examples, traced; exact where `step * batch_size` would overflow."""
    end = jnp.asarray(place.position, jnp.uint32) + jnp.asarray(passed, jnp.uint32)
    return Place(jnp.asarray(place.epoch, jnp.uint32) + end // examples, end % examples)


def example_keys(key: jax.Array, epochs: jax.Array, positions: jax.Array) -> jax.Array:
    """One random key per example [batch], a function of (key, epoch, position): the same in any batch or device."""
    return jax.vmap(lambda epoch, at: jax.random.fold_in(jax.random.fold_in(key, epoch), at))(epochs, positions)


def padded(examples: Examples, batch_size: int) -> Padded:
    """All examples in order, in full batches: the last one is filled up by repeating the last example, weight 0."""
    n = len(examples)
    places = np.arange(-(-n // batch_size) * batch_size).reshape(-1, batch_size)
    filled = np.minimum(places, n - 1)
    weights = np.ones(n, np.float32) if examples.weights is None else examples.weights
    weights = weights[filled]
    weights[places >= n] = 0
    return Padded(examples.x[filled], examples.y[filled], weights)
