"""The Hessian against the whole matrix: known quadratics, and `jax.hessian` of a small network in float64."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.flatten_util import ravel_pytree

from headway.learning.landscape.hessian import hessian_eigenvalues, hessian_trace, hessian_vector_product
from headway.learning.landscape.surface import landscape
from headway.learning.losses import CrossEntropy
from headway.network.layer import initialize
from headway.spec.error import HeadwayError
from tests.learning.landscape.test_surface import NETWORK, examples


@functools.cache
def network_and_matrix():
    """The loss of a small MLP, its parameters, and its whole Hessian, in float64."""
    with jax.enable_x64(True):
        batch = examples(30)
        f = landscape(NETWORK, CrossEntropy(), batch._replace(x=batch.x.astype(jnp.float64)), batch_size=8)
        params, _ = initialize(NETWORK, (4,), jax.random.key(0), jnp.float64)
        theta, unravel = ravel_pytree(params)
        return f, params, np.asarray(jax.jit(jax.hessian(lambda theta: f(unravel(theta))))(theta))


def quadratic(A):
    return jax.tree_util.Partial(lambda A, p: 0.5 * p @ (A @ p), A)


def symmetric(values, seed=0):
    Q, _ = np.linalg.qr(np.random.default_rng(seed).normal(size=(len(values), len(values))))
    return jnp.asarray(Q @ np.diag(values) @ Q.T, jnp.float32)


def test_a_product_is_that_of_the_whole_matrix_of_a_network():
    f, params, H = network_and_matrix()
    with jax.enable_x64(True):
        v = jax.tree.map(lambda p: jnp.sin(7 * jnp.arange(p.size) + 1.0).reshape(p.shape), params)
        found = hessian_vector_product(f, params, v)
        assert jax.tree.structure(found) == jax.tree.structure(params)
        np.testing.assert_allclose(ravel_pytree(found)[0], H @ ravel_pytree(v)[0], rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("steps", [30, 51])
def test_extreme_eigenvalues_are_those_of_the_whole_matrix_of_a_network(steps):
    """With 30 of 51 steps, and with all 51."""
    f, params, H = network_and_matrix()
    true = np.linalg.eigvalsh(H)
    assert len(true) == 51
    with jax.enable_x64(True):
        highest, lowest = hessian_eigenvalues(f, params, 5, steps=steps)
    np.testing.assert_allclose(highest.values, true[::-1][:5], rtol=1e-4)
    nearest = np.abs(true[:, None] - lowest.values).min(axis=0)
    assert (nearest <= lowest.errors).all()
    assert (lowest.values >= true[:5] - 1e-12).all()
    if steps == 51:
        np.testing.assert_allclose(lowest.values, true[:5], rtol=1e-4, atol=1e-12)


def test_the_error_bounds_hold_where_the_steps_are_far_too_few():
    values = np.linspace(-3, 9, 40)
    f = quadratic(symmetric(values))
    for seed in range(5):
        found = hessian_eigenvalues(f, jnp.zeros(40), 3, steps=6, key=jax.random.key(seed))
        for part in found:
            assert (np.abs(values[:, None] - part.values).min(axis=0) <= part.errors).all()
            assert part.errors.max() > 0.01


@pytest.mark.parametrize("values", [[2, 2], [0, 0, 0], [5, 5, 5, -1, -1, 0], [1e6, 1, 1e-3]], ids=str)
def test_repeated_and_vanishing_eigenvalues_are_all_found(values):
    theta = {"a": jnp.ones(1), "b": jnp.ones(len(values) - 1)}
    A = symmetric(values)
    highest, lowest = hessian_eigenvalues(lambda p: quadratic(A)(ravel_pytree(p)[0]), theta, len(values))
    np.testing.assert_allclose(highest.values, sorted(values)[::-1], rtol=1e-4, atol=2e-7 * max(np.abs(values)))
    np.testing.assert_allclose(lowest.values, sorted(values), rtol=1e-4, atol=2e-7 * max(np.abs(values)))


def test_the_trace_is_within_its_standard_error_as_often_as_it_says():
    A = symmetric(np.linspace(-2, 10, 30))
    f = quadratic(A)
    estimates = [hessian_trace(f, jnp.zeros(30), 50, key=jax.random.key(seed)) for seed in range(60)]
    scores = np.array([(e.value - 120) / e.error for e in estimates])
    assert np.abs(scores).max() < 4
    assert 0.5 < np.mean(np.abs(scores) < 1) < 0.85
    off = float(2 * (np.sum(np.square(A)) - np.sum(np.square(np.diag(A)))))
    assert np.mean([e.error for e in estimates]) == pytest.approx((off / 50) ** 0.5, rel=0.1)


def test_the_trace_of_a_diagonal_hessian_is_exact():
    found = hessian_trace(lambda p: jnp.sum(jnp.arange(4.0) * p**2), jnp.ones(4), 2)
    assert found == (12, 0)


def test_the_trace_of_a_network_is_that_of_the_whole_matrix():
    f, params, H = network_and_matrix()
    with jax.enable_x64(True):
        found = hessian_trace(f, params, 400)
    assert abs(found.value - np.trace(H)) < 4 * found.error
    assert found.error < 0.2 * np.trace(H)


@pytest.mark.parametrize(
    ("act", "message"),
    [
        (lambda: hessian_eigenvalues(jnp.sum, jnp.ones(3), 4), "k: must be 1 to 3"),
        (lambda: hessian_eigenvalues(jnp.sum, jnp.ones(9), 5, steps=4), "k: must be 1 to 4"),
        (lambda: hessian_eigenvalues(jnp.sum, jnp.ones(3), 0), "k: must be 1 to 3"),
        (lambda: hessian_trace(jnp.sum, jnp.ones(3), 1), "samples: must be at least 2"),
        (lambda: hessian_vector_product(jnp.sum, jnp.ones(3), jnp.ones(2)), "v: must have the names and shapes"),
        (lambda: hessian_trace(lambda p: p, jnp.ones(3)), "f: must give one number"),
    ],
)
def test_a_wrong_request_is_refused(act, message):
    with pytest.raises(HeadwayError, match=message):
        act()
