"""Convolutional networks: small filters slid over a sequence or an image."""

from headway.network.activations import ReLU
from headway.network.compose import Sequential
from headway.network.convolution import Conv, Flatten, MaxPool
from headway.network.dense import Dense
from headway.network.layer import Layer


def strided_convnet(channels: int, outputs: int) -> Sequential:
    """Three convolutions of stride 2 over a sequence, and a linear readout.

    With 25 channels the CNN of MNIST-1D, 5,210 parameters (Greydanus & Kobak 2024).
    """
    kernels = (5, 3, 3)
    convolutions: list[Layer] = [
        part for kernel in kernels for part in (Conv(channels, kernel=kernel, stride=2, padding=1), ReLU())
    ]
    return Sequential((*convolutions, Flatten(), Dense(outputs)))


def pooled_convnet(channels: tuple[int, ...], outputs: int) -> Sequential:
    """For each of `channels` a 3×3 convolution, ReLU and 2×2 max pooling; then a linear readout."""
    stages: list[Layer] = [part for c in channels for part in (Conv(c, kernel=3), ReLU(), MaxPool(2))]
    return Sequential((*stages, Flatten(), Dense(outputs)))
