"""Running statistics: what BatchNorm keeps of its batches, and what becomes of it in a run."""

from dataclasses import replace

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from headway.data.bundled import Iris
from headway.data.dataset import Data
from headway.doctor.sham import sham
from headway.learning.losses import CrossEntropy
from headway.learning.optimizers.sgd import SGD
from headway.network.activations import ReLU
from headway.network.compose import Sequential
from headway.network.dense import Dense
from headway.network.layer import Context, apply, initialize, observe
from headway.network.normalization import BatchNorm
from headway.network.residual import Residual
from headway.network.values import flatten
from headway.signals.probe import Watch
from headway.spec.error import HeadwayError
from headway.training.checkpoint import checkpoints
from headway.training.evaluate import judge
from headway.training.job import prepare
from headway.training.recipe import Checkpoints, Evaluation, Recipe
from headway.training.run import Run
from headway.training.step import batch, initial_state, update_once
from headway.training.train import resume, train

TRAIN, EVAL = Context("train"), Context("eval")
NETWORK = Sequential(
    (Dense(8), BatchNorm(name="norm"), ReLU(), Residual(Sequential((BatchNorm(), Dense(8)))), Dense(3))
)
RECIPE = Recipe(
    NETWORK,
    data=Data(Iris()),
    loss=CrossEntropy(),
    optimizer=SGD(0.05),
    batch_size=16,
    length=40,
    evaluation=Evaluation(10),
    checkpoints=Checkpoints(7),
    watch=Watch(5),
)


def some(rng, features):
    return {name: rng.normal(size=features).astype(np.float32) for name in "gb"}


@given(momentum=st.sampled_from([0.0, 0.5, 0.9, 0.99]), updates=st.integers(1, 12), seed=st.integers(0, 99))
def test_running_statistics_are_the_debiased_average_of_the_batches(momentum, updates, seed):
    """Σ (1 - β) β^(t-i) m_i / (1 - β^t), from NumPy's moments in float64; tiny variances keep their digits."""
    x = np.random.default_rng(seed).normal(3.0, 1e-3, size=(updates, 4, 5, 2)).astype(np.float32)
    layer = BatchNorm(momentum=momentum)
    params, state = initialize(layer, (5, 2), jax.random.key(0))
    for one in x:
        _, state = apply(layer, params, jnp.asarray(one), state, TRAIN)
    shares = (1 - momentum) * momentum ** np.arange(updates)[::-1] / (1 - momentum**updates)
    wide = x.astype(np.float64)
    expected = {"mean": wide.mean((1, 2)), "variance": wide.var((1, 2), ddof=1)}
    for name, values in expected.items():
        np.testing.assert_allclose(state[name], shares @ values, rtol=1e-5)
    np.testing.assert_allclose(state["weight"], 1 - momentum**updates, rtol=1e-5)


def test_before_any_update_batch_norm_scales_and_shifts_and_after_one_evaluation_is_right(rng):
    layer, params, x = BatchNorm(), some(rng, 3), rng.normal(7.0, 3.0, size=(400, 3)).astype(np.float32)
    y = apply(layer, params, x, layer.state((3,)), EVAL)[0]
    np.testing.assert_allclose(y, params["g"] * x / np.sqrt(1 + 1e-5) + params["b"], rtol=1e-5, atol=1e-6)
    in_training, state = apply(layer, params, x, layer.state((3,)), TRAIN)
    judged, after = apply(layer, params, x, state, EVAL)
    np.testing.assert_allclose(judged, in_training, rtol=1e-2, atol=1e-2)
    jax.tree.map(np.testing.assert_array_equal, after, state)


def test_the_state_after_parts_of_any_size_is_that_after_all_their_values_at_once(rng):
    layer, params, x = BatchNorm(), some(rng, 3), rng.normal(50.0, 0.1, size=(20, 3)).astype(np.float32)
    _, state = apply(layer, params, x[::-1] + 1, layer.state((3,)), TRAIN)
    parts = [observe(layer, params, part, state, TRAIN)[1] for part in np.split(x, [3, 5, 12])]
    after = layer.after(state, jax.tree.map(lambda *seen: jnp.stack(seen), *parts))
    share = 0.1 / 0.19
    moments = {"mean": x.mean(0, np.float64), "variance": x.var(0, np.float64, ddof=1)}
    for name, value in moments.items():
        expected = (1 - share) * np.asarray(state[name], np.float64) + share * value
        np.testing.assert_allclose(after[name], expected, rtol=1e-4)
    assert after["weight"] == pytest.approx(0.19)


def test_batch_norm_without_state_or_with_one_value_a_channel_in_training_is_refused(key, rng):
    params, state = initialize(NETWORK, (4,), key)
    with pytest.raises(HeadwayError, match=r"^norm: BatchNorm needs its running statistics; got no state\. Pass"):
        apply(NETWORK, params, jnp.ones((2, 4)))
    assert apply(NETWORK, params, jnp.ones((1, 4)), state)[0].shape == (1, 3)
    apply(BatchNorm(), some(rng, 2), jnp.ones((1, 3, 2)), BatchNorm().state((3, 2)), TRAIN)
    said = r"^network/norm: BatchNorm needs at least 2 values of each channel in training; got 1 .*\. Set batch"
    with pytest.raises(HeadwayError, match=said):
        train(replace(RECIPE, batch_size=1))


class StopError(Exception):
    """Breaks a run off."""


def test_a_run_with_batch_norm_broken_off_and_resumed_ends_bit_equal(tmp_path):
    def stop(event):
        if getattr(event, "step", 0) >= 20:
            raise StopError

    whole = train(RECIPE, out=tmp_path / "whole")
    with pytest.raises(StopError):
        train(RECIPE, out=tmp_path / "parts", callbacks=(stop,))
    assert checkpoints(tmp_path / "parts" / "checkpoints")
    again = resume(tmp_path / "parts")
    jax.tree.map(np.testing.assert_array_equal, (again.values, again.final), (whole.values, whole.final))
    assert again.results == whole.results
    loaded = Run.load(tmp_path / "parts")
    jax.tree.map(np.testing.assert_array_equal, loaded.values["network"], whole.values["network"])
    assert set(flatten(whole.final["network"])) == {
        f"{at}/{name}" for at in ("norm", "3/body/0") for name in ("mean", "variance", "weight")
    }


def test_a_trained_network_is_judged_by_its_running_statistics_whatever_else_is_in_the_batch():
    """By NumPy in float64; a last batch filled up with weight 0 changes neither the loss nor the state."""
    trained = train(RECIPE)
    values, data = trained.values, prepare(RECIPE).dataset
    p, n = (jax.tree.map(lambda a: np.asarray(a, np.float64), values[part]) for part in ("params", "network"))

    def norm(x, p, n):
        return p["g"] * (x - n["mean"]) / np.sqrt(n["variance"] + 1e-5) + p["b"]

    x = np.maximum(norm(data.train.x @ p["0"]["w"] + p["0"]["b"], p["norm"], n["norm"]), 0)
    body = norm(x, p["3"]["body"]["0"], n["3"]["body"]["0"])
    x = (x + body @ p["3"]["body"]["1"]["w"] + p["3"]["body"]["1"]["b"]) @ p["4"]["w"] + p["4"]["b"]
    expected = np.mean(np.log(np.exp(x).sum(-1)) - x[np.arange(len(x)), data.train.y])
    assert trained.results["train"]["loss"] == pytest.approx(expected, rel=1e-4)
    assert expected < 0.5
    for size in (1, 7, len(x) - 1):
        recipe = replace(RECIPE, evaluation=Evaluation(10, batch_size=size))
        assert judge(recipe, values, data.train)["loss"] == pytest.approx(expected, rel=1e-4)


def test_the_state_of_an_update_is_that_of_its_batch_and_every_layer_is_watched():
    job = prepare(RECIPE)
    state, drawn = initial_state(job.update, (4,)), batch(job, 0)
    after, _ = update_once(job.update, state, drawn)
    before_norm = np.asarray(drawn.x, np.float64) @ np.asarray(state["params"]["0"]["w"], np.float64)
    found = after["network"]["norm"]
    np.testing.assert_allclose(found["mean"], before_norm.mean(0), rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(found["variance"], before_norm.var(0, ddof=1), rtol=1e-4)
    watched = train(RECIPE).history.signals
    assert watched.addresses == ("0", "norm", "2", "3/body/0", "3/body/1", "3", "4")
    assert np.isfinite(watched.values).all()
    unwatched = train(replace(RECIPE, watch=None))
    jax.tree.map(np.testing.assert_array_equal, unwatched.final, train(RECIPE).final)


def test_the_sham_of_a_network_with_batch_norm_computes_the_same(key):
    params, state = initialize(NETWORK, (4,), key)
    x = jax.random.normal(key, (16, 4))
    other = sham(NETWORK, params, jax.random.key(7))
    assert not np.array_equal(other["0"]["w"], params["0"]["w"])
    for context in (TRAIN, EVAL):
        y, z = (apply(NETWORK, p, x, state, context)[0] for p in (params, other))
        np.testing.assert_allclose(z, y, rtol=1e-4, atol=1e-4)
