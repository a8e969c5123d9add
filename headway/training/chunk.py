"""A chunk of updates in one dispatch, made safely: it keeps the last state in which every number is finite."""

import functools
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from headway.data.batches import Place, advance, place
from headway.data.dataset import Arrays
from headway.scale.precision import Float16, all_finite
from headway.scale.sharding import for_all, laid
from headway.signals.history import Signals
from headway.signals.probe import empty_slots, watched
from headway.signals.statistics import STATISTICS
from headway.spec.numbers import join, split
from headway.training.finite import first_non_finite
from headway.training.job import Job, Update
from headway.training.step import (
    Batch,
    TrainingState,
    batch,
    draw_batch,
    draw_batches,
    measured,
    on_mesh,
    tried,
    update_once,
)

Buffers = tuple[jax.Array, jax.Array]
CHUNK = 4096
"""The most updates in one dispatch: the length of the measures' buffer."""
SAMPLES = 256
"""The most watched updates in one dispatch: the length of the signals' buffer."""


@dataclass
class Chunk:
    """The outcome of some updates: the state after them, what was measured, and trouble where they were cut short."""

    state: TrainingState
    measures: np.ndarray
    signals: Signals
    trouble: str = ""


def way_back(state: TrainingState, given_away: bool) -> Callable[[], TrainingState]:
    """What gives the state once more: itself, or where its memory is given away from a copy on the side of the host."""
    if not given_away:
        return lambda: state
    lying = jax.tree.map(lambda leaf: leaf.sharding, state)
    kept = jax.device_put(state, jax.tree.map(lambda lies: lies.with_memory_kind("pinned_host"), lying))

    def again() -> TrainingState:
        found: TrainingState = jax.device_put(kept, lying)
        return found

    return again


def runner(update: Update) -> Any:
    """The program of a chunk: on a mesh the state that comes in gives its memory away."""
    return run_chunk if update.mesh is None else run_in_place


def compute(job: Job, state: TrainingState, examples: Arrays, begin: int, length: int) -> Chunk:
    """`length` updates from update `begin` on; if one is not finite, only those before it, and where it arose.

    On a mesh the memory of the state goes to the one after it: what comes in must not be used again.
    """
    structure, numbers = split(job.update)
    start = place(begin, job.recipe.batch_size, len(examples.x))
    before, run = way_back(state, given_away=job.update.mesh is not None), runner(job.update)
    after, buffers = run(structure, numbers, state, examples, start, length)
    measures = np.asarray(buffers[0])[:length]
    fine = sound(job, measures)
    if fine.all() and all_finite(after):
        return Chunk(after, measures, signals(job, begin, measures, buffers[1]))
    for good in range(length if fine.all() else int(np.argmin(fine)), -1, -1):
        after, _ = run(structure, numbers, before(), examples, start, good)
        if all_finite(after):
            break
    trouble = trouble_at(job, after, begin + good)
    return Chunk(after, measures[:good], signals(job, begin, measures[:good], buffers[1]), trouble)


def lowered(job: Job, state: TrainingState, examples: Arrays) -> Any:
    """The program of a chunk that `compute` runs, to be compiled; of state and examples shapes and places count."""
    structure, numbers = split(job.update)
    return runner(job.update).lower(structure, numbers, state, examples, place(0, job.recipe.batch_size, 1), 1)


def sound(job: Job, measures: np.ndarray) -> np.ndarray:
    """Which updates may stand: those that are finite, and those that were skipped."""
    found: np.ndarray = np.isfinite(measures[:, :2]).all(axis=1) | skipped(job, measures)
    return found


def skipped(job: Job, measures: np.ndarray) -> np.ndarray:
    """Which updates were skipped for a smaller loss scale to be tried; at the smallest there is none to try."""
    precision, names = job.recipe.precision, measured(job.update)
    if not isinstance(precision, Float16):
        return np.zeros(len(measures), bool)
    scale, skipped = (measures[:, names.index(name)] for name in precision.measures)
    return (skipped > 0) & (scale > np.float32(precision.smallest))


def signals(job: Job, begin: int, measures: np.ndarray, buffer: jax.Array) -> Signals:
    """What was measured in the watched ones of the updates from update `begin` on, but those that were skipped."""
    if job.update.watch is None:
        return Signals.of([], [], [])
    every = job.update.watch.every
    indices = np.arange(-(-begin // every) * every, begin + len(measures), every)
    made = ~skipped(job, measures)[indices - begin]
    return Signals.of(indices[made] + 1, job.watched, np.asarray(buffer)[: len(indices)][made])


def longest(job: Job) -> int:
    """The most updates that one dispatch has room for."""
    return CHUNK if job.update.watch is None else min(CHUNK, SAMPLES * job.update.watch.every)


def trouble_at(job: Job, state: TrainingState, step: int) -> str:
    """What is not finite in the update after `step` updates, and in which batch."""
    here = place(step, job.recipe.batch_size, len(job.dataset.train))
    arose = first_non_finite(job.update, state, batch(job, step))
    return (
        f"Update {step + 1} was not made: {arose} is not finite. Its batch starts at position {here.position} of "
        f"epoch {here.epoch}, seed {job.recipe.seed}. Try a lower learning rate or clip=ClipByNorm(1.0)."
    )


class Carry(NamedTuple):
    """What the loops of a chunk carry: the state, where the next batch starts, and what was measured.

    done, samples    how many updates were made, and how many of them were watched
    """

    state: TrainingState
    place: Place
    done: Any
    samples: Any
    measures: jax.Array
    signals: jax.Array


def chunk_of_updates(
    structure: Update,
    numbers: Mapping[str, Any],
    state: TrainingState,
    examples: Arrays,
    place: Place,
    length: Any,
) -> tuple[TrainingState, Buffers]:
    """`length` ≤ `longest(job)` updates in one dispatch: the state after them, and buffers of what was measured.

    measures [CHUNK, names], of which the first `length` rows count; signals [SAMPLES, layers, len(STATISTICS)].
    """
    update, x = join(structure, numbers), examples.x
    slots = empty_slots(len(watched(update.network, x.shape[1:], x.dtype)) if update.watch else 0)
    start = Carry(
        state,
        Place(*(jnp.asarray(part, jnp.uint32) for part in place)),
        0,
        0,
        jnp.zeros((CHUNK, len(measured(update))), jnp.float32),
        jnp.zeros((SAMPLES, len(slots), len(STATISTICS))),
    )
    group = functools.partial(_group, update, examples, length, slots)
    end = jax.lax.while_loop(lambda carry: carry.done < length, group, start)
    return on_mesh(update, end.state, x.shape[1:], laid), for_all(update.mesh, (end.measures, end.signals))


run_chunk: Any = jax.jit(chunk_of_updates, static_argnames="structure")
"""The state that comes in is left as it was: it is the snapshot to go back to."""
run_in_place: Any = jax.jit(chunk_of_updates, static_argnames="structure", donate_argnames="state")
"""The same, in the memory of the state that comes in."""


def _group(update: Update, examples: Arrays, length: Any, slots: Any, carry: Carry) -> Carry:
    """Updates up to `length` of batches that are drawn together, or one by one; with slots, signals of the watched."""
    together, begin = drawn_together(examples.x, update.batch_size), carry.done
    drawn = draw_batches(update, examples, carry.place, together) if together > 1 else None
    end = jnp.minimum(length, begin + together) if together > 1 else length

    def updates(until: Any, slots: Any, carry: Carry) -> Carry:
        def one(at: Any, carry: Carry) -> Carry:
            if drawn is None:
                return _one(update, draw_batch(update, examples, carry.place), len(examples.x), slots, carry)
            return _one(update, jax.tree.map(lambda part: part[at - begin], drawn), len(examples.x), slots, carry)

        return jax.lax.fori_loop(carry.done, until, one, carry)

    def stretch(carry: Carry) -> Carry:
        # A watched update, if this is one, and the plain ones up to the next: loops of no or one turn keep the state
        # where it is, while the branches of a conditional would copy it.
        every: Any = update.watch.every if update.watch else 1
        past = tried(carry.state) % every
        until = jnp.minimum(end, carry.done + every - past)
        return updates(until, (), updates(carry.done + (past == 0), slots, carry))

    return jax.lax.while_loop(lambda carry: carry.done < end, stretch, carry) if slots else updates(end, (), carry)


def _one(update: Update, batch: Batch, examples: int, slots: Any, carry: Carry) -> Carry:
    """One update of this batch; with slots, its signals as well."""
    state, measures = update_once(update, carry.state, batch, slots)
    row = jnp.stack([jnp.asarray(measures[name], jnp.float32) for name in measured(update)])
    carry = carry._replace(
        state=state,
        place=advance(carry.place, update.batch_size, examples),
        done=carry.done + 1,
        measures=carry.measures.at[carry.done].set(row),
    )
    if not slots:
        return carry
    signals = carry.signals.at[carry.samples].set(measures["signals"])
    return carry._replace(samples=carry.samples + 1, signals=signals)


def drawn_together(x: jax.Array, batch_size: int) -> int:
    """How many batches the compiled loop draws at once: up to 16, as far as 256 KiB hold them."""
    # Drawing a batch of 100 from 4,000 alone took 14 of 98 µs of an update of the MNIST-1D network. A larger batch
    # gains nothing and pays for being copied once more: 4 batches of 128 × 784 at once make an update 14 % slower.
    return int(min(16, max(1, (256 << 10) // (batch_size * x[0].size * x.dtype.itemsize))))
