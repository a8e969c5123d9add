"""Jacobian norms against those of Jacobians written out, in both modes."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from headway.learning.backpropagation.jacobians import jacobian_norms, prefix_jacobian_norms
from headway.network.activations import ReLU, Sigmoid, Tanh
from headway.network.compose import Repeat, Sequential
from headway.network.context import Context
from headway.network.dense import Dense
from headway.network.embedding import Embedding
from headway.network.layer import initialize
from headway.network.normalization import BatchNorm, LayerNorm
from headway.network.residual import Residual


@pytest.mark.parametrize("mode", ["forward", "reverse"])
def test_a_copy_of_a_repeated_layer_is_a_step_of_its_own(mode):
    layer = Sequential((Repeat(Dense(3), times=4), Tanh()))
    params, _ = initialize(layer, (3,), jax.random.key(0))
    norms = jacobian_norms(layer, params, jnp.ones((2, 3)), mode=mode)
    assert list(norms) == ["0/0", "0/1", "0/2", "0/3", "1"]
    for i, w in enumerate(params["0"]["*"]["w"]):
        np.testing.assert_allclose(norms[f"0/{i}"], [np.linalg.norm(w)] * 2, rtol=1e-5)


@pytest.mark.parametrize("mode", ["forward", "reverse"])
def test_jacobian_norms_are_those_of_the_whole_jacobian_of_each_layer(mode):
    with jax.enable_x64(True):
        layer = Sequential((Sequential((Dense(5), Tanh()), name="stem"), Residual(LayerNorm(), scale=0.5), Dense(2)))
        params, _ = initialize(layer, (3,), jax.random.key(0), jnp.float64)
        x = jnp.asarray(np.random.default_rng(0).normal(size=(4, 3)))
        norms = jacobian_norms(layer, params, x, mode=mode)
        assert list(norms) == ["stem/0", "stem/1", "1", "2"]
        a = x @ params["stem"]["0"]["w"] + params["stem"]["0"]["b"]
        h = jnp.tanh(a)
        block = jax.vmap(jax.jacobian(lambda h: h + 0.5 * LayerNorm().apply(params["1"]["body"], h, Context())))(h)
        expected = {
            "stem/0": [np.linalg.norm(params["stem"]["0"]["w"])] * 4,
            "stem/1": np.linalg.norm(1 - h**2, axis=1),
            "1": np.linalg.norm(block, axis=(1, 2)),
            "2": [np.linalg.norm(params["2"]["w"])] * 4,
        }
        for address, norm in norms.items():
            np.testing.assert_allclose(norm, expected[address], rtol=1e-10)


def test_prefix_norms_of_a_linear_network_are_those_of_products_of_its_matrices():
    layer = Sequential((Dense(5), Sequential((Dense(4), Dense(6)), name="middle"), Dense(2)))
    params, _ = initialize(layer, (3,), jax.random.key(0))
    norms = prefix_jacobian_norms(layer, params, jnp.ones((2, 3)), draws=None)
    assert list(norms) == ["0", "middle/0", "middle/1", "2"]
    product = np.eye(3)
    for address, w in zip(norms, (params["0"], params["middle"]["0"], params["middle"]["1"], params["2"]), strict=True):
        product = product @ np.asarray(w["w"], float)
        np.testing.assert_allclose(norms[address], [np.linalg.norm(product)] * 2, rtol=1e-5)


def test_random_draws_come_near_the_whole_norm():
    layer = Sequential((Dense(64), ReLU(), Dense(64), ReLU(), Dense(8)))
    params, _ = initialize(layer, (48,), jax.random.key(1))
    x = jax.random.normal(jax.random.key(2), (32, 48))
    whole, drawn = (prefix_jacobian_norms(layer, params, x, draws=draws) for draws in (None, 16))
    for address, norm in whole.items():
        J = np.stack([np.asarray(norm) ** 2, np.asarray(drawn[address]) ** 2]).mean(axis=1)
        assert J[1] == pytest.approx(J[0], rel=0.1)


def test_a_stack_of_sigmoids_at_0_with_orthonormal_weights_shrinks_by_a_quarter_a_layer():
    """σ'(0) = 1/4, and an orthonormal matrix keeps ‖J‖."""
    Q = np.linalg.qr(np.random.default_rng(0).normal(size=(6, 6)))[0]
    layer = Sequential(tuple(part for _ in range(5) for part in (Dense(6), Sigmoid())))
    params, _ = initialize(layer, (6,), jax.random.key(0))
    for i in range(0, 10, 2):
        # σ(0) = 1/2 in all units comes in; the bias takes what the matrix makes of it off again.
        params[str(i)] = {
            "w": jnp.asarray(Q, jnp.float32),
            "b": jnp.asarray(-0.5 * Q.sum(axis=0) * (i > 0), jnp.float32),
        }
    norms = prefix_jacobian_norms(layer, params, jnp.zeros((1, 6)), draws=None)
    for depth in range(5):
        assert float(norms[str(2 * depth + 1)][0]) == pytest.approx(np.sqrt(6) / 4 ** (depth + 1), rel=1e-4)


def test_copies_of_a_repeat_and_addresses_come_in_the_order_of_computation():
    layer = Repeat(Dense(3), times=12)
    params, _ = initialize(layer, (3,), jax.random.key(0))
    norms = prefix_jacobian_norms(layer, params, jnp.ones((1, 3)), draws=None)
    assert list(norms) == [str(i) for i in range(12)]
    product = np.linalg.multi_dot(list(np.asarray(params["*"]["w"], float)))
    assert float(norms["11"][0]) == pytest.approx(np.linalg.norm(product), rel=1e-4)


def test_behind_tokens_the_change_begins_where_they_have_become_numbers():
    layer = Sequential((Embedding(7, width=5), Dense(3)))
    params, _ = initialize(layer, (4,), jax.random.key(0))
    norms = prefix_jacobian_norms(layer, params, jnp.array([[0, 1, 2, 3]]), draws=None)
    assert float(norms["0"][0]) == pytest.approx(np.sqrt(4 * 5))
    assert float(norms["1"][0]) == pytest.approx(np.sqrt(4) * np.linalg.norm(params["1"]["w"]), rel=1e-5)


def test_in_training_a_batch_statistic_is_a_way_from_every_input():
    layer, x = BatchNorm(), jax.random.normal(jax.random.key(0), (6, 2))
    params, state = initialize(layer, (2,), jax.random.key(0))
    norms = prefix_jacobian_norms(layer, params, x, state, context=Context("train"), draws=4096)[""]
    J = jax.jacobian(lambda x: layer.apply_with_state(params, state, x, Context("train"))[0])(x)
    np.testing.assert_allclose(norms, np.sqrt(np.square(J).sum(axis=(1, 2, 3))), rtol=0.05)
