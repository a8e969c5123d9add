"""Sections on a terminal: nothing is lost, and no line is too long."""

from hypothesis import given
from hypothesis import strategies as st

from headway.report.section import Picture, Rows, Section, as_text, columns

WORDS = st.text("abcdefgh ", max_size=60).map(lambda text: " ".join(text.split()))


@given(st.lists(st.tuples(WORDS, WORDS, WORDS), min_size=1, max_size=5), st.integers(24, 90))
def test_a_table_keeps_within_the_width_and_keeps_every_letter(rows, width):
    made = columns(Rows(rows, ("one", "two", "three")), width)
    assert all(len(line) <= width for line in made.splitlines())
    letters = sorted("".join("".join(row) for row in rows).replace(" ", "") + "onetwothree")
    assert sorted("".join(made.split()).replace("─", "")) == letters


def test_columns_stand_to_the_side_that_was_asked_for():
    made = columns(Rows([("a", "1"), ("b", "23")], ("name", "n"), "lr"))
    assert made.splitlines() == ["name   n", "────  ──", "a      1", "b     23"]


def test_facts_have_no_header():
    assert columns(Rows([("network", "Dense"), ("data", "Digits")])) == "network  Dense\ndata     Digits"


def test_a_long_table_is_broken_where_it_may_be():
    rows = [("a long name of an arm in words", "0123456789"), ("b", "1")]
    made = columns(Rows(rows, breaks=(0,)), 28)
    assert "0123456789" in made
    assert len(made.splitlines()) == 3


def test_a_table_without_rows_is_nothing():
    assert columns(Rows([])) == ""


def test_sections_have_titles_and_a_picture_its_text():
    made = as_text([Section("One", ["word " * 30, Picture("flow", "▁▂▃")]), Section("Two", [Picture("map")])])
    assert made.startswith("One\n───\nword word")
    assert "▁▂▃" in made
    assert made.endswith("Two\n───\n\n")
