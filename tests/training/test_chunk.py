"""Watched chunks: the updates are those of a run that nobody watches, the signals those of single updates."""

import functools
from dataclasses import replace

import jax
import numpy as np
import pytest

from headway.data.bundled import Digits, Iris
from headway.data.dataset import Data
from headway.learning.losses import CrossEntropy
from headway.learning.optimizers.adaptive import AdamW
from headway.learning.optimizers.sgd import SGD
from headway.learning.regularization import Dropout
from headway.network.activations import ReLU, Tanh
from headway.network.compose import Sequential
from headway.network.convolution import Conv, Flatten
from headway.network.dense import Dense
from headway.network.initialization import Normal
from headway.network.residual import Residual
from headway.signals.history import Signals
from headway.signals.probe import Watch, empty_slots
from headway.training.chunk import CHUNK, SAMPLES, compute, longest, run_chunk
from headway.training.job import prepare
from headway.training.loop import Loop
from headway.training.recipe import Evaluation, Recipe
from headway.training.record import History, Standing
from headway.training.step import batch, initial_state, update_once
from headway.training.train import train

MLP = Sequential((Dense(8), Tanh(), Residual(Sequential((Dense(8), Tanh()))), Dropout(0.2), Dense(3)))
RECIPE = Recipe(
    MLP,
    data=Data(Iris()),
    loss=CrossEntropy(),
    optimizer=AdamW(1e-2),
    batch_size=16,
    length=60,
    evaluation=Evaluation(20),
    watch=Watch(3),
)
FILTERS = Sequential((Conv(3, kernel=3), ReLU(), Flatten(), Dense(10)))
CONV = replace(RECIPE, network=FILTERS, data=Data(Digits(shape="image")), length=24)


def looped(recipe, pace):
    job = prepare(recipe)
    loop = Loop(job, initial_state(job.update, job.dataset.input_shape), Standing(), History(), None, ())
    whole = loop.advance
    loop.advance = lambda length: whole(min(length, pace))
    return loop.run()


def assert_same(a: Signals, b: Signals):
    assert a.addresses == b.addresses
    np.testing.assert_array_equal(a.steps, b.steps)
    np.testing.assert_array_equal(a.values, b.values)


@pytest.mark.parametrize("every", [1, 3, 50])
@pytest.mark.parametrize("optimizer", [SGD(0.1, momentum=0.9), AdamW(1e-2)], ids=lambda o: type(o).__name__)
@pytest.mark.parametrize("recipe", [RECIPE, CONV], ids=["mlp", "conv"])
def test_a_watched_run_makes_the_same_updates_bit_for_bit(recipe, optimizer, every):
    """On a CPU: XLA computes the step around the probes as it does without them."""
    recipe = replace(recipe, optimizer=optimizer)
    plain, seen = train(replace(recipe, watch=None)), train(replace(recipe, watch=Watch(every)))
    jax.tree.map(np.testing.assert_array_equal, plain.final, seen.final)
    jax.tree.map(np.testing.assert_array_equal, plain.history.columns(), seen.history.columns())
    assert plain.history.evaluations == seen.history.evaluations
    assert len(plain.history.signals) == 0
    assert seen.history.signals.steps.tolist() == list(range(1, len(plain.history.columns()["step"]) + 1, every))


def test_signals_of_a_chunk_are_those_of_single_updates():
    job = prepare(replace(RECIPE, length=10))
    state, rows = initial_state(job.update, job.dataset.input_shape), []
    once = jax.jit(functools.partial(update_once, job.update))
    for k in range(10):
        state, measures = once(state, batch(job, k), empty_slots(len(job.watched)))
        rows.append(np.asarray(measures["signals"]))
    signals = train(replace(RECIPE, length=10)).history.signals
    assert (signals.addresses, signals.steps.tolist()) == (job.watched, [1, 4, 7, 10])
    np.testing.assert_allclose(signals.values, np.stack(rows[::3]), rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("every", [1, 3, 50])
def test_any_split_into_chunks_gives_the_same_signals(every):
    recipe = replace(RECIPE, length=110, watch=Watch(every), evaluation=Evaluation(37))
    runs = [looped(recipe, pace) for pace in (1, 7, 1000)]
    assert runs[0].history.signals.steps.tolist() == [k + 1 for k in range(110) if k % every == 0]
    for run in runs[1:]:
        assert_same(run.history.signals, runs[0].history.signals)


@pytest.mark.parametrize(("every", "length"), [(1, 600), (3, 1000)])
def test_a_chunk_is_no_longer_than_its_buffer_of_signals(every, length):
    job = prepare(replace(RECIPE, length=length, watch=Watch(every)))
    assert longest(job) == SAMPLES * every < length
    examples = job.dataset.train.arrays
    state = initial_state(job.update, job.dataset.input_shape)
    assert len(compute(job, state, examples, 0, longest(job)).signals) == SAMPLES
    at, parts = 0, []
    while at < length:  # full chunks, from a place that is no multiple of `every`
        chunk = compute(job, state, examples, at, min(longest(job), length - at) if at else 1)
        state, at, parts = chunk.state, at + len(chunk.measures), [*parts, chunk.signals]
    run = looped(replace(RECIPE, length=length, watch=Watch(every), evaluation=Evaluation(length)), length)
    assert len(run.history.samples) > 1
    assert run.history.signals.steps.tolist() == list(range(1, length + 1, every))
    assert_same(Signals.joined(parts), run.history.signals)


def test_a_rare_watch_leaves_the_longest_chunk_as_it_is():
    assert longest(prepare(replace(RECIPE, watch=Watch(50)))) == longest(prepare(replace(RECIPE, watch=None))) == CHUNK


def test_another_interval_compiles_nothing_new():
    train(RECIPE)
    before = run_chunk._cache_size()
    for every in (1, 2, 50, 1000):
        assert len(train(replace(RECIPE, watch=Watch(every))).history.signals) == -(-60 // every)
    assert run_chunk._cache_size() == before


@pytest.mark.parametrize("pace", [1, 16])
def test_a_run_cut_short_has_the_signals_of_the_updates_that_were_made(pace):
    recipe = replace(RECIPE, network=Sequential((Dense(8), ReLU(), Dense(3))), optimizer=SGD(1e4), watch=Watch(1))
    run = looped(recipe, pace)
    assert run.standing.reason == "non-finite"
    assert run.standing.step > 1
    assert run.history.signals.steps.tolist() == list(range(1, run.standing.step + 1))
    assert_same(looped(replace(recipe, length=run.standing.step), pace).history.signals, run.history.signals)


def test_a_run_without_a_single_finite_update_has_no_signals():
    network = Sequential((Dense(8, init=Normal(1e30)), Dense(3, init=Normal(1e30))))
    run = looped(replace(RECIPE, network=network), 16)
    assert (run.standing.reason, run.standing.step, len(run.history.signals)) == ("non-finite", 0, 0)
