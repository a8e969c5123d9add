"""Splits: rows in two parts and parts made in different ways, beside what chance and twins explain."""

import numpy as np
import pytest

from headway.data.bundled import Digits, Iris, Wine
from headway.data.dataset import Data, arrays
from headway.data.synthetic import XOR
from headway.doctor.measures.parting import Parting, partings, shares
from headway.doctor.rules.splits import MASS, SHIFT, STRETCH, leakage, split_mismatch
from tests.doctor.rules.cases import AMOUNTS, LABELS, X, case, classifier, regression

TRAIN, TEST = slice(0, 160), slice(160, None)


def divided(x=X[TEST], y=LABELS[TEST], train=TRAIN, **settings):
    return arrays(X[train], LABELS[train], test=(np.asarray(x, np.float32), y), validation=None, **settings)


def leaked(share):
    x = X[TEST].copy()
    count = round(share * len(x))
    x[:count] = X[:count]
    return divided(x)


@pytest.mark.parametrize(("share", "verdict"), [(0, "ruled out"), (0.05, "noticed"), (0.2, "found"), (1, "found")])
def test_held_out_rows_that_were_trained_on_are_found(share, verdict):
    found = leakage(case(classifier(), leaked(share)))
    assert (found.verdict, found.where) == (verdict, () if verdict == "ruled out" else ("test",))
    assert partings(leaked(share))["test"].copies == pytest.approx(share)


def test_data_of_few_values_have_twins_everywhere():
    x = np.random.default_rng(0).integers(0, 2, (240, 3)).astype(np.float32)
    data = arrays(x, LABELS, validation=0.3, standardize=False)
    assert partings(data)["validation"].copies == partings(data)["validation"].twins == 1
    assert leakage(case(classifier(), data)).verdict == "ruled out"


def parting(**changes):
    given = {"copies": 0.0, "twins": 0.0, "rows": 400, "shift": 0.0, "stretch": 1.0} | changes
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
    ],
)
def test_parts_differ_past_every_bound_and_not_before(changes, past):
    verdict = "found" if past > 1 else "ruled out"
    assert split_mismatch(case(classifier(), partings=parting(**changes(past)))).verdict == verdict
    assert split_mismatch(case(classifier(), partings=parting(rows=9, **changes(past)))).verdict == "ruled out"


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
