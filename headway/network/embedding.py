"""Embedding and positions: tokens as rows of numbers that are learned, and where in a sequence each of them stands."""

from dataclasses import KW_ONLY
from typing import Annotated, ClassVar

import jax
import jax.numpy as jnp
from pydantic import Field

from headway.network.initialization import Initializer, Normal, Shape
from headway.network.layer import Context, Layer, Parameter, Params, expect_features
from headway.spec.error import HeadwayError
from headway.spec.node import Number, spec

Positive = Annotated[int, Field(ge=1)]


@spec
class Embedding(Layer):
    """y = table[x]: the row of each token id 0 … vocabulary - 1 (Bengio et al. 2003).

    Shapes: x [batch, …] integers, table [vocabulary, width], y [batch, …, width]. The rows have variance 1 at first, as
    a sum over the one input that is not 0 wants it, and do not decay: a row whose token is rare would only shrink.
    An id outside the vocabulary, below 0 too, has no row: y is NaN there, so that training stops and names this layer.
    A data set of tokens refuses such an id by its place before that.
    """

    casts_parameters: ClassVar[bool] = True

    vocabulary: Positive
    _: KW_ONLY
    width: Positive
    init: Initializer = Normal(1.0)

    def shape(self, inputs: Shape) -> Shape:
        return (*inputs, self.width)

    def parameters(self, inputs: Shape) -> dict[str, Parameter]:
        fans = (1, self.width)
        shape, axes = (self.vocabulary, self.width), ("vocabulary", "features")
        return {"table": Parameter(shape, init=self.init, fans=fans, decays=False, axes=axes)}

    def apply(self, params: Params, x: jax.Array, context: Context) -> jax.Array:
        return looked_up(params["table"], x, context)


def looked_up(table: jax.Array, x: jax.Array, context: Context) -> jax.Array:
    """The rows [batch, …, width] of token ids x [batch, …], NaN for an id that has none."""
    if not jnp.issubdtype(x.dtype, jnp.integer):
        raise HeadwayError(context.address, "Embedding takes token ids, which are integers", f"dtype {x.dtype}",
                           "Give integers; of a data set: arrays(x, y, tokens=…).")  # fmt: skip
    # A negative index would count from the end, and a narrow unsigned one cannot hold the table's length.
    ids = x.astype(jnp.promote_types(x.dtype, jnp.int32))
    return jnp.take(table, jnp.where(ids < 0, len(table), ids), axis=0, mode="fill", fill_value=jnp.nan)


@spec
class LearnedPositions(Layer):
    """y_t = x_t + p_t: one learned row for each place t = 0 … length - 1 (Gehring et al. 2017).

    Shapes: x and y [batch, time, features], p [length, features]; neither decays. Sequences may be shorter than
    `length`, not longer: a place without a row means nothing. None: the length that parameters are initialized for.
    """

    casts_parameters: ClassVar[bool] = True

    length: Positive | None = None
    _: KW_ONLY
    init: Initializer = Normal(1.0)

    def shape(self, inputs: Shape) -> Shape:
        time, _ = sequence(self, inputs)
        if self.length is not None:
            _expect_room(self.length, time, "")
        return inputs

    def parameters(self, inputs: Shape) -> dict[str, Parameter]:
        time, features = inputs
        length = time if self.length is None else self.length
        return {"p": Parameter((length, features), init=self.init, fans=(1, features), decays=False)}

    def apply(self, params: Params, x: jax.Array, context: Context) -> jax.Array:
        p: jax.Array = params["p"]
        expect_features(p.shape[1], x, context)
        _expect_room(len(p), x.shape[1], context.address)
        return x + p[: x.shape[1]]

    def flops(self, inputs: Shape) -> int:
        return inputs[0] * inputs[1]


@spec
class SinusoidalPositions(Layer):
    """y_t = x_t + p_t, p_{t,2i} = sin(t / base^{2i/d}), p_{t,2i+1} = cos(t / base^{2i/d}) (Vaswani et al. 2017).

    Shapes: x and y [batch, time, d], d even; any length. p has mean square 1/2 and nothing to learn.
    """

    _: KW_ONLY
    base: Annotated[Number, Field(gt=0)] = 10000.0

    def shape(self, inputs: Shape) -> Shape:
        _, features = sequence(self, inputs)
        if features % 2:
            raise HeadwayError("", "SinusoidalPositions needs an even number of features", f"shape {inputs}",
                               f"Give it {features + 1}.")  # fmt: skip
        return inputs

    def apply(self, params: Params, x: jax.Array, context: Context) -> jax.Array:
        turned = angles(x, self.base)
        p = jnp.stack([jnp.sin(turned), jnp.cos(turned)], axis=-1).reshape(x.shape[1:])
        return x + p.astype(x.dtype)

    def flops(self, inputs: Shape) -> int:
        # An angle is a product and its sine or cosine one more; the angle serves two features.
        return 5 * inputs[0] * inputs[1] // 2


def angles(x: jax.Array, base: Number) -> jax.Array:
    """t / base^{2i/d} for the places t and pairs of features i of x [batch, time, …, d]: [time, d/2], at least float32.

    The first pair turns by one radian a place, the last by nearly 1/base.
    """
    dtype, d = jnp.promote_types(x.dtype, jnp.float32), x.shape[-1]
    t, i = jnp.arange(x.shape[1], dtype=dtype), jnp.arange(d // 2, dtype=dtype)
    return t[:, None] * base ** (-2 * i / d)


def sequence(layer: Layer, inputs: Shape) -> tuple[int, int]:
    """Time and features of a layer's inputs, which must be a sequence."""
    if len(inputs) != 2:
        raise HeadwayError("", f"{type(layer).__name__} takes sequences (time, features)", f"shape {inputs}",
                           "Put Embedding(…, width=…) before it for token ids.")  # fmt: skip
    return inputs[0], inputs[1]


def _expect_room(length: int, time: int, where: str) -> None:
    if time > length:
        raise HeadwayError(where, f"has {length} positions", f"a sequence of {time}", f"Set length={time} or more.")
