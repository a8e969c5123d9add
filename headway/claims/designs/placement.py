"""How the gradient comes back through transformer blocks as they are drawn, with the norm before or behind."""

import functools
from itertools import product
from typing import Any

import jax
import jax.numpy as jnp

from headway.claims.design import Drawn, Measures
from headway.data.dataset import Data
from headway.data.sequences import CopyTask
from headway.doctor.sham import sham
from headway.learning.losses import CrossEntropy
from headway.models.transformer import Placement, embedded, last_norm, post_ln, pre_ln
from headway.network.attention import MultiHeadAttention
from headway.network.compose import Repeat, Sequential
from headway.network.context import Context
from headway.network.dense import Dense
from headway.network.feedforward import FeedForward
from headway.network.initialization import GlorotUniform, Initializer
from headway.network.layer import Params, apply, initialize
from headway.network.recompute import RecomputeAll
from headway.network.values import COPY

SYMBOLS, WIDTH, HEADS, EXAMPLES = 8, 32, 2, 32
PLACEMENTS: dict[str, Placement] = {"Pre-LN": pre_ln, "Post-LN": post_ln}
INITS: dict[str, Initializer | None] = {"default": None, "Xavier": GlorotUniform()}
HIDDEN = {"w1": -1, "b1": -1, "w2": -2}
"""Parameters of a feed-forward part → the axis of its hidden units."""


def parts(placement: str, init: str, blocks: int) -> tuple[Sequential, Repeat, Sequential]:
    """What comes before the blocks, the blocks, and what comes behind them."""
    place, own = PLACEMENTS[placement], INITS[init]
    attention, feed_forward = MultiHeadAttention(HEADS, causal=True, init=own), FeedForward(4 * WIDTH, init=own)
    body = Repeat(Sequential((place(attention), place(feed_forward))), times=blocks)
    return Sequential(embedded(SYMBOLS + 1, WIDTH)), body, Sequential((*last_norm(place), Dense(SYMBOLS + 1)))


@functools.partial(jax.jit, static_argnums=0)
def passed(network: Sequential, params: Params, x: jax.Array, y: jax.Array) -> dict[str, jax.Array]:
    """log10 of the gradient's norm at the first block over that at the last: of its weights, and of what enters."""
    before, body, behind = network.layers

    def outside(h: jax.Array) -> jax.Array:
        return CrossEntropy().value(CrossEntropy().sums(apply(behind, params["2"], h)[0], y, None))

    h = apply(before, params["0"], x)[0]
    # Recomputed, the blocks are one loop whose body is compiled once.
    one_by_one = Context(recompute=RecomputeAll())
    out, back = jax.vjp(lambda h, inside: apply(body, inside, h, context=one_by_one)[0], h, params["1"])
    last = jax.grad(outside)(out)
    first, weights = back(last)
    return {"boundary decades": _log_norm(first) - _log_norm(last),
            "weight decades": _log_norm(_of_copy(weights, 0)) - _log_norm(_of_copy(weights, -1))}  # fmt: skip


def _of_copy(weights: dict[str, Any], which: int) -> jax.Array:
    """All gradients of one block's weights, in a row."""
    return jnp.concatenate([leaf[which].ravel() for leaf in jax.tree.leaves(weights[COPY])])


def _log_norm(x: jax.Array) -> jax.Array:
    return jnp.log10(jnp.linalg.norm(x))


def other_order(params: Params, order: jax.Array) -> Params:
    """The hidden units of all feed-forward parts in another order."""

    def moved(path: tuple[Any, ...], leaf: jax.Array) -> jax.Array:
        name = path[-1].key
        return jnp.take(leaf, order, axis=HIDDEN[name]) if name in HIDDEN else leaf

    return dict(jax.tree_util.tree_map_with_path(moved, params))


def measured(placement: str, init: str, blocks: int, seed: int, *, as_sham: bool = False) -> Measures:
    """What is measured of the transformer that a seed draws, or of its sham."""
    train = Data(CopyTask(8, symbols=SYMBOLS, examples=200)).load().train
    network = Sequential(parts(placement, init, blocks))
    key = jax.random.key(seed)
    params, _ = initialize(network, train.x.shape[1:], key)
    if as_sham:
        params = sham(network, other_order(params, jax.random.permutation(key, 4 * WIDTH)), key)
    found = passed(network, params, train.x[:EXAMPLES], train.y[:EXAMPLES])
    return {name: float(value) for name, value in found.items()}


DESIGNS = {
    "flow": Drawn(
        f"Transformers as they are drawn, 6 or 24 blocks of width {WIDTH}, {EXAMPLES} strings to copy; weights by "
        "Headway's defaults (He et al. where GELU follows, else Glorot & Bengio), or all by Glorot & Bengio. "
        "`boundary decades`: log10 of ‖dL/dh‖ in front of the first block over that behind the last, below 0 where it "
        "vanishes; `weight decades`: the same of the gradient of all weights of the first block over the last's. The "
        "sham computes the same, hidden units of the feed-forward parts in another order and weights times "
        "1 + 1e-6 · N(0, 1): nothing is trained, so that it shows only that no measure hangs on the order of units or "
        "on rounding.",
        {f"{placement} {init} {blocks}": functools.partial(measured, placement, init, blocks)
         for placement, init, blocks in (*product(PLACEMENTS, INITS, (24,)), ("Post-LN", "default", 6))}
        | {"Post-LN default 24 sham": functools.partial(measured, "Post-LN", "default", 24, as_sham=True)},
    ),
}  # fmt: skip
