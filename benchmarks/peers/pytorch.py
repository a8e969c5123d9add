"""The workloads in PyTorch: eager, eager with the fused Adam, and compiled."""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from benchmarks.workloads import B1, B2, CLASSES, EPS, LEARNING_RATE, Workload


class Eager:
    """Batches by index from a permutation of tensors in memory: no loader, no workers, no copies but the batch."""

    fused = False

    def __init__(self, workload: Workload) -> None:
        x, y = workload.examples()
        self.x, self.y = torch.from_numpy(self.channels_first(x)), torch.from_numpy(y).long()
        self.batch = workload.batch
        torch.manual_seed(0)
        self.model = network(workload)
        self.objective = self.loss
        self.parameters = sum(p.numel() for p in self.model.parameters())
        self.optimizer = torch.optim.Adam(
            self.model.parameters(), LEARNING_RATE, (B1, B2), EPS, fused=self.fused or None
        )

    def loss(self, x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        return nn.functional.cross_entropy(self.model(x), y)

    def train(self, epochs: int) -> None:
        for _ in range(epochs):
            order = torch.randperm(len(self.x))
            for indices in order.split(self.batch):
                self.optimizer.zero_grad()
                self.objective(self.x[indices], self.y[indices]).backward()
                self.optimizer.step()

    def outputs(self, x: NDArray[np.float32]) -> NDArray[np.float32]:
        with torch.no_grad():
            return self.model(torch.from_numpy(self.channels_first(x))).numpy()

    @staticmethod
    def channels_first(x: NDArray[np.float32]) -> NDArray[np.float32]:
        return np.ascontiguousarray(np.moveaxis(x, -1, 1)) if x.ndim == 4 else x


class EagerFused(Eager):
    """The same with all of Adam in one kernel."""

    fused = True


class Compiled(EagerFused):
    """Forward, loss and backward compiled by `torch.compile`, with the fused Adam."""

    def __init__(self, workload: Workload) -> None:
        super().__init__(workload)
        self.objective = torch.compile(self.loss, dynamic=False)


def network(workload: Workload) -> nn.Sequential:
    """The network of the workload, its input channels first."""
    layers: list[nn.Module] = []
    for places, fan_in, fan_out in workload.layers()[:-1]:
        if places > 1:
            layers += [nn.Conv2d(fan_in // 9, fan_out, 3, padding="same"), nn.ReLU(), nn.MaxPool2d(2)]
        else:
            layers += [nn.Linear(fan_in, fan_out), nn.ReLU()]
    return nn.Sequential(*layers, nn.Flatten(), nn.Linear(workload.layers()[-1][1], CLASSES))
