"""Splits: rows in two parts and parts made in different ways, beside what chance and twins explain."""

from dataclasses import replace

import numpy as np
import pytest

from headway.data.bundled import Digits, Iris, Wine
from headway.data.dataset import Data, arrays
from headway.data.synthetic import XOR
from headway.doctor.measures.parting import Parting, partings, shares
from headway.doctor.rules.splits import MASS, OTHER, SHIFT, SLIGHT, STRETCH, leakage, split_mismatch
from tests.doctor.rules.cases import AMOUNTS, LABELS, X, case, classifier, regression

TRAIN, TEST = slice(0, 160), slice(160, None)


def divided(x=X[TEST], y=LABELS[TEST], train=TRAIN, **settings):
    return arrays(X[train], LABELS[train], test=(np.asarray(x, np.float32), y), validation=None, **settings)


def leaked(share, labels=LABELS):
    x, y = X[TEST].copy(), LABELS[TEST].copy()
    count = round(share * len(x))
    x[:count], y[:count] = X[:count], labels[:count]
    return divided(x, y)


@pytest.mark.parametrize(("share", "verdict"), [(0, "ruled out"), (0.05, "noticed"), (0.2, "found"), (1, "found")])
def test_held_out_rows_that_were_trained_on_are_found(share, verdict):
    found = leakage(case(classifier(), leaked(share)))
    assert (found.verdict, found.where) == (verdict, () if verdict == "ruled out" else ("test",))
    assert partings(leaked(share))["test"].copies == pytest.approx(share)


def test_equal_inputs_with_other_targets_are_noticed_alone():
    found = leakage(case(classifier(), leaked(0.5, np.where(np.arange(240) % 2, LABELS, (LABELS + 1) % 3))))
    assert (found.verdict, found.where) == ("noticed", ("test",))


@pytest.mark.parametrize(("values", "columns"), [(2, 3), (3, 4), (4, 5)])
def test_data_of_few_values_are_equal_by_chance(values, columns):
    x = np.random.default_rng(0).integers(0, values, (2000, columns)).astype(np.float32)
    data = arrays(x, np.arange(2000) % 2, validation=0.3, test=None, standardize=False)
    found = partings(data)["validation"]
    assert found.chance == pytest.approx(1 - (1 - values**-columns) ** len(data.train), abs=0.02)
    assert found.copies == pytest.approx(found.chance, abs=0.04)
    assert leakage(case(classifier(), data)).verdict == "ruled out"


def chains(rows, time, symbols=3, certain=0.9):
    """Tokens [rows, time], each the sum of the two before it modulo `symbols`, but for a share that are any."""
    rng = np.random.default_rng(0)
    tokens = rng.integers(0, symbols, (rows, time))
    for place in range(2, time):
        ruled = rng.random(rows) < certain
        tokens[ruled, place] = (tokens[ruled, place - 2] + tokens[ruled, place - 1]) % symbols
    return tokens


def test_tokens_are_equal_by_the_chance_of_their_chain():
    """Two rows begin alike with chance 1/9; then comes the sum, 0.9 + 0.1/3, or one of two others, 0.1/3."""
    tokens = chains(3000, 8)
    data = arrays(tokens[:, :-1], tokens[:, 1:], validation=0.3, test=None, tokens=3)
    likely, other = 0.9 + 0.1 / 3, 0.1 / 3
    alike = (likely**2 + 2 * other**2) ** 5 / 9
    found = partings(data)["validation"]
    assert found.chance == pytest.approx(1 - (1 - alike) ** len(data.train), abs=0.02)
    assert leakage(case(classifier(), data)).verdict == "ruled out"


def test_tokens_that_were_repeated_before_they_were_split_are_found_all_the_same():
    tokens = np.tile(chains(300, 24, certain=0.5), (3, 1))
    data = arrays(tokens[:, :-1], tokens[:, 1:], validation=0.3, test=None, tokens=3)
    assert partings(data)["validation"].chance < 0.01
    assert leakage(case(classifier(), data)).verdict == "found"


def test_examples_that_were_repeated_before_they_were_split_are_found():
    data = arrays(np.tile(X, (3, 1)), np.tile(LABELS, 3), validation=0.2)
    found = leakage(case(classifier(), data))
    assert (found.verdict, found.where) == ("found", ("validation", "test"))
    assert partings(data)["validation"].agreeing > 0.8


def parting(**changes):
    given = {"copies": 0.0, "agreeing": 0.0, "chance": 0.0, "rows": 400, "shift": 0.0, "stretch": 1.0} | changes
    return {"test": Parting(**given)}


CHANCE = 4 / np.sqrt(400)


@pytest.mark.parametrize("past", [0.98, 1.02])
@pytest.mark.parametrize(
    "changes",
    [
        lambda past: {"shift": (SHIFT + CHANCE) * past},
        lambda past: {"stretch": np.exp((np.log(STRETCH) + CHANCE / 2) * past)},
        lambda past: {"stretch": np.exp(-(np.log(STRETCH) + CHANCE / 2) * past)},
        lambda past: {"strange": MASS * past},
        lambda past: {"absent": MASS * past},
        lambda past: {"targets": (SHIFT + CHANCE) * past},
        lambda past: {"classes": (OTHER + CHANCE / 4) * past},
    ],
)
def test_parts_differ_past_every_bound_and_not_before(changes, past):
    verdict = "found" if past > 1 else "ruled out"
    assert split_mismatch(case(classifier(), partings=parting(**changes(past)))).verdict == verdict
    assert split_mismatch(case(classifier(), partings=parting(rows=9, **changes(past)))).verdict == "ruled out"


@pytest.mark.parametrize(
    ("past", "worse", "verdict"), [(1.02, 1.1, "found"), (1.02, 0.9, "ruled out"), (0.98, 1.1, "ruled out")]
)
def test_two_tenths_in_the_shares_of_classes_do_harm_where_the_loss_is_worse_by_all_there_is(past, worse, verdict):
    one = case(classifier())
    one = replace(one, results={one.split: {"loss": 0.4}, "test": {"loss": 0.4 + worse}})
    one.__dict__.update(constant=1.0, partings=parting(classes=(OTHER / 2 + CHANCE / 4) * past))
    assert split_mismatch(one).verdict == verdict


@pytest.mark.parametrize(
    ("past", "worse", "verdict"), [(1.02, 0.11, "found"), (1.02, 0.09, "ruled out"), (0.98, 0.11, "ruled out")]
)
def test_a_quarter_of_a_spread_does_harm_where_the_loss_is_worse_there(past, worse, verdict):
    one = case(classifier())
    one = replace(one, results={one.split: {"loss": 0.4}, "test": {"loss": 0.4 + worse}})
    one.__dict__.update(constant=1.0, partings=parting(shift=(SLIGHT + CHANCE) * past))
    assert split_mismatch(one).verdict == verdict


MADE = {
    "alike": (divided(), "ruled out"),
    "held out as pixels of 255": (divided(255 * X[TEST], standardize=False), "found"),
    "held out around another mean": (divided(X[TEST] + 3), "found"),
    "one class held out": (divided(X[LABELS == 2], LABELS[LABELS == 2]), "found"),
}


@pytest.mark.parametrize("name", MADE)
def test_real_parts(name):
    data, verdict = MADE[name]
    assert split_mismatch(case(classifier(), data)).verdict == verdict


def test_amounts_of_another_size_are_found():
    data = arrays(X[TRAIN], AMOUNTS[TRAIN], test=(X[TEST], AMOUNTS[TEST] + 4), validation=None)
    assert split_mismatch(case(regression(), data)).verdict == "found"


@pytest.mark.parametrize("source", [Digits(), Digits(shape="image"), Iris(), Wine(), XOR()], ids=repr)
def test_parts_drawn_at_random_are_alike(source):
    one = case(classifier(), Data(source).load())
    assert split_mismatch(one).verdict == "ruled out"
    assert leakage(one).verdict == "ruled out"


def test_shares_of_classes_are_counted():
    assert shares(np.array([0, 2, 2, 2]), 4).tolist() == [0.25, 0, 0.75, 0]
