"""Tables and summaries as text."""

import statistics

import pytest

from headway.report.table import mean_and_spread, table


def test_numbers_stand_to_the_right_and_text_to_the_left():
    made = table(("name", "size"), [("a", 1), ("longer", 12345)])
    assert made.splitlines() == ["name      size", "──────  ──────", "a            1", "longer  12,345"]


def test_what_is_absent_is_a_dash():
    assert table(("a",), [(None,)]).splitlines()[-1] == "–"


def test_no_rows_leave_the_header():
    assert table(("a", "b"), []).splitlines()[0] == "a  b"


@pytest.mark.parametrize("values", [[0.5, 0.7], [1.0, 2.0, 4.0]])
def test_mean_and_spread_are_those_of_the_sample(values):
    assert mean_and_spread(values) == f"{statistics.mean(values):.4f} ± {statistics.stdev(values):.4f}"


def test_one_value_has_no_spread():
    assert mean_and_spread([0.25]) == "0.2500"
