"""Permuted labels: the same targets on other examples, and what a linear model can make of them in closed form."""

from dataclasses import replace

import numpy as np
import pytest

from headway.data.dataset import arrays
from headway.doctor.measures.permuted import by_permuted, permuted
from headway.learning.losses import MeanSquaredError
from headway.learning.optimizers.sgd import SGD
from headway.network.dense import Dense
from headway.training.job import prepare
from headway.training.recipe import Recipe

RNG = np.random.default_rng(0)
X = RNG.normal(size=(60, 10)).astype(np.float32)
Y = (X[:, :1] + 0.5 * RNG.normal(size=(60, 1))).astype(np.float32)
LINE = Recipe(Dense(1), loss=MeanSquaredError(), optimizer=SGD(0.1), batch_size=60, length=400)


def test_targets_are_the_same_in_another_order_with_their_weights_and_inputs_and_other_parts_stay():
    data = arrays(X, Y, validation=0.2, test=0.2)
    train = replace(data.train, weights=np.arange(len(data.train), dtype=np.float32))
    data = replace(data, train=train)
    other = permuted(data)
    order = other.train.weights.astype(int)
    assert sorted(order) == list(range(len(train)))
    assert (order != np.arange(len(train))).mean() > 0.8
    np.testing.assert_array_equal(other.train.y, train.y[order])
    np.testing.assert_array_equal(other.train.x, train.x)
    assert (other.validation, other.test) == (data.validation, data.test)
    assert (permuted(data, 1).train.y != other.train.y).any()


def test_a_line_saves_of_true_and_of_permuted_targets_what_least_squares_does():
    data = arrays(X, Y, validation=None, test=None, standardize=False)
    found = by_permuted(prepare(LINE, data), 400)
    rows = np.concatenate([np.ones((60, 1)), X], axis=1)
    for share, y in ((found.true, Y), (found.permuted, permuted(data).train.y)):
        left = np.linalg.lstsq(rows, y, rcond=None)[1][0] / 60
        assert share == pytest.approx(1 - left / y.var(), abs=1e-3)
    assert found.true > 0.7 > 0.4 > found.permuted > 0


def test_a_training_that_is_not_finite_saves_less_than_anything():
    data = arrays(X, Y, validation=None, test=None, standardize=False)
    found = by_permuted(prepare(replace(LINE, optimizer=SGD(1e3)), data), 40)
    assert (found.true, found.permuted) == (-np.inf, -np.inf)


def test_of_targets_that_are_all_alike_nothing_can_be_saved():
    data = arrays(X, np.ones_like(Y), validation=None, test=None, standardize=False)
    found = by_permuted(prepare(LINE, data), 40)
    assert found.true == found.permuted
    assert found.true <= 0
