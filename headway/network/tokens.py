"""Networks of tokens: a table that both reads the tokens and scores them, and padding that no layer inside sees."""

import dataclasses
import math
from dataclasses import KW_ONLY
from typing import Annotated, Any, ClassVar

import jax
from pydantic import Field

from headway.network.dense import product
from headway.network.embedding import Embedding, Positive, looked_up
from headway.network.initialization import Initializer, LeCunNormal, Shape
from headway.network.layer import Context, Layer, Parameter, Params, State, call, shape_of
from headway.spec.error import HeadwayError, join_address
from headway.spec.node import spec, walk


@spec
class TiedEmbedding(Layer):
    """y = F(√d table[x]) tableᵀ: one table of token vectors, to read the tokens and to score them (Press & Wolf 2017).

    Shapes: x [batch, …] integers, table [vocabulary, d] with d = `width`, the body F [batch, …, d] → [batch, …, d],
    y [batch, …, vocabulary], logits. The rows start as N(0, 1/d), which gives the logits of an F of variance 1 that
    variance; √d gives it to what F receives (Vaswani et al. 2017, section 3.4). The gradient of the table is the sum of
    what both uses send back. A table of `Embedding(…)` beside a last `Dense(…)` has twice the parameters.
    """

    casts_parameters: ClassVar[bool] = True

    body: Layer
    _: KW_ONLY
    vocabulary: Positive
    width: Positive
    init: Initializer = LeCunNormal()

    def shape(self, inputs: Shape) -> Shape:
        read = (*inputs, self.width)
        made = shape_of(self.body, "body", read)
        if made[-1:] != (self.width,):
            raise HeadwayError("body", f"TiedEmbedding needs a body that ends in {self.width} features, its width",
                               f"{read} → {made}", "Leave the last Dense to it.")  # fmt: skip
        return (*made[:-1], self.vocabulary)

    def parts(self, inputs: Shape) -> list[tuple[str, Layer, Shape]]:
        return [("body", self.body, (*inputs, self.width))]

    def parameters(self, inputs: Shape) -> dict[str, Parameter]:
        shape, axes = (self.vocabulary, self.width), ("vocabulary", "features")
        fans = (self.width, self.vocabulary)
        return {"table": Parameter(shape, init=self.init, fans=fans, decays=False, axes=axes)}

    def declare(self, inputs: Shape, following: Layer | None = None) -> dict[str, Any]:
        body = self.body.declare((*inputs, self.width))
        return self.parameters(inputs) | ({"body": body} if body else {})

    def apply_with_state(self, params: Params, state: State, x: jax.Array, context: Context) -> tuple[jax.Array, State]:
        h, new = self.read(params, state, x, context)
        return self.score(params, h, context), new

    def read(self, params: Params, state: State, x: jax.Array, context: Context) -> tuple[jax.Array, State]:
        """h = F(√d table[x]) [batch, …, d]."""
        table = params["table"]
        rows = context.cast((math.sqrt(self.width) * looked_up(table, x, context)).astype(table.dtype))
        h, new = call(self.body, "body", (params, state), rows, context)
        return h, {"body": new} if new else {}

    def score(self, params: Params, h: jax.Array, context: Context) -> jax.Array:
        """y = h tableᵀ [batch, …, vocabulary]."""
        y = product(context.cast(h.reshape(-1, self.width)), context.cast(params["table"]).T)
        return y.reshape(*h.shape[:-1], self.vocabulary)

    def flops(self, inputs: Shape) -> int:
        read = (*inputs, self.width)
        return math.prod(read) + self.body.flops(read) + 2 * math.prod(self.body.shape(read)) * self.vocabulary


@spec
class Masked(Layer):
    """y = F(x), where no layer of F takes anything from a place whose token is `padding`.

    Shapes: x [batch, time] integers. Attention gives padding the weight 0, recurrence passes it over, `Last` and
    `GlobalAveragePool` leave it out. Outputs at the padding itself mean nothing: give them the weight 0 in the data.
    """

    body: Layer
    _: KW_ONLY
    padding: Annotated[int, Field(ge=0)] = 0

    def shape(self, inputs: Shape) -> Shape:
        if len(inputs) != 1:
            raise HeadwayError("", "Masked takes token ids (time,)", f"shape {inputs}",
                               "Put the Embedding inside it.")  # fmt: skip
        return shape_of(self.body, "body", inputs)

    def parts(self, inputs: Shape) -> list[tuple[str, Layer, Shape]]:
        return [("body", self.body, inputs)]

    def declare(self, inputs: Shape, following: Layer | None = None) -> dict[str, Any]:
        body = self.body.declare(inputs, following)
        return {"body": body} if body else {}

    def meets(self, following: Layer | None) -> Layer | None:
        return self.body.meets(following)

    def masked(self, x: jax.Array, context: Context) -> Context:
        """The context for what is inside."""
        return dataclasses.replace(context, mask=x != self.padding)

    def apply_with_state(self, params: Params, state: State, x: jax.Array, context: Context) -> tuple[jax.Array, State]:
        y, new = call(self.body, "body", (params, state), x, self.masked(x, context))
        return y, {"body": new} if new else {}


def expect_tokens(network: Layer, tokens: int | None) -> None:
    """Refuse a network that takes token ids for other inputs, or for more ids than it has rows."""
    for address, node in walk(network):
        if not isinstance(node, Embedding | TiedEmbedding | Masked):
            continue
        if tokens is None:
            raise HeadwayError(address, f"{type(node).__name__} takes token ids", "inputs that are amounts",
                               "Say how many there are: arrays(x, y, tokens=…).")  # fmt: skip
        if isinstance(node, Masked):
            if node.padding >= tokens:
                must = f"must be one of the data's token ids 0 to {tokens - 1}"
                raise HeadwayError(join_address(address, "padding"), must, node.padding)
        elif tokens > node.vocabulary:
            raise HeadwayError(join_address(address, "vocabulary"), f"must be at least the data's {tokens} tokens",
                               node.vocabulary, f"Set vocabulary={tokens}.")  # fmt: skip
