"""Attention: every position of a sequence takes from the others what its query finds in their keys."""

import dataclasses
import math
from dataclasses import KW_ONLY, dataclass
from typing import Annotated

import jax
import jax.numpy as jnp
from pydantic import Field

from headway.network.activations import Softmax
from headway.network.dense import product
from headway.network.embedding import angles, sequence
from headway.network.heads import attend
from headway.network.initialization import GlorotUniform, Initializer, Shape
from headway.network.layer import Context, Layer, Parameter, Params, bias, expect_features
from headway.spec.error import HeadwayError
from headway.spec.node import Number, Spec, spec

BY_HEADS = ("places", "heads", "width")
"""The names of the dimensions of queries, keys, values and heads, behind the examples."""


@spec
class Rotary(Spec):
    """Rotary positions: pair i of a query or key at place t is turned by t / base^{2i/e} (Su et al. 2021).

    (u, v) → (u cos a - v sin a, u sin a + v cos a): lengths stay, and the product of a query at place s and a key at
    place t depends on s - t alone. e is the width of a head, which must be even.
    """

    base: Annotated[Number, Field(gt=0)] = 10000.0

    def turn(self, x: jax.Array) -> jax.Array:
        """Queries or keys [batch, time, heads, e], each turned by its place."""
        a = angles(x, self.base)[:, None, :]
        cos, sin = jnp.cos(a), jnp.sin(a)
        u, v = x[..., 0::2], x[..., 1::2]
        return jnp.stack([u * cos - v * sin, u * sin + v * cos], axis=-1).reshape(x.shape).astype(x.dtype)


@dataclass(frozen=True, repr=False)
class Attention(Layer):
    """y = concat(head_1 … head_n) wo + bo, head = softmax(q kᵀ / √e) v (Vaswani et al. 2017).

    Shapes: x and y [batch, time, d], the four weights [d, d]; a head has e = d / heads of the columns of q, k and v.
    Every weight starts by its own fans. The softmax is at least float32. With `key_heads` of k and v, each
    serves heads / key_heads heads of q in a row, and their weights are [d, key_heads · e] (Ainslie et al. 2023).
    """

    heads: Annotated[int, Field(ge=1)]
    _: KW_ONLY
    key_heads: Annotated[int, Field(ge=1)] | None = None
    bias: bool = True
    init: Initializer | None = None

    def __post_init__(self) -> None:
        if self.key_heads is not None and self.heads % self.key_heads:
            raise HeadwayError("key_heads", f"must divide the {self.heads} heads of the queries", self.key_heads,
                               "Set key_heads=1 for one that serves all, or leave it out.")  # fmt: skip

    def shape(self, inputs: Shape) -> Shape:
        _, d = sequence(self, inputs)
        if d % self.heads:
            raise HeadwayError("", f"{self.heads} heads must share the features evenly", f"{d} features",
                               f"Give it {math.ceil(d / self.heads) * self.heads}.")  # fmt: skip
        return inputs

    def widths(self, d: int) -> dict[str, int]:
        """How many columns the weights of q, k, v and o have."""
        shared = d if self.key_heads is None else d // self.heads * self.key_heads
        return {"q": d, "k": shared, "v": shared, "o": d}

    def parameters(self, inputs: Shape) -> dict[str, Parameter]:
        d, found = inputs[-1], dict[str, Parameter]()
        for name, width in self.widths(d).items():
            # What follows acts on the output alone: queries, keys and values do not meet it.
            init = self.init if name == "o" else self.init or GlorotUniform()
            axes = ("heads", "features") if name == "o" else ("features", "heads")
            found[f"w{name}"] = Parameter((d, width), init=init, fans=(d, width), axes=axes)
            if self.bias:
                found[f"b{name}"] = bias(width, axis=axes[1])
        return found

    def project(self, names: str, params: Params, x: jax.Array, context: Context) -> list[jax.Array]:
        """x w + b [batch, time, columns] with the weights of each of these, of q, k, v and o."""
        rows = context.rows(x)  # one for all: each would be kept for the backward pass
        found = [product(rows, params[f"w{name}"]) for name in names]
        if self.bias:
            found = [context.cast(y + params[f"b{name}"]) for name, y in zip(names, found, strict=True)]
        return [y.reshape(*x.shape[:-1], -1) for y in found]

    def split(self, name: str, x: jax.Array) -> jax.Array:
        """q, k or v [batch, time, columns] in its heads [batch, time, heads, e]."""
        return x.reshape(*x.shape[:2], self.heads if name == "q" else self.key_heads or self.heads, -1)

    def cost(self, queries: int, keys: int, d: int) -> int:
        """Floating-point operations of so many queries that see so many keys, with what projects them."""
        scores = self.heads * queries * keys
        projections = 2 * (queries * d + keys * self.widths(d)["k"]) * (2 * d + int(self.bias))
        return projections + 4 * queries * keys * d + scores + Softmax().flops((scores,))


@spec
class MultiHeadAttention(Attention):
    """Self-attention: q = x wq + bq, k = x wk + bk, v = x wv + bv, head = softmax(q kᵀ / √e) v, y = heads wo + bo.

    Vaswani et al. 2017. Shapes: x and y [batch, time, d], the four weights [d, d]; a head has e = d / heads of the
    columns of q, k and v. Every weight starts by its own fans. The softmax is at least float32.
    causal       a position sees itself and those before it, none behind: neither value nor gradient comes from there
    padding      inside `Masked` nothing sees it either; a position that sees nothing at all has heads of 0
    rotary       turn queries and keys by their places; None: without positions y follows any reordering of x
    key_heads    fewer heads of k and v, each for several of q (grouped-query attention, Ainslie et al. 2023)
    """

    causal: bool = dataclasses.field(default=False, kw_only=True)
    rotary: Rotary | None = dataclasses.field(default=None, kw_only=True)

    def shape(self, inputs: Shape) -> Shape:
        *_, d = super().shape(inputs)
        if self.rotary is not None and d // self.heads % 2:
            raise HeadwayError("rotary", "turns pairs: a head must have an even number of features",
                               f"{d // self.heads}", f"Give {self.heads} heads {d + self.heads} features.")  # fmt: skip
        return inputs

    def apply(self, params: Params, x: jax.Array, context: Context) -> jax.Array:
        expect_features(params["wq"].shape[0], x, context)
        projected = (context.lay(part, "time", "heads") for part in self.project("qkv", params, x, context))
        q, k, v = (self.split(name, part) for name, part in zip("qkv", projected, strict=True))
        if self.rotary is not None:
            q, k = self.rotary.turn(q), self.rotary.turn(k)
        q, k, v = (context.lay(part, *BY_HEADS) for part in (q, k, v))
        heads = context.lay(attend(q, k, v, causal=self.causal, mask=context.mask_of(x)), *BY_HEADS)
        return self.project("o", params, context.lay(heads.reshape(x.shape), "time", "heads"), context)[0]

    def flops(self, inputs: Shape) -> int:
        time, d = inputs
        return self.cost(time, time, d) + (0 if self.rotary is None else 6 * time * d)


@spec
class CrossAttention(Attention):
    """Of a sequence to another in front of it: the places from `source` on see the `source` places before, no others.

    Vaswani et al. 2017, the second attention of a decoder: queries from the target, keys and values from what an
    encoder made of the source. Shapes as of `MultiHeadAttention`, time = source + target; y is 0 at the source, so that
    a `Residual` around it leaves the source as it is. Inside `Masked` nothing sees padding of the source.
    """

    source: Annotated[int, Field(ge=1)] = dataclasses.field(default=1, kw_only=True)

    def shape(self, inputs: Shape) -> Shape:
        time, _ = super().shape(inputs)
        if time <= self.source:
            raise HeadwayError("source", f"leaves no place for the target of {time} in all", self.source,
                               f"Give at most {time - 1}.")  # fmt: skip
        return inputs

    def apply(self, params: Params, x: jax.Array, context: Context) -> jax.Array:
        expect_features(params["wq"].shape[0], x, context)
        source, target = x[:, : self.source], x[:, self.source :]
        k, v = (self.split("k", part) for part in self.project("kv", params, source, context))
        q = self.split("q", self.project("q", params, target, context)[0])
        mask = context.mask_of(x)
        heads = attend(q, k, v, mask=None if mask is None else mask[:, : self.source]).reshape(target.shape)
        y = self.project("o", params, heads, context)[0]
        return jnp.concatenate([jnp.zeros(source.shape, y.dtype), y], axis=1)

    def flops(self, inputs: Shape) -> int:
        time, d = inputs
        return self.cost(time - self.source, self.source, d)
