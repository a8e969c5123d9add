import jax
import jax.numpy as jnp
import numpy as np
import pytest

from headway.network.dense import Dense, product
from headway.network.initialization import Constant, Zeros
from headway.network.layer import apply, initialize
from headway.spec.error import HeadwayError


@pytest.mark.parametrize("inputs", [(3,), (4, 3), (2, 4, 3)])
@pytest.mark.parametrize("bias", [True, False])
def test_every_unit_is_a_weighted_sum_plus_a_bias_at_every_position(inputs, bias, rng):
    dense = Dense(5, bias=bias)
    params, _ = initialize(dense, inputs, jax.random.key(0))
    params |= {"b": jnp.arange(5.0)} if bias else {}
    x = rng.normal(size=(2, *inputs)).astype(np.float32)
    y = apply(dense, params, jnp.array(x))[0]
    assert y.shape == (2, *dense.shape(inputs))
    for j in range(5):
        np.testing.assert_allclose(y[..., j], x @ np.asarray(params["w"])[:, j] + j * bias, rtol=1e-5, atol=1e-6)


def test_parameters_are_declared_with_fans_and_biases_do_not_decay():
    declared = Dense(5, init=Constant(2.0)).parameters((4, 3))
    assert (declared["w"].shape, declared["w"].fans, declared["w"].decays) == ((3, 5), (3, 5), True)
    assert (declared["b"].shape, declared["b"].init, declared["b"].decays) == ((5,), Zeros(), False)
    assert set(Dense(5, bias=False).parameters((3,))) == {"w"}


def test_gradients_are_those_of_the_chain_rule(rng):
    """dJ/dw = xᵀ g, dJ/db = Σ g, dJ/dx = g wᵀ for g = dJ/dy."""
    dense, g = Dense(4), rng.normal(size=(6, 4)).astype(np.float32)
    params, _ = initialize(dense, (3,), jax.random.key(0))
    x = jnp.array(rng.normal(size=(6, 3)), jnp.float32)
    dp, dx = jax.grad(lambda p, x: jnp.sum(g * apply(dense, p, x)[0]), argnums=(0, 1))(params, x)
    np.testing.assert_allclose(dp["w"], np.asarray(x).T @ g, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(dp["b"], g.sum(0), rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(dx, g @ np.asarray(params["w"]).T, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("units", [1, 3, 64, 65, 100])
def test_product_is_the_matrix_product_to_the_second_derivative_and_over_stacks(units, rng):
    """The narrow form (fewer units than inputs, 64 at most) differs from the plain one in nothing but speed."""
    x, w = (jnp.asarray(rng.normal(size=shape), jnp.float32) for shape in ((6, 80), (80, units)))

    def curvature(multiply):
        def along(w):
            return jnp.sum(jnp.tanh(multiply(x, w)) ** 2)

        return multiply(x, w), jax.grad(along)(w), jax.jvp(jax.grad(along), (w,), (jnp.cos(w),))[1]

    for found, expected in zip(curvature(product), curvature(jnp.matmul), strict=True):
        np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-4)
    stacked = jax.vmap(product, in_axes=(None, 0))(x, jnp.stack([w, 2 * w]))
    np.testing.assert_allclose(stacked[1], 2 * (x @ w), rtol=1e-5, atol=1e-4)
    assert product(x.astype(jnp.bfloat16), w.astype(jnp.bfloat16)).dtype == jnp.bfloat16


def test_inputs_that_do_not_fit_are_refused():
    with pytest.raises(HeadwayError, match=r"Dense needs a dimension of features; got shape \(\)"):
        Dense(2).shape(())
    params, _ = initialize(Dense(2), (3,), jax.random.key(0))
    with pytest.raises(HeadwayError, match=r"the weights here take 3 features; got shape \(4,\)\. Give inputs"):
        apply(Dense(2), params, jnp.ones((1, 4)))
