import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.stats

from headway.network.dense import Dense
from headway.network.initialization import (
    Constant,
    GlorotNormal,
    GlorotUniform,
    HeNormal,
    HeUniform,
    Initializer,
    LeCunNormal,
    LeCunUniform,
    Normal,
    Orthogonal,
    Uniform,
    Zeros,
)
from headway.network.layer import initialize
from headway.spec.error import HeadwayError

SHAPE, FANS = (400, 500), (400, 100)
DRAWN = [
    (HeNormal(), "norm", 2 / 400),
    (HeNormal(1.0), "norm", 1 / 400),
    (HeUniform(), "uniform", 2 / 400),
    (GlorotNormal(), "norm", 2 / 500),
    (GlorotUniform(), "uniform", 2 / 500),
    (LeCunNormal(), "norm", 1 / 400),
    (LeCunUniform(), "uniform", 1 / 400),
    (Normal(0.3), "norm", 0.09),
    (Uniform(0.6), "uniform", 0.12),
]


@pytest.mark.parametrize(
    ("init", "family", "variance"), DRAWN, ids=lambda v: repr(v) if isinstance(v, Initializer) else ""
)
def test_draws_have_the_distribution_of_the_formula(init, family, variance, key):
    w = np.asarray(init.draw(key, SHAPE, FANS, jnp.float32)).ravel()
    spread = np.sqrt(variance)
    # Standard errors of 200,000 draws: σ/447 of the mean, at most √2 σ²/447 of the variance.
    assert abs(w.mean()) < 4 * spread / 447
    assert abs(w.var() / variance - 1) < 4 * 1.42 / 447
    standard = w[:20_000] / spread if family == "norm" else (w[:20_000] / spread / np.sqrt(3) + 1) / 2
    assert scipy.stats.kstest(standard, family).pvalue > 0.001


@pytest.mark.parametrize("shape", [(30, 10), (10, 30), (20, 20), (3, 3, 4, 8)])
def test_orthogonal_has_orthonormal_rows_or_columns_times_the_gain(shape, key):
    w = np.asarray(Orthogonal(2.0).draw(key, shape, (1, 1), jnp.float32)).reshape(-1, shape[-1])
    gram = w @ w.T if w.shape[0] < w.shape[1] else w.T @ w
    np.testing.assert_allclose(gram, 4 * np.eye(len(gram)), atol=1e-5)


def test_orthogonal_of_a_vector_is_refused_by_its_address(key):
    with pytest.raises(HeadwayError, match="Orthogonal needs a parameter of two dimensions"):
        Orthogonal().draw(key, (3,), (1, 1), jnp.float32)


def test_constant_and_zeros_fill(key):
    np.testing.assert_array_equal(Constant(1.5).draw(key, (2, 3), (2, 3), jnp.float32), np.full((2, 3), 1.5))
    np.testing.assert_array_equal(Zeros().draw(key, (2, 3), (2, 3), jnp.float32), np.zeros((2, 3)))


@pytest.mark.parametrize("init", [*(init for init, *_ in DRAWN), Orthogonal(), Constant(0.1)], ids=repr)
def test_every_precision_draws_the_same_weights_rounded(init, key):
    w = init.draw(key, (6, 5), (6, 5), jnp.float32)
    low = init.draw(key, (6, 5), (6, 5), jnp.bfloat16)
    assert low.dtype == jnp.bfloat16
    np.testing.assert_array_equal(low.astype(np.float32), w.astype(jnp.bfloat16).astype(np.float32))


@pytest.mark.parametrize("init", [HeNormal(), HeUniform(), LeCunNormal()], ids=repr)
def test_signals_keep_their_scale_through_the_layers_an_initialization_is_made_for(init, key, rng):
    """The mean square of the sums is 1 in layer 10, as in layer 0: after ReLU for He, in linear layers for LeCun."""
    x, f = jnp.array(rng.normal(size=(500, 300)), jnp.float32), (lambda x: x) if init == LeCunNormal() else jax.nn.relu
    for k in jax.random.split(key, 10):
        x = f(x) @ init.draw(k, (300, 300), (300, 300), jnp.float32)
    assert 0.5 < jnp.mean(x**2) < 2


def test_equal_keys_draw_equal_weights_and_other_keys_others(key):
    first, again, other = (initialize(Dense(4), (3,), k)[0]["w"] for k in (key, key, jax.random.key(1)))
    np.testing.assert_array_equal(first, again)
    assert (first != other).all()
