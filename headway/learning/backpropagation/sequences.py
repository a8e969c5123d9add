"""The rules of sequences: tokens, positions, attention and the feed-forward part of a block."""

import dataclasses
import functools
import math
from collections.abc import Callable, Mapping, Sequence

import jax
import jax.numpy as jnp

from headway.learning.backpropagation.activations import silu
from headway.learning.backpropagation.layers import affine
from headway.learning.backpropagation.rule import Back, Local, backward, rule
from headway.network.activations import SiLU
from headway.network.attention import Attention, CrossAttention, MultiHeadAttention, Rotary
from headway.network.embedding import Embedding, LearnedPositions, SinusoidalPositions
from headway.network.feedforward import FeedForward, SwiGLU
from headway.network.heads import repeated, seen, seen_weights
from headway.network.layer import Params
from headway.network.places import Places
from headway.network.recurrent import Last, last_place
from headway.network.tokens import Masked, TiedEmbedding


@rule(Embedding)
def embedding(layer: Embedding, at: Local, dy: jax.Array) -> Back:
    """y = table[x]: the row of a token gets the sum of dL/dy over its places; token ids have no derivative: 0."""
    return jnp.zeros(at.x.shape), {"table": rows_of(at, dy)}


def rows_of(at: Local, dy: jax.Array) -> jax.Array:
    """What comes back to the table whose rows were looked up."""
    return jnp.zeros(at.params["table"].shape, dy.dtype).at[at.x].add(dy)


@rule(TiedEmbedding)
def tied_embedding(layer: TiedEmbedding, at: Local, dy: jax.Array) -> Back:
    """y = h tableᵀ, h = F(√d table[x]): dL/dtable = dL/dyᵀ h, as of a matrix, plus what its rows get back through F."""
    table = at.params["table"]
    scale = math.sqrt(layer.width)
    body = at.inside("body", scale * table[at.x])
    flat_h, flat_dy = (part.reshape(-1, part.shape[-1]) for part in (body.y, dy))
    dx, dtheta = backward(layer.body, body, dy @ table)
    found = {"table": flat_dy.T @ flat_h + rows_of(at, scale * dx), "body": dtheta}
    return jnp.zeros(at.x.shape), {name: found[name] for name in at.params}


@rule(Masked)
def masked(layer: Masked, at: Local, dy: jax.Array) -> Back:
    """y = F(x), with the mask for what is inside; token ids have no derivative: 0."""
    inside = dataclasses.replace(at, context=layer.masked(at.x, at.context)).inside("body", at.x)
    dx, body = backward(layer.body, inside, dy)
    return dx, {"body": body} if at.params else {}


@rule(LearnedPositions)
def learned_positions(layer: LearnedPositions, at: Local, dy: jax.Array) -> Back:
    """y_t = x_t + p_t: dL/dx = dL/dy, dL/dp_t = Σ dL/dy_t over the batch, 0 for places behind the sequence's end."""
    p = at.params["p"]
    return dy, {"p": jnp.zeros(p.shape, dy.dtype).at[: dy.shape[1]].set(dy.sum(axis=0))}


@rule(SinusoidalPositions)
def sinusoidal_positions(layer: SinusoidalPositions, at: Local, dy: jax.Array) -> Back:
    """y = x + p: dL/dx = dL/dy."""
    return dy, {}


@rule(Last)
def last(layer: Last, at: Local, dy: jax.Array) -> Back:
    """y = x_T: the last time, or the last that is not padding, gets dL/dy, all others 0."""
    mask = at.context.mask
    if mask is None:
        return jnp.zeros(at.x.shape, dy.dtype).at[:, -1].set(dy), {}
    place = last_place(mask).reshape(*mask.shape, *[1] * (at.x.ndim - 2))
    return jnp.where(place, dy[:, None], 0), {}


@rule(FeedForward)
def feed_forward(layer: FeedForward, at: Local, dy: jax.Array) -> Back:
    """y = h w2 + b2, h = f(a), a = x w1 + b1: two dense layers with an activation between."""
    w1, b1, w2 = (at.params[name] for name in ("w1", "b1", "w2"))
    hidden = at.inside("activation", at.x @ w1 + b1)
    dh, dw2, db2 = affine(hidden.y, w2, dy)
    da, _ = backward(layer.activation, hidden, dh)
    dx, dw1, db1 = affine(at.x, w1, da)
    return dx, {"w1": dw1, "b1": db1, "w2": dw2, "b2": db2}


@rule(SwiGLU)
def swiglu(layer: SwiGLU, at: Local, dy: jax.Array) -> Back:
    """y = h w_down, h = SiLU(a) ⊙ u, a = x w_gate, u = x w_up.

    dL/da = SiLU'(a) ⊙ u ⊙ dL/dh, dL/du = SiLU(a) ⊙ dL/dh; x gets what comes back by both.
    """
    w_gate, w_up, w_down = (at.params[name] for name in ("w_gate", "w_up", "w_down"))
    a, u, f = at.x @ w_gate, at.x @ w_up, SiLU()
    dh, dw_down, _ = affine(f.function(a) * u, w_down, dy)
    through_gate, dw_gate, _ = affine(at.x, w_gate, silu(f, a) * u * dh)
    through_up, dw_up, _ = affine(at.x, w_up, f.function(a) * dh)
    return through_gate + through_up, {"w_gate": dw_gate, "w_up": dw_up, "w_down": dw_down}


@rule(Places)
def places(layer: Places, at: Local, dy: jax.Array) -> Back:
    """y = x but for the body's places, where y = F(x): dL/dx = dL/dy, and there what comes back through F."""
    x, context = layer.inside(at.x, at.context)
    inside = dataclasses.replace(at, context=context).inside("body", x)
    dx, body = backward(layer.body, inside, layer.inside(dy, at.context)[0])
    return layer.replaced(dy, dx), {"body": body} if at.params else {}


@rule(MultiHeadAttention)
def attention(layer: MultiHeadAttention, at: Local, dy: jax.Array) -> Back:
    """y = o wo + bo, o = softmax(q kᵀ / √e) v in every head, q = x wq + bq, k and v likewise: see `attended`.

    x gets what comes back by q, k and v together.
    """
    x, turn = at.x, layer.rotary
    q, k, v = (projected(layer, at, name, x) for name in "qkv")
    q, k = (q, k) if turn is None else (turn.turn(q), turn.turn(k))
    o, back = attended(q, k, v, layer.causal, at.context.mask)
    do, *of_o = affine(o.reshape(x.shape), at.params["wo"], dy)
    dq, dk, dv = back(do.reshape(o.shape))
    dq, dk = (dq, dk) if turn is None else (turned_back(turn, dq), turned_back(turn, dk))
    flat = (dh.reshape(*dh.shape[:2], -1) for dh in (dq, dk, dv))
    found = {name: affine(x, at.params[f"w{name}"], dh) for name, dh in zip("qkv", flat, strict=True)}
    dx = functools.reduce(jnp.add, (dx for dx, *_ in found.values()))
    return dx, by_name(at, {n: rest for n, (_, *rest) in found.items()} | {"o": of_o})


@rule(CrossAttention)
def cross_attention(layer: CrossAttention, at: Local, dy: jax.Array) -> Back:
    """As of attention, with q of the target and k and v of the source: each gets what comes back by its own."""
    n, mask = layer.source, at.context.mask
    source, target = at.x[:, :n], at.x[:, n:]
    seen_by = {"q": target, "k": source, "v": source}
    q, k, v = (projected(layer, at, name, x) for name, x in seen_by.items())
    o, back = attended(q, k, v, False, None if mask is None else mask[:, :n])
    do, *of_o = affine(o.reshape(target.shape), at.params["wo"], dy[:, n:])
    flat = (dh.reshape(*dh.shape[:2], -1) for dh in back(do.reshape(o.shape)))
    found = {name: affine(x, at.params[f"w{name}"], dh) for (name, x), dh in zip(seen_by.items(), flat, strict=True)}
    dx = jnp.concatenate([found["k"][0] + found["v"][0], found["q"][0]], axis=1)
    return dx, by_name(at, {name: rest for name, (_, *rest) in found.items()} | {"o": of_o})


def projected(layer: Attention, at: Local, name: str, x: jax.Array) -> jax.Array:
    """x w + b with the weights of q, k or v, in heads [batch, time, heads, e]."""
    return layer.split(name, x @ at.params[f"w{name}"] + (at.params[f"b{name}"] if layer.bias else 0))


def attended(
    q: jax.Array, k: jax.Array, v: jax.Array, causal: bool, mask: jax.Array | None
) -> tuple[jax.Array, Callable[[jax.Array], tuple[jax.Array, jax.Array, jax.Array]]]:
    """o = A v, A = softmax(S), S = q kᵀ / √e in every head; and dL/do → dL/dq, dL/dk, dL/dv.

    dL/dA = dL/do vᵀ, dL/dv = Aᵀ dL/do, dL/dS = A ⊙ (dL/dA − Σ_t A dL/dA), dL/dq = dL/dS k / √e,
    dL/dk = dL/dSᵀ q / √e. A head of k and v that serves several of q gets what comes back by all of them.
    """
    own, k, v = k.shape, repeated(k, q.shape[2]), repeated(v, q.shape[2])
    S, e = jnp.einsum("bshe,bthe->bhst", q, k) / math.sqrt(q.shape[-1]), q.shape[-1]
    A = seen_weights(S, seen(S, causal, mask))

    def back(do: jax.Array) -> tuple[jax.Array, jax.Array, jax.Array]:
        dA = jnp.einsum("bshe,bthe->bhst", do, v)
        dS = A * (dA - jnp.sum(A * dA, axis=-1, keepdims=True)) / math.sqrt(e)
        dk, dv = jnp.einsum("bhst,bshe->bthe", dS, q), jnp.einsum("bhst,bshe->bthe", A, do)
        dk, dv = (dh.reshape(*own[:3], -1, own[3]).sum(axis=3) for dh in (dk, dv))
        return jnp.einsum("bhst,bthe->bshe", dS, k), dk, dv

    return jnp.einsum("bhst,bthe->bshe", A, v), back


def by_name(at: Local, found: Mapping[str, Sequence[jax.Array]]) -> Params:
    """dL/dw and dL/db of q, k, v and o under the names of those that there are."""
    dtheta = {f"w{n}": dw for n, (dw, _) in found.items()} | {f"b{n}": db for n, (_, db) in found.items()}
    return {name: dtheta[name] for name in at.params}


def turned_back(rotary: Rotary, g: jax.Array) -> jax.Array:
    """The transpose of the turn, by the opposite angle: mirrored, turned, mirrored."""
    mirror = jnp.tile(jnp.array([1, -1], g.dtype), g.shape[-1] // 2)
    return mirror * rotary.turn(mirror * g)
