"""The workload of sequences in Equinox with Optax: one jitted step a call."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import optax
from numpy.typing import NDArray

from benchmarks.workloads import B1, B2, EPS, LEARNING_RATE, SequenceWorkload

ADAM = optax.adam(LEARNING_RATE, B1, B2, EPS)


class Equinox:
    """`eqx.filter_jit` over loss, gradient and update; the batch is gathered inside the step from arrays in memory."""

    def __init__(self, workload: SequenceWorkload) -> None:
        x, y = workload.examples()
        self.x, self.y, self.batch = jnp.asarray(x), jnp.asarray(y), workload.batch
        self.rng = np.random.default_rng(0)
        self.positions = jnp.asarray(workload.positions())
        self.model = LanguageModel(workload, jax.random.key(0))
        weights = eqx.filter(self.model, eqx.is_inexact_array)
        self.state = ADAM.init(weights)
        self.parameters = sum(leaf.size for leaf in jax.tree.leaves(weights))

    def train(self, epochs: int) -> None:
        for _ in range(epochs):
            order = self.rng.permutation(len(self.x)).astype(np.int32)
            for indices in order.reshape(-1, self.batch):
                self.model, self.state = step(self.model, self.state, self.positions, (self.x, self.y, indices))
        jax.block_until_ready(self.state)

    def outputs(self, x: NDArray[np.int32]) -> NDArray[np.float32]:
        return np.asarray(jax.vmap(self.model, (0, None))(jnp.asarray(x), self.positions))


class Block(eqx.Module):
    """x + attention(LN(x)), then x + feed-forward(LN(x)), over one sequence [time, width]."""

    norm1: eqx.nn.LayerNorm
    norm2: eqx.nn.LayerNorm
    attention: eqx.nn.MultiheadAttention
    wide: eqx.nn.Linear
    narrow: eqx.nn.Linear

    def __init__(self, width: int, heads: int, key: jax.Array) -> None:
        keys = jax.random.split(key, 3)
        self.norm1, self.norm2 = eqx.nn.LayerNorm(width), eqx.nn.LayerNorm(width)
        biases = dict.fromkeys(("use_query_bias", "use_key_bias", "use_value_bias", "use_output_bias"), True)
        self.attention = eqx.nn.MultiheadAttention(heads, width, key=keys[0], **biases)
        self.wide = eqx.nn.Linear(width, 4 * width, key=keys[1])
        self.narrow = eqx.nn.Linear(4 * width, width, key=keys[2])

    def __call__(self, x: jax.Array) -> jax.Array:
        h = jax.vmap(self.norm1)(x)
        x = x + self.attention(h, h, h, mask=jnp.tril(jnp.ones((len(x), len(x)), bool)))
        h = jax.nn.gelu(jax.vmap(self.wide)(jax.vmap(self.norm2)(x)), approximate=False)
        return x + jax.vmap(self.narrow)(h)


class LanguageModel(eqx.Module):
    """The network of the workload over one sequence [time] of tokens."""

    tokens: eqx.nn.Embedding
    blocks: list[Block]
    norm: eqx.nn.LayerNorm
    head: eqx.nn.Linear

    def __init__(self, workload: SequenceWorkload, key: jax.Array) -> None:
        first, last, *others = jax.random.split(key, 2 + workload.blocks)
        self.tokens = eqx.nn.Embedding(workload.vocabulary, workload.width, key=first)
        self.blocks = [Block(workload.width, workload.heads, key) for key in others]
        self.norm = eqx.nn.LayerNorm(workload.width)
        self.head = eqx.nn.Linear(workload.width, workload.vocabulary, key=last)

    def __call__(self, x: jax.Array, positions: jax.Array) -> jax.Array:
        h = jax.vmap(self.tokens)(x) + positions
        for block in self.blocks:
            h = block(h)
        return jax.vmap(self.head)(jax.vmap(self.norm)(h))


@eqx.filter_jit
def step(
    model: LanguageModel, state: optax.OptState, positions: jax.Array, batch: tuple[jax.Array, jax.Array, jax.Array]
) -> tuple[LanguageModel, optax.OptState]:
    """One update on the examples at the batch's indices."""
    x, y, indices = batch

    def objective(model: LanguageModel) -> jax.Array:
        logits = jax.vmap(model, (0, None))(x[indices], positions)
        return optax.softmax_cross_entropy_with_integer_labels(logits, y[indices]).mean()

    updates, state = ADAM.update(eqx.filter_grad(objective)(model), state)
    return eqx.apply_updates(model, updates), state
