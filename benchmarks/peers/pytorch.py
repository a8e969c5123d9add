"""The workloads in PyTorch: eager, eager with the fused Adam, and compiled."""

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from benchmarks.workloads import B1, B2, CLASSES, EPS, LEARNING_RATE, ClassifierWorkload, SequenceWorkload, Workload


class Eager:
    """Batches by index from a permutation of tensors in memory: no loader, no workers, no copies but the batch."""

    fused = False

    def __init__(self, workload: Workload) -> None:
        x, y = workload.examples()
        self.x, self.y = torch.from_numpy(self.channels_first(x)), torch.from_numpy(y).long()
        self.batch = workload.batch
        torch.manual_seed(0)
        self.model = LanguageModel(workload) if isinstance(workload, SequenceWorkload) else classifier(workload)
        self.objective = self.loss
        self.parameters = sum(p.numel() for p in self.model.parameters())
        self.optimizer = torch.optim.Adam(
            self.model.parameters(), LEARNING_RATE, (B1, B2), EPS, fused=self.fused or None
        )

    def loss(self, x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        return nn.functional.cross_entropy(self.model(x).flatten(0, -2), y.flatten())

    def train(self, epochs: int) -> None:
        for _ in range(epochs):
            order = torch.randperm(len(self.x))
            for indices in order.split(self.batch):
                self.optimizer.zero_grad()
                self.objective(self.x[indices], self.y[indices]).backward()
                self.optimizer.step()

    def outputs(self, x: NDArray[Any]) -> NDArray[np.float32]:
        with torch.no_grad():
            return self.model(torch.from_numpy(self.channels_first(x))).numpy()

    @staticmethod
    def channels_first(x: NDArray[Any]) -> NDArray[Any]:
        return np.ascontiguousarray(np.moveaxis(x, -1, 1)) if x.ndim == 4 else x


class EagerFused(Eager):
    """The same with all of Adam in one kernel."""

    fused = True


class Compiled(EagerFused):
    """Forward, loss and backward compiled by `torch.compile`, with the fused Adam."""

    def __init__(self, workload: Workload) -> None:
        super().__init__(workload)
        self.objective = torch.compile(self.loss, dynamic=False)


def classifier(workload: ClassifierWorkload) -> nn.Sequential:
    """The network of the workload, its input channels first."""
    layers: list[nn.Module] = []
    for places, fan_in, fan_out in workload.layers()[:-1]:
        if places > 1:
            layers += [nn.Conv2d(fan_in // 9, fan_out, 3, padding="same"), nn.ReLU(), nn.MaxPool2d(2)]
        else:
            layers += [nn.Linear(fan_in, fan_out), nn.ReLU()]
    return nn.Sequential(*layers, nn.Flatten(), nn.Linear(workload.layers()[-1][1], CLASSES))


class Block(nn.Module):
    """x + attention(LN(x)), then x + feed-forward(LN(x)); queries, keys and values in one product."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.norm1, self.norm2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.qkv, self.out = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.feed_forward = nn.Sequential(nn.Linear(width, 4 * width), nn.GELU(), nn.Linear(4 * width, width))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        q, k, v = (
            part.unflatten(-1, (self.heads, -1)).transpose(1, 2) for part in self.qkv(self.norm1(x)).chunk(3, -1)
        )
        heads = nn.functional.scaled_dot_product_attention(q, k, v, is_causal=True)
        x = x + self.out(heads.transpose(1, 2).flatten(2))
        return x + self.feed_forward(self.norm2(x))


class LanguageModel(nn.Module):
    """The network of a workload of sequences."""

    positions: torch.Tensor

    def __init__(self, workload: SequenceWorkload) -> None:
        super().__init__()
        d = workload.width
        self.tokens = nn.Embedding(workload.vocabulary, d)
        self.register_buffer("positions", torch.from_numpy(workload.positions()))
        self.blocks = nn.Sequential(*(Block(d, workload.heads) for _ in range(workload.blocks)))
        self.norm, self.head = nn.LayerNorm(d), nn.Linear(d, workload.vocabulary)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.head(self.norm(self.blocks(self.tokens(x) + self.positions)))
