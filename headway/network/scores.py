"""Scores: the last step of a network, which acts at every place alone, taken apart from what comes before it."""

import dataclasses
from collections.abc import Callable

import jax

from headway.network.compose import Sequential
from headway.network.dense import Dense
from headway.network.layer import Context, Layer, Params, State, call, salts
from headway.network.tokens import TiedEmbedding
from headway.spec.error import HeadwayError
from headway.spec.node import segment

Before = Callable[[Params, State, jax.Array, Context], tuple[jax.Array, State]]
Scores = Callable[[Params, jax.Array, Context], jax.Array]


def apart(network: Layer) -> tuple[Before, Scores]:
    """What makes of a batch x the values h [batch, …, d] of which scores are made, and what makes of these y.

    y(h(x)) is the network, taps and addresses too. A row of layers that ends in a Dense, and a TiedEmbedding, have such
    an end; another network is refused.
    """
    where = salts(network)
    match network:
        case TiedEmbedding():

            def score(params: Params, h: jax.Array, context: Context) -> jax.Array:
                return context.tap(context.address, context.cast(network.score(params, h, context)))

            before: Before = network.read
        case Sequential(layers=(_, *_, Dense() as last)):
            count = len(network.layers) - 1

            def score(params: Params, h: jax.Array, context: Context) -> jax.Array:
                return call(last, segment(last, count), (params, {}), h, context)[0]

            def before(params: Params, state: State, x: jax.Array, context: Context) -> tuple[jax.Array, State]:
                return network.up_to(count, (params, state), x, context)
        case _:
            raise HeadwayError("loss_parts", "needs a network that ends in a Dense, or a TiedEmbedding",
                               type(network).__name__, "Set loss_parts=1, or end the network so.")  # fmt: skip
    return lambda params, state, x, context: before(params, state, x, dataclasses.replace(context, salts=where)), score
