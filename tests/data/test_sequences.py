"""Sequences made by a rule: the rule written out, and that nothing held out was seen."""

import numpy as np
import pytest

from headway.data.dataset import Data
from headway.data.sequences import CopyTask, ModularAddition, Zipf
from headway.spec.error import HeadwayError


def test_the_copy_counts_and_is_what_stood_before_the_delimiter():
    data = Data(CopyTask(3, symbols=5, examples=60), seed=1).load()
    for part in data.splits().values():
        np.testing.assert_array_equal(part.x[:, 3], 5)
        np.testing.assert_array_equal(part.x[:, 1:], part.y[:, :-1])
        for x, y, weights in zip(part.x, part.y, part.weights, strict=True):
            assert weights.tolist() == [0, 0, 0, 1, 1, 1]
            assert y[weights > 0].tolist() == x[:3].tolist()
    assert (data.schema.tokens, data.schema.outputs) == (6, 6)


@pytest.mark.parametrize(("length", "symbols", "examples"), [(3, 5, 125), (2, 3, 9), (8, 8, 50)])
def test_no_string_comes_twice(length, symbols, examples):
    source = CopyTask(length, symbols=symbols, examples=examples, seed=3)
    strings = {tuple(row[:length]) for row in np.asarray(source.load().x)}
    assert len(strings) == examples
    np.testing.assert_array_equal(source.load().x, source.load().x)
    other = CopyTask(length, symbols=symbols, examples=examples, seed=4)
    assert examples == symbols**length or not np.array_equal(other.load().x, source.load().x)


def test_all_sums_are_there_and_right():
    data = Data(ModularAddition(7), validation=None, test=0.3).load()
    pairs = [(int(a), int(b)) for part in data.splits().values() for a, b, _ in part.x]
    assert sorted(pairs) == [(a, b) for a in range(7) for b in range(7)]
    for part in data.splits().values():
        assert [(a + b) % 7 for a, b, _ in part.x] == part.y.tolist()
        np.testing.assert_array_equal(part.x[:, 2], 7)
    assert (data.schema.tokens, data.schema.outputs) == (8, 7)


def test_more_strings_than_there_are_is_refused():
    with pytest.raises(HeadwayError, match="examples: there are 9 strings of 2 from 3 symbols; got 10"):
        CopyTask(2, symbols=3, examples=10)


def test_tokens_by_chance_come_as_often_as_the_law_says_and_say_nothing_of_the_next():
    source = Zipf(50, time=100, examples=2000)
    table, law = source.load(), source.probabilities()
    np.testing.assert_array_equal(table.x[:, 1:], table.y[:, :-1])
    assert law[0] / law[9] == pytest.approx(10)
    counts = np.bincount(table.y.ravel(), minlength=50)
    expected = law * table.y.size
    assert np.sum((counts - expected) ** 2 / expected) < 49 + 4 * np.sqrt(2 * 49)  # χ² of 49 degrees of freedom
    after_first = np.bincount(table.y[table.x == 0], minlength=50)
    expected = law * after_first.sum()
    assert np.sum((after_first - expected) ** 2 / expected) < 49 + 4 * np.sqrt(2 * 49)
