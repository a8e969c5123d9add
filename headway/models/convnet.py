"""Convolutional networks: small filters slid over a sequence or an image."""

from headway.network.activations import ReLU
from headway.network.compose import Sequential
from headway.network.convolution import Conv, Flatten, GlobalAveragePool, MaxPool
from headway.network.dense import Dense
from headway.network.layer import Layer
from headway.network.normalization import BatchNorm
from headway.network.residual import Residual
from headway.spec.error import HeadwayError

BATCH_NORM = BatchNorm()


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


def plain_convnet(
    depth: int, outputs: int, *, channels: int = 16, normalization: Layer | None = BATCH_NORM
) -> Sequential:
    """`residual_convnet` without its skips: the same convolutions in one row (He et al. 2016, section 4.2).

    He et al. found it to fit even its training examples worse with 32 layers and more than with 20.
    """
    blocks = [part for body, _ in blocks_of(depth, channels, normalization) for part in (body, ReLU())]
    return Sequential((*normalized_conv(channels, normalization), ReLU(), *blocks, GlobalAveragePool(), Dense(outputs)))


def residual_convnet(
    depth: int, outputs: int, *, channels: int = 16, normalization: Layer | None = BATCH_NORM
) -> Sequential:
    """The residual network for small images, depth 20, 32, 44, 56 or any other 6 n + 2 (He et al. 2016, section 4.2).

    A 3×3 convolution; three stages of n blocks ReLU(x + F(x)), F two 3×3 convolutions, with 1, 2 and 4 times
    `channels`, the second and third stage at half the height and width; the mean over positions; a linear readout.
    Every convolution is normalized, or has a bias with `normalization=None`. Where the shape changes the skip is a
    1×1 convolution (their option B; their own figures for CIFAR-10 are with padded zeros, option A).
    """
    blocks = [
        part for body, skip in blocks_of(depth, channels, normalization) for part in (Residual(body, skip=skip), ReLU())
    ]
    return Sequential((*normalized_conv(channels, normalization), ReLU(), *blocks, GlobalAveragePool(), Dense(outputs)))


def blocks_of(depth: int, channels: int, normalization: Layer | None) -> list[tuple[Sequential, Sequential | None]]:
    """The body of every block of three stages, and the projection beside it where it changes the shape."""
    n, left = divmod(depth - 2, 6)
    if n < 1 or left:
        raise HeadwayError("depth", "must be 6 n + 2: a first convolution, 3 stages of n ≥ 1 blocks of 2, a readout",
                           depth, f"Write {6 * max(n, 1) + 2} or {6 * max(n, 1) + 8}.")  # fmt: skip
    found = []
    for stage in range(3):
        for block in range(n):
            width, stride = channels * 2**stage, 2 if stage and not block else 1
            body = (*normalized_conv(width, normalization, stride), ReLU(), *normalized_conv(width, normalization))
            skip = Sequential(normalized_conv(width, normalization, stride, kernel=1)) if stride == 2 else None
            found.append((Sequential(body), skip))
    return found


def normalized_conv(
    channels: int, normalization: Layer | None, stride: int = 1, *, kernel: int = 3
) -> tuple[Layer, ...]:
    """A convolution and the normalization of its output, which makes a bias useless; without one, with a bias."""
    conv = Conv(channels, kernel=kernel, stride=stride, bias=normalization is None)
    return (conv,) if normalization is None else (conv, normalization)
