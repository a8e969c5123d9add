"""Scale of inputs and targets: planted on both sides of every bound, beside what only looks out of scale."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import norm
from sklearn.datasets import load_breast_cancer, load_diabetes, load_digits, load_iris, load_wine

from headway.data.dataset import Dataset, Examples, arrays
from headway.doctor.measures.columns import Columns, thinned
from headway.doctor.measures.outset import Along
from headway.doctor.rules.features import COMMON, RATIO, data_faults, unscaled_features, unscaled_targets
from headway.models.transformer import sequence_classifier
from headway.network.compose import Sequential
from headway.network.convolution import Flatten
from headway.network.dense import Dense
from headway.network.normalization import BatchNorm, LayerNorm
from tests.doctor.rules.cases import LABELS, X, case, classifier, regression

RAW = {"validation": None, "test": None, "standardize": False}


def features(x, network=None, y=LABELS, **settings):
    given = arrays(np.asarray(x, np.float32), y, **RAW | settings)
    return unscaled_features(case(classifier(network or Sequential((Dense(3),))), given))


def scaled(factor, x=X):
    """The first column times a factor; all have a spread of about 1."""
    return np.concatenate([x[:, :1] / x[:, :1].std() * factor, x[:, 1:] / x[:, 1:].std(0)], axis=1)


@pytest.mark.parametrize("past", [0.9, 1.1])
def test_features_are_found_past_every_bound_and_not_before(past):
    verdict = "found" if past > 1 else "ruled out"
    small = X / np.sqrt(np.mean(X**2))
    assert features(scaled(1 / (RATIO * past))).verdict == verdict
    assert features(10 * past * small).verdict == verdict
    assert features(0.01 / past * small).verdict == verdict
    same = (X - X.mean(0)) / X.std(0) + 5 * (1 + (past - 1) / 2)  # 5 spreads: 25/26 of the square is the mean's
    assert features(same).verdict == verdict


def test_the_columns_with_the_largest_and_smallest_spread_are_named():
    assert features(scaled(1 / 40), feature_names=tuple("abcdef")).where[1] == "a"
    assert features(scaled(40)).where[0] == "column 0"


def test_where_a_batch_norm_or_an_embedding_comes_first_nothing_is_out_of_scale():
    for network, verdict in ((BatchNorm(), "ruled out"), (LayerNorm(), "found")):
        assert features(scaled(1000), Sequential((network, Dense(3)))).verdict == verdict
    assert features(300 * X, Sequential((LayerNorm(), Dense(3)))).verdict == "ruled out"
    tokens = arrays(np.arange(480).reshape(240, 2) % 400, LABELS, tokens=400)
    assert unscaled_features(case(classifier(sequence_classifier(400, 3, blocks=1)), tokens)).verdict == "ruled out"


HEALTHY = {
    "digits in [0, 1]": (load_digits, lambda x: x / 16),
    "iris in centimetres": (load_iris, lambda x: x),
    "diabetes in sklearn's units": (load_diabetes, lambda x: x),
    "one-hot": (load_digits, lambda x: np.eye(500)[np.arange(len(x)) % 500]),
    "sparse counts": (load_digits, lambda x: np.where(x > 8, x / 4, 0)),
    "standard normal": (load_digits, lambda x: np.random.default_rng(0).normal(size=x.shape)),
}
RAW_TABLES = {"wine": load_wine, "breast cancer": load_breast_cancer}


@pytest.mark.parametrize("name", HEALTHY)
def test_what_lies_within_reach_is_let_pass(name):
    load, make = HEALTHY[name]
    x, y = load(return_X_y=True)
    assert features(make(x), y=y.astype(int) % 3).verdict != "found"


@pytest.mark.parametrize("name", RAW_TABLES)
def test_tables_in_their_own_units_are_found_and_standardized_ones_are_not(name):
    x, y = RAW_TABLES[name](return_X_y=True)
    assert features(x, y=y).verdict == "found"
    assert features(x, y=y, standardize=True).verdict == "ruled out"


def test_columns_agree_with_numpy_and_the_normal_distribution():
    x = np.random.default_rng(0).normal(3, 2, (2000, 2))
    found = Columns.of(x)
    assert found.mean == pytest.approx(x.mean(0))
    assert found.spread == pytest.approx(x.std(0))
    assert found.bulk == pytest.approx(2 * norm.ppf(0.95), rel=0.05)
    assert found.offset == pytest.approx(9 / 13, rel=0.05)
    assert found.size == pytest.approx(np.sqrt(13), rel=0.05)
    assert (found.low, found.high) == (x.min(), x.max())
    assert Columns.of(np.zeros((5, 3))).ratio == 1.0
    assert pytest.approx(5**2 / (5**2 + 1)) == COMMON


def test_rows_are_thinned_evenly_from_the_first_to_the_last():
    assert thinned(np.arange(10), 4).tolist() == [0, 3, 6, 9]
    assert thinned(np.arange(3), 4).tolist() == [0, 1, 2]


def faults(x, y=LABELS, recipe=None):
    given = arrays(np.asarray(x, np.float32), y, **RAW)
    return data_faults(case(recipe or classifier(Sequential((Dense(3),))), given))


def test_constant_repeated_and_outlying_columns_are_noticed_each_by_name():
    x = X.copy()
    assert faults(x).verdict == "ruled out"
    x[:, 1], x[:, 2], x[7, 3] = 5, x[:, 0], 1e4
    found = faults(x)
    assert found.verdict == "noticed"
    assert found.where == ("column 1", "column 2", "column 3")
    assert "1 of 6 constant columns" in found.evidence[0]


def test_found_is_what_leaves_nothing_to_learn_from():
    x = X.copy()
    assert faults(np.ones_like(x)).verdict == "found"
    x[3] = 1e4
    assert faults(x).verdict == "found"
    y = np.where(np.arange(240) == 3, 1e4, X[:, 0]).astype(np.float32)
    assert faults(X, y, regression(Sequential((Dense(1),)))).verdict == "found"
    assert faults(X, X[:, 0], regression(Sequential((Dense(1),)))).verdict == "ruled out"


@pytest.mark.parametrize(
    ("empty", "left", "verdict"), [(4, 0.6, "found"), (4, 0.4, "noticed"), (4, None, "noticed"), (3, 0.6, "ruled out")]
)
def test_places_of_an_image_that_say_nothing_do_harm_where_little_is_learned(empty, left, verdict):
    x = X.reshape(240, 3, 2, 1).copy()
    x.reshape(240, 6)[:, :empty] = 1
    one = case(classifier(Sequential((Flatten(), Dense(3)))), arrays(x, LABELS, **RAW))
    one = replace(one, results=None if left is None else {one.split: {"loss": left}})
    one.__dict__.update(constant=1.0)
    assert data_faults(one).verdict == verdict


def test_numbers_that_are_not_finite_are_found_by_their_part():
    good, x = arrays(X, LABELS, validation=0.2, test=None), X[:9].copy()
    x[0, 0] = np.nan
    for name in ("train", "validation"):
        parts = {"train": good.train, "validation": good.validation, name: Examples(x, LABELS[:9].astype(np.int32))}
        found = data_faults(case(classifier(), Dataset(**parts, test=None, schema=good.schema)))
        assert (found.verdict, found.where) == ("found", (name,))


class Way:
    """An outset whose last step moves outputs by so much, in a run of 100 updates at one rate."""

    loss, rates = 1.0, np.full(100, 0.01)

    def __init__(self, shift, loss=0.9):
        self.along = (Along(1e-2, loss, np.array([shift])),)


class Outputs:
    outputs = np.random.default_rng(0).normal(size=(200, 1))


def targets(mean, spread, way):
    y = (mean + spread * (X[:, 0] - X[:, 0].mean()) / X[:, 0].std()).astype(np.float32)
    return unscaled_targets(case(regression(), arrays(X, y, **RAW), outset=way, start=Outputs()))


@pytest.mark.parametrize(
    ("mean", "spread", "way", "verdict"),
    [
        (0, 1, Way(0.01), "ruled out"), (2, 1, Way(0.001), "ruled out"),
        (300, 50, Way(1.1), "noticed"), (300, 50, Way(0.9), "found"),
        (0, 50, Way(1.0, loss=1.9), "noticed"), (0, 50, Way(1.0, loss=2.1), "found"), (0, 50, Way(1, np.nan), "found"),
        (0, 0.01, Way(0.02), "noticed"), (0, 0.01, Way(0.04), "found"),
    ],
)  # fmt: skip
def test_targets_are_out_of_scale_where_the_run_cannot_reach_them_or_leaps_over(mean, spread, way, verdict):
    assert targets(mean, spread, way).verdict == verdict
