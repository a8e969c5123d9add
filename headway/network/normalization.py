"""Normalization: a layer's outputs brought to mean 0 and variance 1, then to a scale and shift that are learned."""

import dataclasses
import math
from dataclasses import KW_ONLY, dataclass
from typing import Annotated, ClassVar

import jax
import jax.numpy as jnp
from pydantic import Field

from headway.network.initialization import Constant, Shape
from headway.network.layer import Context, Layer, Parameter, Params, State, bias, expect_features
from headway.network.recompute import again
from headway.spec.error import HeadwayError
from headway.spec.node import Number, spec

Epsilon = Annotated[Number, Field(gt=0)]


@dataclass(frozen=True, repr=False)
class Normalization(Layer):
    """A scale g and a shift b for each feature of a normalized x, at first 1 and 0; neither decays.

    Shapes: x and y [batch, …, features], g and b [features]. The arithmetic is at least float32.
    """

    epsilon: Epsilon = dataclasses.field(default=1e-5, kw_only=True)

    def shape(self, inputs: Shape) -> Shape:
        features(self, inputs)
        return inputs

    def parameters(self, inputs: Shape) -> dict[str, Parameter]:
        g = Parameter(inputs[-1:], init=Constant(1.0), decays=False)
        return {"g": g, "b": bias(inputs[-1], axis="features")}

    def meets(self, following: Layer | None) -> Layer | None:
        # A norm takes out the scale of the weights before it, so these may start as they would without it.
        return following


@spec
class LayerNorm(Normalization):
    """y = g (x - μ) / √(σ² + epsilon) + b, with mean μ and variance σ² of each row of features (Ba et al. 2016).

    Every example, and every position in it, is normalized alone, in training as in evaluation.
    A single feature is its own mean: y = b.
    """

    def apply(self, params: Params, x: jax.Array, context: Context) -> jax.Array:
        @again
        def row(x: jax.Array, g: jax.Array, b: jax.Array) -> jax.Array:
            wide = widened(x, g, context)
            y = g * normalized(wide, *moments(wide, -1), self.epsilon) + b
            return y.astype(jnp.result_type(x, g))

        return row(x, params["g"], params["b"])

    def flops(self, inputs: Shape) -> int:
        return 7 * math.prod(inputs)


@spec
class RMSNorm(Normalization):
    """y = g x / √(mean(x²) + epsilon), the mean over each row of features (Zhang & Sennrich 2019).

    LayerNorm without the mean and the shift: the scale of x goes out, its mean does not.
    """

    def parameters(self, inputs: Shape) -> dict[str, Parameter]:
        return {"g": Parameter(inputs[-1:], init=Constant(1.0), decays=False)}

    def apply(self, params: Params, x: jax.Array, context: Context) -> jax.Array:
        @again
        def row(x: jax.Array, g: jax.Array) -> jax.Array:
            wide = widened(x, g, context)
            square = jnp.square(wide).mean(axis=-1, keepdims=True)
            return (g * (wide * jax.lax.rsqrt(square + self.epsilon))).astype(jnp.result_type(x, g))

        return row(x, params["g"])

    def flops(self, inputs: Shape) -> int:
        return 4 * math.prod(inputs)


@spec
class GroupNorm(Normalization):
    """y = g (x - μ) / √(σ² + epsilon) + b, with μ and σ² of a group of channels at all positions (Wu & He 2018).

    The channels in order make `groups` groups of equal size. Every example is normalized alone, in training as in
    evaluation. With one group and no positions it is LayerNorm.
    """

    groups: Annotated[int, Field(ge=1)]

    def shape(self, inputs: Shape) -> Shape:
        if features(self, inputs) % self.groups:
            raise HeadwayError("groups", f"must divide the {inputs[-1]} channels", self.groups)
        return inputs

    def apply(self, params: Params, x: jax.Array, context: Context) -> jax.Array:
        g, b = params["g"], params["b"]
        wide = widened(x, g, context)
        rows = wide.reshape(x.shape[0], -1, len(g))
        # Over positions first, then over the channels of a group: both at once take XLA 3 to 4 times as long on CPU.
        mean = self._over_groups(rows.mean(axis=1))
        variance = self._over_groups(jnp.square(rows - mean).mean(axis=1))
        y = g * normalized(rows, mean, variance, self.epsilon) + b
        return y.reshape(x.shape).astype(jnp.result_type(x, g))

    def flops(self, inputs: Shape) -> int:
        return 7 * math.prod(inputs)

    def _over_groups(self, means: jax.Array) -> jax.Array:
        """The mean of each channel's group, for means of channels [batch, channels] → [batch, 1, channels]."""
        of_groups = means.reshape(means.shape[0], self.groups, -1).mean(axis=-1)
        return jnp.repeat(of_groups, means.shape[-1] // self.groups, axis=-1)[:, None]


@spec
class BatchNorm(Normalization):
    """y = g (x - μ) / √(σ² + epsilon) + b, with μ and σ² of each channel (Ioffe & Szegedy 2015).

    In training they are the mean and the variance (÷ n) of the channel's n values in the batch, at all positions:
    the examples of a batch see each other. In evaluation they are the running `mean` and `variance`, each example is
    normalized alone, and nothing of the state changes.

    After update t, with the batch's mean or variance m_t (here ÷ (n - 1), unbiased, as in the paper) and β = momentum:
        weight ← β weight + 1 - β = 1 - β^t,   r = (1 - β) / weight
        running ← (1 - r) running + r m_t = Σ_i (1 - β) β^(t-i) m_i / (1 - β^t)
    the weighted mean of all batches so far, right from the first update on. Before that the mean is 0 and the
    variance 1. β is the share of the old: PyTorch's `momentum=0.1` is 0.9 here. The state is float32.
    Where an update has micro-batches each is normalized by its own μ and σ²; m_t is that of all their values together.
    """

    mixes_examples: ClassVar[bool] = True

    _: KW_ONLY
    momentum: Annotated[Number, Field(ge=0, lt=1)] = 0.9

    def state(self, inputs: Shape) -> State:
        zeros, ones = (jnp.full(inputs[-1:], value, jnp.float32) for value in (0, 1))
        return {"mean": zeros, "variance": ones, "weight": jnp.zeros((), jnp.float32)}

    def apply_with_state(self, params: Params, state: State, x: jax.Array, context: Context) -> tuple[jax.Array, State]:
        g, b = params["g"], params["b"]
        wide = widened(x, g, context)
        if not state:
            raise HeadwayError(context.address, "BatchNorm needs its running statistics", "no state",
                               "Pass the state that `initialize` or training gave.")  # fmt: skip
        mean, variance = state["mean"], state["variance"]
        if context.mode == "train":
            mean, variance = moments(wide.reshape(-1, len(g)), 0)
            state = {"mean": mean[0], "variance": variance[0], "count": self._count(x, context)}
        y = g * normalized(wide, mean, variance, self.epsilon) + b
        return y.astype(jnp.result_type(x, g)), state

    def flops(self, inputs: Shape) -> int:
        return 4 * math.prod(inputs)

    def after(self, state: State, seen: State) -> State:
        mean, variance, count = pooled(seen["mean"], seen["variance"], seen["count"])
        weight = self.momentum * state["weight"] + (1 - self.momentum)
        r = (1 - self.momentum) / weight
        new = {"mean": mean, "variance": variance * (count / (count - 1))}
        running = {name: (1 - r) * state[name] + r * m.astype(jnp.float32) for name, m in new.items()}
        return running | {"weight": weight}

    def _count(self, x: jax.Array, context: Context) -> jax.Array:
        """How many values of each channel a batch has; one has no variance, and would always become b."""
        count = math.prod(x.shape[:-1])
        if count < 2:
            raise HeadwayError(context.address, "BatchNorm needs at least 2 values of each channel in training",
                               f"{count} in a batch of shape {x.shape}",
                               "Set batch_size=2 or more a micro-batch, or use LayerNorm().")  # fmt: skip
        return jnp.asarray(count, jnp.float32)


def features(norm: Normalization, inputs: Shape) -> int:
    """How many features a row has, or channels a position."""
    if not inputs:
        name = type(norm).__name__
        raise HeadwayError("", f"{name} needs a dimension of features", "shape ()", "Put Dense before it.")
    return inputs[-1]


def widened(x: jax.Array, g: jax.Array, context: Context) -> jax.Array:
    """x in the precision that statistics need, at least float32; refused where g is for other features."""
    expect_features(len(g), x, context)
    return x.astype(jnp.promote_types(jnp.result_type(x, g), jnp.float32))


def moments(x: jax.Array, axis: int) -> tuple[jax.Array, jax.Array]:
    """Mean and variance (÷ n) along `axis`, which stays with length 1."""
    mean = x.mean(axis, keepdims=True)
    return mean, jnp.square(x - mean).mean(axis, keepdims=True)


def pooled(mean: jax.Array, variance: jax.Array, count: jax.Array) -> tuple[jax.Array, jax.Array, jax.Array]:
    """Mean, variance (÷ n) and count of all values, from those of their parts (Chan et al. 1979).

    n = Σ n_i,  μ = Σ n_i μ_i / n,  σ² = Σ n_i (σ_i² + (μ_i - μ)²) / n: of parts of one size the mean of the variances
    and the variance of the means. Shapes: mean and variance [parts, features], count [parts].
    """
    n, share = count.sum(), (count / count.sum())[:, None]
    mu = (share * mean).sum(axis=0)
    return mu, (share * (variance + jnp.square(mean - mu))).sum(axis=0), n


def normalized(x: jax.Array, mean: jax.Array, variance: jax.Array, epsilon: Number) -> jax.Array:
    """(x - μ) / √(σ² + epsilon)."""
    return (x - mean) * jax.lax.rsqrt(variance + epsilon)
