"""Gradient flow: how the size of dL/dh changes from the output back to the input, layer by layer."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from headway.network.initialization import Shape
from headway.network.layer import Layer
from headway.network.summary import paths, summary
from headway.signals.history import Signals

LEAST = np.finfo(np.float32).tiny
"""What stands for a gradient of 0 in a logarithm."""


@dataclass(frozen=True)
class Flow:
    """‖dL/dh‖ and the signal of h at the boundary behind each layer with weights, the first layer first.

    Of parts side by side those on the longest way count: the body of a residual connection, not the projection
    beside it.

    addresses    [boundaries], where each is
    gradient     [samples, boundaries]
    signal       [samples, boundaries]: how far examples differ there
    """

    addresses: tuple[str, ...]
    gradient: np.ndarray
    signal: np.ndarray

    @property
    def decades_lost(self) -> np.ndarray:
        """log10 of ‖dL/dh‖ at the last boundary over that at the first, [samples]; below 0 where the gradient grows."""
        logs = np.log10(np.maximum(self.gradient, LEAST))
        # Slices, so that a run without a sample, which knows no boundary either, has none here.
        return (logs[:, -1:] - logs[:, :1]).sum(axis=1)

    @property
    def decades_per_ten_layers(self) -> np.ndarray:
        """The slope of log10 ‖dL/dh‖ over depth by least squares, times 10, [samples]; 0 for a single boundary."""
        return decades_per_ten_layers(self.gradient)


def flow(network: Layer, inputs: Shape, signals: Signals) -> Flow:
    """The gradient flow in the signals of a network for examples of shape `inputs`."""
    places = boundaries(network, inputs, signals.addresses)
    return Flow(
        tuple(signals.addresses[i] for i in places), signals["gradient"][:, places], signals["signal"][:, places]
    )


def boundaries(network: Layer, inputs: Shape, addresses: Sequence[str]) -> list[int]:
    """The places, among the addresses in order of computation, of the last output behind each layer with weights."""
    weighted = {row.address for row in summary(network, inputs).rows if row.units}
    way = set(paths(network, inputs).addresses)
    depth, last = 0, dict[int, int]()
    for index, address in enumerate(addresses):
        if address in way:
            depth += address in weighted
            last[depth] = index
    return [index for depth, index in last.items() if depth > 0]


def decades_per_ten_layers(sizes: np.ndarray) -> np.ndarray:
    """The slope of log10 of sizes [..., layers] over depth by least squares, times 10; 0 for a single layer."""
    logs = np.log10(np.maximum(sizes, LEAST))
    depth = np.arange(logs.shape[-1]) - (logs.shape[-1] - 1) / 2
    return np.asarray(10 * (logs @ depth) / max(1.0, float(depth @ depth)))
