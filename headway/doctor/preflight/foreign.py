"""Anybody's loss function with its parameters and one batch, taken apart, called and fitted."""

import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from headway.learning.optimizers.adaptive import adam
from headway.learning.optimizers.optimizer import zeros_like
from headway.spec.error import HeadwayError, join_address

Leaves = tuple[Any, ...]
FEW, MANY = 32, 8
"""The rows of one call, and the groups of rows that the gradient is taken for."""


@dataclass(frozen=True)
class Foreign:
    """A loss function as a pure function of what may learn and of the rows of a batch.

    weights     the floating-point leaves of the parameters, by `addresses`; `fixed` names the other leaves
    batch       the leaves of the batch, [rows, …], by `columns`
    value       (weights, leaves of some rows) → loss, compiled; `slope` gives the gradient beside it
    loss        shape and dtype of the loss
    few         the rows that one call gets: up to 32, or all where the function takes no other number
    """

    weights: Leaves
    addresses: tuple[str, ...]
    fixed: tuple[str, ...]
    batch: Leaves
    columns: tuple[str, ...]
    value: Callable[[Leaves, Leaves], Any]
    slope: Callable[[Leaves, Leaves], Any]
    loss: jax.ShapeDtypeStruct
    few: int

    @property
    def rows(self) -> int:
        """The number of examples in the batch."""
        return len(self.batch[0])

    def at(self, rows: Any) -> Leaves:
        """The batch's leaves at these rows."""
        return tuple(leaf[rows] for leaf in self.batch)

    def groups(self) -> list[Any]:
        """Up to 8 groups of `few` rows, each spread evenly over the batch; the first is that of the probes."""
        apart = self.rows // self.few
        spread = np.arange(self.few) * self.rows // self.few
        return [spread + shift for shift in range(min(MANY, apart))]

    def at_rows(self, weights: Leaves, rows: Any) -> float:
        """The loss on some rows."""
        return float(self.value(weights, self.at(rows)))

    def sensitivity(self, weights: Leaves) -> list[Any]:
        """max |∂L/∂θ| over the groups of rows, number by number: 0 where no row has any effect, NaN where one has."""
        found = [np.zeros(np.shape(weight)) for weight in weights]
        for rows in self.groups():
            _, gradients = self.slope(weights, self.at(rows))
            found = [np.maximum(most, np.abs(wide(g))) for most, g in zip(found, gradients, strict=True)]
        return found

    def rounding(self, weights: Leaves, rows: Any, coarsest: float = 1.0) -> float:
        """How far the loss moves when the numbers it is made of move by one unit in their last place.

        Numbers of a dtype whose spacing at 1 is above `coarsest` stay as they are.
        """
        leaves, loss = self.at(rows), self.at_rows(weights, rows)
        draw = np.random.default_rng(0)
        both = [[jittered(part, draw, coarsest) for part in (weights, leaves)] for _ in range(4)]
        moved = [float(self.value(*pair)) - loss for pair in both]
        return float(np.max(np.abs(moved)) + spacing(self.loss.dtype) * abs(loss))


def take_apart(loss_fn: Callable[[Any, Any], Any], params: Any, batch: Any) -> Foreign:
    """The parts of `loss_fn(params, batch)`; nothing is computed yet but the shape of the loss.

    Errors: parameters without floating-point leaves, batch leaves without a common number of rows, and
    whatever the function itself raises, with its own traceback.
    """
    paths, tree = jax.tree.flatten_with_path(params)
    moving = [is_floating(leaf) for _, leaf in paths]
    if not any(moving):
        raise HeadwayError("params", "need a floating-point array to learn", [type(leaf).__name__ for _, leaf in paths],
                           "Pass the parameters first, the batch second.")  # fmt: skip
    columns, leaves, form = _columns(batch)

    def value(weights: Leaves, rows: Leaves) -> Any:
        given = iter(weights)
        whole = [next(given) if moves else leaf for (_, leaf), moves in zip(paths, moving, strict=True)]
        made = loss_fn(jax.tree.unflatten(tree, whole), jax.tree.unflatten(form, rows))
        return made[0] if isinstance(made, tuple) and len(made) == 2 else made

    weights = tuple(jnp.asarray(leaf) for (_, leaf), moves in zip(paths, moving, strict=True) if moves)
    loss, few = _traced(value, weights, leaves), len(leaves[0])
    if few > FEW:
        try:
            jax.eval_shape(value, weights, tuple(leaf[:FEW] for leaf in leaves))
            few = FEW
        except Exception:  # a function written for one size of batch is called with that size
            few = len(leaves[0])
    named = [(address(path), moves) for (path, _), moves in zip(paths, moving, strict=True)]
    return Foreign(
        weights,
        tuple(name for name, moves in named if moves),
        tuple(name for name, moves in named if not moves),
        leaves,
        columns,
        jax.jit(value),
        jax.jit(jax.value_and_grad(value)),
        loss,
        few,
    )


def _columns(batch: Any) -> tuple[tuple[str, ...], Leaves, Any]:
    """Addresses, leaves and form of a batch; an error where they do not share their first dimension."""
    paths, form = jax.tree.flatten_with_path(batch)
    shapes = {join_address("batch", address(path)): np.shape(leaf) for path, leaf in paths}
    fix = "Close over what is not one a row: loss_fn = lambda params, batch: f(params, batch, rate)."
    for name, shape in shapes.items():
        if not shape:
            raise HeadwayError(name, "must have a first dimension of examples", "a single value", fix)
    lengths = {name: shape[0] for name, shape in shapes.items()}
    if len(set(lengths.values())) != 1:
        raise HeadwayError("batch", "all leaves must have as many rows", lengths or "no leaves", fix if lengths else "")
    if 0 in lengths.values():
        raise HeadwayError("batch", "needs a row", f"shapes {shapes}")
    leaves = tuple(leaf if is_key(leaf) else np.asarray(leaf) for _, leaf in paths)
    return tuple(lengths), leaves, form


def _traced(value: Callable[..., Any], weights: Leaves, leaves: Leaves) -> jax.ShapeDtypeStruct:
    """Shape and dtype of the loss; an error of the function with the place in the caller's code."""
    try:
        made = jax.tree.leaves(jax.eval_shape(value, weights, leaves))
    except Exception as error:
        frames = [f for f, _ in traceback.walk_tb(error.__traceback__)]
        outside = [f for f in frames if f.f_globals.get("__name__", "").partition(".")[0] not in ("jax", "headway")]
        place = f"{outside[-1].f_code.co_filename}:{outside[-1].f_lineno}: " if outside else ""
        branch = isinstance(error, jax.errors.ConcretizationTypeError | jax.errors.TracerArrayConversionError)
        fix = "Write jnp for np, and jnp.where or jax.lax.cond for a branch on values." if branch else ""
        raise HeadwayError("loss_fn", "must give a loss for these parameters and this batch under jax.jit",
                           f"{place}{type(error).__name__}: {str(error).partition(chr(10))[0].rstrip('.')}",
                           fix or "The traceback above is the function's own.") from error  # fmt: skip
    if len(made) != 1:
        raise HeadwayError("loss_fn", "must return one loss, or (loss, anything)", f"{len(made)} arrays")
    return made[0]


def is_floating(leaf: Any) -> bool:
    """True for a floating-point array with a number in it, and for a Python float."""
    dtype = getattr(leaf, "dtype", type(leaf))
    return dtype is float or (hasattr(leaf, "dtype") and jnp.issubdtype(dtype, jnp.floating) and np.size(leaf) > 0)


def is_key(leaf: Any) -> bool:
    """True for an array of random keys, whose numbers are nobody's business."""
    return jnp.issubdtype(getattr(leaf, "dtype", np.float32), jax.dtypes.prng_key)


def address(path: Sequence[Any]) -> str:
    """The place of a leaf: `layers/0/w`."""
    return jax.tree_util.keystr(tuple(path), simple=True, separator="/")


def wide(leaf: Any) -> Any:
    """The leaf as a NumPy array of at least float32, which knows what NumPy's own functions need."""
    leaf = np.asarray(leaf)
    return leaf if leaf.dtype in (np.float32, np.float64) else leaf.astype(np.float32)


def spacing(dtype: Any) -> float:
    """ε, the distance from 1 to the next number of this dtype."""
    finfo: Any = jnp.finfo
    return float(finfo(dtype).eps)


def jittered(leaves: Leaves, draw: np.random.Generator, coarsest: float) -> Leaves:
    """Every floating-point number times 1 ± ε, the spacing of its dtype at 1, where that is at most `coarsest`."""
    return tuple(
        (wide(leaf) * (1 + spacing(leaf.dtype) * draw.choice((-1.0, 1.0), np.shape(leaf)))).astype(leaf.dtype)
        if is_floating(leaf) and spacing(leaf.dtype) <= coarsest
        else leaf
        for leaf in leaves
    )


@dataclass(frozen=True)
class Fit:
    """A few rows fitted at one rate: the weights after it, the loss before and after, and the updates made."""

    weights: Leaves
    before: float
    after: float
    rate: float
    updates: int


def fit(subject: Foreign, rows: Any, rate: float, steps: int, enough: float = -np.inf) -> Fit:
    """`steps` updates of Adam on some rows, fewer where the loss is `enough` or no number any more.

    Gradients are divided by their norm at the start, so that the unit of the loss does not matter; the
    weights are kept in float32 at least. The loop is Python's around a compiled update: on CPU a
    convolution inside a compiled loop is many times slower.
    """
    leaves, weights = subject.at(rows), subject.weights
    # In NumPy: each array of zeros made outside a compiled function would be a program of its own.
    zeros = jax.tree.map(lambda z: np.zeros(z.shape, z.dtype), jax.eval_shape(zeros_like, weights))
    masters, memory, norm = weights, {"m": zeros, "v": zeros}, None
    before = after = np.nan
    for t in range(steps + 1):
        loss, gradients = subject.slope(weights, leaves)
        if t % 10 == 0 or t == steps:
            after = float(loss)
            before = after if t == 0 else before
            if t == steps or not np.isfinite(after) or after <= enough:
                break
        if norm is None:
            norm = np.sqrt(sum(np.sum(np.square(wide(g), dtype=np.float64)) for g in gradients)) or 1.0
        weights, masters, memory = _update(weights, masters, memory, gradients, (float(norm), float(t + 1), rate))
    return Fit(weights, before, after, rate, t)


@jax.jit
def _update(weights: Leaves, masters: Leaves, memory: Any, gradients: Leaves, numbers: Any) -> tuple[Any, Any, Any]:
    norm, t, rate = numbers
    scaled = jax.tree.map(lambda g, m: g.astype(m.dtype) / norm, gradients, memory["m"])
    d, memory = adam(scaled, memory, t, (0.9, 0.999), 1e-8)
    masters = jax.tree.map(lambda w, d: w.astype(d.dtype) - rate * d, masters, d)
    return jax.tree.map(lambda w, m: m.astype(w.dtype), weights, masters), masters, memory
