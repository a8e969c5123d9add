"""Sources made of other sources: what is kept, what is wrong, and what is as it was."""

import numpy as np
import pytest

from headway.data.altered import Few, Noisy
from headway.data.bundled import MNIST1D, Digits, Iris
from headway.data.dataset import Data
from headway.data.synthetic import Moons
from headway.spec.error import HeadwayError


@pytest.mark.parametrize("seed", [0, 3])
def test_few_parts_the_examples_in_those_to_learn_from_and_the_test_set(seed):
    whole, few = Digits().load(), Few(Digits(), count=300, seed=seed).load()
    assert (len(few.x), len(few.test_x)) == (300, 1497)
    rows = {row.tobytes(): label for row, label in zip(whole.x, whole.y, strict=True)}
    for x, y in ((few.x, few.y), (few.test_x, few.test_y)):
        assert all(rows[row.tobytes()] == label for row, label in zip(x, y, strict=True))
    both = np.concatenate([few.x, few.test_x])
    np.testing.assert_array_equal(np.sort(both.sum(axis=1)), np.sort(np.asarray(whole.x).sum(axis=1)))


def test_few_of_a_source_with_a_test_set_keep_it():
    whole, few = MNIST1D(100).load(), Few(MNIST1D(100), count=30).load()
    assert len(few.x) == 30
    np.testing.assert_array_equal(few.test_x, whole.test_x)


def test_few_are_no_more_than_there_are():
    assert Few(Iris(), count=150).load().test_x is None
    with pytest.raises(HeadwayError, match="there are 150 examples"):
        Few(Iris(), count=151).load()


@pytest.mark.parametrize("source", [Digits(), Iris(), Moons(200)])
@pytest.mark.parametrize("share", [0.1, 0.5])
def test_noisy_gives_exactly_this_share_another_label_that_occurs(source, share):
    right, wrong = np.asarray(source.load().y), np.asarray(Noisy(source, share=share).load().y)
    assert np.sum(right != wrong) == round(share * len(right))
    assert set(wrong.tolist()) <= set(right.tolist())
    np.testing.assert_array_equal(source.load().x, Noisy(source, share=share).load().x)
    assert Noisy(source, share=share, seed=1).load().y.tolist() != wrong.tolist()


def test_the_test_set_keeps_its_labels():
    few = Few(Digits(), count=100)
    np.testing.assert_array_equal(few.load().test_y, Noisy(few, share=0.3).load().test_y)
    assert len(Data(Noisy(few, share=0.3), validation=0.5).load().train) == 50
