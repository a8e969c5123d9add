"""The workloads in Flax NNX with Optax: one jitted step a call."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import optax
from flax import nnx
from numpy.typing import NDArray

from benchmarks.workloads import B1, B2, CLASSES, EPS, LEARNING_RATE, Workload


class FlaxNNX:
    """`nnx.jit` over loss, gradient and update; the batch is gathered inside the step from arrays in memory."""

    def __init__(self, workload: Workload) -> None:
        x, y = workload.examples()
        self.x, self.y, self.batch = jnp.asarray(x), jnp.asarray(y), workload.batch
        self.rng = np.random.default_rng(0)
        self.model = network(workload)
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

    def outputs(self, x: NDArray[np.float32]) -> NDArray[np.float32]:
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


def network(workload: Workload) -> nnx.Sequential:
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
