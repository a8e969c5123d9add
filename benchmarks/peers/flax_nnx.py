"""The workloads in Flax NNX with Optax: one jitted step a call."""

import functools
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
from flax import nnx
from numpy.typing import NDArray

from benchmarks.workloads import B1, B2, CLASSES, EPS, LEARNING_RATE, ClassifierWorkload, SequenceWorkload, Workload


class FlaxNNX:
    """`nnx.jit` over loss, gradient and update; the batch is gathered inside the step from arrays in memory."""

    def __init__(self, workload: Workload) -> None:
        x, y = workload.examples()
        self.x, self.y, self.batch = jnp.asarray(x), jnp.asarray(y), workload.batch
        self.rng = np.random.default_rng(0)
        self.model = LanguageModel(workload) if isinstance(workload, SequenceWorkload) else classifier(workload)
        optimizer = nnx.Optimizer(self.model, optax.adam(LEARNING_RATE, B1, B2, EPS), wrt=nnx.Param)
        self.parameters = sum(leaf.size for leaf in jax.tree.leaves(nnx.state(self.model, nnx.Param)))
        # Flax's guide to performance: walk the module's graph once, not at every call.
        self.step = nnx.cached_partial(step, self.model, optimizer)

    def train(self, epochs: int) -> None:
        for _ in range(epochs):
            order = self.rng.permutation(len(self.x)).astype(np.int32)
            for indices in order.reshape(-1, self.batch):
                loss = self.step(self.x, self.y, indices)
        jax.block_until_ready((loss, nnx.state(self.model)))

    def outputs(self, x: NDArray[Any]) -> NDArray[np.float32]:
        return np.asarray(self.model(jnp.asarray(x)))


@nnx.jit
def step(model: nnx.Module, optimizer: nnx.Optimizer, x: jax.Array, y: jax.Array, indices: jax.Array) -> jax.Array:
    """One update on the examples at `indices`; the loss."""

    def objective(model: nnx.Module) -> jax.Array:
        logits = model(x[indices])
        return optax.softmax_cross_entropy_with_integer_labels(logits, y[indices]).mean()

    loss, gradients = nnx.value_and_grad(objective)(model)
    optimizer.update(model, gradients)
    return loss


def classifier(workload: ClassifierWorkload) -> nnx.Sequential:
    """The network of the workload."""
    rngs = nnx.Rngs(0)
    pool = functools.partial(nnx.max_pool, window_shape=(2, 2), strides=(2, 2))
    layers: list = []
    for places, fan_in, fan_out in workload.layers()[:-1]:
        if places > 1:
            layers += [nnx.Conv(fan_in // 9, fan_out, (3, 3), rngs=rngs), nnx.relu, pool]
        else:
            layers += [nnx.Linear(fan_in, fan_out, rngs=rngs), nnx.relu]
    flatten = lambda x: x.reshape(len(x), -1)  # noqa: E731
    return nnx.Sequential(*layers, flatten, nnx.Linear(workload.layers()[-1][1], CLASSES, rngs=rngs))


class Block(nnx.Module):
    """x + attention(LN(x)), then x + feed-forward(LN(x))."""

    def __init__(self, width: int, heads: int, rngs: nnx.Rngs) -> None:
        norm = functools.partial(nnx.LayerNorm, width, epsilon=1e-5, rngs=rngs)
        self.norm1, self.norm2 = norm(), norm()
        self.attention = nnx.MultiHeadAttention(heads, width, decode=False, rngs=rngs)
        self.wide, self.narrow = nnx.Linear(width, 4 * width, rngs=rngs), nnx.Linear(4 * width, width, rngs=rngs)

    def __call__(self, x: jax.Array) -> jax.Array:
        x = x + self.attention(self.norm1(x), mask=nnx.make_causal_mask(x[..., 0]))
        return x + self.narrow(nnx.gelu(self.wide(self.norm2(x)), approximate=False))


class LanguageModel(nnx.Module):
    """The network of a workload of sequences, block after block as in Flax's examples; tokens start as N(0, 1)."""

    def __init__(self, workload: SequenceWorkload) -> None:
        rngs, d = nnx.Rngs(0), workload.width
        self.tokens = nnx.Embed(workload.vocabulary, d, embedding_init=jax.nn.initializers.normal(1.0), rngs=rngs)
        self.positions = nnx.Variable(jnp.asarray(workload.positions()))
        self.blocks = nnx.List([Block(d, workload.heads, rngs) for _ in range(workload.blocks)])
        self.norm = nnx.LayerNorm(d, epsilon=1e-5, rngs=rngs)
        self.head = nnx.Linear(d, workload.vocabulary, rngs=rngs)

    def __call__(self, x: jax.Array) -> jax.Array:
        x = self.tokens(x) + self.positions[...]
        for block in self.blocks:
            x = block(x)
        return self.head(self.norm(x))
