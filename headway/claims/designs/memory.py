"""What an update keeps and what it computes: with recompute and without, in 32 bits and in 16, for long and deep."""

import functools
import math
import statistics
import time
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from headway.claims.design import Exact, Measures
from headway.claims.traced import products
from headway.data.dataset import Dataset, arrays
from headway.learning.losses import CrossEntropy
from headway.learning.optimizers.adaptive import AdamW
from headway.learning.regularization import Dropout
from headway.models.mlp import mlp
from headway.models.transformer import language_model
from headway.network.activations import Tanh
from headway.network.compose import Repeat, Sequential
from headway.network.dense import Dense
from headway.network.layer import Layer
from headway.network.normalization import LayerNorm
from headway.network.recompute import RecomputeAll
from headway.network.residual import Residual
from headway.network.values import flatten
from headway.scale.mesh import Mesh
from headway.scale.precision import BFloat16, Float32, Precision
from headway.scale.sharding import placements
from headway.training.job import Job, prepare
from headway.training.recipe import Recipe
from headway.training.residuals import kept_arrays
from headway.training.step import batch, differentiate, first_shapes, initial_state

SYMBOLS, WIDTH, BLOCKS, LENGTH, EXAMPLES, ROUNDS = 11, 32, 16, 64, 8, 15
LENGTHS = (64, 256, 1024)
VOCABULARY, WIDE, MANY = 50_304, 2048, 24
"""GPT-2's vocabulary, made a multiple of 64, so that devices divide it; the width and blocks of 1.4 billion weights."""


@functools.cache
def sequences(length: int) -> Dataset:
    """Random tokens of a length, each place to say the next."""
    tokens = np.random.default_rng(0).integers(0, SYMBOLS, (4 * EXAMPLES, length + 1))
    return arrays(tokens[:, :-1], tokens[:, 1:], tokens=SYMBOLS, validation=None, test=None)


@functools.cache
def points() -> Dataset:
    """Random rows of ten classes."""
    x = np.random.default_rng(0).normal(size=(400, WIDTH))
    return arrays(x, np.arange(400) % 10, validation=None, test=None)


def of_text(blocks: int = BLOCKS) -> Layer:
    """A causal transformer."""
    return language_model(SYMBOLS, width=WIDTH, heads=2, blocks=blocks)


def noisy(blocks: int) -> Layer:
    """Residual blocks that draw in training."""
    body = Sequential((LayerNorm(), Dense(4 * WIDTH), Tanh(), Dropout(0.2)))
    return Sequential((Dense(4 * WIDTH), Repeat(Residual(body), times=blocks), Dense(10)))


def job(network: Layer, data: Dataset, size: int = EXAMPLES, **settings: Any) -> Job:
    """An update of AdamW."""
    return prepare(Recipe(network, loss=CrossEntropy(), optimizer=AdamW(1e-3), batch_size=size, **settings), data)


def kept(made: Job) -> int:
    """Bytes that the backward pass is to find."""
    return sum(array.bytes for array in kept_arrays(made))


def share(length: int) -> Measures:
    """What recompute leaves of what is kept."""
    every, inputs = (kept(job(of_text(), sequences(length), recompute=r)) for r in (None, RecomputeAll()))
    return {"share": inputs / every}


def slopes() -> Measures:
    """How much slower what is kept grows with the length, from the shortest to the longest."""
    ends = [[kept(job(of_text(), sequences(t), recompute=r)) for t in (LENGTHS[0], LENGTHS[-1])]
            for r in (None, RecomputeAll())]  # fmt: skip
    every, inputs = (last - first for first, last in ends)
    return {"slope cut": every / inputs}


def recomputed(blocks: int) -> Measures:
    """Gradients, multiply-adds, memory and time with recompute beside those without, dropout in the blocks."""
    jobs = [job(noisy(blocks), points(), 256, recompute=r) for r in (None, RecomputeAll())]
    drawn, state = batch(jobs[0], 0), initial_state(jobs[0].update, jobs[0].dataset.input_shape)
    made = [functools.partial(differentiate, one.update) for one in jobs]
    compiled: Any = [jax.jit(one).lower(state, drawn).compile() for one in made]
    found = [one(state, drawn).gradients for one in compiled]
    largest = max(float(jnp.abs(g).max()) for g in jax.tree.leaves(found[0]))
    apart = max(float(jnp.abs(a - b).max()) for a, b in zip(*map(jax.tree.leaves, found), strict=True))
    work = [sum(product.work for product in products(one, state, drawn)) for one in made]
    memory = [one.memory_analysis().temp_size_in_bytes for one in compiled]
    times = [[_seconds(one, state, drawn) for one in compiled] for _ in range(ROUNDS)]
    return {
        "gradients apart": apart / largest, "work": work[1] / work[0], "compiled share": memory[1] / memory[0],
        "share": kept(jobs[1]) / kept(jobs[0]),
        "time": statistics.median(with_it / without for without, with_it in times),
    }  # fmt: skip


def _seconds(compiled: Any, state: Any, drawn: Any) -> float:
    began = time.perf_counter()
    jax.tree.leaves(compiled(state, drawn).gradients)[-1].block_until_ready()
    return time.perf_counter() - began


def halved(network: Layer, data: Callable[[], Dataset]) -> Measures:
    """What is kept in bfloat16 over float32, an example more and whatever the batch is; and the state with copies."""

    def grows(precision: Precision) -> tuple[float, float]:
        small, large = (kept(job(network, data(), size, precision=precision)) for size in (EXAMPLES, 2 * EXAMPLES))
        return (large - small) / EXAMPLES, 2 * small - large

    (full, _), (half, copies) = grows(Float32()), grows(BFloat16())
    made = job(network, data())
    parameters = sum(leaf.size for leaf in jax.tree.leaves(first_shapes(made)["params"]))
    return {"activations": half / full, "bytes a parameter": 4 + copies / parameters}


def per_device(mesh: Mesh) -> Measures:
    """Weights on a device over 12 blocks width² + 2 vocabulary width; each comes with a gradient and two moments.

    `of devices`: that times the devices. Nothing is built: all is counted from what is declared.
    """
    declared = language_model(VOCABULARY, width=WIDE, heads=16, blocks=MANY).declare((1024,))
    placed = placements(declared, mesh)
    sizes = {a: math.prod(p.shape) for a, p in flatten(declared).items()}
    held = sum(n / (mesh.tensor if "tensor" in placed[a].axes else 1) for a, n in sizes.items())
    expected = 12 * MANY * WIDE**2 + 2 * VOCABULARY * WIDE
    return {"over rule": held / expected, "of devices": held / expected * mesh.devices}


DESIGNS = {
    "kept": Exact(
        "Causal transformers of width 32, 8 sequences an update. `share`: bytes kept for the backward pass with "
        "recompute over those without; `slope cut`: how much slower they grow from length 64 to 1,024. `recompute`: 16 "
        "residual blocks of width 128 with dropout, 256 examples; `gradients apart` over the largest; `work`, `time`: "
        "multiply-adds and the median time of 15 rounds, with recompute over without; `compiled share`: the same of "
        "what the compiled gradient takes. `activations`: bytes kept for an example in bfloat16 over float32; `bytes a "
        "parameter`: a weight with its copy in 16 bits. A language model of 1.4 billion parameters: `over rule`, `of "
        "devices`: weights on a device over 12 blocks width² + 2 vocabulary width, and that times the devices.",
        {f"length {length}": functools.partial(share, length) for length in LENGTHS}
        | {"lengths": slopes}
        | {name: functools.partial(recomputed, blocks)
           for name, blocks in (("recompute", BLOCKS), ("recompute of one block", 1))}
        | {f"{name} in 16 bits": functools.partial(halved, network, data)
           for name, network, data in (("mlp", mlp((128, 128, 128), 10), points),
                                       ("transformer", of_text(4), functools.partial(sequences, LENGTH)))}
        | {f"tensor {k}": functools.partial(per_device, Mesh(tensor=k)) for k in (1, 2, 4, 8)}
        | {"data 8": functools.partial(per_device, Mesh(8))},
    ),
}  # fmt: skip
