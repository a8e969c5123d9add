"""Numbers, networks and edits in words."""

import math
import re
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headway.learning.optimizers.sgd import SGD
from headway.learning.schedules.decay import Cosine
from headway.models.mlp import mlp
from headway.network.activations import ReLU, Sigmoid
from headway.network.compose import Sequential
from headway.network.dense import Dense
from headway.report.wording import (
    edits_in_words,
    fixed,
    joined,
    layers_in_words,
    listed,
    network_in_words,
    places_for,
    rate_in_words,
    short,
    signed,
    training_in_words,
)
from headway.spec.edit import Remove, Replace, Set
from tests.training.test_loop import RECIPE


@given(st.floats(-1e5, 1e5), st.integers(0, 6))
def test_a_number_of_fixed_places_is_that_number_rounded(value, places):
    for text in (fixed(value, places), signed(value, places)):
        read = float(text.replace("−", "-"))
        assert abs(read - value) <= 0.5 * 10.0**-places + 1e-9
        assert not (read == 0 and text[0] in "+−-")


@given(st.floats(1e-9, 1e9))
def test_the_smallest_effect_of_interest_is_shown_with_two_digits(smallest):
    shown = float(fixed(smallest, places_for(smallest)))
    assert shown > 0
    assert math.isclose(shown, smallest, rel_tol=0.06)


@pytest.mark.parametrize(
    ("value", "said"),
    [(3.4e38, "3.4e+38"), (-3.4e38, "−3.4e+38"), (math.nan, "not finite"), (-math.inf, "not finite"), (-0.001, "0.00")],
)
def test_numbers_that_do_not_fit(value, said):
    assert fixed(value, 2) == said


def test_a_short_number_has_four_digits():
    assert [short(value) for value in (2.302585, -0.5, 1.0, math.nan)] == ["2.303", "−0.5", "1", "not finite"]


def test_words_are_joined_as_in_a_sentence():
    assert [joined(words) for words in ([], ["a"], ["a", "b"], ["a", "b", "c"])] == ["", "a", "a and b", "a, b and c"]


def test_addresses_are_listed_in_full_where_they_are_few():
    assert listed(["a", "b", "c"]) == "a, b, c"
    assert listed([f"network/{i}" for i in range(9)]) == "network/0, network/1, … (9 layers)"
    assert layers_in_words(["2", "4", "6", "8"]) == "network/2 to network/8 (4 layers)"
    assert layers_in_words([f"column {i}" for i in range(4, 8)]) == "column 4 to column 7 (4)"
    assert layers_in_words([""]) == "network"
    assert layers_in_words(["head/1/w", "1/w"]) == "network/head/1/w, network/1/w"
    assert layers_in_words(["optimizer/learning_rate", "batch_size", "column 3"]) == (
        "optimizer/learning_rate, batch_size, column 3"
    )


@pytest.mark.parametrize(
    ("network", "said"),
    [
        (mlp((32,) * 20, 10, activation=Sigmoid()), "Flatten, 20 × (Dense(32), Sigmoid), Dense(10)"),
        (mlp((), 3), "Flatten, Dense(3)"),
        (mlp((8, 4), 3), "Flatten, Dense(8), ReLU, Dense(4), ReLU, Dense(3)"),
        (Sequential((ReLU(), ReLU(), ReLU())), "3 × ReLU"),
        (Dense(3), "Dense(3)"),
    ],
)
def test_what_repeats_in_a_network_is_said_once(network, said):
    assert network_in_words(network) == said


@given(st.lists(st.sampled_from([Dense(1), Dense(2), ReLU()]), min_size=1, max_size=12))
def test_no_layer_is_lost_in_words(layers):
    said = network_in_words(Sequential(tuple(layers)))
    for name, letter in (("Dense(1)", "a"), ("Dense(2)", "b"), ("ReLU", "c")):
        said = said.replace(name, letter)
    said = re.sub(r"(\d+) × (?:\(([abc, ]+)\)|([abc]))", lambda m: int(m[1]) * (m[2] or m[3]), said)
    assert re.findall("[abc]", said) == ["c" if layer == ReLU() else " ab"[layer.units] for layer in layers]


def test_edits_that_differ_only_in_their_place_are_one_sentence():
    edits = [Replace(f"network/{i}", by=ReLU()) for i in range(5)] + [Remove("network/9"), Set("batch_size", value=8)]
    assert edits_in_words(edits) == [
        "replace network/0, network/1, … (5 layers) → ReLU()",
        "remove network/9",
        "set batch_size → 8",
    ]


def test_a_learning_rate_is_a_number_or_its_schedule():
    assert rate_in_words(replace(RECIPE, optimizer=SGD(0.032))) == "0.032"
    assert rate_in_words(replace(RECIPE, optimizer=SGD(Cosine(0.1)))) == "Cosine(0.1)"
    assert "SGD, learning rate 0.032; batches of" in training_in_words(replace(RECIPE, optimizer=SGD(0.032)))
