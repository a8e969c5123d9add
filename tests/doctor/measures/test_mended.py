"""A job without a fault: the fault is gone, and all else is as it was; and what its run says of harm."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from headway.doctor.again import Again
from headway.doctor.baseline import constant_of
from headway.doctor.measures import mended
from headway.doctor.measures.rerun import rerun
from headway.learning.losses import CrossEntropy
from headway.learning.optimizers.adaptive import Adam
from headway.learning.optimizers.groups import Frozen, Groups
from headway.learning.schedules.decay import Cosine
from headway.network.activations import Identity, ReLU
from headway.network.compose import Sequential
from headway.network.convolution import Flatten
from headway.network.dense import Dense
from headway.network.initialization import Normal
from headway.network.residual import Residual
from headway.training.job import prepare
from tests.doctor.rules.cases import CLASSES, VALUES, X, case, classifier, regression

LOUD = Sequential((Flatten(), Dense(400, init=Normal(5.0)), ReLU(), Dense(3, init=Normal(5.0))))


def job(recipe, data=CLASSES):
    return prepare(recipe, data, anyway=True)


def with_columns(**columns):
    train = CLASSES.train
    return replace(CLASSES, train=replace(train, x=(train.x * columns["by"] + columns["plus"]).astype(np.float32)))


def test_inputs_get_mean_0_and_spread_1_over_the_training_part():
    found = mended.standardized(job(classifier(), with_columns(by=[1, 10, 1e3, 1, 1, 0], plus=50))).dataset
    np.testing.assert_allclose(found.train.x.mean(axis=0), 0, atol=1e-4)
    np.testing.assert_allclose(found.train.x.std(axis=0)[:5], 1, rtol=1e-4)
    assert not found.train.x[:, 5].any()
    np.testing.assert_array_equal(found.train.y, CLASSES.train.y)


def test_amounts_get_mean_0_and_spread_1():
    found = mended.targets_standardized(job(regression(), VALUES)).dataset
    assert (found.train.y.mean(), found.train.y.std()) == pytest.approx((0, 1), abs=1e-5)
    np.testing.assert_allclose(np.corrcoef(found.test.y.ravel(), VALUES.test.y.ravel())[0, 1], 1, rtol=1e-6)


def test_weights_are_drawn_as_by_default_and_the_update_is_the_same():
    given = job(classifier(LOUD))
    found = mended.redrawn(given)
    weights = found.start["params"]["1"]["w"]
    assert float(weights.std()) == pytest.approx(np.sqrt(2 / X.shape[1]), rel=0.05)  # He's, before a ReLU
    assert (found.update, found.recipe) == (given.update, given.recipe)


def test_activations_stand_behind_all_layers_of_weights_but_the_last():
    plain = Sequential((Flatten(), Dense(8), Identity(), Dense(8), Dense(3)))
    found = mended.activated(job(classifier(plain))).recipe.network
    assert [type(layer).__name__ for layer in found.layers] == [
        "Flatten", "Dense", "ReLU", "Identity", "Dense", "ReLU", "Dense",
    ]  # fmt: skip


def test_what_is_frozen_is_trained():
    groups = Groups(Adam(1e-2), rules=(Frozen("**/w"),))
    assert mended.unfrozen(job(classifier(optimizer=groups))).recipe.optimizer == Adam(1e-2)
    assert mended.unfrozen(job(classifier())) is None


def test_the_highest_rate_stays():
    found = mended.steady(job(classifier(optimizer=Adam(Cosine(1e-2, steps=3)))))
    assert [float(found.update.optimizer.rate(k)) for k in (0, 3, 150)] == pytest.approx([1e-2] * 3)


def test_a_network_is_wider_where_it_can_be():
    assert [mended.wider(job(classifier()), 8).recipe.network.layers[k].units for k in (1, 3)] == [64, 3]
    closed = Sequential((Flatten(), Residual(Dense(6)), Dense(3)))
    assert mended.wider(job(classifier(closed)), 8) is None


def test_a_sum_over_the_batch_becomes_the_mean():
    found = mended.averaged(job(classifier(loss=CrossEntropy(reduction="sum"))))
    assert found.recipe.loss == found.update.loss == CrossEntropy()


def test_batches_are_smaller_for_as_many_examples_and_larger_for_as_many_updates():
    given = job(classifier(batch_size=32, length=100))
    smaller, larger = mended.smaller_batches(given, 8), mended.larger_batches(given, 4)
    assert (smaller.recipe.batch_size, smaller.updates) == (4, 800)
    assert (larger.recipe.batch_size, larger.updates) == (128, 100)
    assert mended.larger_batches(given, 8).recipe.batch_size == len(CLASSES.train)


@pytest.mark.parametrize(
    ("left", "there", "word"),
    [(0.5, 0.39, "found"), (0.5, 0.41, "noticed"), (0.05, 0.0, "noticed"), (0.95, 0.95, "found"), (2.0, 1.5, "found")],
)
def test_a_fault_that_lets_a_network_learn_does_harm_where_a_tenth_is_saved_without_it(left, there, word):
    one = case(classifier(), again=SimpleNamespace(standardized=there), constant=1.0)
    one = replace(one, results={one.split: {"loss": left}})
    one.__dict__.update(again=SimpleNamespace(standardized=there), constant=1.0)
    found, evidence = one.judged("standardized")
    assert found == word
    assert bool(evidence) == (0.1 < left <= 0.9)


@pytest.mark.parametrize(("there", "word"), [(0.44, "found"), (0.46, "noticed")])
def test_where_learning_began_late_half_as_much_is_enough(there, word):
    one = case(classifier())
    one = replace(one, results={one.split: {"loss": 0.5}})
    one.__dict__.update(again=SimpleNamespace(standardized=there), constant=1.0, stuck=80)
    one.__dict__["trend"] = SimpleNamespace(steps=[200])
    assert one.judged("standardized")[0] == word


def test_without_a_run_and_without_a_way_to_make_it_again_nothing_is_better():
    one = case(classifier())
    assert one.judged("standardized") == ("found", ())
    assert one.without("standardized") == (False, ())


def test_a_whole_run_is_made_four_times_as_long_and_one_that_was_stopped_to_its_end():
    given = job(classifier(length=60))
    whole, stopped, late = (Again(given, made, made, 1.0, "validation").longer for made in (60, 12, 45))
    assert [len(whole.losses), len(stopped.losses), late] == [240, 60, None]


def test_a_run_of_very_few_updates_is_made_200_long():
    assert len(Again(job(classifier(length=7)), 7, 7, 1.0, "validation").longer.losses) == 200


def test_a_loss_that_is_a_sum_is_held_against_the_constant_s_sum_and_one_that_is_a_mean_against_its_mean():
    """Both are shares of what the best constant loses, so that they can be compared: three classes, ln 3 at most."""
    given = job(classifier(loss=CrossEntropy(reduction="sum"), length=30))
    share = Again(given, 30, 30, 32 * np.log(3), "validation").averaged
    mean = rerun(job(classifier(length=30)), 30, split="validation").held_out
    assert share == pytest.approx(mean / constant_of(CrossEntropy(), given.recipe.network, CLASSES, "validation"))
