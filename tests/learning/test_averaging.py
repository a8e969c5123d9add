"""Averages of weights: right from the first update, what is judged, and exactly resumed."""

from dataclasses import replace

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from hypothesis import given
from hypothesis import strategies as st
from safetensors.numpy import load_file

from headway.data.bundled import Iris
from headway.data.dataset import Data
from headway.learning.averaging import EMA
from headway.learning.losses import CrossEntropy
from headway.learning.optimizers.sgd import SGD
from headway.network.activations import ReLU
from headway.network.compose import Sequential
from headway.network.dense import Dense
from headway.network.normalization import BatchNorm
from headway.spec.error import HeadwayError
from headway.training.checkpoint import checkpoints
from headway.training.evaluate import judge
from headway.training.job import prepare
from headway.training.recipe import Checkpoints, Evaluation, Recipe
from headway.training.run import Run
from headway.training.step import batch, initial_state, step, values_of
from headway.training.train import resume, train

NETWORK = Sequential((Dense(8), BatchNorm(name="norm"), ReLU(), Dense(3)))
RECIPE = Recipe(NETWORK, data=Data(Iris(), standardize=True), loss=CrossEntropy(), optimizer=SGD(0.3), batch_size=16,
                length=24, evaluation=Evaluation(8), checkpoints=Checkpoints(5), average=EMA(0.9))  # fmt: skip


def states(recipe, updates):
    """The states after each update, the first of all included."""
    job = prepare(recipe)
    found = [initial_state(job.update, job.dataset.input_shape)]
    for k in range(updates):
        found.append(step(job.update, found[-1], batch(job, k))[0])
    return found


@given(decay=st.sampled_from([0.0, 0.5, 0.99, 0.9999]), updates=st.integers(1, 20), seed=st.integers(0, 99))
def test_the_average_is_the_weighted_mean_of_all_weights_so_far(decay, updates, seed):
    """Σ (1 - β) β^(t-i) θ_i / (1 - β^t) in NumPy, in float64; the start has no part in it."""
    thetas = np.random.default_rng(seed).normal(size=(updates, 3)).astype(np.float32)
    average = EMA(decay).begin({"w": jnp.full(3, 1e6)})
    for theta in thetas:
        average = EMA(decay).after(average, {"w": jnp.asarray(theta)})
    shares = (1 - decay) * decay ** np.arange(updates)[::-1] / (1 - decay**updates)
    np.testing.assert_allclose(average["values"]["w"], shares @ thetas.astype(np.float64), rtol=2e-3, atol=2e-4)


def test_it_agrees_with_optax_debiased():
    ours, theirs, rng = EMA(0.95), optax.ema(0.95, debias=True), np.random.default_rng(1)
    average, memory = ours.begin({"w": jnp.zeros(4)}), theirs.init({"w": jnp.zeros(4)})
    for theta in rng.normal(size=(30, 4)):
        theta = {"w": jnp.asarray(theta, jnp.float32)}
        average, (expected, memory) = ours.after(average, theta), theirs.update(theta, memory)
        np.testing.assert_allclose(average["values"]["w"], expected["w"], rtol=1e-4, atol=1e-5)


def test_weights_narrower_than_float32_are_averaged_in_float32_and_counts_are_the_last():
    ema = EMA(0.5)
    average = ema.begin({"w": jnp.ones(2, jnp.bfloat16), "calls": jnp.array(0)})
    for k in (1, 2):
        average = ema.after(average, {"w": jnp.full(2, 1 + k / 128, jnp.bfloat16), "calls": jnp.array(k)})
    assert average["values"]["w"].dtype == jnp.float32
    np.testing.assert_allclose(average["values"]["w"], (1 / 3) * (1 + 1 / 128) + (2 / 3) * (1 + 2 / 128), rtol=1e-6)
    assert int(average["values"]["calls"]) == 2


def test_training_goes_on_with_the_last_weights_and_the_average_follows_with_its_statistics():
    averaged, plain = states(RECIPE, 10), states(replace(RECIPE, average=None), 10)
    for a, b in zip(averaged, plain, strict=True):
        jax.tree.map(np.testing.assert_array_equal, {name: a[name] for name in b}, b)
    shares = 0.1 * 0.9 ** np.arange(10)[::-1] / (1 - 0.9**10)
    for at in ("mean", "variance"):
        seen = np.stack([state["network"]["norm"][at] for state in plain[1:]])
        np.testing.assert_allclose(values_of(averaged[-1])["network"]["norm"][at], shares @ seen, rtol=1e-4)
    weights = np.stack([state["params"]["0"]["w"] for state in plain[1:]])
    expected = np.tensordot(shares, weights, 1)
    np.testing.assert_allclose(values_of(averaged[-1])["params"]["0"]["w"], expected, rtol=1e-4, atol=1e-6)
    np.testing.assert_array_equal(values_of(averaged[0])["params"]["0"]["w"], plain[0]["params"]["0"]["w"])


def test_what_is_judged_kept_and_predicted_with_is_the_average(tmp_path):
    run, plain = train(RECIPE, out=tmp_path / "run"), train(replace(RECIPE, average=None))
    np.testing.assert_array_equal(run.history.columns()["loss"], plain.history.columns()["loss"])
    after = states(RECIPE, 24)
    close(run.final, values_of(after[-1]))
    validation = run.data().splits()["validation"]
    for evaluation in run.history.evaluations:
        expected = judge(RECIPE, values_of(after[evaluation["step"]]), validation)["loss"]
        assert evaluation["loss"] == pytest.approx(expected, rel=1e-4)
    close(run.values, values_of(after[run.standing.best_step]))
    loaded = Run.load(tmp_path / "run")
    jax.tree.map(np.testing.assert_array_equal, loaded.values, run.values)
    saved = load_file(checkpoints(tmp_path / "run" / "checkpoints")[-1] / "state.safetensors")
    assert not np.array_equal(saved["state/params/0/w"], saved["state/average/values/params/0/w"])


def close(a, b):
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-6), a, b)


class StopError(Exception):
    """Breaks a run off."""


def test_a_run_broken_off_and_resumed_ends_with_the_same_average_bit_for_bit(tmp_path):
    def stop(event):
        if getattr(event, "step", 0) >= 13:
            raise StopError

    recipe = replace(RECIPE, accumulate=2)
    whole = train(recipe, out=tmp_path / "whole")
    with pytest.raises(StopError):
        train(recipe, out=tmp_path / "parts", callbacks=(stop,))
    assert checkpoints(tmp_path / "parts" / "checkpoints")
    again = resume(tmp_path / "parts")
    jax.tree.map(np.testing.assert_array_equal, (again.values, again.final), (whole.values, whole.final))
    jax.tree.map(np.testing.assert_array_equal, again.history.columns(), whole.history.columns())
    assert (again.results, again.standing) == (whole.results, whole.standing)


def test_in_noise_the_average_is_nearer_to_the_minimum_than_the_last_weights():
    """θ ← θ - η (θ - x_k): by the closed form the average of the iterates has a smaller spread about the mean of x."""
    rng, ema = np.random.default_rng(0), EMA(0.99)
    theta, average = jnp.zeros(2000), ema.begin(jnp.zeros(2000))
    advance = jax.jit(ema.after)
    for _ in range(400):
        theta = theta - 0.5 * (theta - jnp.asarray(rng.normal(size=2000), jnp.float32))
        average = advance(average, theta)
    last, mean = (float(jnp.mean(a**2)) for a in (theta, average["values"]))
    assert last == pytest.approx(0.5 / (2 - 0.5), rel=0.1)
    assert mean < last / 10


@pytest.mark.parametrize("decay", [1.0, -0.1, 2])
def test_a_share_of_the_old_that_is_none_is_refused(decay):
    with pytest.raises(HeadwayError, match=r"EMA\.decay"):
        EMA(decay)
