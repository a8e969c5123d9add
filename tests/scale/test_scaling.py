"""The scaling of a float16 loss: what it saves, when an update is skipped, and when training stops."""

import signal
from dataclasses import replace

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as some

from headway.data.bundled import Iris
from headway.data.dataset import Data
from headway.learning.clipping import ClipByNorm
from headway.learning.losses import CrossEntropy, MeanSquaredError
from headway.learning.optimizers.adaptive import AdamW
from headway.learning.optimizers.sgd import SGD
from headway.network.activations import ReLU, Tanh
from headway.network.compose import Sequential
from headway.network.dense import Dense
from headway.network.initialization import Constant
from headway.network.normalization import BatchNorm
from headway.scale.precision import LARGEST, Float16, Float32
from headway.signals.probe import Watch
from headway.spec.error import HeadwayError
from headway.training.callbacks import Advanced
from headway.training.job import Update
from headway.training.recipe import Evaluation, Recipe
from headway.training.step import Batch, initial_state, step
from headway.training.train import resume, train
from tests.training.test_resume import assert_bit_equal

LINE = Sequential((Dense(1, bias=False, init=Constant(0.0)),))
"""y = w x with w = 0: of (y − t)² at x = 1 the gradient is −2 t, both for y and for w."""
NETWORK = Sequential((Dense(8), BatchNorm(), Tanh(), Dense(3)))
LARGE = Sequential((Dense(8, init=Constant(1e3)), ReLU(), Dense(3, init=Constant(1e3), name="out")))
"""The outputs themselves are beyond 65504, the largest float16."""
RECIPE = Recipe(NETWORK, data=Data(Iris()), loss=CrossEntropy(), optimizer=AdamW(1e-2), batch_size=16, length=40,
                evaluation=Evaluation(20), precision=Float16(2.0**20, patience=5), watch=Watch(3))  # fmt: skip


def line(precision, **fields) -> Update:
    plain = Update(LINE, loss=MeanSquaredError(), optimizer=SGD(0.1), clip=None, batch_size=1, seed=0)
    return replace(plain, precision=precision, **fields)


def example(target: float) -> Batch:
    return Batch(jnp.ones((1, 1)), jnp.full((1, 1), target))


def test_a_gradient_below_float16_vanishes_without_a_scale_and_survives_with_one():
    """2^-24 is the smallest float16; 2^-26 rounds to 0, and times 2^15 it is 2^-11."""
    norms = {}
    for precision in (Float16(1.0), Float16()):
        update = line(precision)
        state, measures = step(update, initial_state(update, (1,)), example(-(2.0**-27)))
        norms[precision] = float(measures["gradient_norm"])
        np.testing.assert_array_equal(state["params"]["0"]["w"], -0.1 * np.float32(norms[precision]))
    assert norms == {Float16(1.0): 0, Float16(): 2.0**-26}


@pytest.mark.parametrize("clip", [None, ClipByNorm(1.0)], ids=["unclipped", "clipped"])
def test_a_scale_too_high_is_halved_until_the_gradient_fits_and_training_goes_on(clip):
    """dL/dy = 16 fits below 65504 up to S = 2^11: with S = 2^15, 2^14, 2^13 and 2^12 the update is skipped."""
    update = line(Float16(), optimizer=SGD(0.01, momentum=0.9), clip=clip)
    state = first = initial_state(update, (1,))
    scales, skipped = [], []
    for _ in range(5):
        before = state
        state, measures = step(update, state, example(-8.0))
        assert measures["loss"] == 64  # never scaled
        scales.append(float(measures["loss_scale"]))
        skipped.append(bool(measures["skipped"]))
        if skipped[-1]:
            for part in ("params", "network", "optimizer"):
                jax.tree.map(np.testing.assert_array_equal, state[part], before[part])
    assert (scales, skipped) == ([2.0**15, 2.0**14, 2.0**13, 2.0**12, 2.0**11], [True] * 4 + [False])
    assert measures["gradient_norm"] == 16  # of the gradient itself, before clipping
    moved = 0.01 * (16 if clip is None else 1)
    np.testing.assert_allclose(state["params"]["0"]["w"], first["params"]["0"]["w"] - moved, rtol=1e-6)
    assert (int(state["optimizer"]["count"]), int(state["scaling"]["skipped"])) == (1, 4)


def test_moments_and_running_statistics_do_not_see_a_skipped_update():
    update = Update(NETWORK, loss=CrossEntropy(), optimizer=AdamW(), clip=None, batch_size=4, seed=0,
                    precision=Float16(2.0**24))  # fmt: skip
    state = initial_state(update, (5,))
    batch = Batch(jax.random.normal(jax.random.key(1), (4, 5)), jnp.arange(4) % 3)
    after, measures = step(update, state, batch)
    assert measures["skipped"]
    for part in ("params", "network", "optimizer"):
        jax.tree.map(np.testing.assert_array_equal, after[part], state[part])


@given(some.lists(some.booleans(), max_size=60), some.integers(1, 4), some.sampled_from([2.0, 2.0**15, LARGEST]))
def test_the_scale_follows_the_rule_of_the_paper(finite, patience, scale):
    precision = Float16(scale, patience=patience)
    found, after = precision.start(), jax.jit(precision.after)
    s, row, skipped = scale, 0, 0
    for good in finite:
        found = after(found, jnp.array(good))
        if not good:
            s, row, skipped = max(s / 2, 1), 0, skipped + 1
        elif (row := row + 1) == patience:
            s, row = min(2 * s, 2**24), 0
        assert {name: float(value) for name, value in found.items()} == {"scale": s, "row": row, "skipped": skipped}


def test_a_run_counts_the_updates_it_skipped_and_shows_them():
    events = []
    run = train(RECIPE, callbacks=(events.append,))
    columns = run.history.columns()
    skipped, scale = columns["skipped"].astype(bool), columns["loss_scale"]
    assert run.standing.reason == "finished"
    assert 1 <= skipped.sum() < 20
    assert np.isfinite(columns["loss"]).all()
    np.testing.assert_array_equal(~np.isfinite(columns["gradient_norm"]), skipped)
    # Every scale follows from the one before.
    s, row = 2.0**20, 0
    for k in range(40):
        assert scale[k] == s
        row = 0 if skipped[k] else row + 1
        s, row = (s / 2, 0) if skipped[k] else (2 * s, 0) if row == 5 else (s, row)
    # Watched are the updates that are a multiple of 3, whatever was skipped before; none of the skipped ones.
    assert run.history.signals.steps.tolist() == [k + 1 for k in range(0, 40, 3) if not skipped[k]]
    assert np.isfinite(run.history.signals.values).all()
    advanced = next(event for event in events if isinstance(event, Advanced))
    assert advanced.record()["skipped"] == skipped[: advanced.step].tolist()


def test_signals_are_those_of_the_loss_itself():
    """At the first update they agree with those of float32 to float16's 3 digits; Adam's divides by tiny gradients."""
    first = [
        train(replace(RECIPE, length=1, precision=p)).history.signals.values for p in (Float32(), Float16(2.0**10))
    ]
    np.testing.assert_allclose(first[1][..., :-1], first[0][..., :-1], rtol=5e-3, atol=2e-3)


def test_an_overflow_that_no_scale_mends_stops_the_run_at_the_smallest():
    """S = 8, 4, 2 are tried, and with 1 training stops before the update."""
    run = train(replace(RECIPE, network=LARGE, precision=Float16(8.0)))
    assert (run.standing.reason, run.standing.step) == ("non-finite", 3)
    assert run.history.columns()["loss_scale"].tolist() == [8, 4, 2]
    assert run.history.columns()["skipped"].tolist() == [1, 1, 1]
    assert "Update 4 was not made: the output of layer" in run.standing.message
    assert train(replace(RECIPE, network=LARGE, precision=Float32())).standing.reason == "finished"


def test_a_smallest_scale_that_is_no_power_of_two_stops_a_run_too():
    run = train(replace(RECIPE, network=LARGE, precision=Float16(0.3, smallest=0.1)))
    assert (run.standing.reason, run.standing.step) == ("non-finite", 2)
    np.testing.assert_allclose(run.history.columns()["loss_scale"], [0.3, 0.15], rtol=1e-6)


def test_a_stopped_run_goes_on_with_its_scale_bit_for_bit(tmp_path):
    """Stopped amid the skipped updates, and again later; the whole state with scale and counts is in the checkpoint."""

    def stop(event) -> None:
        if isinstance(event, Advanced):
            signal.raise_signal(signal.SIGINT)

    recipe = replace(RECIPE, evaluation=Evaluation(3), length=30)
    whole = train(recipe, out=tmp_path / "whole")
    run, stops = train(recipe, out=tmp_path / "parts", callbacks=(stop,)), 0
    while run.standing.reason != "finished":
        stops += 1
        assert run.standing.reason == "interrupted"
        run = resume(tmp_path / "parts", callbacks=(stop,) if stops < 4 else ())
    assert stops == 4
    assert_bit_equal(whole, run)
    assert whole.history.columns()["skipped"].any()


@pytest.mark.parametrize(
    ("fields", "where"),
    [
        ({"scale": 0.0}, "scale"),
        ({"scale": 2.0**25}, "scale"),
        ({"scale": 2.0, "smallest": 4.0}, "scale"),
        ({"smallest": 0.0}, "smallest"),
        ({"patience": 0}, "patience"),
        ({"exceptions": "head"}, "exceptions"),
    ],
)
def test_a_scaling_that_cannot_be_is_refused(fields, where):
    with pytest.raises(HeadwayError, match=rf"^Float16[./]{where}"):
        Float16(**fields)
