"""What a line and the nearest others tell: against scikit-learn."""

import numpy as np
import pytest
from sklearn.linear_model import LinearRegression
from sklearn.model_selection import LeaveOneOut, cross_val_predict
from sklearn.neighbors import KNeighborsRegressor
from sklearn.preprocessing import StandardScaler

from headway.data.bundled import Diabetes, Iris
from headway.data.dataset import Data
from headway.data.synthetic import XOR
from headway.doctor.measures.neighbours import by_a_line, by_neighbours, told

IRIS, DIABETES, CROSSED = (Data(source).load().train for source in (Iris(), Diabetes(), XOR()))


@pytest.mark.parametrize(("examples", "classes"), [(IRIS, 3), (DIABETES, 0)], ids=["iris", "diabetes"])
def test_they_are_the_least_squares_and_the_leave_one_out_neighbours_of_scikit_learn(examples, classes):
    x = StandardScaler().fit_transform(examples.x)
    y = np.eye(classes)[examples.y] if classes else examples.y
    line = LinearRegression().fit(x, y).predict(x)
    assert by_a_line(examples, classes) == pytest.approx(line, abs=0.01 * float(np.std(y)))
    others = cross_val_predict(KNeighborsRegressor(5), x, y, cv=LeaveOneOut())
    assert np.mean(np.abs(by_neighbours(examples, classes) - others) > 1e-9) < 0.02  # equal distances may differ


def test_what_is_told_is_counted_from_a_guess_to_all():
    truth = np.eye(3)[IRIS.y]
    commonest = np.broadcast_to(np.eye(3)[np.bincount(IRIS.y).argmax()], truth.shape)
    assert (told(truth, IRIS, 3), told(commonest, IRIS, 3)) == (1, 0)
    mean = np.broadcast_to(DIABETES.y.mean(axis=0), DIABETES.y.shape)
    assert told(DIABETES.y, DIABETES, 0) == 1
    assert told(mean, DIABETES, 0) == pytest.approx(0, abs=1e-6)


def test_of_crossed_classes_a_line_tells_nothing_and_the_neighbours_do():
    assert told(by_a_line(CROSSED, 2), CROSSED, 2) < 0.3
    assert told(by_neighbours(CROSSED, 2), CROSSED, 2) > 0.8
