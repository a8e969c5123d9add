"""Statistics of outputs and gradients against NumPy in float64."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from headway.signals.statistics import BACKWARD, FORWARD, STATISTICS, of_gradient, of_output

SHAPES = [(7, 5), (1, 5), (6, 1), (4, 3, 2), (3, 4, 4, 2), (5,)]


def expected(h):
    """The definitions in `STATISTICS`, word for word, in float64."""
    h = np.asarray(h, np.float64).reshape(len(h), -1)
    signal = np.sqrt(np.mean(h.std(axis=0) ** 2))
    return [h.mean(), h.std(), signal, np.mean(h == 0), np.abs(h).max()]


@pytest.mark.parametrize("dtype", [jnp.float32, jnp.bfloat16, jnp.float16])
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_statistics_agree_with_numpy_in_float64_whatever_the_dtype(shape, dtype, rng):
    h = jnp.asarray(np.maximum(rng.normal(0.3, 2, shape), 0), dtype)
    found = jax.jit(of_output)(h)
    assert found.dtype == of_gradient(h).dtype == jnp.float32
    np.testing.assert_allclose(found, expected(h), rtol=3e-6, atol=1e-7)
    np.testing.assert_allclose(of_gradient(h)[0], np.linalg.norm(np.asarray(h, np.float64)), rtol=1e-6)


def test_there_is_a_number_for_every_name():
    assert STATISTICS == FORWARD + BACKWARD
    assert (len(of_output(jnp.ones((2, 3)))), len(of_gradient(jnp.ones((2, 3))))) == (len(FORWARD), len(BACKWARD))


def test_a_signal_far_from_zero_keeps_its_digits(rng):
    """As E[h²] − E[h]² it would not: 1e4² takes all digits that float32 has."""
    h = (1e4 + rng.normal(size=(64, 20))).astype(np.float32)
    np.testing.assert_allclose(of_output(jnp.asarray(h))[:3], expected(h)[:3], rtol=1e-3)


@given(st.floats(-50, 50, width=16), st.integers(1, 9))
def test_examples_that_are_all_alike_have_no_signal(value, examples):
    units = np.array([0.0, 1.0, value], np.float32)
    mean, spread, signal, zeros, largest = of_output(jnp.asarray(np.tile(units, (examples, 1))))
    np.testing.assert_allclose([mean, spread], [units.mean(), units.std()], rtol=1e-5, atol=1e-5)
    assert signal <= 1e-5 * max(1, abs(value))
    assert (float(zeros), float(largest)) == (pytest.approx(np.mean(units == 0)), np.abs(units).max())


def test_nothing_is_measured_as_nothing():
    np.testing.assert_array_equal(of_output(jnp.zeros((3, 4))), [0, 0, 0, 1, 0])
    np.testing.assert_array_equal(of_gradient(jnp.zeros((3, 4))), [0])
