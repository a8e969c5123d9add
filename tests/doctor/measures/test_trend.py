"""Windows of a loss: their standard errors are those of NumPy's draws, whatever the trend."""

import numpy as np
import pytest

from headway.doctor.measures.trend import Course, Trend


def test_the_standard_error_of_a_window_is_sigma_over_the_root_of_n_whatever_the_slope():
    rng = np.random.default_rng(0)
    losses = 5 - 0.001 * np.arange(4000) + 0.3 * rng.standard_normal(4000)
    trend = Trend.of(losses)
    assert trend.errors == pytest.approx(np.full(20, 0.3 / np.sqrt(200)), rel=0.2)
    assert trend.means == pytest.approx(losses.reshape(20, 200).mean(axis=1))
    assert list(trend.steps) == list(range(200, 4001, 200))


def test_differences_of_windows_lie_within_their_errors_as_often_as_they_should():
    rng = np.random.default_rng(1)
    ratios = []
    for _ in range(400):
        fall, error = Trend.of(rng.standard_normal(200)).fall(0, -1)
        ratios.append(fall / error)
    assert np.std(ratios) == pytest.approx(1, rel=0.25)  # errors of ten draws are themselves uncertain by a quarter


@pytest.mark.parametrize(("length", "windows"), [(2, 1), (3, 1), (7, 3), (40, 20), (41, 20), (1000, 20)])
def test_windows_are_of_one_length_and_end_with_the_run(length, windows):
    trend = Trend.of(np.arange(length, dtype=float))
    assert len(trend.means) == windows
    assert trend.steps[-1] == length
    assert len(set(np.diff(trend.steps))) <= 1


@pytest.mark.parametrize(
    ("means", "update"),
    [
        ([3, 2, 1, 1], 6),
        ([3, 1, 2, 1], 4),  # one window above again is an exception
        ([3, 1, 2, 2, 1], 10),  # two are not
        ([3, 3, 3], None),
        ([1, 2, 2], None),
        ([3, 3, 1], 6),
        ([1], 2),
    ],
)
def test_the_loss_is_below_a_level_from_the_window_on_behind_which_it_stays(means, update):
    assert Trend.of(np.repeat(np.array(means, float), 2), windows=len(means)).below(1.5) == update


def test_a_loss_that_is_no_number_is_below_nothing():
    assert Trend.of(np.full(8, np.nan)).below(1.0) is None


def test_windows_of_losses_that_are_not_told_of_every_update_end_with_the_updates_they_are_from():
    assert list(Trend.of(np.ones(4), np.array([10, 20, 30, 40])).steps) == [20, 40]


def test_a_change_since_an_update_is_that_of_its_window_to_the_last():
    trend = Trend.of(np.repeat([3.0, 1.0, 2.0], 10), windows=3)
    assert [trend.since(step)[0] for step in (1, 10, 11, 20, 25, 99)] == [-1, -1, 1, 1, 0, 0]


@pytest.mark.parametrize(
    ("losses", "rise", "rises"),
    [
        ([2, 1, 1.5, 2, 2.5, 3, 3.5], 2, True),
        ([3, 1, 2, 2], 1, False),  # fewer than three are behind the best
        ([3, 1, 5, 2, 4, 2], 1, False),  # within the noise
        ([3, 2, 1], 0, False),
        ([1, 1, 1, 1, 1, 2, 2, 4], 1, True),
    ],
)
def test_a_course_rises_by_the_median_of_its_last_three_over_the_least(losses, rise, rises):
    course = Course(10 * np.arange(1, len(losses) + 1), np.array(losses, float))
    assert (course.rise, course.rises) == (rise, rises)
    assert (course.least, course.best) == (min(losses), 10 * (1 + int(np.argmin(losses))))


def test_the_noise_of_a_course_is_that_of_its_draws_whatever_the_trend():
    losses = np.exp(-np.arange(4000) / 500) + 0.02 * np.random.default_rng(0).standard_normal(4000)
    assert Course(np.arange(4000), losses).noise == pytest.approx(0.02, rel=0.05)
