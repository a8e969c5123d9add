"""Lanes: runs side by side, on a CPU by threads that share the program of one run, on an accelerator in one program."""

import functools
import os
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from typing import Any, TypeVar

import jax
import jax.numpy as jnp
import numpy as np

from headway.data.batches import Place, place
from headway.data.dataset import Arrays
from headway.scale.precision import all_finite
from headway.spec.numbers import split
from headway.training.chunk import Chunk, compute, run_chunk, signals, sound
from headway.training.evaluate import judge
from headway.training.interruption import Interruption
from headway.training.job import Job, Update
from headway.training.loop import Loop
from headway.training.record import History, Standing
from headway.training.run import Run
from headway.training.step import TrainingState, initial_state, values_of

A = TypeVar("A")
B = TypeVar("B")
Tell = Callable[[Run], object]
AIR = 0.1
"""Seconds between two looks at whether lanes are over."""


def side_by_side(function: Callable[[A], B], items: Iterable[A]) -> list[B]:
    """`function` of every item, in the order of the items, on as many threads as there are cores.

    Compiled programs run outside Python's lock, so threads that wait for them keep all cores busy.
    """
    with ThreadPoolExecutor(cores()) as pool:
        made = [pool.submit(function, item) for item in items]
        try:
            # Come up for air: Python hears signals in this thread alone, and a wait without end need not wake for one.
            while wait(made, AIR, FIRST_EXCEPTION).not_done and not any(f.done() and f.exception() for f in made):
                pass
            return [future.result() for future in made]
        finally:
            pool.shutdown(cancel_futures=True)


def cores() -> int:
    """How many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def run_lanes(jobs: Sequence[Job], tell: Tell) -> list[Run]:
    """Run all jobs in the way that suits the platform; `tell` is called with each run as it ends."""
    return (by_threads if jax.default_backend() == "cpu" else at_once)(jobs, tell)


def by_threads(jobs: Sequence[Job], tell: Tell) -> list[Run]:
    """Every lane is a run as `train` makes it, bit for bit; those of one structure share one compiled program."""

    def lane(job: Job) -> Run:
        run = _loop(job).run(interruption)
        tell(run)
        return run

    with Interruption() as interruption:
        side_by_side(compile_for, [jobs[places[0]] for places in grouped(jobs)])
        return side_by_side(lane, jobs)


def compile_for(job: Job) -> None:
    """Compile what all lanes of a job's structure share, before several threads would each do so."""
    loop = _loop(job)
    compute(job, loop.state, loop.examples, 0, 0)
    for examples in job.dataset.splits().values():
        judge(job.recipe, values_of(loop.state), examples)


def at_once(jobs: Sequence[Job], tell: Tell) -> list[Run]:
    """All lanes of one structure in one program over stacked states (`vmap`): equal to single runs up to rounding."""
    runs: dict[int, Run] = {}
    with Interruption() as interruption:
        for places in grouped(jobs):
            loops = [_loop(jobs[i]) for i in places]
            for loop in loops:
                loop.examples, loop.judge_on = loops[0].examples, loops[0].judge_on
                loop.begin()
            while going := [loop for loop in loops if not loop.standing.reason]:
                _advance(loops, min(loop.room() for loop in going), interruption)
            for i, loop in zip(places, loops, strict=True):
                runs[i] = loop.finish()
                tell(runs[i])
    return [runs[i] for i in range(len(jobs))]


def grouped(jobs: Sequence[Job]) -> list[list[int]]:
    """The places of the jobs that share a structure and a data set, group by group."""
    groups: dict[Any, list[int]] = {}
    for i, job in enumerate(jobs):
        groups.setdefault((split(job.update)[0], job.recipe.evaluation.batch_size, id(job.dataset)), []).append(i)
    return list(groups.values())


def _loop(job: Job) -> Loop:
    state = initial_state(job.update, job.dataset.input_shape)
    return Loop(job, state, Standing(), History(), None, ())


def _advance(loops: Sequence[Loop], length: int, interruption: Interruption) -> None:
    """Make up to `length` updates in every lane that goes on; they all stand at the same update."""
    # A lane that has ended is computed along, its outcome left: another number of lanes would compile anew.
    going = [i for i, loop in enumerate(loops) if not loop.standing.reason]
    started, first = time.monotonic(), loops[going[0]]
    begin, structure = first.standing.step, split(first.job.update)[0]
    numbers = tuple(split(loop.job.update)[1] for loop in loops)
    start = place(begin, structure.batch_size, len(first.examples.x))
    made = _lanes(structure, numbers, tuple(loop.state for loop in loops), first.examples, start, length)
    chunks = {i: _chunk(loops[i], made[i], begin, length) for i in going}
    for i, chunk in chunks.items():
        loops[i].take(chunk, length, time.monotonic() - started)
        loops[i].consider(chunk, interruption)


def _chunk(loop: Loop, made: Any, begin: int, length: int) -> Chunk:
    """What one lane came to. One that is not finite is made again alone, which finds where that arose."""
    state, (measured, watched), finite = made
    measures = np.asarray(measured)[:length]
    if finite and sound(loop.job, measures).all():
        return Chunk(state, measures, signals(loop.job, begin, measures, watched))
    return compute(loop.job, loop.state, loop.examples, begin, length)


@functools.partial(jax.jit, static_argnames="structure")
def _lanes(
    structure: Update,
    numbers: tuple[Mapping[str, Any], ...],
    states: tuple[TrainingState, ...],
    examples: Arrays,
    place: Place,
    length: Any,
) -> list[Any]:
    """`run_chunk` of every lane, and whether all numbers of its state are finite."""

    def one(numbers: Mapping[str, Any], state: TrainingState) -> Any:
        after, buffers = run_chunk(structure, numbers, state, examples, place, length)
        return after, buffers, all_finite(after)

    stacked = jax.tree.map(lambda *leaves: jnp.stack(leaves), *zip(numbers, states, strict=True))
    made = jax.vmap(one)(*stacked)
    return [jax.tree.map(lambda leaf, i=i: leaf[i], made) for i in range(len(states))]
