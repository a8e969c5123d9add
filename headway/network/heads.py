"""Heads of attention: softmax(q kᵀ / √e) v at once, some queries after others, or by a kernel of the device."""

import functools
import math

import jax
import jax.numpy as jnp

from headway.network.activations import Softmax
from headway.network.recompute import again

BLOCK = 128
"""How many queries are at work at once where there are more than twice as many; docs/scale.md says what that takes."""


def attend(
    q: jax.Array, k: jax.Array, v: jax.Array, *, causal: bool = False, mask: jax.Array | None = None
) -> jax.Array:
    """softmax(q kᵀ / √e) v in every head: q [batch, queries, heads, e], k and v [batch, keys, heads, e].

    k and v may have fewer heads, each for as many of q in a row. Scores and softmax are at least float32, whatever
    dtype q has; the result has that of v. Causal: query s sees the keys t ≤ s alone. Mask [batch, keys]: none sees a
    key where it is False. What is not seen gets the weight exp(-∞) = 0, and with it the gradient 0; a query that sees
    no key gives 0. Long sequences are never seen whole: see `in_blocks`, and `fused` for devices with such a kernel.
    """

    def written_out(q: jax.Array, k: jax.Array, v: jax.Array) -> jax.Array:
        k, v = (repeated(part, q.shape[2]) for part in (k, v))
        # XLA on CPU is faster with the heads in front, and with them the gradients of both products.
        q, k, v = (part.transpose(0, 2, 1, 3) for part in (q, k, v))
        heads = in_blocks if q.shape[2] > 2 * BLOCK else at_once
        return heads(q, k, v, causal, mask).transpose(0, 2, 1, 3)

    if mask is None and has_fused(q, k, v):
        with_kernel = functools.partial(fused, causal=causal)
        found: jax.Array = jax.lax.platform_dependent(q, k, v, cuda=with_kernel, default=written_out)
        return found
    return written_out(q, k, v)


def at_once(
    q: jax.Array, k: jax.Array, v: jax.Array, causal: bool, mask: jax.Array | None, begin: jax.Array | int = 0
) -> jax.Array:
    """Of queries [batch, heads, queries, e], the first of which stands at place `begin`, and all keys and values."""
    wide = jnp.promote_types(q.dtype, jnp.float32)
    scores = jnp.einsum("bhse,bhte->bhst", q, k, preferred_element_type=wide) / math.sqrt(q.shape[-1])
    weights = seen_weights(scores, seen(scores, causal, mask, begin)).astype(v.dtype)
    return jnp.einsum("bhst,bhte->bhse", weights, v)


def in_blocks(q: jax.Array, k: jax.Array, v: jax.Array, causal: bool, mask: jax.Array | None) -> jax.Array:
    """The same with the scores of BLOCK queries at a time in memory, which the backward pass computes again.

    Rabe & Staats 2021, *Self-attention does not need O(n²) memory*, with blocks of queries alone: every softmax is
    computed as it stands in the book, and can be differentiated as often as one likes.
    """
    batch, heads, queries, e = q.shape
    count = -(-queries // BLOCK)
    filled = jnp.pad(q, ((0, 0), (0, 0), (0, count * BLOCK - queries), (0, 0)))
    blocks = jnp.moveaxis(filled.reshape(batch, heads, count, BLOCK, e), 2, 0)

    @again
    def one(begin: jax.Array, q: jax.Array) -> jax.Array:
        return at_once(q, k, v, causal, mask, begin)

    made = jax.lax.map(lambda block: one(*block), (BLOCK * jnp.arange(count), blocks))
    return jnp.moveaxis(made, 0, 2).reshape(batch, heads, count * BLOCK, e)[:, :, :queries]


def fused(q: jax.Array, k: jax.Array, v: jax.Array, causal: bool) -> jax.Array:
    """The same by cuDNN's kernel, which keeps no scores (Dao et al. 2022, *FlashAttention*)."""
    found: jax.Array = jax.nn.dot_product_attention(q, k, v, is_causal=causal, implementation="cudnn")
    return found


def has_fused(q: jax.Array, k: jax.Array, v: jax.Array) -> bool:
    """Whether cuDNN is installed and has a kernel for these shapes and this dtype, forward and backward.

    Where JAX has no CUDA it has no cuDNN; kernels are for 16 bits and heads of some widths.
    """
    if q.dtype not in (jnp.bfloat16, jnp.float16):
        return False
    total = lambda q, k, v: fused(q, k, v, causal=True).astype(jnp.float32).sum()  # noqa: E731
    try:
        jax.eval_shape(jax.grad(total, (0, 1, 2)), q, k, v)
    except (RuntimeError, ValueError, NotImplementedError):
        return False
    return True


def repeated(x: jax.Array, heads: int) -> jax.Array:
    """Keys or values [batch, time, some heads, e] with each head as often in a row as it takes to have `heads`."""
    return x if x.shape[2] == heads else jnp.repeat(x, heads // x.shape[2], axis=2)


def seen(scores: jax.Array, causal: bool, mask: jax.Array | None, begin: jax.Array | int = 0) -> jax.Array | None:
    """Which keys each query sees, broadcasting to scores [batch, heads, queries, keys]; None: all of them.

    The first query stands at place `begin`.
    """
    found = None
    if causal:
        s, t = begin + jnp.arange(scores.shape[-2])[:, None], jnp.arange(scores.shape[-1])
        found = t <= s
    if mask is not None:
        keys = mask[:, None, None, :]
        found = keys if found is None else found & keys
    return found


def seen_weights(scores: jax.Array, seen: jax.Array | None) -> jax.Array:
    """Softmax over the keys that are seen, and 0 for the others; all 0 where none is seen."""
    softmax = Softmax().function
    if seen is None:
        return softmax(scores)
    # A row of -∞ alone would be NaN, and its gradient too.
    some = jnp.any(seen, axis=-1, keepdims=True)
    return jnp.where(some, softmax(jnp.where(seen, scores, jnp.where(some, -jnp.inf, 0))), 0)
