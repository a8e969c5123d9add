"""Muon beside the singular value decomposition and Optax's own."""

import jax
import jax.numpy as jnp
import numpy as np
import optax.contrib
import pytest

from headway.learning.optimizers.adaptive import AdamW
from headway.learning.optimizers.groups import Assigned, Groups
from headway.learning.optimizers.optimizer import apply_updates
from headway.learning.optimizers.orthogonal import Muon, orthogonalized
from headway.learning.schedules.decay import Cosine
from headway.network.values import COPY
from headway.spec.error import HeadwayError

rng = np.random.default_rng(0)
SHAPES = [(6, 4), (4, 6), (5, 5)]


def matrix(*shape):
    return jnp.array(rng.normal(size=shape), jnp.float32)


def steps(optimizer, params, gradients):
    """The parameters after each update."""
    transformation = optimizer.transformation() if hasattr(optimizer, "transformation") else optimizer
    state = transformation.init(params)
    for g in gradients:
        updates, state = transformation.update(g, state, params)
        params = apply_updates(params, updates)
        yield params


@pytest.mark.parametrize("shape", SHAPES)
def test_singular_vectors_stay_and_their_values_come_near_1(shape):
    x = matrix(*shape)
    u, s, vt = np.linalg.svd(x, full_matrices=False)
    inside = u.T @ np.asarray(orthogonalized(x)) @ vt.T
    np.testing.assert_allclose(inside - np.diag(np.diag(inside)), 0, atol=2e-4)
    assert np.all(np.diag(inside)[s > 0.05 * s[0]] > 0.6)
    assert np.all(np.diag(inside) < 1.3)


@pytest.mark.parametrize("scale", [1e-6, 1.0, 1e6])
def test_the_size_of_the_gradient_does_not_matter(scale):
    x = matrix(4, 6)
    np.testing.assert_allclose(orthogonalized(scale * x), orthogonalized(x), rtol=0.2, atol=0.1)


def test_no_gradient_is_no_step():
    np.testing.assert_array_equal(orthogonalized(jnp.zeros((3, 2))), 0)


@pytest.mark.parametrize("decay", [None, 0.1])
@pytest.mark.parametrize("rate", [0.02, Cosine(0.05, steps=6)], ids=str)
def test_ten_updates_of_matrices_are_those_of_optax(rate, decay):
    """Without Nesterov: Optax corrects its two moments for their start by different factors, which orth sees."""
    params = {str(shape): matrix(*shape) for shape in SHAPES}
    gradients = [{name: matrix(*p.shape) for name, p in params.items()} for _ in range(6)]
    schedule = rate.value if isinstance(rate, Cosine) else rate
    theirs = optax.contrib.muon(schedule, beta=0.95, nesterov=False, weight_decay=decay or 0.0, eps=1e-7)
    ours = Muon(rate, nesterov=False, weight_decay=decay)
    for found, expected in zip(steps(ours, params, gradients), steps(theirs, params, gradients), strict=True):
        jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=2e-3, atol=2e-4), found, expected)


def test_nesterov_looks_one_momentum_ahead():
    params, gradients = {"w": matrix(4, 6)}, [{"w": matrix(4, 6)} for _ in range(3)]
    *_, found = steps(Muon(0.5, momentum=0.9), params, gradients)
    theta, m = np.asarray(params["w"]), 0.0
    for g in gradients:
        m = 0.9 * m + np.asarray(g["w"])
        theta = theta - 0.5 * np.sqrt(6 / 4) * np.asarray(orthogonalized(jnp.asarray(np.asarray(g["w"]) + 0.9 * m)))
    np.testing.assert_allclose(found["w"], theta, rtol=1e-4, atol=1e-5)


def test_every_copy_of_a_repeated_layer_is_a_matrix_of_its_own():
    stack, g = matrix(3, 4, 6), matrix(3, 4, 6)
    (together,) = steps(Muon(0.1), {"0": {COPY: {"w": stack}}}, [{"0": {COPY: {"w": g}}}])
    for i in range(3):
        (alone,) = steps(Muon(0.1), {"w": stack[i]}, [{"w": g[i]}])
        np.testing.assert_allclose(together["0"][COPY]["w"][i], alone["w"], rtol=1e-5, atol=1e-6)


def test_a_kernel_is_a_matrix_of_its_places_and_inputs_and_a_vector_one_of_a_single_row():
    kernel, vector, scalar = matrix(3, 3, 2, 5), matrix(7), jnp.float32(2.0)
    zeros = {"k": 0 * kernel, "v": 0 * vector, "s": 0 * scalar}
    (found,) = steps(Muon(1.0), zeros, [{"k": kernel, "v": vector, "s": scalar}])
    np.testing.assert_allclose(found["k"].reshape(18, 5), -orthogonalized(kernel.reshape(18, 5)), rtol=1e-4, atol=1e-5)
    along = found["v"] / vector
    np.testing.assert_allclose(along, along[0], rtol=1e-5)
    assert 0.6 < np.linalg.norm(found["v"]) / np.sqrt(7) < 1.3
    assert -1.3 < found["s"] < -0.6


def test_a_part_of_a_network_is_left_to_another_optimizer():
    params, g = {"0": {"w": matrix(4, 6), "b": matrix(6)}}, {"0": {"w": matrix(4, 6), "b": matrix(6)}}
    groups = Groups(Muon(0.02), rules=(Assigned("0/b", optimizer=AdamW(1e-3)),))
    (found,) = steps(groups, params, [g])
    (matrices,), (vectors,) = steps(Muon(0.02), params, [g]), steps(AdamW(1e-3), params, [g])
    np.testing.assert_allclose(found["0"]["w"], matrices["0"]["w"], rtol=1e-6)
    np.testing.assert_allclose(found["0"]["b"], vectors["0"]["b"], rtol=1e-6)


def test_a_momentum_that_forgets_nothing_is_refused():
    with pytest.raises(HeadwayError, match=r"Muon\.momentum: must be less than 1; got 1\.0"):
        Muon(momentum=1.0)
