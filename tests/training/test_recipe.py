"""A recipe that meets its data: durations, and what is refused (the messages are in test_bad_input)."""

from dataclasses import replace

import numpy as np
import pytest

from headway.data.bundled import BreastCancer, Diabetes
from headway.data.dataset import Data, arrays
from headway.learning.losses import BinaryCrossEntropy, CrossEntropy, Hinge, Huber
from headway.learning.metrics import R2, Accuracy
from headway.learning.schedules.schedule import Epochs, Fraction
from headway.network.dense import Dense
from headway.spec.error import HeadwayError
from headway.training.job import prepare
from headway.training.recipe import Evaluation, Recipe
from headway.training.train import train
from tests.training.test_loop import RECIPE


@pytest.mark.parametrize(("length", "updates"), [(7, 7), (Epochs(1), 7), (Epochs(2.5), 18), (Epochs(0.01), 1)])
def test_a_length_is_a_count_of_updates_and_an_epoch_ends_with_a_full_batch(length, updates):
    data = arrays(np.random.default_rng(0).normal(size=(100, 4)), np.arange(100) % 3, test=None, validation=None)
    job = prepare(
        replace(RECIPE, data=None, length=length, optimizer=replace(RECIPE.optimizer, learning_rate=0.1)), data
    )
    assert (job.updates, job.epoch) == (updates, 7)


def test_the_schedule_of_a_job_is_in_updates():
    job = prepare(RECIPE)
    rate = job.update.optimizer.learning_rate
    assert (rate.steps, rate.then.steps) == (6, 53)
    assert RECIPE.optimizer.learning_rate.steps == Fraction(0.1)


@pytest.mark.parametrize(("monitor", "new", "old", "better"), [
    ("loss", 0.5, 0.6, True), ("loss", 0.6, 0.5, False), ("accuracy", 0.6, 0.5, True), ("accuracy", 0.5, 0.5, False),
    ("loss", 9.0, float("nan"), True), ("loss", float("nan"), 9.0, False),
])  # fmt: skip
def test_better_means_lower_loss_and_higher_accuracy(monitor, new, old, better):
    assert Evaluation(metrics=(Accuracy(),), monitor=monitor).better(new, old) is better


def test_a_gain_smaller_than_the_least_is_none():
    assert not Evaluation().better(0.49, 0.5, least=0.02)


@pytest.mark.parametrize("loss", [BinaryCrossEntropy(), Hinge()])
def test_two_classes_may_have_one_output(loss):
    recipe = Recipe(Dense(1), data=Data(BreastCancer()), loss=loss, optimizer=RECIPE.optimizer, length=200,
                    evaluation=Evaluation(100, metrics=(Accuracy(),)))  # fmt: skip
    run = train(recipe)
    assert run.results["test"]["accuracy"] > 0.9
    names = run.predict(BreastCancer().load().x[:200])
    assert (names == np.asarray(run.schema.classes)[np.asarray(BreastCancer().load().y[:200])]).mean() > 0.9


def test_one_output_for_two_classes_is_refused_with_a_softmax_loss():
    with pytest.raises(HeadwayError, match="must give 2 outputs"):
        prepare(Recipe(Dense(1), data=Data(BreastCancer()), loss=CrossEntropy(), optimizer=RECIPE.optimizer))


def test_regression_outputs_must_have_the_targets_shape():
    recipe = Recipe(Dense(2), data=Data(Diabetes()), loss=Huber(), optimizer=RECIPE.optimizer)
    with pytest.raises(HeadwayError, match="loss"):
        prepare(recipe)
    assert prepare(replace(recipe, network=Dense(1), evaluation=Evaluation(metrics=(R2(),)))).updates > 0
