"""What is measured: four networks, their data, and the arithmetic of one update."""

import itertools
import math
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

CLASSES = 10
LEARNING_RATE, B1, B2, EPS = 1e-3, 0.9, 0.999, 1e-8
"""Adam's numbers, the same everywhere: some libraries have another epsilon by default."""


@dataclass(frozen=True)
class ClassifierWorkload:
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


@dataclass(frozen=True)
class SequenceWorkload:
    """A causal language model: every place of a sequence predicts the token that follows.

    Token vectors plus fixed sinusoidal positions; Pre-LN blocks of attention and of feed-forward with 4 × width units
    and GELU by erf; a last LayerNorm; a dense head of its own (not the table of the tokens). Every dense layer has a
    bias, every LayerNorm scale, shift and epsilon 1e-5.
    """

    title: str
    vocabulary: int
    time: int
    width: int
    heads: int
    blocks: int
    batch: int
    batches: int
    epochs: int

    @property
    def inputs(self) -> tuple[int, ...]:
        """The shape of an example."""
        return (self.time,)

    def examples(self) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
        """x, y [n, time]: in nine of ten places the next token is a fixed one for each token, else any."""
        rng = np.random.default_rng(0)
        follower, n = rng.permutation(self.vocabulary), self.batch * self.batches
        tokens = rng.integers(self.vocabulary, size=(n, self.time + 1))
        for t in range(self.time):
            tokens[:, t + 1] = np.where(rng.random(n) < 0.9, follower[tokens[:, t]], tokens[:, t + 1])
        return tokens[:, :-1].astype(np.int32), tokens[:, 1:].astype(np.int32)

    def positions(self) -> NDArray[np.float32]:
        """[time, width]: sin(t / 10000^{2i/width}) and the cosine, in turn (Vaswani et al. 2017)."""
        a = np.arange(self.time)[:, None] * 10000.0 ** (-np.arange(0, self.width, 2) / self.width)
        return np.stack([np.sin(a), np.cos(a)], axis=-1).reshape(self.time, self.width).astype(np.float32)

    def parameters(self) -> int:
        """How many weights and biases there are."""
        d, v = self.width, self.vocabulary
        block = 4 * (d * d + d) + (4 * d * d + 4 * d) + (4 * d * d + d) + 4 * d
        return v * d + self.blocks * block + 2 * d + d * v + v

    def flops(self) -> int:
        """As for classifiers, with q kᵀ and the weighted sum of values over all pairs of places, the masked ones too.

        Every product's two factors need a gradient: three equal products each.
        """
        d, pairs = self.width, 2 * self.time * self.time * self.width
        block = 2 * self.time * (4 * d * d + 8 * d * d) + 2 * pairs
        return 3 * self.batch * (self.blocks * block + 2 * self.time * d * self.vocabulary)


Workload = ClassifierWorkload | SequenceWorkload
WORKLOADS: dict[str, Workload] = {
    "small": ClassifierWorkload("MLP 40-100-100-10, batch 100", (40,), (), (100, 100), 100, 40, 25),
    "middle": ClassifierWorkload("MLP 784-256-256-10, batch 128", (784,), (), (256, 256), 128, 80, 3),
    "cnn": ClassifierWorkload("CNN 32×32×3, 32-64-64 channels, batch 64", (32, 32, 3), (32, 64, 64), (), 64, 20, 2),
    "transformer": SequenceWorkload("Transformer 4 blocks × 128, 64 tokens, batch 16", 256, 64, 128, 4, 4, 16, 32, 1),
}


class System(Protocol):
    """A library at work on a workload: made from it, with everything ready but what the first update compiles."""

    parameters: int

    def train(self, epochs: int) -> None:
        """Make that many epochs of updates on shuffled batches, and wait until the last one is done."""

    def outputs(self, x: NDArray[Any]) -> NDArray[np.float32]:
        """Logits, or log-probabilities, [batch, classes] or [batch, time, vocabulary]."""
