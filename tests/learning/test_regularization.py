import jax
import jax.numpy as jnp
import numpy as np
import pytest

from headway.learning.regularization import Dropout, Noise, StochasticDepth
from headway.network.activations import ReLU
from headway.network.compose import Sequential
from headway.network.layer import Context, apply
from headway.network.residual import Residual
from headway.spec.error import HeadwayError
from headway.spec.numbers import join, split


def keys_of(examples):
    """The key of each example, as the loop makes it: a function of the example alone."""
    return jax.vmap(lambda e: jax.random.fold_in(jax.random.key(7), e))(jnp.array(examples))


def dropped(layer, x, examples, mode="train"):
    return apply(layer, {}, x, context=Context(mode=mode, keys=keys_of(examples)))[0]


@pytest.mark.parametrize("rate", [0.0, 0.1, 0.5, 0.9])
def test_what_is_kept_is_scaled_so_that_the_mean_stays(rate):
    x = jnp.ones((100, 1000))
    y = np.asarray(dropped(Dropout(rate), x, range(100)))
    np.testing.assert_allclose(np.unique(y), np.unique([0.0, 1 / (1 - rate)]) if rate else [1.0], rtol=1e-6)
    # 100,000 draws: four standard errors of the share that is dropped, and of the mean.
    error = 4 * np.sqrt(rate * (1 - rate) / y.size)
    assert abs((y == 0).mean() - rate) <= error
    assert abs(y.mean() - 1) <= error / (1 - rate)


def test_numbers_and_examples_are_dropped_independently():
    y = np.asarray(dropped(Dropout(0.5), jnp.ones((400, 50)), range(400))) > 0
    assert np.abs(np.corrcoef(y.T) - np.eye(50)).max() < 5 / np.sqrt(400)
    assert np.abs(np.corrcoef(y[:50]) - np.eye(50)).max() < 5 / np.sqrt(50)


@pytest.mark.parametrize("layer", [Dropout(0.5), StochasticDepth(0.5), Noise(0.5)], ids=repr)
@pytest.mark.parametrize("dtype", [jnp.float32, jnp.bfloat16])
def test_evaluation_changes_nothing_and_training_keeps_the_dtype(layer, dtype, rng):
    x = jnp.array(rng.normal(size=(3, 4, 5)), dtype)
    assert apply(layer, {}, x)[0] is x
    assert dropped(layer, x, range(3)).dtype == dtype


@pytest.mark.parametrize("layer", [Dropout(0.5), StochasticDepth(0.5)], ids=repr)
def test_the_mask_of_an_example_is_the_same_in_any_batch_at_any_place_in_any_precision(layer):
    x = jnp.ones((6, 4, 3))
    full = dropped(layer, x, range(6))
    np.testing.assert_array_equal(dropped(layer, x, range(6)), full)
    np.testing.assert_array_equal(dropped(layer, x, [5, 4, 3, 2, 1, 0])[::-1], full)
    np.testing.assert_array_equal(dropped(layer, x[:1], [3]), full[3:4])
    np.testing.assert_array_equal(dropped(layer, x.astype(jnp.bfloat16), range(6)), full)
    np.testing.assert_array_equal(jax.jit(lambda x: dropped(layer, x, range(6)))(x), full)
    with jax.enable_x64(True):
        np.testing.assert_array_equal(dropped(layer, x.astype(jnp.float64), range(6)), full)


@pytest.mark.parametrize("rate", [0.0, 0.3, 0.8])
def test_stochastic_depth_keeps_or_drops_a_whole_example_and_the_mean_stays(rate):
    y = np.asarray(dropped(StochasticDepth(rate), jnp.ones((4000, 2, 3)), range(4000))).reshape(4000, -1)
    assert (y == y[:, :1]).all()
    error = 4 * np.sqrt(rate * (1 - rate) / len(y))
    assert abs((y[:, 0] == 0).mean() - rate) <= error
    assert abs(y.mean() - 1) <= error / (1 - rate) + 1e-6


def test_a_residual_body_that_is_dropped_leaves_its_input():
    block = Residual(Sequential((ReLU(), StochasticDepth(0.5))))
    x = jnp.linspace(1, 2, 50).reshape(50, 1)
    y = np.asarray(dropped(block, x, range(50)))
    np.testing.assert_allclose(np.unique(np.round(y / x, 4)), [1, 3])


def test_noise_has_mean_0_the_scale_asked_for_and_is_independent_of_the_input():
    x = jnp.linspace(-3, 3, 200).reshape(1, 200) * jnp.ones((500, 1))
    e = np.asarray(dropped(Noise(0.7), x, range(500)) - x)
    assert abs(e.mean()) < 4 * 0.7 / np.sqrt(e.size)
    assert e.std() == pytest.approx(0.7, rel=4 / np.sqrt(2 * e.size))
    assert abs(np.corrcoef(e.ravel(), np.asarray(x).ravel())[0, 1]) < 4 / np.sqrt(e.size)


def test_noise_on_a_linear_model_is_an_l2_penalty_in_expectation(rng):
    """E (w·(x + ε) − y)² = (w·x − y)² + scale² ‖w‖² (Bishop 1995)."""
    w, x = rng.normal(size=5), np.tile(rng.normal(size=5), (40_000, 1))
    noisy = np.asarray(dropped(Noise(0.5), jnp.asarray(x, jnp.float32), range(40_000))) @ w
    gained = noisy - x @ w
    assert (gained**2).mean() == pytest.approx(0.25 * (w @ w), rel=0.04)


def test_two_layers_drop_differently_and_a_layer_between_them_changes_neither():
    seen = {}

    def run(*layers):
        tap = lambda address, y: seen.setdefault(address, y) * 0 + 1  # noqa: E731
        apply(Sequential(layers), {}, jnp.ones((2, 50)), context=Context("train", keys=keys_of([0, 1]), tap=tap))

    run(Dropout(0.5, name="a"), Dropout(0.5, name="b"))
    first = dict(seen)
    assert (first["a"] != first["b"]).any()
    seen.clear()
    run(Dropout(0.5, name="a"), ReLU(), Dropout(0.5, name="b"))
    for name in ("a", "b"):
        np.testing.assert_array_equal(seen[name], first[name])


def test_the_gradient_passes_where_the_number_passed():
    x = jnp.linspace(1, 2, 60).reshape(3, 20)
    y, back = jax.vjp(lambda x: dropped(Dropout(0.25), x, range(3)), x)
    np.testing.assert_allclose(back(jnp.ones_like(y))[0], y / x, rtol=1e-6)


def test_a_changed_rate_does_not_compile_again():
    traces = []

    @jax.jit
    def program(numbers, x):
        traces.append(1)
        return dropped(join(structure, numbers), x, range(4))

    x = jnp.ones((4, 30))
    for rate in (0.5, 0.0, 0.9):
        structure, numbers = split(Dropout(rate))
        np.testing.assert_allclose(program(numbers, x), dropped(Dropout(rate), x, range(4)), rtol=1e-6)
    assert len(traces) == 1


@pytest.mark.parametrize("rate", [-0.1, 1.0, 1, "0.5", True])
def test_a_rate_outside_0_to_1_is_refused(rate):
    with pytest.raises(HeadwayError, match=r"^Dropout\.rate: must be .*; got"):
        Dropout(rate)
