"""Lanes: runs side by side are runs of `train`, in one compiled program a structure, each with its own end."""

import signal
import threading
from dataclasses import replace

import jax
import numpy as np
import pytest

from headway.data.bundled import Iris
from headway.data.dataset import Data
from headway.learning.losses import CrossEntropy
from headway.learning.metrics import Accuracy
from headway.learning.optimizers.adaptive import AdamW
from headway.learning.optimizers.sgd import SGD
from headway.learning.regularization import Dropout
from headway.learning.schedules.compose import Warmup
from headway.learning.schedules.decay import Cosine
from headway.learning.schedules.schedule import Fraction
from headway.network.activations import ReLU
from headway.network.compose import Sequential
from headway.network.dense import Dense
from headway.network.normalization import BatchNorm
from headway.scale.precision import Float16
from headway.signals.probe import Watch
from headway.training.chunk import run_chunk
from headway.training.job import prepare
from headway.training.recipe import EarlyStopping, Evaluation, Recipe
from headway.training.sweeps.grid import points, recipe_at
from headway.training.sweeps.lanes import at_once, by_threads, grouped, side_by_side
from headway.training.train import train

RECIPE = Recipe(
    Sequential((Dense(8), BatchNorm(), ReLU(), Dropout(0.2), Dense(3))),
    data=Data(Iris()),
    loss=CrossEntropy(),
    optimizer=AdamW(1e-2, weight_decay=0.1),
    batch_size=16,
    length=40,
    evaluation=Evaluation(20, metrics=(Accuracy(),)),
)
DATASET = RECIPE.data.load()
CALM = replace(RECIPE, network=Sequential((Dense(6), ReLU(), Dense(3))), optimizer=SGD(0.1, momentum=0.9))
"""Without what makes much of a rounding error: a bias in front of a normalization, the first steps of Adam."""
GRID = {"seed": range(4), "optimizer/learning_rate": (1e-2, 1e-1)}


def silent(run):
    pass


def jobs_of(recipe, over):
    return [prepare(recipe_at(recipe, point), DATASET) for point in points(over)]


def said(run):
    """All that a run says of itself but its arrays, with NaN equal to NaN."""
    return repr((run.recipe, run.standing, run.results, run.history.evaluations))


def assert_same_bits(run, other):
    jax.tree.map(np.testing.assert_array_equal, (run.values, run.final), (other.values, other.final))
    jax.tree.map(np.testing.assert_array_equal, run.history.columns(), other.history.columns())
    assert said(run) == said(other)


def assert_close(run, other):
    for a, b in zip(jax.tree.leaves(run.final), jax.tree.leaves(other.final), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-3, atol=1e-4)
    assert run.standing.step == other.standing.step
    assert run.standing.reason == other.standing.reason


def test_lanes_over_seeds_and_rates_are_the_runs_of_train_bit_for_bit():
    for run in by_threads(jobs_of(RECIPE, GRID), silent):
        assert_same_bits(run, train(run.recipe, data=DATASET))


def test_any_declared_number_is_swept_in_one_compiled_program():
    over = {
        "seed": (0, 2**31 - 1),
        ("network/3/rate", "optimizer/weight_decay"): ((0.0, 0.1), (0.5, 0.0)),
        ("optimizer/learning_rate", "length"): (
            (Warmup(Fraction(0.2), then=Cosine(0.1)), 30),
            (Warmup(Fraction(0.5), then=Cosine(0.01)), 41),
        ),
    }
    before = run_chunk._cache_size()
    runs = by_threads(jobs_of(RECIPE, over), silent)
    assert run_chunk._cache_size() == before + 1
    assert [run.standing.step for run in runs] == 4 * [30, 41]
    assert_same_bits(runs[-1], train(runs[-1].recipe, data=DATASET))
    assert run_chunk._cache_size() == before + 1


def test_another_structure_has_its_own_program():
    over = {"seed": range(2), "network/0/units": (4, 6), "optimizer/learning_rate": (0.1, 0.2)}
    jobs, before = jobs_of(RECIPE, over), run_chunk._cache_size()
    assert sorted(map(sorted, grouped(jobs))) == [[0, 1, 4, 5], [2, 3, 6, 7]]
    runs = by_threads(jobs, silent)
    assert run_chunk._cache_size() == before + 2
    assert [run.params["0"]["w"].shape for run in runs] == 2 * [(4, 4), (4, 4), (4, 6), (4, 6)]


@pytest.mark.parametrize("lowering", [by_threads, at_once])
def test_a_lane_that_is_not_finite_ends_alone_and_says_where(lowering):
    jobs = jobs_of(CALM, {"seed": range(2), "optimizer/learning_rate": (0.1, 1e4)})
    for run in lowering(jobs, silent):
        alone = train(run.recipe, data=DATASET)
        assert run.standing.message == alone.standing.message
        assert_close(run, alone)
        assert run.standing.reason == ("finished" if run.recipe.optimizer.learning_rate == 0.1 else "non-finite")


def test_lanes_in_one_program_over_stacked_states_are_single_runs_up_to_rounding():
    jobs = jobs_of(replace(CALM, watch=Watch(3)), {"seed": range(2), "optimizer/learning_rate": (1e-2, 0.1)})
    for run in at_once(jobs, silent):
        alone = train(run.recipe, data=DATASET)
        assert_close(run, alone)
        signals, expected = run.history.signals, alone.history.signals
        assert (signals.addresses, signals.steps.tolist()) == (expected.addresses, expected.steps.tolist())
        np.testing.assert_allclose(signals.values, expected.values, rtol=1e-2, atol=1e-3)


def test_the_program_over_stacked_states_keeps_half_precision_and_its_loss_scale():
    """A number that came in as a strong float32 would turn the step into one of float32."""
    jobs = jobs_of(replace(CALM, precision=Float16(), length=10), {"optimizer/learning_rate": (0.01, 0.1)})
    for run in at_once(jobs, silent):
        alone = train(run.recipe, data=DATASET)
        for a, b in zip(jax.tree.leaves(run.final), jax.tree.leaves(alone.final), strict=True):
            np.testing.assert_allclose(a, b, atol=5e-3)
        assert (run.standing.step, run.standing.reason) == (alone.standing.step, alone.standing.reason)


@pytest.mark.parametrize("lowering", [by_threads, at_once])
def test_lanes_of_different_length_and_lanes_that_stop_early_end_as_alone(lowering):
    recipe = replace(CALM, stopping=EarlyStopping(1), evaluation=Evaluation(5))
    jobs = jobs_of(recipe, {"length": (7, 30), "optimizer/learning_rate": (1e-2, 1.0)})
    for run in lowering(jobs, silent):
        alone = train(run.recipe, data=DATASET)
        assert_close(run, alone)
        assert run.standing.best_step == alone.standing.best_step


@pytest.mark.parametrize("lowering", [by_threads, at_once])
def test_ctrl_c_ends_every_lane_with_what_it_has(lowering):
    jobs = jobs_of(replace(CALM, length=10**6, evaluation=Evaluation(10**6)), {"seed": range(3)})
    started = threading.Timer(1.0, signal.raise_signal, (signal.SIGINT,))
    started.start()
    runs = lowering(jobs, silent)
    assert [run.standing.reason for run in runs] == 3 * ["interrupted"]
    assert all(run.standing.step == len(run.history.columns()["step"]) < 10**6 for run in runs)


def test_side_by_side_keeps_the_order_and_passes_an_error_on():
    assert side_by_side(lambda x: x * x, range(7)) == [x * x for x in range(7)]
    with pytest.raises(ZeroDivisionError):
        side_by_side(lambda x: 1 / x, (2, 1, 0))
