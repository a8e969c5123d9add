"""The outset: five updates made and forgotten, the loss along the first of them, and both modes beside each other."""

import functools
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from headway.doctor.start import Start, watched_update
from headway.learning.targets import at_least_float32
from headway.network.context import Context
from headway.network.layer import observe
from headway.network.values import address_of, copy_axes, flatten, unstacked
from headway.signals.probe import empty_slots
from headway.spec.numbers import join, split
from headway.training.job import Job, Update
from headway.training.step import Batch, batch

UPDATES = 5
"""A warm-up may begin with a rate of 0, a head and the ends of residual branches at 0: each hides what is behind it."""
RELATIVE = (1e-3, 1e-2)
"""How far along the first update the loss is looked at, as shares of ‖θ‖."""


class Along(NamedTuple):
    """The loss of the first batch a step along an update, and how far its outputs move on average there.

    size    ‖step‖ / ‖θ‖
    loss    in training mode, with the same random draws
    shift   mean over the batch of the change of each output, [*outputs]
    """

    size: float
    loss: float
    shift: np.ndarray


@dataclass(frozen=True)
class Outset:
    """What was measured.

    begin       parameters before, by address
    end         parameters after the updates, by address
    reached     parameter's address → max |dL/dθ| over the updates, number by number
    fixed       addresses of the parameters that the optimizer leaves as they are
    loss        of the batch of the first update that changes anything, before it
    along       steps along that update: `RELATIVE` to the weights, then a whole step at the run's highest rate
    decay       the cosine between that update and −θ: near 1 where it is decay alone
    rates       the learning rate of every update of the run; NaN where it is not known
    swapped     how far the first outputs move, in evaluation and in training, when other examples stand behind them
    gap         how far training's outputs, their mean over draws, are from evaluation's after the updates
    scale       the root mean square of these outputs around their mean over the examples
    """

    begin: dict[str, np.ndarray]
    end: dict[str, np.ndarray]
    reached: dict[str, np.ndarray]
    fixed: frozenset[str]
    loss: float
    along: tuple[Along, ...]
    decay: float
    rates: np.ndarray
    swapped: dict[str, float]
    gap: float
    scale: float

    @classmethod
    def of(cls, job: Job, start: Start) -> "Outset":
        """Make the updates, and look along the first that changes anything."""
        structure, numbers = split(job.update)
        states, reached, batches = [start.state], dict[str, np.ndarray](), [batch(job, k) for k in range(UPDATES)]
        for here in batches:
            slots = empty_slots(len(start.signals.addresses))
            after, _, gradients = watched_update(structure, numbers, states[-1], here, slots)
            states.append(after)
            for address, g in _by_address(gradients).items():
                reached[address] = np.maximum(np.abs(g), reached.get(address, 0))
        first = next((k for k in range(UPDATES) if _moves(states[k], states[k + 1])), 0)
        rates = rates_of(job)
        look = functools.partial(_seen, structure, numbers)
        loss, along, decay = _descent(look, (states[first], states[first + 1]), batches[first], rates[first:])
        begin, end = (_by_address(states[k]["params"]) for k in (0, -1))
        gap, scale = _gap(look, states[-1], batches[0])
        swapped = _swapped(look, states[-1], batches[:2])
        return cls(begin, end, reached, _fixed(job, start), loss, along, decay, rates, swapped, gap, scale)


def rates_of(job: Job) -> np.ndarray:
    """The learning rate of every update [updates]; NaN where it is not known."""
    rates = np.asarray(jax.jit(job.update.optimizer.rate)(np.arange(job.updates)), float)
    return np.broadcast_to(rates, (job.updates,))


class Seen(NamedTuple):
    """The loss of a batch in training mode, and its outputs in both modes."""

    loss: Any
    train: Any
    eval: Any


@functools.partial(jax.jit, static_argnames="structure")
def _seen(structure: Update, numbers: Mapping[str, Any], params: Any, network: Any, batch: Batch) -> Seen:
    update = join(structure, numbers)
    computes = update.precision.computes()
    made = [
        at_least_float32(observe(update.network, params, batch.x, network, context)[0])
        for context in (Context("train", batch.keys, computes=computes), Context(computes=computes))
    ]
    return Seen(update.loss(made[0], batch.y, batch.weights), *made)


def _descent(look: Any, states: Any, batch: Batch, rates: np.ndarray) -> tuple[float, tuple[Along, ...], float]:
    """The loss before an update, steps along it, and the cosine between it and −θ."""
    # In NumPy: each small computation outside a compiled function would be a program of its own.
    (before, after), network = (jax.tree.map(np.asarray, state["params"]) for state in states), states[0]["network"]
    change = jax.tree.map(np.subtract, after, before)
    size, whole = (np.sqrt(_product(tree, tree)) for tree in (change, before))
    here = look(before, network, batch)
    if not size > 0:
        return float(here.loss), (), 0.0
    highest = np.max(rates) / rates[0] if len(rates) and rates[0] > 0 else 1.0
    found = []
    for factor in (*(share * whole / size for share in RELATIVE), highest):
        moved = jax.tree.map(lambda p, c, k=factor: (p + k * c).astype(p.dtype), before, change)
        there = look(moved, network, batch)
        shift = np.mean(np.asarray(there.eval, float) - np.asarray(here.eval, float), axis=0)
        found.append(Along(float(factor * size / max(whole, 1e-30)), float(there.loss), shift))
    return float(here.loss), tuple(found), -_product(change, before) / max(size * whole, 1e-30)


def _product(a: Any, b: Any) -> float:
    """The inner product of two trees of arrays, in float64: the square of a finite float32 is finite there."""
    pairs = zip(*map(jax.tree.leaves, (a, b)), strict=True)
    return sum(float(np.vdot(np.asarray(x, float), np.asarray(y, float))) for x, y in pairs)


def _swapped(look: Any, state: Any, batches: list[Batch]) -> dict[str, float]:
    """By mode, how far outputs move when others stand in the batch, over their root mean square."""
    one, other = batches
    half = len(one.x) // 2
    if half == 0:
        return {}
    views = [look(state["params"], state["network"], part) for part in (one, _mixed(one, other, half))]
    found = {}
    for mode in ("train", "eval"):
        a, b = (np.asarray(getattr(view, mode), float)[:half] for view in views)
        found[mode] = float(np.max(np.abs(a - b)) / max(np.sqrt(np.mean(a**2)), 1e-30))
    return found


@functools.partial(jax.jit, static_argnames="half")
def _mixed(one: Batch, other: Batch, half: int) -> Batch:
    """The first half of one batch and the second of another."""
    mixed: Batch = jax.tree.map(lambda a, b: jnp.concatenate([a[:half], b[half:]]), one, other)
    return mixed


def _gap(look: Any, state: Any, batch: Batch, draws: int = 8) -> tuple[float, float]:
    """How far the mean of training's outputs is from evaluation's, root mean square; and how these differ at all."""
    keys = [batch.keys] if batch.keys is None else [jax.vmap(lambda k, i=i: jax.random.fold_in(k, i))(batch.keys)
                                                    for i in range(draws)]  # fmt: skip
    views = [look(state["params"], state["network"], batch._replace(keys=key)) for key in keys]
    judged = np.asarray(views[0].eval, float)
    trained = np.mean([np.asarray(view.train, float) for view in views], axis=0)
    return float(np.sqrt(np.mean((trained - judged) ** 2))), float(np.sqrt(np.mean((judged - judged.mean(0)) ** 2)))


def _fixed(job: Job, start: Start) -> frozenset[str]:
    groups = job.update.optimizer.groups(job.recipe.network.declare(job.dataset.input_shape))
    frozen = {address for group in groups if group.rule == "Frozen" for address in group.addresses}

    def mark(path: Any, p: Any) -> np.ndarray:
        return np.full(p.shape[: copy_axes(path)], address_of(path) in frozen)

    marks = _by_address(jax.tree.map_with_path(mark, start.state["params"]))
    return frozenset(address for address, left in marks.items() if left)


def _by_address(tree: Any) -> dict[str, np.ndarray]:
    return {address: np.asarray(leaf) for address, leaf in flatten(unstacked(tree)).items()}


def _moves(before: Any, after: Any) -> bool:
    pairs = zip(jax.tree.leaves(before["params"]), jax.tree.leaves(after["params"]), strict=True)
    return any(not np.array_equal(a, b) for a, b in pairs)
