"""Labels: planted faults beside healthy twins, and the simple models that tell them apart."""

from dataclasses import replace

import numpy as np
import pytest
from sklearn.datasets import load_diabetes, load_digits
from sklearn.linear_model import Ridge

from headway.data.dataset import arrays
from headway.doctor.measures.simple import Simple, as_targets, deviations, features, simple
from headway.doctor.rules.labels import MUCH, RARE, imbalance, label_noise, labels_shuffled, no_signal
from headway.models.mlp import mlp
from headway.network.compose import Sequential
from headway.network.dense import Dense
from tests.doctor.rules.cases import CLASSES, X, case, classifier

DIGITS, DIGIT = load_digits(return_X_y=True)
DIGITS = (DIGITS / 16).astype(np.float32)
DRAW = np.random.default_rng(1)


def digits(noise=0.0, held_noise=0.0):
    """Digits whose labels, a share of them, are drawn at random, in training and in the test set."""

    def drawn(y, share):
        return np.where(DRAW.random(len(y)) < share, DRAW.permutation(y), y)

    train, test = slice(0, 1200), slice(1200, None)
    test_part = (DIGITS[test], drawn(DIGIT[test], held_noise))
    return case(classifier(), arrays(DIGITS[train], drawn(DIGIT[train], noise), test=test_part, validation=None))


def verdicts(one):
    return {rule.id: rule(one).verdict for rule in (labels_shuffled, no_signal, label_noise)}


@pytest.mark.parametrize(
    ("noise", "held_noise", "found"),
    [
        (0.0, 0.0, {}), (0.04, 0.0, {}), (0.2, 0.2, {"label-noise": "noticed"}),
        (0.45, 0.0, {"label-noise": "found"}), (0.45, 0.45, {"label-noise": "found"}),
        (1.0, 0.0, {"labels-shuffled": "found"}),
        (1.0, 1.0, {"no-signal": "found"}),
    ],
)  # fmt: skip
def test_labels_are_told_by_what_simple_models_make_of_each_part(noise, held_noise, found):
    assert verdicts(digits(noise, held_noise)) == {
        "labels-shuffled": "ruled out", "no-signal": "ruled out", "label-noise": "ruled out", **found,
    }  # fmt: skip


def test_the_share_of_wrong_labels_is_estimated():
    said = label_noise(digits(0.4)).evidence[1]
    assert 30 <= int(said.partition("as if ")[2].partition("%")[0]) <= 42


def test_classes_that_overlap_are_not_labels_that_are_wrong():
    """Two normal distributions, of whose examples 16 % are on the wrong side: those near the border, not all alike."""
    y = np.arange(1200) % 2
    x = np.random.default_rng(2).normal(size=(1200, 3)) + y[:, None] * [2.0, 0, 0]
    data = arrays(x.astype(np.float32), y, validation=0.2)
    assert label_noise(case(classifier(mlp((8,), 2)), data)).verdict == "ruled out"


def planted(share, deviations_of):
    """What one model saves of an error of 1: a mean, that many standard errors from 0, of 100 rows."""
    values = np.where(np.arange(100) % 2, 1.0, -1.0)
    return Simple({"linear": share + values * share * 10 / max(deviations_of, 1e-9) / values.std(ddof=1)}, 1.0)


@pytest.mark.parametrize(
    ("train", "held", "verdict"),
    [
        (planted(0.05, 1.9), planted(0.2, 9), "found"), (planted(0.05, 2.1), planted(0.2, 9), "ruled out"),
        (planted(0.019, 9), planted(0.2, 9), "found"), (planted(0.05, 1.9), planted(0.2, 3.9), "ruled out"),
        (planted(0.05, 1.9), planted(MUCH * 0.9, 9), "ruled out"), (planted(0.05, 1.9), None, "not seen"),
    ],
)  # fmt: skip
def test_shuffled_labels_need_nothing_here_and_something_there(train, held, verdict):
    assert labels_shuffled(case(classifier(), simple=train, simple_held_out=held)).verdict == verdict


def test_a_small_training_part_cannot_be_held_against_a_large_one():
    train, held = planted(0.05, 1.9), planted(0.2, 9)
    many = replace(held, saved={"linear": np.tile(held.saved["linear"], 3)})
    assert labels_shuffled(case(classifier(), simple=train, simple_held_out=many)).verdict == "not seen"


def test_without_signal_inputs_with_an_order_are_noticed_where_the_network_does_not_learn_them_by_heart():
    one = {"simple": planted(0.01, 1.0), "simple_held_out": None}
    assert no_signal(case(classifier(), **one)).verdict == "found"
    images = arrays(X.reshape(240, 3, 2, 1), np.arange(240) % 3)
    assert no_signal(case(classifier(), images, **one)).verdict == "noticed"
    assert no_signal(case(classifier(), images, reached=0.8, **one)).verdict == "noticed"
    assert no_signal(case(classifier(), images, reached=0.7, **one)).verdict == "found"
    few = arrays(X[:80].reshape(80, 3, 2, 1), np.arange(80) % 3)
    assert len(few.train) < 60
    assert no_signal(case(classifier(), few, reached=0.7, **one)).verdict == "noticed"
    assert no_signal(case(classifier(), simple=planted(0.01, 2.1), simple_held_out=None)).verdict == "ruled out"


def test_simple_models_save_what_scikit_learn_says_out_of_fold():
    x, y = load_diabetes(return_X_y=True)
    data = arrays(x.astype(np.float32), y, test=None, validation=None)
    found = simple(data.train, None)
    rows = np.random.default_rng(0).permutation(len(x))
    table, wanted = features(data.train.x[rows]), as_targets(data.train[rows], None)[:, 0]
    errors, left = np.empty(len(x)), np.empty(len(x))
    for fold in range(3):
        there = np.arange(len(x)) % 3 == fold
        model = Ridge(alpha=max(1, 0.05 * (~there).sum())).fit(table[~there], wanted[~there])
        errors[there] = (wanted[there] - wanted[~there].mean()) ** 2
        left[there] = (wanted[there] - model.predict(table[there])) ** 2
    assert found.saved["linear"] == pytest.approx(errors - left)
    assert found.error == pytest.approx(errors.mean())
    assert found.share >= 1 - left.sum() / errors.sum() > 0.3
    assert found.deviations == deviations(found.saved[found.best]) > 5


def test_what_no_simple_model_can_be_asked_has_no_answer():
    assert simple(CLASSES.train[:59], 3) is None
    assert simple(CLASSES.train[:60], 3) is not None
    tokens = arrays(DRAW.integers(0, 9, (90, 4)), DRAW.integers(0, 2, (90, 4)), tokens=9)
    assert simple(tokens.train, 2) is None
    assert case(classifier(), tokens).simple is None
    assert deviations(np.zeros(5)) == 0
    assert features(DRAW.normal(size=(80, 700))).shape == (80, 256)


def unequal(ratio, predicted=None):
    rare = np.arange(240) < 240 / (1 + ratio)
    data = arrays(X, rare.astype(int), validation=None, test=None)
    return imbalance(case(classifier(Sequential((Dense(2),))), data, never_predicted=predicted))


def test_classes_are_unequal_from_ten_times_on_and_harmed_where_never_predicted():
    assert unequal(RARE * 0.9).verdict == "ruled out"
    assert unequal(RARE * 1.1).verdict == "noticed"
    assert unequal(RARE * 1.1, frozenset()).verdict == "noticed"
    assert unequal(RARE * 1.1, frozenset({0})).verdict == "noticed"
    found = unequal(RARE * 1.1, frozenset({1}))
    assert (found.verdict, found.where) == ("found", ("1",))


def test_what_is_never_predicted_is_counted_on_what_was_held_out():
    params = {"w": np.zeros((6, 3), np.float32), "b": np.array([1, 0, 0], np.float32)}
    one = case(classifier(Sequential((Dense(3),))))
    one.__dict__["values"] = {"params": {"0": params}, "network": {}}
    counts = np.bincount(CLASSES.validation.y, minlength=3)
    assert one.never_predicted == {i for i in (1, 2) if counts[i] >= 10} != set()
