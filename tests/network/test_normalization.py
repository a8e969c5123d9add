import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import linen
from hypothesis import given
from hypothesis import strategies as st

from headway.learning.optimizers import decay_mask
from headway.network.activations import ReLU, Tanh
from headway.network.compose import Sequential
from headway.network.convolution import Conv
from headway.network.dense import Dense
from headway.network.layer import apply, initialize
from headway.network.normalization import LayerNorm
from headway.network.values import flatten
from headway.spec.edit import InsertAfter, InsertBefore, edit, new_address
from headway.spec.error import HeadwayError


def some(rng, features, dtype=np.float32):
    return {"g": rng.normal(size=features).astype(dtype), "b": rng.normal(size=features).astype(dtype)}


def formula(params, x, epsilon=1e-5):
    """The docstring's equation, in float64."""
    x, g, b = (np.asarray(a, np.float64) for a in (x, params["g"], params["b"]))
    return g * (x - x.mean(-1, keepdims=True)) / np.sqrt(x.var(-1, keepdims=True) + epsilon) + b


@pytest.mark.parametrize("shape", [(7,), (5, 7), (3, 4, 2)])
def test_layer_norm_and_its_gradients_are_those_of_flax(shape, rng):
    params, x = some(rng, shape[-1]), rng.normal(2.0, 3.0, size=(6, *shape)).astype(np.float32)
    theirs = linen.LayerNorm(epsilon=1e-3, use_fast_variance=False)

    def flax(params, x):
        return theirs.apply({"params": {"scale": params["g"], "bias": params["b"]}}, x)

    y, back = jax.vjp(lambda p, x: apply(LayerNorm(epsilon=1e-3), p, x)[0], params, x)
    expected, expected_back = jax.vjp(flax, params, x)
    np.testing.assert_allclose(y, expected, rtol=1e-4, atol=1e-5)
    for ours, flaxs in zip(jax.tree.leaves(back(jnp.cos(y))), jax.tree.leaves(expected_back(jnp.cos(y))), strict=True):
        np.testing.assert_allclose(ours, flaxs, rtol=1e-3, atol=1e-4)


def test_value_and_jacobian_are_the_closed_forms(rng):
    """dy/dx = diag(g) (I − 1 1ᵀ / n − z zᵀ / n) / s with s = √(σ² + epsilon) and z = (x − μ) / s."""
    n, epsilon = 6, 0.01
    with jax.enable_x64(True):
        params, x = some(rng, n, np.float64), rng.normal(size=n)
        layer = LayerNorm(epsilon=epsilon)
        s = np.sqrt(x.var() + epsilon)
        z = (x - x.mean()) / s
        np.testing.assert_allclose(apply(layer, params, x[None])[0], formula(params, x[None], epsilon), rtol=1e-12)
        expected = np.diag(params["g"]) @ (np.eye(n) - np.ones((n, n)) / n - np.outer(z, z) / n) / s
        jacobian = jax.jacobian(lambda x: apply(layer, params, x[None])[0][0])(x)
        np.testing.assert_allclose(jacobian, expected, rtol=1e-12, atol=1e-13)


def test_at_first_every_row_comes_out_with_mean_0_and_variance_1(key, rng):
    x = jnp.array(rng.normal(5.0, 20.0, size=(4, 3, 50)), jnp.float32)
    params, _ = initialize(LayerNorm(), (3, 50), key)
    y = np.asarray(apply(LayerNorm(), params, x)[0])
    np.testing.assert_allclose(y.mean(-1), np.zeros((4, 3)), atol=1e-5)
    np.testing.assert_allclose(y.var(-1), np.ones((4, 3)), rtol=1e-5)


@given(scale=st.floats(0.1, 100), shift=st.floats(-100, 100), seed=st.integers(0, 99))
def test_scale_and_shift_of_the_input_go_out(scale, shift, seed):
    rng = np.random.default_rng(seed)
    with jax.enable_x64(True):
        params, x = some(rng, 5, np.float64), rng.normal(size=(3, 5))
        y, again = (apply(LayerNorm(epsilon=1e-14), params, jnp.array(x))[0] for x in (x, scale * x + shift))
        np.testing.assert_allclose(again, y, rtol=1e-6, atol=1e-8)


@pytest.mark.parametrize("dtype", [jnp.bfloat16, jnp.float16])
def test_low_precision_is_rounded_once_at_the_end(dtype, rng):
    """Deviations of a few units from 500: in float16 their squares' sum overflows, in bfloat16 the mean is far off."""
    x = jnp.array(500 + 200 * rng.normal(size=(8, 256)), dtype)
    params = {name: value.astype(dtype) for name, value in some(rng, 256).items()}
    y = apply(LayerNorm(), params, x)[0]
    assert y.dtype == dtype
    # Half a unit in the last place, and what float32 rounds before.
    error = np.abs(np.asarray(y, np.float64) - formula(params, x))
    assert (error <= 0.501 * jnp.finfo(dtype).eps * np.abs(formula(params, x)) + 1e-5).all()


def test_an_example_is_normalized_alone(rng):
    params, x = some(rng, 6), rng.normal(size=(4, 3, 6)).astype(np.float32)
    y = apply(LayerNorm(), params, x)[0]
    np.testing.assert_allclose(apply(LayerNorm(), params, x[2:3, 1:2])[0], y[2:3, 1:2], rtol=1e-6)
    others = jax.jacobian(lambda x: apply(LayerNorm(), params, x)[0][2, 1])(x)
    assert not np.delete(np.asarray(others).reshape(6, 12, 6), 2 * 3 + 1, axis=1).any()


@pytest.mark.parametrize("features", [1, 5])
def test_a_constant_row_becomes_b_and_its_gradients_are_finite(features, rng):
    params, x = some(rng, features), jnp.full((2, features), 3.0)
    y, back = jax.vjp(lambda p, x: apply(LayerNorm(), p, x)[0], params, x)
    np.testing.assert_array_equal(y, np.broadcast_to(params["b"], (2, features)))
    assert all(jnp.isfinite(leaf).all() for leaf in jax.tree.leaves(back(jnp.ones_like(y))))


def test_the_parameters_start_at_1_and_0_and_do_not_decay(key):
    params, state = initialize(LayerNorm(), (4, 3), key)
    assert state == {}
    np.testing.assert_array_equal(params["g"], np.ones(3))
    np.testing.assert_array_equal(params["b"], np.zeros(3))
    assert decay_mask(LayerNorm().declare((4, 3))) == {"g": False, "b": False}


@pytest.mark.parametrize("at", ["0", "1", "2", "3", "4"])
@pytest.mark.parametrize("insert", [InsertBefore, InsertAfter])
def test_a_norm_put_anywhere_leaves_all_other_first_weights_bit_equal(at, insert, key):
    network = Sequential((Conv(4), ReLU(), Dense(5), Tanh(), Dense(2)))
    edited = edit(network, insert(at, new=LayerNorm()))
    before, after = (flatten(initialize(net, (6, 2), key)[0]) for net in (network, edited.spec))
    moved = {new_address(edited.moved, address): value for address, value in before.items()}
    for address, value in moved.items():
        np.testing.assert_array_equal(after[address], value)
    assert {address.rpartition("/")[2] for address in after.keys() - moved.keys()} == {"g", "b"}


def test_what_cannot_be_normalized_is_refused(key):
    with pytest.raises(HeadwayError, match=r"^1: LayerNorm needs a dimension of features; got shape \(\)\. Put Dense"):
        Sequential((ReLU(), LayerNorm())).shape(())
    params, _ = initialize(LayerNorm(), (3,), key)
    with pytest.raises(HeadwayError, match=r"the weights here take 3 features; got shape \(4,\)"):
        apply(LayerNorm(), params, jnp.ones((2, 4)))
    for epsilon in (0.0, -1e-5):
        with pytest.raises(HeadwayError, match=r"^LayerNorm\.epsilon: must be greater than 0"):
            LayerNorm(epsilon=epsilon)
