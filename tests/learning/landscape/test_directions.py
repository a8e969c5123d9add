"""Directions: the scale of the weights by hand, principal components by NumPy."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from headway.learning.landscape.directions import difference, principal_directions, random_direction
from headway.network.activations import ReLU
from headway.network.compose import Repeat, Sequential
from headway.network.convolution import Conv, Flatten
from headway.network.dense import Dense
from headway.network.layer import initialize
from headway.network.normalization import LayerNorm
from headway.spec.error import HeadwayError

NETWORK = Sequential((Conv(5), LayerNorm(), ReLU(), Flatten(), Dense(3)))
PARAMS = initialize(NETWORK, (4, 4, 2), jax.random.key(0))[0]


def test_every_unit_of_a_random_direction_is_as_long_as_the_weights_that_lead_into_it():
    d = random_direction(PARAMS, jax.random.key(1))
    for layer, units in (("0", 5), ("4", 3)):
        for unit in range(units):
            ours, weights = (np.asarray(tree[layer]["w"])[..., unit] for tree in (d, PARAMS))
            assert np.linalg.norm(ours) == pytest.approx(np.linalg.norm(weights), rel=1e-5)


def test_biases_and_the_parameters_of_norms_stay():
    d = random_direction(PARAMS, jax.random.key(1))
    for layer, name in (("0", "b"), ("1", "g"), ("1", "b"), ("4", "b")):
        assert not np.any(d[layer][name])


def test_a_unit_without_weights_stays_and_one_ten_times_as_large_goes_ten_times_as_far():
    w = np.ones((3, 3), np.float32) * [0, 1, 10]
    d = np.asarray(random_direction({"w": jnp.asarray(w)}, jax.random.key(0))["w"])
    np.testing.assert_allclose(np.linalg.norm(d, axis=0), [0, 3**0.5, 10 * 3**0.5], rtol=1e-6)


def test_the_copies_of_a_repeated_block_are_as_long_as_their_own_weights():
    blocks = Repeat(Sequential((Dense(3), ReLU())), times=4)
    params, _ = initialize(blocks, (3,), jax.random.key(0))
    params["*"]["0"]["w"] *= jnp.array([1.0, 10, 100, 0])[:, None, None]
    d = np.asarray(random_direction(params, jax.random.key(1))["*"]["0"]["w"])
    np.testing.assert_allclose(*(np.linalg.norm(w, axis=1) for w in (d, params["*"]["0"]["w"])), rtol=1e-5)
    assert not np.any(random_direction(params, jax.random.key(1))["*"]["0"]["b"])


def test_a_layers_direction_does_not_depend_on_the_layers_beside_it():
    both = random_direction(PARAMS, jax.random.key(2))
    np.testing.assert_array_equal(random_direction({"4": PARAMS["4"]}, jax.random.key(2))["4"]["w"], both["4"]["w"])
    assert not np.array_equal(random_direction(PARAMS, jax.random.key(3))["4"]["w"], both["4"]["w"])


def walk(points=9, size=12):
    rng = np.random.default_rng(4)
    return np.cumsum(rng.normal(size=(points, size)) * np.linspace(2, 0.1, size), axis=0)


def test_principal_directions_are_the_eigenvectors_of_the_covariance():
    M = walk()
    path = [{"a": jnp.asarray(m[:8].reshape(2, 4), jnp.float32), "b": jnp.asarray(m[8:], jnp.float32)} for m in M]
    values, vectors = np.linalg.eigh(np.cov(M.T))
    found = principal_directions(path)
    for direction, share, i in zip(found.directions, found.shares, (-1, -2), strict=True):
        ours = np.concatenate([np.ravel(direction["a"]), direction["b"]])
        assert abs(ours @ vectors[:, i]) == pytest.approx(1, abs=1e-5)
        assert share == pytest.approx(values[i] / values.sum(), rel=1e-5)


def test_the_difference_leads_from_the_start_to_the_end():
    start, end = {"w": jnp.array([1.0, 2.0])}, {"w": jnp.array([4.0, 0.0])}
    np.testing.assert_array_equal(difference(end, start)["w"], [3, -2])


@pytest.mark.parametrize(
    ("act", "message"),
    [
        (lambda: random_direction({"b": jnp.ones(3)}, jax.random.key(0)), "needs weights of two axes"),
        (lambda: principal_directions([jnp.ones(3)] * 2), "need more than 2 points; got 2 points"),
        (lambda: principal_directions([i * jnp.ones(3) for i in range(5)]), "spread in 2 directions; got 1"),
        (lambda: principal_directions([jnp.ones(3)] * 5), "spread in 2 directions; got 0"),
    ],
)
def test_what_gives_no_direction_is_refused(act, message):
    with pytest.raises(HeadwayError, match=message):
        act()
