"""Slices: the loss along a line and on a plane through the parameters, and the barrier between two solutions."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.flatten_util import ravel_pytree
from jax.tree_util import keystr
from jax.tree_util import tree_leaves_with_path as tree_leaves

from headway.learning.landscape.directions import difference, principal_directions
from headway.learning.landscape.surface import Function, as_argument, expect_loss
from headway.network.layer import Params, State
from headway.spec.error import HeadwayError


@dataclass(frozen=True)
class Line:
    """L(θ + a d) at the numbers a: `losses` [points] at `at` [points]."""

    at: np.ndarray
    losses: np.ndarray

    @property
    def above(self) -> np.ndarray:
        """How far the loss is above the straight line between its ends, [points]."""
        return self.losses - np.interp(self.at, self.at[[0, -1]], self.losses[[0, -1]])

    @property
    def barrier(self) -> float:
        """The most that the loss is above the straight line between its ends: 0 where it is nowhere above."""
        return float(np.max(self.above))


@dataclass(frozen=True)
class Plane:
    """L(θ + a d + b e): `losses` [b, a] at `a` and `b`.

    path     where the points of a path fall on it, [points, 2]; None without one
    shares   the share of the path's variance that lies in d and in e
    """

    a: np.ndarray
    b: np.ndarray
    losses: np.ndarray
    path: np.ndarray | None = None
    shares: tuple[float, ...] = ()


def slice_line(f: Function, params: Params, direction: Params, at: Sequence[float] | int = 51) -> Line:
    """The loss on the line θ + a d, at the numbers `at`, or at so many from −1 to 1."""
    a = _numbers(at)
    return Line(a, _losses(f, (params,), ((direction,),), a[:, None]))


def slice_plane(
    f: Function,
    params: Params,
    directions: tuple[Params, Params],
    at: Sequence[float] | int = 25,
    b: Sequence[float] | int | None = None,
) -> Plane:
    """The loss on the plane θ + a d + b e: a from `at`, numbers or so many from −1 to 1; b from `b`, else likewise."""
    columns = _numbers(at)
    rows = columns if b is None else _numbers(b)
    pairs = np.stack(np.meshgrid(columns, rows), axis=-1)
    losses = _losses(f, (params,), tuple((d,) for d in directions), pairs.reshape(-1, 2))
    return Plane(columns, rows, losses.reshape(len(rows), len(columns)))


def slice_between(
    f: Function, start: Params, end: Params, at: Sequence[float] | int = 51, states: tuple[State, State] | None = None
) -> Line:
    """The loss on the straight line (1 − a) start + a end, a from 0 to 1 (Goodfellow, Vinyals & Saxe 2015).

    `states` are the network's at both ends and go along the line too. BatchNorm's statistics in the middle are
    then not those of the network there, which can raise a barrier that fresh statistics would not show.
    """
    a = np.linspace(0, 1, at) if isinstance(at, int) else _numbers(at)
    first: tuple[Any, ...] = (start,) if states is None else (start, states[0])
    last: tuple[Any, ...] = (end,) if states is None else (end, states[1])
    _expect_alike("end", last, first)
    return Line(a, _losses(f, first, (tuple(map(difference, last, first)),), a[:, None]))


def slice_path(f: Function, path: Sequence[Params], points: int = 25, margin: float = 0.2) -> Plane:
    """The plane through the last point of a path in which the path spreads most, with the path seen on it.

    The path lies near the plane, not in it: the losses are those of the plane. `margin` is added on
    every side as a share of the path's extent.
    """
    directions, shares = principal_directions(path)
    ends = [ravel_pytree(difference(params, path[-1]))[0] for params in path]
    seen = np.stack([[float(ravel_pytree(d)[0] @ end) for d in directions] for end in ends])
    low, high = seen.min(axis=0), seen.max(axis=0)
    room = margin * (high - low).max()
    a, b = (np.linspace(low[i] - room, high[i] + room, points) for i in (0, 1))
    found = slice_plane(f, path[-1], (directions[0], directions[1]), a.tolist(), b.tolist())
    return Plane(found.a, found.b, found.losses, seen, shares)


def _numbers(at: Any) -> np.ndarray:
    numbers = np.linspace(-1, 1, at) if isinstance(at, int) else np.asarray(at, float)
    if numbers.ndim != 1 or len(numbers) < 2 or not (np.diff(numbers) > 0).all():
        raise HeadwayError("at", "must be two or more numbers that rise", at, "Try at=51, or [-1, 0, 1].")
    return numbers


def _losses(f: Function, point: tuple[Any, ...], directions: tuple[tuple[Any, ...], ...], at: np.ndarray) -> np.ndarray:
    for direction in directions:
        _expect_alike("direction", direction, point)
    expect_loss(f, *point)
    return np.asarray(_at_points(as_argument(f), point, directions, jnp.asarray(at)))


@jax.jit
def _at_points(f: Function, point: Any, directions: tuple[Any, ...], at: jax.Array) -> jax.Array:
    """L at every row of `at` [points, directions]: one compiled program, one point after the other."""

    def one(coordinates: jax.Array) -> jax.Array:
        def moved(p: jax.Array, *d: jax.Array) -> jax.Array:
            return (p + sum(c * one for c, one in zip(coordinates, d, strict=True))).astype(p.dtype)

        return f(*jax.tree.map(moved, point, *directions))

    return jax.lax.map(one, at)


def _expect_alike(where: str, got: Any, point: Any) -> None:
    ours, theirs = ({keystr(path): jnp.shape(leaf) for path, leaf in tree_leaves(tree)} for tree in (point, got))
    for name in dict.fromkeys([*ours, *theirs]):
        if ours.get(name) != theirs.get(name):
            raise HeadwayError(where, f"must have the names and shapes of the parameters, {name} {ours.get(name)}",
                               theirs.get(name))  # fmt: skip
