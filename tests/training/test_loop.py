"""The loop against a plain loop of single steps, and the ends that a run can come to."""

import os
import signal
from dataclasses import replace

import jax
import numpy as np
import pytest

from headway.data.bundled import Iris
from headway.data.dataset import Data
from headway.learning.clipping import ClipByNorm
from headway.learning.losses import CrossEntropy
from headway.learning.metrics import Accuracy
from headway.learning.optimizers.adaptive import AdamW
from headway.learning.optimizers.sgd import SGD
from headway.learning.regularization import Dropout
from headway.learning.schedules.compose import Warmup
from headway.learning.schedules.decay import Cosine
from headway.learning.schedules.schedule import Epochs, Fraction
from headway.network.activations import ReLU, Softmax
from headway.network.compose import Sequential
from headway.network.dense import Dense
from headway.spec.error import HeadwayError
from headway.training.callbacks import Advanced, Ended, Evaluated
from headway.training.chunk import run_chunk
from headway.training.job import prepare
from headway.training.loop import Loop
from headway.training.recipe import Checkpoints, EarlyStopping, Evaluation, Recipe
from headway.training.record import History, Standing
from headway.training.step import batch, initial_state, step, values_of
from headway.training.train import train

NETWORK = Sequential((Dense(8), ReLU(), Dropout(0.2), Dense(3)))
RECIPE = Recipe(
    NETWORK,
    data=Data(Iris(), standardize=True),
    loss=CrossEntropy(),
    optimizer=AdamW(Warmup(Fraction(0.1), then=Cosine(1e-2)), weight_decay=0.01),
    clip=ClipByNorm(1.0),
    batch_size=16,
    length=60,
    evaluation=Evaluation(20, metrics=(Accuracy(),)),
)


def same(a, b):
    jax.tree.map(np.testing.assert_array_equal, a, b)


def test_the_loop_computes_what_a_plain_loop_of_public_steps_computes():
    job = prepare(RECIPE)
    state, losses = initial_state(job.update, job.dataset.input_shape), []
    for k in range(job.updates):
        state, measures = step(job.update, state, batch(job, k))
        losses.append(float(measures["loss"]))
    run = train(RECIPE)
    np.testing.assert_allclose(run.history.columns()["loss"], losses, rtol=2e-5)
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-6), run.final, values_of(state))


def test_any_split_into_chunks_is_bit_equal():
    runs = []
    for pace in (1, 7, 64):
        job = prepare(RECIPE)
        loop = Loop(job, initial_state(job.update, job.dataset.input_shape), Standing(), History(), None, ())
        whole = loop.advance
        loop.advance = lambda length, whole=whole, pace=pace: whole(min(length, pace))
        runs.append(loop.run())
    for other in runs[1:]:
        same(runs[0].final, other.final)
        same(runs[0].history.columns(), other.history.columns())


def test_one_seed_gives_one_run_and_another_seed_another():
    again = [train(replace(RECIPE, seed=seed)) for seed in (3, 3, 4)]
    same(again[0].final, again[1].final)
    assert not np.array_equal(again[0].params["0"]["w"], again[2].params["0"]["w"])


def test_changed_numbers_compile_nothing_new():
    train(RECIPE)
    before = run_chunk._cache_size()
    train(
        replace(RECIPE, seed=9, clip=ClipByNorm(0.5), length=40, optimizer=AdamW(Warmup(9, then=Cosine(0.1)), b1=0.8))
    )
    train(replace(RECIPE, network=Sequential((Dense(8), ReLU(), Dropout(0.0), Dense(3)))))
    assert run_chunk._cache_size() == before
    train(replace(RECIPE, network=Sequential((Dense(9), ReLU(), Dropout(0.0), Dense(3)))))
    assert run_chunk._cache_size() == before + 1


def test_events_tell_every_update_and_every_evaluation():
    events = []
    run = train(RECIPE, callbacks=(events.append,))
    assert sum(len(e.measures) for e in events if isinstance(e, Advanced)) == 60
    assert [e.step for e in events if isinstance(e, Evaluated)] == [20, 40, 60]
    assert isinstance(events[-1], Ended)
    assert run.standing.reason == "finished"
    best = min(run.history.evaluations, key=lambda e: e["loss"])
    assert run.standing.best_step == best["step"]
    assert run.evaluate("validation")["loss"] == pytest.approx(best["loss"], rel=1e-6)


def test_learning_rate_of_every_update_is_the_schedule():
    peak, warm, last = 1e-2, 6, 59
    k = np.arange(60)
    expected = np.where(k < warm, peak * k / warm, peak * (1 + np.cos(np.pi * (k - warm) / (last - warm))) / 2)
    np.testing.assert_allclose(train(RECIPE).history.columns()["learning_rate"], expected, rtol=1e-5, atol=1e-9)


def test_early_stopping_ends_after_patience_evaluations_without_gain():
    recipe = replace(RECIPE, optimizer=SGD(1e-12), stopping=EarlyStopping(3, least=1e-3), length=10_000)
    run = train(recipe)
    assert (run.standing.reason, run.standing.step, run.standing.best_step) == ("stopped early", 80, 20)


def test_best_weights_are_restored_when_the_end_is_worse():
    run = train(replace(RECIPE, optimizer=SGD(5.0, momentum=0.9), clip=None, length=200))
    losses = [e["loss"] for e in run.history.evaluations]
    assert run.evaluate("validation")["loss"] == pytest.approx(min(losses), rel=1e-5)
    assert losses[-1] > min(losses)


@pytest.mark.parametrize("pace", [1, 16])
def test_a_run_that_overflows_keeps_the_state_before_the_bad_update(pace):
    recipe = replace(RECIPE, optimizer=SGD(1e30), clip=None, length=50)
    job = prepare(recipe)
    loop = Loop(job, initial_state(job.update, job.dataset.input_shape), Standing(), History(), None, ())
    loop.pace = pace
    run = loop.run()
    assert run.standing.reason == "non-finite"
    assert "is not finite" in run.standing.message
    assert "position" in run.standing.message
    assert all(np.isfinite(leaf).all() for leaf in jax.tree.leaves((run.final, run.values)))
    assert np.isfinite(run.history.columns()["loss"]).all()
    assert len(run.history.columns()["loss"]) == run.standing.step


@pytest.mark.parametrize(("number", "reason"), [(signal.SIGINT, "interrupted"), (signal.SIGTERM, "terminated")])
def test_a_signal_stops_the_run_at_the_next_boundary_and_gives_the_best_weights(number, reason):
    def kick(event):
        if isinstance(event, Evaluated) and event.step == 40:
            os.kill(os.getpid(), number)

    before = signal.getsignal(number)
    run = train(replace(RECIPE, length=100_000), callbacks=(kick,))
    assert run.standing.reason == reason
    assert run.standing.step < 100_000
    assert run.standing.best_step in (20, 40)
    assert signal.getsignal(number) is before


def test_a_softmax_before_a_loss_from_logits_is_refused_unless_told():
    recipe = replace(RECIPE, network=Sequential((Dense(3), Softmax())))
    with pytest.raises(HeadwayError, match=r"takes logits.*Remove the last layer.*anyway"):
        train(recipe)
    assert train(recipe, anyway=True).standing.reason == "finished"


def test_an_epoch_sees_every_example_once_and_is_a_count_of_updates():
    job = prepare(
        replace(RECIPE, length=Epochs(3), evaluation=Evaluation(Epochs(1)), checkpoints=Checkpoints(Epochs(2)))
    )
    assert job.updates == 3 * job.epoch == 3 * -(-len(job.dataset.train.x) // 16)
