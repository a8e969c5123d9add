"""Orthogonal updates: every direction of a matrix is moved alike, however unequal its gradient is."""

from collections.abc import Mapping
from dataclasses import KW_ONLY
from typing import Any

import jax
import jax.numpy as jnp

from headway.learning.optimizers.descent import Beta, Descent
from headway.learning.optimizers.optimizer import Memory, zeros_like
from headway.learning.schedules.schedule import NonNegative, Schedule
from headway.network.values import per_copy
from headway.spec.node import spec

STEPS = 5
A, B, C = 3.4445, -4.7750, 2.0315


@spec
class Muon(Descent):
    """m ← μ m + g, d = √max(1, out / in) orth(g + μ m): singular values all about 1 (Jordan et al. 2024).

    orth(X) is five steps X ← a X + (b S + c S²) X with S = X Xᵀ, from X / ‖X‖: singular vectors stay, their
    values come to between 0.7 and 1.2, but for those that are next to nothing. Without `nesterov` d is made of m alone.
    A matrix is [in, out]; a kernel is the matrix [places · in, out], a vector one of a single row, every copy of a
    repeated layer its own.
    Tables of tokens, the last layer and vectors are commonly left to AdamW:
    `Groups(Muon(0.02), rules=(Assigned("**/b", optimizer=AdamW(1e-3)),))`.
    """

    learning_rate: NonNegative | Schedule = 0.02
    _: KW_ONLY
    momentum: Beta = 0.95
    nesterov: bool = True

    def memory(self, params: Any) -> Memory:
        return {"m": zeros_like(params)}

    def direction(self, gradients: Any, memory: Mapping[str, Any], t: Any) -> tuple[Any, Memory]:
        m = jax.tree.map(lambda m, g: self.momentum * m + g, memory["m"], gradients)
        ahead = jax.tree.map(lambda m, g: g + self.momentum * m, m, gradients) if self.nesterov else m
        return jax.tree.map_with_path(lambda path, x: per_copy(spread, path)(x), ahead), {"m": m}


def spread(x: jax.Array) -> jax.Array:
    """√max(1, out / in) orth(x) for the array of one layer, as the matrix that it is."""
    matrix = x.reshape(-1, x.shape[-1]) if x.ndim else x.reshape(1, 1)
    rows, columns = matrix.shape
    return (max(1.0, columns / rows) ** 0.5 * orthogonalized(matrix)).reshape(x.shape)


def orthogonalized(x: jax.Array) -> jax.Array:
    """The matrix with singular values near 1, by Newton and Schulz's iteration of the fifth order; 0 stays 0."""
    if x.shape[0] > x.shape[1]:
        return orthogonalized(x.T).T
    x = x / (jnp.linalg.norm(x) + 1e-7)
    for _ in range(STEPS):
        s = x @ x.T
        x = A * x + (B * s + C * s @ s) @ x
    return x
