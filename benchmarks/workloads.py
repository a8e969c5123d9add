"""What is measured: three networks, their data, and the arithmetic of one update."""

import itertools
import math
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

CLASSES = 10
LEARNING_RATE, B1, B2, EPS = 1e-3, 0.9, 0.999, 1e-8
"""Adam's numbers, the same everywhere: some libraries have another epsilon by default."""


@dataclass(frozen=True)
class Workload:
    """A classifier of ten classes: 3×3 convolutions with ReLU and 2×2 max pooling, then dense layers with ReLU.

    batch, batches   examples in a batch, and batches in an epoch
    epochs           epochs in one timed block
    """

    title: str
    inputs: tuple[int, ...]
    channels: tuple[int, ...]
    widths: tuple[int, ...]
    batch: int
    batches: int
    epochs: int

    def examples(self) -> tuple[NDArray[np.float32], NDArray[np.int32]]:
        """x [n, *inputs] ~ N(0, 1), and as labels the largest of ten fixed linear functions of x."""
        rng = np.random.default_rng(0)
        x = rng.standard_normal((self.batch * self.batches, *self.inputs), np.float32)
        teacher = rng.standard_normal((math.prod(self.inputs), CLASSES), np.float32)
        return x, (x.reshape(len(x), -1) @ teacher).argmax(axis=1).astype(np.int32)

    def layers(self) -> list[tuple[int, int, int]]:
        """(places, fan in, fan out) of every layer that has weights."""
        found, side, depth = [], self.inputs[0], self.inputs[-1]
        for channels in self.channels:
            found.append((side * side, 9 * depth, channels))
            side, depth = side // 2, channels
        fans = (side * side * depth if self.channels else depth, *self.widths, CLASSES)
        return found + [(1, *pair) for pair in itertools.pairwise(fans)]

    def parameters(self) -> int:
        """How many weights and biases there are."""
        return sum(fan_in * fan_out + fan_out for _, fan_in, fan_out in self.layers())

    def flops(self) -> int:
        """Floating-point operations in the matrix products of one update, a multiply-add counted as two.

        Forward, gradient of the weights, gradient of the inputs: three equal products a layer, but for the
        first layer, whose inputs need no gradient.
        """
        forward = [2 * places * fan_in * fan_out for places, fan_in, fan_out in self.layers()]
        return self.batch * (3 * sum(forward) - forward[0])


WORKLOADS = {
    "small": Workload("MLP 40-100-100-10, batch 100", (40,), (), (100, 100), 100, 40, 25),
    "middle": Workload("MLP 784-256-256-10, batch 128", (784,), (), (256, 256), 128, 80, 3),
    "cnn": Workload("CNN 32×32×3, 32-64-64 channels, batch 64", (32, 32, 3), (32, 64, 64), (), 64, 20, 2),
}


class System(Protocol):
    """A library at work on a workload: made from it, with everything ready but what the first update compiles."""

    parameters: int

    def train(self, epochs: int) -> None:
        """Make that many epochs of updates on shuffled batches, and wait until the last one is done."""

    def outputs(self, x: NDArray[np.float32]) -> NDArray[np.float32]:
        """Logits, or log-probabilities, [batch, 10]."""
