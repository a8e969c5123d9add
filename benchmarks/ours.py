"""The workloads in Headway: the compiled chunk of updates that `train` runs, checks for NaN included."""

import functools
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from numpy.typing import NDArray

from benchmarks.workloads import B1, B2, CLASSES, EPS, LEARNING_RATE, SequenceWorkload, Workload
from headway.data.batches import place
from headway.data.dataset import arrays
from headway.learning.losses import CrossEntropy
from headway.learning.optimizers.adaptive import Adam
from headway.models.convnet import pooled_convnet
from headway.models.mlp import mlp
from headway.models.transformer import language_model
from headway.network.layer import Layer
from headway.signals.probe import empty_slots
from headway.spec.numbers import split
from headway.training.chunk import compute, longest, run_chunk
from headway.training.evaluate import outputs
from headway.training.job import prepare
from headway.training.recipe import Epochs, Recipe
from headway.training.step import batch, initial_state, update_once


class Headway:
    """Batches are drawn inside the compiled chunk; measures come back to the host after each.

    settings    fields of the recipe, such as `watch=` and `precision=`
    """

    def __init__(self, workload: Workload, **settings: Any) -> None:
        optimizer = Adam(LEARNING_RATE, b1=B1, b2=B2, eps=EPS)
        recipe = Recipe(
            network(workload),
            loss=CrossEntropy(),
            optimizer=optimizer,
            batch_size=workload.batch,
            length=Epochs(1e6),
            **{"watch": None} | settings,
        )
        told: dict[str, Any] = {"test": None, "validation": None, "standardize": False}
        if isinstance(workload, SequenceWorkload):
            v = workload.vocabulary
            told |= {"tokens": v, "classes": tuple(map(str, range(v)))}
        dataset = arrays(*workload.examples(), **told)
        self.job = prepare(recipe, dataset)
        self.examples = jax.tree.map(jnp.asarray, dataset.train.arrays)
        self.state = initial_state(self.job.update, workload.inputs)
        self.step, self.batches = 0, workload.batches
        self.parameters = sum(leaf.size for leaf in jax.tree.leaves(self.state["params"]))

    def train(self, epochs: int) -> None:
        self.make(epochs * self.batches)

    def make(self, updates: int) -> None:
        """So many updates more."""
        end = self.step + updates
        while self.step < end:
            chunk = compute(self.job, self.state, self.examples, self.step, min(end - self.step, longest(self.job)))
            self.state, self.step = chunk.state, self.step + len(chunk.measures)

    def compiled(self) -> Any:
        """The chunk of updates, traced, lowered and compiled."""
        structure, numbers = split(self.job.update)
        start = place(0, self.job.recipe.batch_size, len(self.examples.x))
        return run_chunk.lower(structure, numbers, self.state, self.examples, start, 1).compile()

    def cost(self, *, watched: bool) -> dict[str, float]:
        """What the compiler counts of one update, with signals of every layer or without: FLOPs, and bytes accessed."""
        slots = empty_slots(len(self.job.watched)) if watched else ()
        update = functools.partial(update_once, self.job.update, slots=slots)
        counted: Any = jax.jit(update).lower(self.state, batch=batch(self.job, 0)).compile().cost_analysis()
        return {"flops": counted["flops"], "bytes": counted["bytes accessed"]}

    def outputs(self, x: NDArray[Any]) -> NDArray[np.float32]:
        return outputs(self.job.recipe.network, self.state, x)


def network(workload: Workload) -> Layer:
    """The network of the workload."""
    if isinstance(workload, SequenceWorkload):
        return language_model(workload.vocabulary, width=workload.width, heads=workload.heads, blocks=workload.blocks)
    return pooled_convnet(workload.channels, CLASSES) if workload.channels else mlp(workload.widths, CLASSES)
