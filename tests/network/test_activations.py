import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.special
import scipy.stats
from hypothesis import given
from hypothesis import strategies as st

from headway.network.activations import (
    ELU,
    GELU,
    SELU,
    HardSigmoid,
    Identity,
    LeakyReLU,
    ReLU,
    Sigmoid,
    SiLU,
    Softmax,
    Softplus,
    Softsign,
    Swish,
    Tanh,
    TanhGELU,
)
from headway.network.initialization import GlorotUniform, HeNormal, LeCunNormal
from headway.network.layer import Activation, apply
from headway.spec.error import HeadwayError
from headway.spec.numbers import join, split

expit = scipy.special.expit
CLOSED = [
    (Identity(), lambda x: x, lambda x: np.ones_like(x)),
    (ReLU(), lambda x: np.maximum(x, 0), lambda x: np.where(x > 0, 1.0, 0)),
    (LeakyReLU(0.2), lambda x: np.maximum(x, 0.2 * x), lambda x: np.where(x > 0, 1, 0.2)),
    (ELU(0.7), lambda x: np.where(x > 0, x, 0.7 * np.expm1(x)), lambda x: np.where(x > 0, 1, 0.7 * np.exp(x))),
    (
        SELU(),
        lambda x: 1.0507009873554805 * np.where(x > 0, x, 1.6732632423543772 * np.expm1(x)),
        lambda x: 1.0507009873554805 * np.where(x > 0, 1, 1.6732632423543772 * np.exp(x)),
    ),
    (GELU(), lambda x: x * scipy.stats.norm.cdf(x), lambda x: scipy.stats.norm.cdf(x) + x * scipy.stats.norm.pdf(x)),
    (TanhGELU(), lambda x: x / 2 * (1 + np.tanh(np.sqrt(2 / np.pi) * (x + 0.044715 * x**3))), None),
    (SiLU(), lambda x: x * expit(x), lambda x: expit(x) * (1 + x * expit(-x))),
    (Swish(2.5), lambda x: x * expit(2.5 * x), lambda x: expit(2.5 * x) * (1 + 2.5 * x * expit(-2.5 * x))),
    (Tanh(), np.tanh, lambda x: np.cosh(x) ** -2),
    (Sigmoid(), expit, lambda x: expit(x) * expit(-x)),
    (HardSigmoid(), lambda x: np.clip(x / 6 + 0.5, 0, 1), lambda x: np.where(np.abs(x) < 3, 1 / 6, 0)),
    (Softsign(), lambda x: x / (1 + np.abs(x)), lambda x: (1 + np.abs(x)) ** -2),
    (Softplus(), lambda x: np.logaddexp(x, 0), expit),
    (Softmax(), lambda x: scipy.special.softmax(x, axis=-1), None),
]
THEIRS = [
    (ReLU(), jax.nn.relu),
    (LeakyReLU(0.1), lambda x: jax.nn.leaky_relu(x, 0.1)),
    (ELU(1.5), lambda x: jax.nn.elu(x, 1.5)),
    (SELU(), jax.nn.selu),
    (GELU(), lambda x: jax.nn.gelu(x, approximate=False)),
    (TanhGELU(), jax.nn.gelu),
    (SiLU(), jax.nn.silu),
    (HardSigmoid(), jax.nn.hard_sigmoid),
    (Softsign(), jax.nn.soft_sign),
    (Softplus(), jax.nn.softplus),
    (Softmax(), jax.nn.softmax),
]
EVERY = [activation for activation, *_ in CLOSED]
X = np.linspace(-9, 9, 42)  # without 0 and ±3, the kinks
every = pytest.mark.parametrize("activation", EVERY, ids=repr)


def derivative(activation: Activation, x):
    """f'(x) number by number, the sum of the outputs weighted so that Softmax has one that is not 0."""

    def weighted(x):
        y = activation.function(x)
        return jnp.sum(y * jnp.arange(1, 1 + y.shape[-1]).astype(y.dtype)) if activation == Softmax() else jnp.sum(y)

    return jax.grad(weighted)(x)


@pytest.mark.parametrize(
    ("activation", "value", "slope"), CLOSED, ids=lambda v: repr(v) if isinstance(v, Activation) else ""
)
def test_values_and_gradients_are_those_of_the_closed_form_in_float64(activation, value, slope):
    with jax.enable_x64(True):
        x = X.reshape(6, 7)
        np.testing.assert_allclose(activation.function(jnp.array(x)), value(x), rtol=1e-12, atol=1e-14)
        found = derivative(activation, jnp.array(x))
        if slope is not None:
            np.testing.assert_allclose(found, slope(x), rtol=1e-9, atol=1e-14)
        h, weights = 1e-6, np.arange(1, 8) if activation == Softmax() else 1
        # Each column moves alone: the rows of a Softmax hang together.
        for column in np.eye(7):
            rise = ((value(x + h * column) - value(x - h * column)) * weights).sum(-1) / (2 * h)
            np.testing.assert_allclose(found @ column, rise, rtol=1e-6, atol=1e-8)


@pytest.mark.parametrize(("activation", "theirs"), THEIRS, ids=lambda v: repr(v) if isinstance(v, Activation) else "")
def test_values_and_gradients_equal_jax_nn(activation, theirs):
    x = jnp.array(np.r_[X, 0.5], jnp.float32)
    np.testing.assert_allclose(activation.function(x), theirs(x), rtol=2e-6, atol=1e-6)
    if activation != Softmax():
        np.testing.assert_allclose(derivative(activation, x), jax.grad(lambda x: theirs(x).sum())(x), atol=5e-6)


@pytest.mark.parametrize(
    ("activation", "at", "slope"),
    [(ReLU(), 0, 0), (LeakyReLU(0.3), 0, 0.3), (ELU(0.5), 0, 0.5), (SELU(), 0, 1.7580993408473766),
     (HardSigmoid(), 3, 0), (HardSigmoid(), -3, 0), (Softsign(), 0, 1), (Softplus(), 0, 0.5)],
    ids=repr,
)  # fmt: skip
def test_the_gradient_at_a_kink_is_the_one_stated(activation, at, slope):
    assert jax.grad(activation.function)(float(at)) == pytest.approx(slope)


@every
@pytest.mark.parametrize("dtype", [jnp.float32, jnp.bfloat16, jnp.float16])
def test_dtype_is_kept_and_extreme_inputs_give_finite_values_and_gradients(activation, dtype):
    x = jnp.array([0, 1e-5, 1, 30, 90, 1e3, 1e4], dtype)
    x = jnp.concatenate([-x, x])
    for found in (activation.function(x), derivative(activation, x)):
        assert found.dtype == dtype
        assert jnp.isfinite(found.astype(jnp.float32)).all()


@given(st.lists(st.floats(-(2.0**126), 2.0**126, width=32), min_size=1, max_size=8))
@pytest.mark.parametrize("activation", [*EVERY, Swish(0.0), Swish(-3.0)], ids=repr)
def test_every_finite_input_gives_a_finite_value_and_gradient(activation, numbers):
    x = jnp.array(numbers + [0.0] * (8 - len(numbers)), jnp.float32)
    assert jnp.isfinite(activation.function(x)).all()
    assert jnp.isfinite(derivative(activation, x)).all()


@every
def test_a_nan_passes_through(activation):
    assert jnp.isnan(activation.function(jnp.array([jnp.nan, jnp.nan]))).all()


def test_swish_with_beta_1_is_silu_with_0_half_of_x_and_with_large_beta_relu():
    x = jnp.linspace(-5, 5, 101)
    np.testing.assert_array_equal(Swish(1.0).function(x), SiLU().function(x))
    np.testing.assert_array_equal(Swish(0.0).function(x), x / 2)
    np.testing.assert_allclose(Swish(1000.0).function(x), ReLU().function(x), atol=1e-6)


def test_tanh_gelu_stays_within_the_distance_stated():
    x = jnp.linspace(-10, 10, 5001)
    assert jnp.abs(TanhGELU().function(x) - GELU().function(x)).max() < 5e-4


def test_gelu_keeps_its_digits_far_left():
    x = np.array([-4.0, -8, -12])
    np.testing.assert_allclose(GELU().function(jnp.float32(x)), x * scipy.stats.norm.cdf(x), rtol=1e-5)


def test_selu_holds_mean_0_and_variance_1(rng):
    y = SELU().function(jnp.array(rng.normal(size=400_000), jnp.float32))
    assert abs(y.mean()) < 0.01
    assert abs(y.var() - 1) < 0.01


def test_softmax_acts_on_the_last_dimension_and_ignores_a_common_shift(rng):
    x = jnp.array(rng.normal(size=(2, 3, 5)), jnp.float32)
    y = apply(Softmax(), {}, x)[0]
    np.testing.assert_allclose(y.sum(-1), 1, rtol=1e-6)
    np.testing.assert_allclose(Softmax().function(x + 100), y, rtol=2e-5)
    with pytest.raises(HeadwayError, match="Softmax needs a dimension of classes"):
        Softmax().shape(())


@pytest.mark.parametrize(
    ("initializer", "kinds"),
    [
        (HeNormal(), {"ReLU", "LeakyReLU", "ELU", "GELU", "TanhGELU", "SiLU", "Swish", "Softplus"}),
        (LeCunNormal(), {"SELU"}),
        (GlorotUniform(), {"Identity", "Tanh", "Sigmoid", "HardSigmoid", "Softsign", "Softmax"}),
    ],
)
def test_each_activation_names_the_initialization_it_wants(initializer, kinds):
    assert {type(activation).__name__ for activation in EVERY if activation.initializer == initializer} == kinds


@pytest.mark.parametrize("kind", [LeakyReLU, ELU, Swish])
def test_a_changed_number_does_not_compile_again(kind):
    traces = []

    @jax.jit
    def program(numbers, x):
        traces.append(kind)
        return apply(join(structure, numbers), {}, x)[0]

    x = jnp.linspace(-2, 2, 9).reshape(3, 3)
    for number in (0.0, 0.5, 1.0):
        structure, numbers = split(kind(number))
        np.testing.assert_allclose(program(numbers, x), kind(number).function(x), rtol=1e-6)
    assert len(traces) == 1
