"""Dead units are counted over many examples: against the same count written out in NumPy."""

import jax
import numpy as np
import pytest

from headway.doctor.measures.units import dead_units
from headway.network.activations import ELU, LeakyReLU, ReLU, Tanh
from headway.network.compose import Repeat, Sequential
from headway.network.dense import Dense
from headway.network.layer import initialize

X = np.random.default_rng(0).standard_normal((100, 4)).astype(np.float32)


def drawn(network):
    params, state = initialize(network, (4,), jax.random.key(0))
    return {"params": params, "network": state}


def test_a_unit_is_dead_where_its_sum_is_below_0_for_every_example():
    network = Sequential((Dense(8), ReLU(), Dense(6), Tanh(), Dense(2)))
    values = drawn(network)
    values["params"]["0"]["b"] = np.array([0, -99, 0, -99, -99, 0, 2, -1], np.float32)
    h = X @ np.asarray(values["params"]["0"]["w"]) + values["params"]["0"]["b"]
    assert dead_units(network, values, X) == {"1": pytest.approx((h <= 0).all(axis=0).mean())}
    assert dead_units(network, values, X)["1"] == 3 / 8


@pytest.mark.parametrize(
    ("widths", "counted"), [((4, 8), ["1", "3"]), ((3, 8), []), ((8, 3), ["1"]), ((1, 8, 8), ["5"])]
)
def test_of_few_units_and_of_those_right_behind_few_it_is_luck_how_many_are_dead(widths, counted):
    network = Sequential((*(layer for width in widths for layer in (Dense(width), ReLU())), Dense(2)))
    assert list(dead_units(network, drawn(network), X)) == counted


@pytest.mark.parametrize("activation", [LeakyReLU(), ELU(), Tanh()])
def test_what_is_no_rectifier_has_no_dead_units(activation):
    network = Sequential((Dense(8), activation, Dense(2)))
    assert dead_units(network, drawn(network), X) == {}


def test_of_a_repeated_layer_every_copy_is_looked_at():
    network = Repeat(Sequential((Dense(4), ReLU())), times=3)
    assert list(dead_units(network, drawn(network), X)) == ["0/1", "1/1", "2/1"]
