"""Rescale beside NumPy, feature by feature, and what it refuses."""

import jax.numpy as jnp
import numpy as np
import pytest

from headway.network.compose import Sequential
from headway.network.dense import Dense
from headway.network.layer import apply
from headway.network.rescale import Rescale
from headway.spec.error import HeadwayError


@pytest.mark.parametrize("shape", [(4, 3), (4, 5, 3)])
def test_every_feature_has_its_own_scale_and_shift(shape):
    x = np.random.default_rng(0).normal(size=shape).astype(np.float32)
    y, _ = apply(Rescale((2.0, 0.5, -1.0), shift=(1.0, 0.0, 3.0)), {}, jnp.asarray(x))
    np.testing.assert_allclose(y, x * np.float32([2, 0.5, -1]) + np.float32([1, 0, 3]), rtol=1e-6)


def test_one_number_serves_all_features():
    x = jnp.arange(6.0).reshape(2, 3)
    np.testing.assert_allclose(apply(Rescale((3.0,)), {}, x)[0], 3 * x)


def test_numbers_for_other_features_are_refused_by_their_address():
    network = Sequential((Dense(2), Rescale((1.0, 2.0, 3.0))))
    with pytest.raises(HeadwayError, match="1/scale"):
        network.shape((4,))
