"""Heads of attention: long sequences block by block against the whole in float64, and what a program of them holds."""

import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from headway.network.heads import BLOCK, attend, has_fused

TIMES = (2 * BLOCK + 1, 300, 3 * BLOCK)
"""All longer than what is computed at once; the last falls into whole blocks."""


def qkv(time: int, key_heads: int = 2, heads: int = 4, e: int = 8) -> list[np.ndarray]:
    rng = np.random.default_rng(time)
    return [rng.normal(size=(2, time, n, e)) for n in (heads, key_heads, key_heads)]


def oracle(q: np.ndarray, k: np.ndarray, v: np.ndarray, causal: bool, mask: np.ndarray | None) -> np.ndarray:
    """One query after the other, in NumPy and float64."""
    found, shared = np.zeros(q.shape), q.shape[2] // k.shape[2]
    for b, s, h in np.ndindex(q.shape[:3]):
        visible = np.arange(k.shape[1]) <= s if causal else np.ones(k.shape[1], bool)
        visible = visible if mask is None else visible & mask[b]
        if visible.any():
            scores = k[b, visible, h // shared] @ q[b, s, h] / math.sqrt(q.shape[-1])
            weights = np.exp(scores - scores.max())
            found[b, s, h] = weights / weights.sum() @ v[b, visible, h // shared]
    return found


@pytest.mark.parametrize("time", TIMES)
@pytest.mark.parametrize("causal", [True, False])
@pytest.mark.parametrize("masked", [True, False])
def test_blocks_of_queries_give_what_every_query_gives_by_itself(time: int, causal: bool, masked: bool) -> None:
    q, k, v = qkv(time)
    mask = np.arange(time) % 7 > 0 if masked else None  # the first place is hidden: its causal query sees nothing
    mask = None if mask is None else np.stack([mask, mask])
    got = attend(*map(jnp.float32, (q, k, v)), causal=causal, mask=None if mask is None else jnp.asarray(mask))
    np.testing.assert_allclose(got, oracle(q, k, v, causal, mask), atol=2e-6)


def test_gradients_of_blocks_are_those_of_short_attention_placed_side_by_side() -> None:
    """Of 300 queries, those of each hundred alone are computed at once: the sum of their gradients is the whole's."""
    q, k, v = map(jnp.float32, qkv(300))

    def whole(q: jax.Array, k: jax.Array, v: jax.Array) -> jax.Array:
        return jnp.sum(jnp.sin(attend(q, k, v)))

    def apart(q: jax.Array, k: jax.Array, v: jax.Array) -> jax.Array:
        return sum((jnp.sum(jnp.sin(attend(q[:, i : i + 100], k, v))) for i in (0, 100, 200)), jnp.zeros(()))

    for got, expected in zip(*(jax.grad(f, (0, 1, 2))(q, k, v) for f in (whole, apart)), strict=True):
        np.testing.assert_allclose(got, expected, atol=2e-6)


def test_blocks_can_be_differentiated_twice() -> None:
    q, k, v = map(jnp.float32, qkv(300, e=2))

    def slope(scale: jax.Array) -> jax.Array:
        return jax.grad(lambda s: jnp.sum(attend(s * q, k, v, causal=True) ** 2))(scale)

    step = 1e-2
    numeric = (slope(jnp.float32(1 + step)) - slope(jnp.float32(1 - step))) / (2 * step)
    np.testing.assert_allclose(jax.jvp(slope, (jnp.float32(1),), (jnp.float32(1),))[1], numeric, rtol=1e-2)


def test_a_program_of_blocks_never_holds_all_scores() -> None:
    time = 8 * BLOCK
    q, k, v = (jax.ShapeDtypeStruct((1, time, 4, 8), jnp.float32) for _ in range(3))
    made = jax.jit(jax.grad(lambda *qkv: attend(*qkv, causal=True).sum(), (0, 1, 2))).lower(q, k, v).compile()
    assert made.memory_analysis().temp_size_in_bytes < 4 * time * time * 4  # four heads, four bytes


def test_the_kernel_is_for_devices_that_have_one() -> None:
    """Here is none; in 32 bits there would not be one anywhere."""
    shape = jax.ShapeDtypeStruct((1, 512, 4, 64), jnp.float32)
    assert not has_fused(shape, shape, shape)
    short = jnp.ones((1, 4, 1, 2), jnp.bfloat16)
    assert attend(short, short, short).dtype == jnp.bfloat16
