"""The gradient noise scale: against linear regression written out, on both sides of what examples can tell."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from headway.learning.noise import noise_scale
from headway.spec.error import HeadwayError


def moments(gradients):
    """|g_k|² and g_k · ḡ of gradients [batches, parameters]."""
    return (gradients**2).sum(axis=1), gradients @ gradients.mean(axis=0)


def regression(rng, examples, w, true, spread):
    """The gradients of (x w − y)² / 2 of so many examples, x normal, y = x true and normal noise of this spread."""
    x = rng.normal(size=(examples, len(w)))
    y = x @ true + spread * rng.normal(size=examples)
    return x * (x @ w - y)[:, None]


@pytest.mark.parametrize(("distance", "spread"), [(1.0, 1.0), (0.3, 2.0)], ids=["far", "near"])
def test_it_is_that_of_linear_regression_whose_covariance_is_known(distance, spread):
    """With d = w − true of length r and x of 8 independent normal numbers: G = d, tr Σ = (8 + 1) r² + 8 spread²."""
    true, w = np.zeros(8), np.full(8, distance / np.sqrt(8))
    noise, slope = 9 * distance**2 + 8 * spread**2, distance**2
    gradients = regression(np.random.default_rng(0), 4 * 4000, w, true, spread).reshape(4000, 4, 8).mean(axis=1)
    found = noise_scale(*moments(gradients), batch_size=4)
    assert found.noise == pytest.approx(noise, rel=0.05)
    assert found.slope == pytest.approx(slope, rel=0.15)
    assert found.low < noise / slope < found.high
    assert found.high / found.low < 2


def test_the_two_batch_sizes_of_the_paper_are_the_same_numbers_written_out():
    gradients = np.random.default_rng(1).normal(size=(12, 5)) + 0.5
    small, big = (gradients**2).sum(axis=1).mean(), (gradients.mean(axis=0) ** 2).sum()
    slope = (12 * 3 * big - 3 * small) / (12 * 3 - 3)
    noise = (small - big) / (1 / 3 - 1 / (12 * 3))
    found = noise_scale(*moments(gradients), batch_size=3)
    assert (found.slope, found.noise) == pytest.approx((slope, noise))
    assert found.value == pytest.approx(noise / slope)


def test_both_estimates_have_no_bias_however_few_batches():
    rng = np.random.default_rng(2)
    drawn = [noise_scale(*moments(1 + rng.normal(size=(3, 4)) * 2 / 5**0.5), batch_size=5) for _ in range(4000)]
    assert np.mean([one.slope for one in drawn]) == pytest.approx(4, rel=0.03)
    assert np.mean([one.noise for one in drawn]) == pytest.approx(4 * 4, rel=0.03)


def test_the_interval_holds_the_true_value_about_as_often_as_two_standard_errors_should():
    rng, true = np.random.default_rng(3), 20 * 4 / 20
    drawn = [noise_scale(*moments(1 + 2 * rng.normal(size=(24, 20)) / 2), batch_size=4) for _ in range(400)]
    assert 0.88 < np.mean([one.low <= true <= one.high for one in drawn]) <= 1


def test_where_the_slope_is_lost_in_the_noise_there_is_no_upper_end():
    rng = np.random.default_rng(4)
    lost = [noise_scale(*moments(rng.normal(size=(16, 50))), batch_size=1) for _ in range(40)]
    assert all(one.high == np.inf for one in lost)
    assert all(one.value == np.inf for one in lost if one.slope <= 0)
    assert 0 < sum(one.slope <= 0 for one in lost) < 40


def test_without_noise_the_scale_is_0_and_an_update_wins_all():
    found = noise_scale(*moments(np.ones((6, 3))), batch_size=10)
    assert found.value == pytest.approx(0, abs=1e-6)
    assert found.progress(10) == pytest.approx(1)


def test_an_update_at_the_noise_scale_wins_half_of_one_without_noise():
    """The gain of g ~ N(G, Σ / n) at its best rate on a parabola of curvature 1: |G|⁴ / 2 (|G|² + tr Σ / n)."""
    found = noise_scale(*moments(np.random.default_rng(5).normal(size=(4000, 2)) + 1), batch_size=7)
    assert found.value == pytest.approx(7 * 2 / 2, rel=0.1)
    gain = {n: 2**2 / 2 / (2 + 14 / n) for n in (7.0, 70.0)}
    for n, won in gain.items():
        assert found.progress(n) == pytest.approx(won / (2**2 / 2 / 2), rel=0.1)


def test_two_batches_give_a_value_and_no_interval_and_one_is_refused():
    found = noise_scale(*moments(np.array([[1.0, 0.0], [1.0, 2.0]])), batch_size=1)
    assert (found.low, found.high) == (0, np.inf)
    assert found.value == pytest.approx(2)
    with pytest.raises(HeadwayError, match="must be two or more"):
        noise_scale([1.0], [1.0], 1)


def test_arrays_of_jax_serve_as_well():
    gradients = jax.random.normal(jax.random.key(0), (8, 3)) + 1
    ours = noise_scale((gradients**2).sum(axis=1), gradients @ jnp.mean(gradients, axis=0), 2)
    assert ours.value == pytest.approx(noise_scale(*moments(np.asarray(gradients, float)), 2).value, rel=1e-5)
