"""The subject of measurements: weights, some of the recipe's own batches, their loss, and the update to come."""

import functools
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, Literal, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from headway.data.batches import Place
from headway.data.dataset import Arrays, Dataset
from headway.doctor.measures.outset import rates_of
from headway.learning.clipping import global_norm
from headway.learning.optimizers.optimizer import Optimizer
from headway.learning.schedules.schedule import Schedule, rate_at
from headway.network.layer import Params, State
from headway.scale.precision import Float32
from headway.spec.edit import Set, edit
from headway.spec.error import HeadwayError, join_address
from headway.spec.node import walk
from headway.spec.numbers import join, split
from headway.training.job import Job, Update, prepare
from headway.training.recipe import Recipe
from headway.training.run import Run
from headway.training.step import (
    Batch,
    accumulate,
    draw_batches,
    forward,
    initial_state,
    micro_batches,
    price,
    transformation,
    values_of,
    with_penalties,
)

Weights = Literal["last", "best"]
SETTLE = 32
"""How many batches the optimizer meets at least before its update is taken: moments fill up."""


@dataclass(frozen=True, eq=False)
class Subject:
    """What is measured.

    job       the recipe with its data
    update    what an update computes, in 32 bits and without recompute
    values    parameters and network state {"params", "network"}
    made      how many updates led there
    batches   the first batches of the recipe, of one epoch: x [batches, batch, …] and likewise the rest
    """

    job: Job
    update: Update
    values: dict[str, Any]
    made: int
    batches: Batch

    @classmethod
    def of(
        cls, what: Run | Recipe, data: Dataset | None = None, *, examples: int = 1024, weights: Weights = "last"
    ) -> "Subject":
        """A run at its last or its best weights, or a recipe at its initial ones, on about so many examples."""
        if examples < 1 or weights not in ("last", "best"):
            raise HeadwayError("measure", "needs an example or more, and weights 'last' or 'best'",
                               f"examples={examples}, weights={weights!r}")  # fmt: skip
        if isinstance(what, Run):
            job = replace(prepare(what.recipe, data or what.data(), anyway=True), start=what.start)
            values = what.final if weights == "last" else what.values
            made = what.standing.step if weights == "last" else what.standing.best_step
        else:
            job, made = prepare(what, data, anyway=True), 0
            values = values_of(initial_state(job.update, job.dataset.input_shape))
        update = replace(job.update, precision=Float32(), recompute=None)
        size = update.batch_size
        count = min(max(1, -(-examples // size)), max(1, len(job.dataset.train) // size))
        structure, numbers = split(update)
        return cls(job, update, values, made, _batches(structure, numbers, job.dataset.train.arrays, count))

    @property
    def examples(self) -> int:
        """How many examples are looked at."""
        return len(self.batches.x) * self.update.batch_size

    @cached_property
    def surface(self) -> "Descended":
        """The loss of the batches as a function of the parameters."""
        structure, numbers = split(self.update)
        return Descended(structure, numbers, self.values["network"], self.batches)

    @cached_property
    def rates(self) -> tuple[float, float]:
        """The learning rate of the last update made, or of the first, and the highest of the run; NaN: not known."""
        found = rates_of(self.job)
        return float(found[max(0, min(self.made, len(found)) - 1)]), float(np.max(found))

    @cached_property
    def settled(self) -> "Settled":
        """The update that the optimizer makes, once it has met the batches while the weights are held."""
        update = replace(self.update, optimizer=steady(self.update.optimizer, self.job.updates))
        structure, numbers = split(update)
        rounds = -(-SETTLE // len(self.batches.x))
        return Settled(*_settled(structure, numbers, self.values, self.batches, rounds))


class Settled(NamedTuple):
    """The optimizer's memory after the batches, the update that it makes of their mean gradient, and its length."""

    memory: dict[str, Any]
    change: Params
    length: jax.Array


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class Descended:
    """θ → what is descended: the loss of the batches together in training, and the penalties.

    A batch is normalized by itself, as in training; random keys are fixed, so that this is a function; a loss that is a
    sum is that of one batch, on average. Only a micro-batch is in memory at once.
    """

    structure: Update = field(metadata={"static": True})
    numbers: Mapping[str, Any]
    network: State
    batches: Batch

    def __call__(self, params: Params) -> jax.Array:
        update, inputs = join(self.structure, self.numbers), self.batches.x.shape[2:]
        held = update.optimizer.held(params, update.network.declare(inputs))

        @jax.checkpoint
        def of_part(held: Params, part: Batch) -> Any:
            return forward(update, held, self.network, part)[0]

        parts = jax.tree.map(lambda a: a.reshape(-1, *a.shape[2:]),
                             jax.vmap(lambda b: micro_batches(update, b))(self.batches))  # fmt: skip
        sums = jax.tree.map(jnp.sum, jax.lax.map(lambda part: of_part(held, part), parts))
        loss = update.loss.value(sums) / (1 if update.loss.reduction == "mean" else len(self.batches.x))
        return loss + price(update, params, inputs) if update.penalties else loss


def steady(optimizer: Optimizer, updates: int) -> Optimizer:
    """The optimizer at the highest rate of its schedule throughout, without weight decay, which descends no loss."""
    edits = []
    for address, part in walk(optimizer):
        rate = getattr(part, "learning_rate", None)
        if isinstance(rate, Schedule):
            highest = float(np.max(np.asarray(rate_at(rate, jnp.arange(updates)))))
            edits.append(Set(join_address(address, "learning_rate"), value=highest))
        if getattr(part, "weight_decay", None):
            edits.append(Set(join_address(address, "weight_decay"), value=0.0))
    found: Optimizer = edit(optimizer, *edits).spec if edits else optimizer
    return found


@functools.partial(jax.jit, static_argnames=("structure", "count"))
def _batches(structure: Update, numbers: Mapping[str, Any], examples: Arrays, count: int) -> Batch:
    return draw_batches(join(structure, numbers), examples, Place(0, 0), count)


@functools.partial(jax.jit, static_argnames=("structure", "rounds"))
def _settled(structure: Update, numbers: Mapping[str, Any], state: Any, batches: Batch, rounds: int) -> Any:
    update, inputs, params = join(structure, numbers), batches.x.shape[2:], state["params"]
    optimizer = transformation(update, inputs)

    def stepped(memory: Any, gradients: Any) -> tuple[Any, Any]:
        whole = with_penalties(update, gradients, params, inputs)
        clipped = whole if update.clip is None else update.clip.clip(whole, params)
        changes, memory = optimizer.update(clipped, memory, params)
        return memory, changes

    def meet(carry: Any, each: Batch) -> Any:
        memory, total = carry
        gradients = accumulate(update, state, each).gradients
        return (stepped(memory, gradients)[0], jax.tree.map(jnp.add, total, gradients)), None

    def again(_: Any, memory: Any) -> Any:
        return jax.lax.scan(meet, (memory, nothing), batches)[0][0]

    nothing = jax.tree.map(jnp.zeros_like, params)
    memory = jax.lax.fori_loop(0, rounds - 1, again, optimizer.init(params))
    (memory, total), _ = jax.lax.scan(meet, (memory, nothing), batches)
    memory, change = stepped(memory, jax.tree.map(lambda g: g / len(batches.x), total))
    return memory, change, global_norm(change)
