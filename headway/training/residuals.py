"""Residuals: what the forward pass of an update keeps for its backward pass, array by array, and what that takes."""

import math
from collections import Counter
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
from jax.extend.core import Literal

from headway.data.dataset import Dataset
from headway.spec.numbers import join, split
from headway.training.job import Job, prepare
from headway.training.recipe import Recipe
from headway.training.step import batch, differentiate, first_shapes, forward, micro_batches


@dataclass(frozen=True)
class Residual:
    """Arrays of one shape and dtype that are kept, and how many there are."""

    shape: tuple[int, ...]
    dtype: str
    count: int

    @property
    def bytes(self) -> int:
        """What all of them take."""
        return self.count * math.prod(self.shape) * jnp.dtype(self.dtype).itemsize


@dataclass(frozen=True)
class Residuals:
    """What is kept between the passes of one batch, or micro-batch, beside parameters, state and the batch itself.

    arrays      the largest first; those of the copies of a `Repeat` are stacked to one, [copies, …]
    compiled    bytes that the compiled gradient takes beside its arguments and results, of which the compiler says
                more than it keeps (a layer at work) and less (what it fuses away)
    """

    arrays: tuple[Residual, ...]
    compiled: int

    @property
    def bytes(self) -> int:
        """What all of them take."""
        return sum(array.bytes for array in self.arrays)

    def __str__(self) -> str:
        rows = [(f"{a.count} x {a.dtype}{list(a.shape)}", f"{a.bytes:,}") for a in self.arrays]
        rows += [("kept", f"{self.bytes:,}"), ("compiled", f"{self.compiled:,}")]
        left, right = (max(len(row[i]) for row in rows) for i in (0, 1))
        return "\n".join(f"{name:<{left}}  {size:>{right}} bytes" for name, size in rows)


def state_bytes(job: Job) -> dict[str, int]:
    """What each part of the training state takes: parameters, the optimizer's moments, running statistics, averages."""
    state = first_shapes(job)
    sizes = {part: sum(leaf.size * leaf.dtype.itemsize for leaf in jax.tree.leaves(state[part])) for part in state}
    return {part: size for part, size in sizes.items() if size}


def saved_residuals(recipe: Recipe, data: Dataset | None = None) -> Residuals:
    """The residuals of the recipe's update: what `recompute` makes fewer, said before anything is trained.

    They are those of JAX's own reverse pass, each counted once however often it is used.
    """
    job = prepare(recipe, data)
    structure, numbers = split(job.update)

    def differentiated(numbers: Any, state: Any, part: Any) -> Any:
        return differentiate(join(structure, numbers), state, part)

    memory: Any = jax.jit(differentiated).lower(numbers, *_given(job)).compile().memory_analysis()
    return Residuals(kept_arrays(job), memory.temp_size_in_bytes)


def kept_arrays(job: Job) -> tuple[Residual, ...]:
    """The arrays that are kept on the device, as tracing alone tells: nothing is compiled."""
    structure, numbers = split(job.update)
    declared = job.recipe.network.declare(job.dataset.input_shape)

    def kept(numbers: Any, state: Any, part: Any) -> Any:
        update = join(structure, numbers)

        def loss(params: Any) -> Any:
            params = update.optimizer.held(params, declared)
            return update.loss.value(forward(update, params, state["network"], part)[0])

        return jax.tree.leaves(jax.vjp(loss, state["params"])[1])

    traced = jax.make_jaxpr(kept)(numbers, *_given(job)).jaxpr
    given = {*traced.invars, *traced.constvars}
    elsewhere = jax.memory.Space.Host
    made = {v for v in traced.outvars
            if not isinstance(v, Literal) and v not in given and v.aval.memory_space != elsewhere}  # fmt: skip
    counts = Counter((v.aval.shape, str(v.aval.dtype)) for v in made)
    return tuple(sorted((Residual(*form, count) for form, count in counts.items()), key=lambda a: -a.bytes))


def _given(job: Job) -> tuple[Any, Any]:
    """Shapes of the state before the first update and of a micro-batch."""
    return first_shapes(job), jax.eval_shape(
        lambda: jax.tree.map(lambda p: p[0], micro_batches(job.update, batch(job, 0)))
    )
