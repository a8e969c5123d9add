"""Jacobian norms against those of Jacobians written out, in both modes."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from headway.learning.backpropagation.jacobians import jacobian_norms
from headway.network.activations import Tanh
from headway.network.compose import Repeat, Sequential
from headway.network.context import Context
from headway.network.dense import Dense
from headway.network.layer import initialize
from headway.network.normalization import LayerNorm
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
