"""Other targets for the same examples, held against the columns by name and the labels of scikit-learn."""

import numpy as np
import pytest
from sklearn.datasets import load_digits, load_wine

from headway.data.bundled import MNIST1D, Digits, Wine
from headway.data.synthetic import Friedman
from headway.doctor.faults.targets import Grouped, OtherTarget
from headway.spec.error import HeadwayError


def test_a_column_becomes_the_amount_to_be_told_from_those_that_are_left():
    wine = load_wine()
    column = dict(zip(wine.feature_names, wine.data.T, strict=True))
    table = OtherTarget(Wine(), column="alcohol", without=("proline", "ash")).load()
    np.testing.assert_array_equal(table.y, column["alcohol"])
    assert list(table.feature_names) == [name for name in column if name not in ("alcohol", "proline", "ash")]
    np.testing.assert_array_equal(table.x, np.stack([column[name] for name in table.feature_names], axis=1))
    assert table.classes is None


@pytest.mark.parametrize("names", [{"column": "alchohol"}, {"column": "alcohol", "without": ("proline", "colour")}])
def test_a_column_that_is_none_of_the_sources_is_refused_with_those_that_are(names):
    with pytest.raises(HeadwayError, match=r"(?s)alchohol|colour.*malic_acid"):
        OtherTarget(Wine(), **names).load()


def test_classes_are_put_together_and_inputs_stay():
    x, y = load_digits(return_X_y=True)
    table = Grouped(Digits(), groups=((1, 3, 5, 7, 9), (0, 2, 4, 6, 8))).load()
    np.testing.assert_array_equal(table.x, x / 16)
    np.testing.assert_array_equal(table.y, y % 2 == 0)
    assert table.classes == ("1+3+5+7+9", "0+2+4+6+8")
    assert table.one_unit


def test_the_labels_of_a_test_set_are_those_of_the_groups_too():
    source = MNIST1D(100)
    low = Grouped(source, groups=((0, 1, 2, 3, 4), (5, 6, 7, 8, 9)))
    np.testing.assert_array_equal(low.load().y, source.load().y >= 5)
    np.testing.assert_array_equal(low.load().test_y, source.load().test_y >= 5)


@pytest.mark.parametrize(
    ("source", "groups"),
    [(Wine(), ((0, 1),)), (Wine(), ((0, 1), (1, 2))), (Wine(), ((0, 1), (2, 3))), (Friedman(20), ((0,), (1,)))],
)
def test_a_class_in_no_group_or_in_two_is_refused(source, groups):
    with pytest.raises(HeadwayError, match="groups"):
        Grouped(source, groups=groups).load()
