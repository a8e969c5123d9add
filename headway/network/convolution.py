"""Convolution: the same small weighted sum at every position; pooling and flattening beside it.

Examples are channels-last: (length, channels) in one dimension, (height, width, channels) in two.
"""

import functools
import math
from collections.abc import Callable, Sequence
from dataclasses import KW_ONLY, dataclass
from typing import Annotated, Any, Literal

import jax
import jax.numpy as jnp
import numpy as np
from pydantic import Field

from headway.network.dense import product
from headway.network.initialization import Initializer, Shape
from headway.network.layer import Context, Layer, Parameter, Params, bias, expect_features
from headway.spec.error import HeadwayError
from headway.spec.node import spec

Extent = Annotated[int, Field(ge=1)]
Size = Extent | Annotated[tuple[Extent, ...], Field(min_length=1, max_length=2)]
Fit = Literal["same", "valid"]
Convolution = Callable[[jax.Array, jax.Array], jax.Array]


@spec
class Conv(Layer):
    """y[p] = Σ_t x[stride p + t] w[t] + b over the kernel's taps t (Goodfellow et al. 2016, ch. 9).

    Shapes: x [batch, *positions, inputs], w [*kernel, inputs / groups, channels], y [batch, *positions', channels].
    Padding: "same" gives ceil(positions / stride) outputs, "valid" pads nothing, a number puts so many zeros at
    both ends. With groups, the g-th part of the channels sees the g-th part of the inputs only.
    """

    channels: Extent
    _: KW_ONLY
    kernel: Size = 3
    stride: Size = 1
    padding: Fit | Annotated[int, Field(ge=0)] = "same"
    groups: Extent = 1
    bias: bool = True
    init: Initializer | None = None

    def __post_init__(self) -> None:
        if self.channels % self.groups:
            raise HeadwayError("groups", f"must divide the {self.channels} channels", self.groups)

    def shape(self, inputs: Shape) -> Shape:
        return (*(axis.outputs for axis in self._axes(inputs)), self.channels)

    def parameters(self, inputs: Shape) -> dict[str, Parameter]:
        kernel = [axis.window for axis in self._axes(inputs)]
        taps, fan_in = math.prod(kernel), inputs[-1] // self.groups
        fans = (taps * fan_in, taps * (self.channels // self.groups))
        w = Parameter((*kernel, fan_in, self.channels), init=self.init, fans=fans, axes=("in", "out"))
        return {"w": w, "b": bias(self.channels)} if self.bias else {"w": w}

    def apply(self, params: Params, x: jax.Array, context: Context) -> jax.Array:
        w = params["w"]
        expect_features(w.shape[-2] * self.groups, x, context)
        dtype = jnp.result_type(x, w)
        axes = self._axes(x.shape[1:])
        # XLA's convolution on CPU is not threaded inside a loop (scan, fori_loop): 20 SGD steps of 3 × (conv 3×3,
        # ReLU, pool), batch 64, 32×32×3, channels 32-64-64 in one fori_loop take 44 times as long as patches ×
        # matrix, forward and backward. On accelerators it is the fast path.
        cpu, default = lowerings(axes, self.groups)
        y: jax.Array = jax.lax.platform_dependent(x.astype(dtype), w.astype(dtype), cpu=cpu, default=default)
        return y + params["b"] if self.bias else y

    def flops(self, inputs: Shape) -> int:
        *kernel, fan_in, _ = self.parameters(inputs)["w"].shape
        return math.prod(self.shape(inputs)) * (2 * math.prod(kernel) * fan_in + int(self.bias))

    def _axes(self, inputs: Shape) -> tuple["Axis", ...]:
        axes = window_axes(self, inputs, self.kernel, self.stride, self.padding)
        if inputs[-1] % self.groups:
            raise HeadwayError("groups", f"must divide the {inputs[-1]} input channels", self.groups)
        return axes


@dataclass(frozen=True, repr=False)
class Pool(Layer):
    """One number per channel from each window, which moves by `stride`; `stride=None` takes the window's size."""

    window: Size = 2
    _: KW_ONLY
    stride: Size | None = None
    padding: Fit = "valid"

    def shape(self, inputs: Shape) -> Shape:
        return (*(axis.outputs for axis in self.axes(inputs)), inputs[-1])

    def axes(self, inputs: Shape) -> tuple["Axis", ...]:
        """The window along each dimension of positions."""
        return window_axes(self, inputs, self.window, self.stride or self.window, self.padding)


@spec
class MaxPool(Pool):
    """y[p] = max_t x[stride p + t] over the window's positions t, per channel.

    The gradient goes to the first (row by row) of equal maxima, as in PyTorch. A NaN in the window is the maximum.
    """

    def apply(self, params: Params, x: jax.Array, context: Context) -> jax.Array:
        # One dimension after the other, each a chain of selections between shifted slices: on CPU XLA's
        # reduce_window and its gradient take 4 to 16 times as long, a maximum over a reshaped x 1.4 to 1.8 times.
        for place, axis in reversed([*enumerate(self.axes(x.shape[1:]), start=1)]):
            x = functools.reduce(_first_largest, axis.taps(axis.pad(x, place, -jnp.inf), place))
        return x

    def flops(self, inputs: Shape) -> int:
        axes = self.axes(inputs)
        return math.prod(self.shape(inputs)) * (math.prod(axis.window for axis in axes) - 1)


@spec
class AveragePool(Pool):
    """y[p] = mean_t x[stride p + t] over the window's positions t, per channel.

    Padding does not count: at the rim the mean is over the positions that exist.
    """

    def apply(self, params: Params, x: jax.Array, context: Context) -> jax.Array:
        for place, axis in reversed([*enumerate(self.axes(x.shape[1:]), start=1)]):
            count = jnp.asarray(axis.counts(), x.dtype).reshape(-1, *[1] * (x.ndim - place - 1))
            x = functools.reduce(jnp.add, axis.taps(axis.pad(x, place, 0), place)) / count
        return x

    def flops(self, inputs: Shape) -> int:
        return math.prod(self.shape(inputs)) * math.prod(axis.window for axis in self.axes(inputs))


@spec
class GlobalAveragePool(Layer):
    """y = mean of x over all positions, per channel: [batch, *positions, channels] → [batch, channels].

    Inside `Masked` it is the mean over what is not padding; 0 where all is padding.
    """

    def shape(self, inputs: Shape) -> Shape:
        if len(inputs) < 2:
            raise _not_channels_last(self, inputs)
        return inputs[-1:]

    def apply(self, params: Params, x: jax.Array, context: Context) -> jax.Array:
        mask = context.mask_of(x)
        if mask is None:
            return x.mean(axis=range(1, x.ndim - 1))
        return jnp.einsum("bt,btc->bc", mean_shares(mask, x.dtype), jnp.where(mask[..., None], x, 0))

    def flops(self, inputs: Shape) -> int:
        return math.prod(inputs)


def mean_shares(mask: jax.Array, dtype: Any) -> jax.Array:
    """1/n at the n places of each row of [batch, time] that are not padding, 0 at the others."""
    count = jnp.maximum(mask.sum(axis=1, keepdims=True), 1)
    return (mask / count).astype(dtype)


@spec
class Flatten(Layer):
    """All numbers of an example in one row, the last dimension running fastest: [batch, …] → [batch, size]."""

    def shape(self, inputs: Shape) -> Shape:
        return (math.prod(inputs),)

    def apply(self, params: Params, x: jax.Array, context: Context) -> jax.Array:
        return x.reshape(x.shape[0], math.prod(x.shape[1:]))


@dataclass(frozen=True)
class Axis:
    """A window of `window` positions that moves by `stride` along `size` positions with `low` and `high` added."""

    size: int
    window: int
    stride: int
    low: int
    high: int

    @property
    def outputs(self) -> int:
        return (self.low + self.size + self.high - self.window) // self.stride + 1

    def pad(self, x: jax.Array, place: int, value: float) -> jax.Array:
        """x with `low` and `high` copies of the value put around dimension `place`."""
        if not self.low + self.high:
            return x
        around = [(self.low, self.high) if place == i else (0, 0) for i in range(x.ndim)]
        return jnp.pad(x, around, constant_values=value)

    def tap(self, x: jax.Array, place: int, t: int) -> jax.Array:
        """What the window's t-th position sees: dimension `place` of a padded x from t on, every stride-th."""
        return jax.lax.slice_in_dim(x, t, t + (self.outputs - 1) * self.stride + 1, self.stride, place)

    def taps(self, x: jax.Array, place: int) -> list[jax.Array]:
        return [self.tap(x, place, t) for t in range(self.window)]

    def counts(self) -> np.ndarray:
        """How many positions, without the padding, each output covers."""
        first = np.arange(self.outputs) * self.stride - self.low
        return np.minimum(first + self.window, self.size) - np.maximum(first, 0)


def window_axes(layer: Layer, inputs: Shape, window: Size, stride: Size, padding: str | int) -> tuple[Axis, ...]:
    """The window along each dimension of positions of an input (*positions, channels)."""
    positions, what = inputs[:-1], "kernel" if isinstance(layer, Conv) else "window"
    if len(positions) not in (1, 2):
        raise _not_channels_last(layer, inputs)
    axes = []
    sizes = _each(what, window, positions), _each("stride", stride, positions)
    for size, k, s in zip(positions, *sizes, strict=True):
        if padding == "same":
            total = max((-(-size // s) - 1) * s + k - size, 0)
            low, high = total // 2, total - total // 2
        else:
            low = high = padding if isinstance(padding, int) else 0
        if k > low + size + high:
            raise HeadwayError(what, f"must fit into the {low + size + high} positions of the padded input", k,
                               'Make it smaller, or write padding="same".')  # fmt: skip
        axes.append(Axis(size, k, s, low, high))
    return tuple(axes)


def _each(what: str, value: Size, positions: Shape) -> tuple[int, ...]:
    """One number per dimension of positions."""
    sizes = value if isinstance(value, tuple) else (value,) * len(positions)
    if len(sizes) != len(positions):
        raise HeadwayError(
            what, f"needs one number a dimension of positions, or one for all; there are {len(positions)}", value
        )
    return sizes


def _not_channels_last(layer: Layer, inputs: Shape) -> HeadwayError:
    return HeadwayError("", f"{type(layer).__name__} takes (length, channels) or (height, width, channels)",
                        f"shape {inputs}", "Put the channels last; a single one is a dimension of size 1.")  # fmt: skip


def _first_largest(a: jax.Array, b: jax.Array) -> jax.Array:
    """b where it is larger, or not a number; a else."""
    return jnp.where((b > a) | (b != b), b, a)


@functools.cache
def lowerings(axes: tuple[Axis, ...], groups: int) -> tuple[Convolution, Convolution]:
    """The same convolution as patches × matrix, and as XLA's own. Cached: equal functions compile once."""
    return (
        functools.partial(convolve_patches, axes=axes, groups=groups),
        functools.partial(convolve_native, axes=axes, groups=groups),
    )


def convolve_patches(x: jax.Array, w: jax.Array, axes: Sequence[Axis], groups: int) -> jax.Array:
    """x [batch, *positions, inputs] → rows of what each window sees → rows × w [taps · inputs, channels]."""
    if groups > 1:
        split = jnp.moveaxis(x.reshape(*x.shape[:-1], groups, -1), -2, 0)
        w = jnp.moveaxis(w.reshape(*w.shape[:-1], groups, -1), -2, 0)
        y = jax.vmap(functools.partial(convolve_patches, axes=axes, groups=1))(split, w)
        return jnp.moveaxis(y, 0, -2).reshape(*y.shape[1:-1], -1)
    for place, axis in enumerate(axes, start=1):
        x = axis.pad(x, place, 0)
    seen = [x]
    for place, axis in enumerate(axes, start=1):
        seen = [tap for part in seen for tap in axis.taps(part, place)]
    rows = jnp.concatenate(seen, axis=-1)
    y = product(rows.reshape(-1, rows.shape[-1]), w.reshape(-1, w.shape[-1]))
    return y.reshape(*rows.shape[:-1], -1)


def convolve_native(x: jax.Array, w: jax.Array, axes: Sequence[Axis], groups: int) -> jax.Array:
    """The same by XLA's convolution."""
    layout = ("NWC", "WIO", "NWC") if len(axes) == 1 else ("NHWC", "HWIO", "NHWC")
    return jax.lax.conv_general_dilated(
        x,
        w,
        window_strides=[axis.stride for axis in axes],
        padding=[(axis.low, axis.high) for axis in axes],
        dimension_numbers=layout,
        feature_group_count=groups,
    )
