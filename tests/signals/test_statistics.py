"""Statistics of outputs and gradients against NumPy in float64."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from headway.signals.statistics import (
    BACKWARD,
    FORWARD,
    LEARNED,
    PROBED,
    STATISTICS,
    of_gradient,
    of_learned,
    of_output,
)

SHAPES = [(7, 5), (1, 5), (6, 1), (4, 3, 2), (3, 4, 4, 2), (5,)]


def expected(h):
    """The definitions in `STATISTICS`, word for word, in float64."""
    h = np.asarray(h, np.float64)
    silent = (
        np.mean([(h[..., unit] == 0).all() for unit in range(h.shape[-1])]) if h.ndim > 1 else float((h == 0).all())
    )
    h = h.reshape(len(h), -1)
    signal = np.sqrt(np.mean(h.std(axis=0) ** 2))
    return [h.mean(), h.std(), signal, np.mean(h == 0), silent, 0, np.abs(h).max()]


@pytest.mark.parametrize("dtype", [jnp.float32, jnp.bfloat16, jnp.float16])
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_statistics_agree_with_numpy_in_float64_whatever_the_dtype(shape, dtype, rng):
    h = jnp.asarray(np.maximum(rng.normal(0.3, 2, shape), 0), dtype)
    found = jax.jit(of_output)(h)
    assert found.dtype == of_gradient(h).dtype == jnp.float32
    np.testing.assert_allclose(found, expected(h), rtol=3e-6, atol=1e-7)
    np.testing.assert_allclose(of_gradient(h)[0], np.linalg.norm(np.asarray(h, np.float64)), rtol=1e-6)


def test_there_is_a_number_for_every_name():
    assert STATISTICS == PROBED + LEARNED == FORWARD + BACKWARD + LEARNED
    assert (len(of_output(jnp.ones((2, 3)))), len(of_gradient(jnp.ones((2, 3))))) == (len(FORWARD), len(BACKWARD))


def test_a_signal_far_from_zero_keeps_its_digits(rng):
    """As E[h²] − E[h]² it would not: 1e4² takes all digits that float32 has."""
    h = (1e4 + rng.normal(size=(64, 20))).astype(np.float32)
    np.testing.assert_allclose(of_output(jnp.asarray(h))[:3], expected(h)[:3], rtol=1e-3)


@given(st.floats(-50, 50, width=16), st.integers(1, 9))
def test_examples_that_are_all_alike_have_no_signal(value, examples):
    units = np.array([0.0, 1.0, value], np.float32)
    mean, spread, signal, zeros, silent, _, largest = of_output(jnp.asarray(np.tile(units, (examples, 1))))
    np.testing.assert_allclose([mean, spread], [units.mean(), units.std()], rtol=1e-5, atol=1e-5)
    assert signal <= 1e-5 * max(1, abs(value))
    assert float(silent) == float(zeros)
    assert (float(zeros), float(largest)) == (pytest.approx(np.mean(units == 0)), np.abs(units).max())


def test_nothing_is_measured_as_nothing():
    np.testing.assert_array_equal(of_output(jnp.zeros((3, 4))), [0, 0, 0, 1, 1, 0, 0])
    np.testing.assert_array_equal(of_gradient(jnp.zeros((3, 4))), [0])


def test_a_unit_is_silent_where_no_example_of_the_batch_moves_it(rng):
    h = np.maximum(rng.normal(size=(16, 3, 3, 8)), 0).astype(np.float32)
    h[..., 2] = 0
    h[:15, ..., 5] = 0
    found = dict(zip(FORWARD, of_output(jnp.asarray(h)), strict=True))
    assert float(found["silent"]) == 1 / 8
    assert float(found["zeros"]) == pytest.approx(np.mean(h == 0))


@pytest.mark.parametrize(("limits", "function"), [((-1, 1), np.tanh), ((0, 1), lambda z: 1 / (1 + np.exp(-z)))])
def test_saturated_is_where_the_slope_is_below_a_25th_of_its_largest(limits, function):
    z = np.linspace(-8, 8, 20_001, dtype=np.float32)
    slope = np.gradient(function(z.astype(np.float64)), z.astype(np.float64))
    found = of_output(jnp.asarray(function(z))[:, None], limits)[FORWARD.index("saturated")]
    assert float(found) == pytest.approx(np.mean(slope < slope.max() / 25), abs=0.005)


def test_what_a_layer_learned_is_the_norm_of_its_own_arrays_copy_by_copy(rng):
    tree = {
        "0": {"w": rng.normal(size=(3, 4)), "b": rng.normal(size=4)},
        "1": {"*": {"0": {"w": rng.normal(size=(2, 4, 4))}}},
    }
    addresses = ("0", "1/0/0", "1/1/0", "2")
    found = of_learned(addresses, (tree, jax.tree.map(lambda leaf: 3 * leaf, tree)))
    first = np.sqrt(sum((leaf**2).sum() for leaf in tree["0"].values()))
    expected = [first, *(np.linalg.norm(w) for w in tree["1"]["*"]["0"]["w"]), 0]
    np.testing.assert_allclose(found, np.stack([expected, 3 * np.array(expected)], -1), rtol=1e-5)
