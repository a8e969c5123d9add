"""Grids: every combination once, axes that change together, and recipes that are those edited by hand."""

from dataclasses import replace

import numpy as np
import pytest

from headway.learning.losses import CrossEntropy
from headway.learning.optimizers.adaptive import Adam
from headway.learning.optimizers.sgd import SGD
from headway.learning.regularization import Dropout
from headway.models.mlp import mlp
from headway.network.compose import Sequential
from headway.network.dense import Dense
from headway.spec.error import HeadwayError
from headway.training.recipe import Recipe
from headway.training.sweeps.grid import points, recipe_at

RECIPE = Recipe(Sequential((Dense(4), Dropout(0.1), Dense(3))), loss=CrossEntropy(), optimizer=Adam(1e-2))


def test_axes_make_every_combination_once_the_last_the_fastest():
    found = points({"seed": range(2), "batch_size": (8, 16, 32)})
    assert [(p["seed"], p["batch_size"]) for p in found] == [(s, b) for s in (0, 1) for b in (8, 16, 32)]


def test_addresses_of_one_axis_change_together():
    found = points({("optimizer/learning_rate", "batch_size"): ((1e-3, 32), (3e-3, 128)), "seed": (5,)})
    assert found == (
        {"optimizer/learning_rate": 1e-3, "batch_size": 32, "seed": 5},
        {"optimizer/learning_rate": 3e-3, "batch_size": 128, "seed": 5},
    )


def test_numbers_of_numpy_are_plain_numbers():
    found = points({"seed": np.arange(2), "optimizer/learning_rate": np.geomspace(1e-3, 1e-1, 3)})
    assert {(type(p["seed"]), type(p["optimizer/learning_rate"])) for p in found} == {(int, float)}
    assert [recipe_at(RECIPE, p).seed for p in found] == [0, 0, 0, 1, 1, 1]


@pytest.mark.parametrize(
    ("point", "expected"),
    [
        ({"seed": 3}, replace(RECIPE, seed=3)),
        ({"network/1/rate": 0.5}, replace(RECIPE, network=Sequential((Dense(4), Dropout(0.5), Dense(3))))),
        ({"network/1": Dense(7)}, replace(RECIPE, network=Sequential((Dense(4), Dense(7), Dense(3))))),
        ({"network": mlp((5,), 3)}, replace(RECIPE, network=mlp((5,), 3))),
        ({"optimizer": SGD(1.0), "optimizer/learning_rate": 0.3}, replace(RECIPE, optimizer=SGD(0.3))),
    ],
)
def test_a_point_is_the_recipe_edited_by_hand(point, expected):
    assert recipe_at(RECIPE, point) == expected


@pytest.mark.parametrize(
    ("over", "message"),
    [
        ({}, "over: a sweep needs values to go over"),
        ({"seed": ()}, "over: a sweep needs values to go over"),
        ({"seed": 3}, "over: seed needs several values; got 3. Write"),
        ({"loss": CrossEntropy()}, "over: loss needs several values"),
        ({"evaluation/monitor": "loss"}, "evaluation/monitor needs several values; got 'loss'"),
        ({("seed", "batch_size"): ((1, 2), (3,))}, r"seed, batch_size change together and need 2 values.*\(3,\)"),
        ({("seed", "batch_size"): (1, 2)}, "seed, batch_size change together and need 2 values"),
        ({"seed": (1, 2), ("batch_size", "seed"): ((3, 4),)}, "must stand in one axis; got seed"),
    ],
)
def test_axes_that_make_no_grid_are_refused(over, message):
    with pytest.raises(HeadwayError, match=message):
        points(over)


@pytest.mark.parametrize(
    ("point", "message"),
    [
        ({"optimizer/lr": 0.1}, "optimizer/lr: there is nothing at this address.*learning_rate"),
        ({"network/1/rate": 1.5}, r"network/1/rate: must be less than 1; got 1\.5"),
        ({"seed": 0.5}, "seed: must be a valid integer; got 0.5"),
    ],
)
def test_a_value_that_the_recipe_does_not_take_names_its_address(point, message):
    with pytest.raises(HeadwayError, match=message):
        recipe_at(RECIPE, point)
