"""Updates made again: against the run itself, and against gradient descent written out in NumPy."""

from dataclasses import replace

import numpy as np
import pytest

from headway.data.bundled import Diabetes, Iris
from headway.data.dataset import Data
from headway.doctor.measures.rerun import affordable, freed, lengthened, regularization, rerun, rising
from headway.learning.losses import CrossEntropy, MeanSquaredError
from headway.learning.optimizers.adaptive import AdamW
from headway.learning.optimizers.sgd import SGD
from headway.learning.penalties import L2
from headway.learning.regularization import Dropout, Noise
from headway.learning.schedules.decay import Linear
from headway.models.mlp import mlp
from headway.network.compose import Sequential
from headway.network.dense import Dense
from headway.network.initialization import Zeros
from headway.training.job import prepare
from headway.training.recipe import Evaluation, Recipe
from headway.training.train import train

IRIS = Recipe(mlp((8,), 3), data=Data(Iris()), loss=CrossEntropy(), optimizer=AdamW(0.01, weight_decay=0.1),
              batch_size=16, length=40, evaluation=Evaluation(20))  # fmt: skip


def descended(x, y, rates):
    """Losses of least squares from w = 0 by gradient descent on all examples, before each update."""
    w, b, losses = np.zeros((x.shape[1], 1)), 0.0, []
    for rate in rates:
        wrong = x @ w + b - y
        losses.append(np.mean(wrong**2))
        w, b = w - rate * 2 * x.T @ wrong / len(x), b - rate * 2 * wrong.mean()
    return np.array(losses)


@pytest.mark.parametrize(("factor", "warm"), [(1.0, 0), (0.1, 0), (5.0, 0), (1.0, 8), (2.0, 16)])
def test_a_rerun_is_descent_at_another_rate(factor, warm):
    data = Data(Diabetes()).load()
    network = Sequential((Dense(1, init=Zeros()),))
    recipe = Recipe(network, loss=MeanSquaredError(), optimizer=SGD(0.01), batch_size=len(data.train), length=20)
    made = rerun(prepare(recipe, data), 20, factor, warm)
    shares = np.concatenate([np.repeat((np.arange(8) + 0.5) / 8, warm // 8), np.ones(20 - warm)])
    expected = descended(data.train.x.astype(float), data.train.y.astype(float), factor * 0.01 * shares)
    assert made.losses == pytest.approx(expected, rel=1e-4)
    assert made.end == pytest.approx(np.median(expected[-2:]), rel=1e-4)


def test_at_the_same_rate_it_is_the_run_itself():
    run = train(IRIS)
    made = rerun(prepare(IRIS), 40)
    np.testing.assert_array_equal(made.losses, run.history.columns()["loss"])
    assert made.held_out == pytest.approx(run.evaluate("train")["loss"], rel=1e-6)


def test_one_that_is_not_finite_ends_above_everything():
    made = rerun(prepare(replace(IRIS, optimizer=SGD(0.1))), 40, 1e20)
    assert len(made.losses) < 40
    assert made.end == np.inf


def test_a_warm_up_rises_in_eight_steps_to_the_whole_rate():
    stages = rising(100, 40)
    assert [until for until, _ in stages] == [5, 10, 15, 20, 25, 30, 35, 40, 100]
    assert [share for _, share in stages] == [*((np.arange(8) + 0.5) / 8), 1.0]
    assert rising(100, 0) == [(100, 1.0)]


def test_without_regularization_every_number_of_it_is_0_and_nothing_else_changes():
    network = Sequential((Dense(8), Dropout(0.5), Noise(0.1), Dense(3)))
    recipe = replace(IRIS, network=network, penalties=(L2(0.1),))
    assert {edit.at: edit.value for edit in regularization(recipe)} == dict.fromkeys(
        ("network/1/rate", "network/2/scale", "optimizer/weight_decay", "penalties/0/strength"), 0.0
    )
    free = freed(prepare(recipe)).recipe
    assert (free.network.layers[1].rate, free.network.layers[2].scale) == (0, 0)
    assert regularization(free) == []
    assert regularization(replace(IRIS, optimizer=SGD(0.1))) == []


def test_a_longer_job_has_a_schedule_as_much_longer():
    job = lengthened(prepare(replace(IRIS, length=60, optimizer=SGD(Linear(0.1)))))
    assert job.updates == 240
    assert float(job.update.optimizer.rate(120)) == pytest.approx(0.05, rel=0.02)


@pytest.mark.parametrize(("length", "batch", "count"), [(40, 16, 40), (1000, 16, 300), (3, 16, 0)])
def test_only_what_takes_seconds_is_made_again(length, batch, count):
    assert affordable(prepare(replace(IRIS, length=length, batch_size=batch))) == count


def test_of_a_large_network_nothing_is_made_again():
    assert affordable(prepare(replace(IRIS, network=mlp((20_000, 20_000), 3)))) == 0
