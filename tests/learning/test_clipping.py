import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from headway.learning.clipping import ClipByNorm, ClipByValue, global_norm
from headway.spec.numbers import join, split

rng = np.random.default_rng(2)
GRADIENTS = {"0": {"w": jnp.asarray(rng.normal(size=(3, 4)), jnp.float32), "b": jnp.ones(4)}, "2": {"w": jnp.zeros(2)}}


def close(a, b, rtol=1e-6):
    jax.tree.map(lambda x, y: np.testing.assert_allclose(x, y, rtol=rtol), a, b)


@pytest.mark.parametrize("limit", [0.01, 1.0, 3.0, 100.0])
def test_clipping_agrees_with_optax(limit):
    for clip, oracle in [
        (ClipByNorm(limit), optax.clip_by_global_norm(limit)),
        (ClipByValue(limit), optax.clip(limit)),
    ]:
        close(clip.clip(GRADIENTS), oracle.update(GRADIENTS, oracle.init(GRADIENTS))[0])
    close(global_norm(GRADIENTS), optax.tree.norm(GRADIENTS))


def test_a_gradient_within_the_limit_is_left_bit_for_bit():
    for clip in (ClipByNorm(100.0), ClipByValue(100.0)):
        jax.tree.map(np.testing.assert_array_equal, clip.clip(GRADIENTS), GRADIENTS)


@pytest.mark.parametrize("scale", [1e30, 1e-30])
def test_the_norm_neither_overflows_nor_vanishes(scale):
    scaled = jax.tree.map(lambda g: g * scale, GRADIENTS)
    np.testing.assert_allclose(global_norm(scaled) / scale, global_norm(GRADIENTS), rtol=1e-5)
    np.testing.assert_allclose(global_norm(ClipByNorm(scale).clip(scaled)), scale, rtol=1e-5)


@pytest.mark.parametrize("bad", [jnp.nan, jnp.inf, -jnp.inf])
def test_what_is_not_finite_passes_through_to_be_seen(bad):
    spoiled = {"a": jnp.array([1.0, bad]), "b": jnp.array([5.0])}
    jax.tree.map(np.testing.assert_array_equal, ClipByNorm(1.0).clip(spoiled), spoiled)
    np.testing.assert_array_equal(ClipByValue(0.5).clip(spoiled)["a"], [0.5, bad])
    assert not jnp.isfinite(global_norm(spoiled))


def test_a_limit_of_zero_stops_everything_even_a_gradient_of_zero():
    for clip in (ClipByNorm(0.0), ClipByValue(0.0)):
        for gradients in (GRADIENTS, jax.tree.map(jnp.zeros_like, GRADIENTS)):
            assert all(jnp.all(g == 0) for g in jax.tree.leaves(clip.clip(gradients)))


@pytest.mark.parametrize("clip", [ClipByNorm(0.5), ClipByValue(0.5)], ids=repr)
def test_the_limit_is_data_and_dtypes_are_kept(clip):
    structure, numbers = split(clip)
    traced = jax.jit(lambda numbers, g: join(structure, numbers).clip(g))
    half = jax.tree.map(lambda g: g.astype(jnp.bfloat16), GRADIENTS)
    assert all(g.dtype == jnp.bfloat16 for g in jax.tree.leaves(traced(numbers, half)))
    close(traced(numbers, GRADIENTS), clip.clip(GRADIENTS))
    traced({"limit": 0.25}, GRADIENTS)
    assert traced._cache_size() == 2


def test_no_gradients_have_norm_zero():
    assert global_norm({}) == 0
    assert ClipByNorm(1.0).clip({}) == {}
