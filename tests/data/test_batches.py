"""Batches: each a pure function of (seed, k), each epoch a permutation, nothing lost on the way."""

import functools
import itertools
from collections import Counter

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from headway.data.batches import Place, advance, batch_indices, example_keys, mixed, padded, permuted, place
from headway.data.dataset import Examples

SIZES = [1, 2, 3, 4, 5, 7, 8, 9, 31, 32, 33, 64, 65, 127, 128, 129, 1000, 1025, 4000]
SEEDS = st.integers(0, 2**32 - 1)

batch_of = jax.jit(batch_indices, static_argnums=(3, 4))


@functools.partial(jax.jit, static_argnums=2)
def orders(seed, epochs, n):
    """The orders of some epochs, [epochs, n]."""
    return jax.vmap(lambda e: permuted(seed, jnp.full(n, e), jnp.arange(n, dtype=jnp.uint32), n))(epochs)


def order(seed, epoch, n):
    return np.asarray(orders(np.uint32(seed), np.array([epoch], np.uint32), n)[0])


@pytest.mark.parametrize("n", SIZES)
@given(seed=SEEDS, epoch=SEEDS)
def test_every_epoch_visits_every_example_exactly_once(n, seed, epoch):
    np.testing.assert_array_equal(np.sort(order(seed, epoch, n)), np.arange(n))


def test_large_data_sets_stay_in_range_without_a_repeat():
    n = 2**31 - 1
    some = permuted(3, jnp.zeros(100_000, jnp.uint32), jnp.arange(n - 100_000, n, dtype=jnp.uint32), n)
    assert some.max() < n
    assert len(np.unique(some)) == 100_000


def test_epochs_and_seeds_have_orders_of_their_own():
    several = [tuple(order(seed, epoch, 50)) for seed in range(5) for epoch in range(5)]
    assert len(set(several)) == 25
    # Two independent orders of n agree in about one place: more than 6 would be one case in 10,000.
    assert max(sum(np.equal(a, b)) for a, b in itertools.combinations(several, 2)) <= 7


@pytest.mark.parametrize("n", [2, 3, 4, 5])
def test_all_orders_of_a_tiny_data_set_are_equally_likely(n):
    seen = Counter(tuple(o) for o in orders(5, jnp.arange(24_000, dtype=jnp.uint32), n).tolist())
    assert stats.chisquare([seen[o] for o in itertools.permutations(range(n))]).pvalue > 1e-3


@pytest.mark.parametrize("n", [10, 64, 65, 100])
def test_places_of_one_and_of_two_examples_are_uniform(n):
    drawn = np.asarray(orders(11, jnp.arange(20_000, dtype=jnp.uint32), n)).astype(int)
    alone = [stats.chisquare(np.bincount(drawn[:, j], minlength=n)).pvalue for j in range(n)]
    apart = [(drawn[:, j] - drawn[:, 0]) % n for j in range(1, n)]
    pairs = [stats.chisquare(np.bincount(d, minlength=n)[1:]).pvalue for d in apart]
    assert min(alone + pairs) > 1e-3 / (2 * n)


@pytest.mark.parametrize(("n", "batch"), [(1, 3), (10, 3), (10, 10), (7, 20), (40, 16)])
@given(start=st.integers(0, 10_000), seed=SEEDS)
def test_a_batch_is_the_stretch_of_the_epochs_that_starts_at_its_place(n, batch, start, seed):
    epoch, position = divmod(start, n)
    got = batch_of(np.uint32(seed), np.uint32(epoch), np.uint32(position), batch, n)
    places = [divmod(k, n) for k in range(start, start + batch)]
    assert list(zip(got.epochs.tolist(), got.positions.tolist(), strict=True)) == places
    assert got.indices.tolist() == [order(seed, e, n)[p] for e, p in places]


def test_the_carried_place_equals_the_place_computed_from_the_step():
    def body(at, _):
        return advance(at, 7, 30), batch_indices(4, *at, 7, 30).indices

    carried, batches = jax.lax.scan(body, Place(jnp.uint32(0), jnp.uint32(0)), None, length=50)
    assert tuple(map(int, carried)) == place(50, 7, 30)
    for step in range(50):
        np.testing.assert_array_equal(batches[step], batch_of(4, *place(step, 7, 30), 7, 30).indices)


def test_places_stay_exact_after_more_examples_than_an_integer_of_the_step_holds():
    epoch, position = place(10**9, 4096, 60_000)
    assert epoch * 60_000 + position == 4096 * 10**9
    assert tuple(map(int, advance(Place(jnp.uint32(epoch), jnp.uint32(position)), 4096, 60_000))) == place(
        10**9 + 1, 4096, 60_000
    )


def test_another_seed_needs_no_new_compilation():
    compiled = jax.jit(lambda seed, epoch, position: batch_indices(seed, epoch, position, 8, 100).indices)
    first = compiled(np.uint32(0), np.uint32(0), np.uint32(0))
    assert not np.array_equal(first, compiled(np.uint32(1), np.uint32(5), np.uint32(96)))
    assert compiled._cache_size() == 1


def test_the_mixer_has_no_collisions_and_flips_half_of_the_bits():
    x = jnp.arange(2**16, dtype=jnp.uint32)
    assert len(np.unique(mixed(x))) == 2**16
    flips = [np.mean(jax.lax.population_count(mixed(x) ^ mixed(x ^ jnp.uint32(1 << bit)))) for bit in range(32)]
    np.testing.assert_allclose(flips, 16, atol=0.5)


def test_an_example_has_the_same_key_in_whatever_batch_it_comes():
    key = jax.random.key(0)
    small, large = batch_indices(1, 0, 12, 4, 20), batch_indices(1, 0, 8, 16, 20)
    keys, others = (jax.random.key_data(example_keys(key, b.epochs, b.positions)) for b in (small, large))
    np.testing.assert_array_equal(keys, others[4:8])
    assert len(np.unique(others, axis=0)) == 16
    by_hand = jax.random.fold_in(jax.random.fold_in(key, 0), 12)
    np.testing.assert_array_equal(keys[0], jax.random.key_data(by_hand))


@pytest.mark.parametrize(("n", "batch"), [(1, 4), (4, 4), (5, 4), (11, 3)])
def test_padded_batches_hold_every_example_once_with_weight_one(n, batch):
    x, y = np.random.default_rng(0).normal(size=(n, 2, 3)).astype(np.float32), np.arange(n, dtype=np.int32)
    got = padded(Examples(x, y), batch)
    assert got.x.shape == (-(-n // batch), batch, 2, 3)
    real = got.weights.reshape(-1) == 1
    np.testing.assert_array_equal(got.x.reshape(-1, 2, 3)[real], x)
    np.testing.assert_array_equal(got.y.reshape(-1)[real], y)
    assert got.weights.sum() == n
    assert (got.x.dtype, got.y.dtype, got.weights.dtype) == (np.float32, np.int32, np.float32)
