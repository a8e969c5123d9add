import dataclasses
import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from headway.data.dataset import arrays
from headway.learning.losses import CrossEntropy
from headway.learning.metrics import Accuracy
from headway.learning.optimizers.adaptive import AdamW
from headway.network.attention import MultiHeadAttention, Rotary
from headway.network.compose import Sequential
from headway.network.convolution import Flatten
from headway.network.dense import Dense
from headway.network.embedding import Embedding, LearnedPositions, SinusoidalPositions, angles
from headway.network.layer import apply, initialize
from headway.network.normalization import LayerNorm
from headway.network.residual import Residual
from headway.signals.probe import Watch, watched
from headway.spec.error import HeadwayError
from headway.training.job import prepare
from headway.training.recipe import Evaluation, Recipe
from headway.training.run import Run
from headway.training.train import train

ATTENTION = Residual(Sequential((LayerNorm(), MultiHeadAttention(2, causal=True, rotary=Rotary()))))
NETWORK = Sequential((Embedding(12, width=8), LearnedPositions(), ATTENTION, Flatten(), Dense(3)))


@pytest.mark.parametrize("shape", [(6,), (5, 3), (2, 3, 4)])
@pytest.mark.parametrize("dtype", [np.int32, np.uint8, np.int8])
def test_embedding_is_the_product_with_one_hot_rows(shape, dtype, key, rng):
    layer, x = Embedding(100, width=4), rng.integers(0, 100, shape).astype(dtype)
    params, _ = initialize(layer, shape[1:], key)
    hot = np.eye(100)[x]
    np.testing.assert_allclose(apply(layer, params, jnp.array(x))[0], hot @ np.asarray(params["table"]), rtol=1e-6)


def test_the_gradient_of_a_row_is_the_sum_over_the_places_of_its_token(key, rng):
    layer, x, upstream = Embedding(5, width=3), np.array([[0, 2, 2], [4, 2, 0]]), rng.normal(size=(2, 3, 3))
    params, _ = initialize(layer, (3,), key)
    _, back = jax.vjp(lambda p: apply(layer, p, jnp.array(x))[0], params)
    expected = np.zeros((5, 3))
    for place, token in np.ndenumerate(x):
        expected[token] += upstream[place]
    np.testing.assert_allclose(back(jnp.array(upstream, jnp.float32))[0]["table"], expected, rtol=1e-6, atol=1e-7)


@pytest.mark.parametrize("strange", [-1, -5, 5, 200, np.iinfo(np.int32).max])
def test_an_id_outside_the_vocabulary_is_nan_and_moves_no_row(strange, key):
    """A negative index would take a row from the end, and JAX clips one that is too large: both would pass silently."""
    layer, x = Embedding(5, width=3), jnp.array([[1, strange]])
    params, _ = initialize(layer, (2,), key)
    y = apply(layer, params, x)[0]
    assert jnp.isfinite(y[0, 0]).all()
    assert jnp.isnan(y[0, 1]).all()
    gradient = jax.grad(lambda p: jnp.sum(apply(layer, p, x)[0]))(params)["table"]
    np.testing.assert_array_equal(gradient, np.eye(5)[[1]].T * np.ones(3))


def test_every_id_of_a_vocabulary_of_256_bytes_has_its_row(key):
    params, _ = initialize(Embedding(256, width=2), (256,), key)
    x = jnp.arange(256, dtype=jnp.uint8)[None]
    np.testing.assert_array_equal(apply(Embedding(256, width=2), params, x)[0][0], params["table"])


def test_rows_start_with_variance_1_and_neither_rows_nor_positions_decay(key):
    network = Sequential((Embedding(500, width=40), LearnedPositions(300)))
    params, _ = initialize(network, (7,), key)
    for values in (params["0"]["table"], params["1"]["p"]):
        assert float(values.std()) == pytest.approx(1, rel=0.03)
    declared = network.declare((7,))
    assert not declared["0"]["table"].decays
    assert not declared["1"]["p"].decays


def test_sinusoids_follow_the_equation_at_every_place_and_feature():
    time, d, base = 9, 6, 10000
    expected = np.zeros((time, d))
    for t in range(time):
        for i in range(d // 2):
            expected[t, 2 * i] = math.sin(t / base ** (2 * i / d))
            expected[t, 2 * i + 1] = math.cos(t / base ** (2 * i / d))
    y = apply(SinusoidalPositions(), {}, jnp.zeros((2, time, d)))[0]
    np.testing.assert_allclose(y, np.stack([expected] * 2), rtol=1e-5, atol=1e-6)
    assert float((y**2).mean()) == pytest.approx(0.5)


def test_a_shift_in_time_turns_every_pair_by_the_same_angle():
    """p_{t+k} is a linear function of p_t, the same for every t: the reason Vaswani et al. give for the sinusoids."""
    p, k = np.asarray(apply(SinusoidalPositions(), {}, jnp.zeros((1, 20, 8)))[0][0]), 3
    for i, angle in enumerate(k * np.asarray(angles(jnp.zeros((1, 2, 8)), 10000.0))[1]):
        turn = np.array([[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]])
        pair = p[:, 2 * i : 2 * i + 2]
        np.testing.assert_allclose(pair[k:], pair[:-k] @ turn, atol=1e-5)


def test_positions_are_added_and_a_shorter_sequence_takes_the_first(key, rng):
    layer = LearnedPositions(9)
    params, _ = initialize(layer, (4, 3), key)
    for time in (1, 4, 9):
        x = jnp.array(rng.normal(size=(2, time, 3)), jnp.float32)
        np.testing.assert_array_equal(apply(layer, params, x)[0], x + params["p"][:time])


@pytest.mark.parametrize("layer", [LearnedPositions(), SinusoidalPositions()])
def test_positions_keep_bfloat16_and_agree_with_float32_to_its_digits(layer, key, rng):
    x = jnp.array(rng.normal(size=(2, 64, 8)), jnp.float32)
    params, _ = initialize(layer, (64, 8), key)
    low = jax.tree.map(lambda a: a.astype(jnp.bfloat16), (params, x))
    y = apply(layer, *low)[0]
    assert y.dtype == jnp.bfloat16
    np.testing.assert_allclose(y.astype(jnp.float32), apply(layer, params, x)[0], atol=0.04)


@pytest.mark.parametrize(
    ("network", "x", "message"),
    [
        (Embedding(5, width=2), jnp.ones((1, 3)), "^Embedding takes token ids, which are integers; got dtype float32"),
        (Embedding(5, width=2), jnp.ones((1, 3), bool), "integers; got dtype bool"),
        (Sequential((Dense(3), Embedding(5, width=2))), jnp.ones((1, 3)), "^1: Embedding takes token ids"),
        (LearnedPositions(4), jnp.ones((1, 5, 2)), "^has 4 positions; got a sequence of 5. Set length=5 or more"),
        (LearnedPositions(), jnp.ones((1, 5)), r"^LearnedPositions takes sequences \(time, features\); got"),
        (SinusoidalPositions(), jnp.ones((1, 5, 3)), r"^SinusoidalPositions needs an even number.*\(5, 3\). Give it 4"),
        (SinusoidalPositions(), jnp.ones((1, 5, 4, 2)), "^SinusoidalPositions takes sequences"),
    ],
)  # fmt: skip
def test_inputs_that_do_not_fit_are_refused_by_address(network, x, message, key):
    with pytest.raises(HeadwayError, match=message):
        apply(network, initialize(network, x.shape[1:], key)[0], x)


def test_more_places_than_the_parameters_were_made_for_are_refused(key):
    params, _ = initialize(LearnedPositions(), (4, 2), key)
    with pytest.raises(HeadwayError, match="has 4 positions; got a sequence of 6"):
        apply(LearnedPositions(), params, jnp.ones((1, 6, 2)))
    with pytest.raises(HeadwayError, match="the weights here take 2 features"):
        apply(LearnedPositions(), params, jnp.ones((1, 3, 1)))


def recipe(**changes):
    return Recipe(
        **{"network": NETWORK, "loss": CrossEntropy(), "optimizer": AdamW(1e-2), "length": 60, "batch_size": 32}
        | changes
    )


def tokens(**settings):
    """The label is the third token's remainder by 3."""
    x = np.random.default_rng(0).integers(0, 12, (500, 6))
    return arrays(x, x[:, 2] % 3, tokens=12, **settings)


def test_a_network_of_tokens_trains_is_watched_and_predicts_after_loading(tmp_path):
    data = tokens()
    assert data.train.x.dtype == np.int32
    assert data.scaling is None
    run = train(recipe(watch=Watch(20), evaluation=Evaluation(metrics=(Accuracy(),))), data=data, out=tmp_path / "run")
    assert run.results["test"]["accuracy"] > 0.9
    assert watched(NETWORK, (6,), jnp.int32) == ("0", "1", "2/body/0", "2/body/1", "2", "3", "4")
    x = data.test.x
    assert list(Run.load(tmp_path / "run").predict(x)) == list(run.predict(x))


@pytest.mark.parametrize("strange", [12, -1, 0.5])
def test_a_data_set_names_the_place_of_a_strange_token(strange):
    x = np.zeros((40, 6), float)
    x[7, 3] = strange
    with pytest.raises(HeadwayError, match=rf"x\[.*\]: must be one of the token ids 0 to 11; got {strange}"):
        arrays(x, np.arange(40) % 3, tokens=12, validation=None, test=None)


def test_a_strange_token_that_reaches_training_stops_it_and_names_the_embedding():
    data = tokens()
    x = data.train.x.copy()
    x[5, 0] = 12
    broken = dataclasses.replace(data, train=dataclasses.replace(data.train, x=x))
    run = train(recipe(length=40), data=broken)
    assert run.standing.reason == "non-finite"
    assert "the output of layer '0', Embedding" in run.standing.message


def test_an_embedding_that_does_not_fit_the_data_is_refused_before_training():
    small = Sequential((Embedding(8, width=4), Flatten(), Dense(3)))
    with pytest.raises(HeadwayError, match=r"^network/0/vocabulary: must be at least the data's 12 tokens; got 8"):
        prepare(recipe(network=small), tokens())
    x = np.random.default_rng(0).integers(0, 12, (60, 6))
    with pytest.raises(HeadwayError, match=r"^network/0: Embedding takes token ids; got inputs that are amounts"):
        prepare(recipe(), arrays(x, x[:, 0] % 3))
