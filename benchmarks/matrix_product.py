"""The limit: how fast this machine multiplies large matrices in float32."""

import jax
import jax.numpy as jnp
import numpy as np

from benchmarks.workloads import Workload

SIDE = 2048
FLOPS = 2 * SIDE**3


class MatrixProduct:
    """One product of two square matrices an epoch."""

    parameters = 0

    def __init__(self, workload: Workload) -> None:
        self.a = jnp.asarray(np.random.default_rng(0).standard_normal((SIDE, SIDE), np.float32))
        self.product = jax.jit(jnp.matmul)

    def train(self, epochs: int) -> None:
        for _ in range(epochs):
            self.product(self.a, self.a).block_until_ready()
