"""Sources that spoil examples do what they say and nothing else, held against NumPy."""

import numpy as np
import pytest

from headway.data.bundled import Digits, Iris, Wine
from headway.data.dataset import Data, Source
from headway.data.synthetic import Blobs, Friedman, Moons, Spirals
from headway.doctor.faults.sources import (
    AlteredTest,
    ConstantColumns,
    Fewer,
    Imbalanced,
    NoisyLabels,
    NoSignal,
    Repeated,
    Rescaled,
    RescaledTargets,
    ShuffledLabels,
    SortedByTarget,
    Spoiled,
)


def arrays(source: Source) -> tuple[np.ndarray, np.ndarray]:
    table = source.load()
    return np.asarray(table.x), np.asarray(table.y)


def test_shuffled_labels_are_the_same_labels_in_another_order_beside_the_same_inputs():
    (x, y), (x2, y2) = arrays(Wine()), arrays(ShuffledLabels(Wine()))
    np.testing.assert_array_equal(x, x2)
    np.testing.assert_array_equal(np.sort(y), np.sort(y2))
    assert np.mean(y == y2) == pytest.approx(np.sum((np.bincount(y) / len(y)) ** 2), abs=0.12)


@pytest.mark.parametrize("share", [0.0, 0.25, 0.6])
def test_so_many_labels_are_of_another_class_and_of_every_other_alike(share: float):
    (_, y), (_, noisy) = arrays(Digits()), arrays(NoisyLabels(Digits(), share=share))
    wrong = y != noisy
    assert np.mean(wrong) == pytest.approx(share, abs=0.04)
    if share:
        counts = np.bincount((noisy[wrong] - y[wrong]) % 10, minlength=10)
        assert counts[0] == 0
        even = counts[1:].mean()
        assert np.abs(counts[1:] - even).max() < 4 * np.sqrt(even)


def test_without_signal_inputs_are_standard_normal_and_targets_stay():
    (x, y), (x2, y2) = arrays(Digits()), arrays(NoSignal(Digits()))
    np.testing.assert_array_equal(y, y2)
    assert x2.shape == x.shape
    assert (x2.mean(), x2.std()) == pytest.approx((0, 1), abs=0.01)
    assert abs(np.corrcoef(x[:, 20], x2[:, 20])[0, 1]) < 0.1


def test_only_the_columns_named_are_rescaled():
    (x, _), (x2, _) = arrays(Iris()), arrays(Rescaled(Iris(), factor=100.0, shift=1.0, columns=(0, 2)))
    np.testing.assert_allclose(x2[:, [0, 2]], 100 * x[:, [0, 2]] + 1)
    np.testing.assert_array_equal(x2[:, [1, 3]], x[:, [1, 3]])
    np.testing.assert_allclose(arrays(Rescaled(Iris(), factor=0.5))[0], x / 2)


def test_targets_are_rescaled_and_inputs_stay():
    (x, y), (x2, y2) = arrays(Friedman()), arrays(RescaledTargets(Friedman(), factor=0.5, shift=3.0))
    np.testing.assert_array_equal(x, x2)
    np.testing.assert_allclose(y2, 0.5 * y + 3)


def test_repeated_examples_are_on_both_sides_of_a_split_by_chance_and_otherwise_are_not():
    def shared(source: Source) -> float:
        data = Data(source, validation=0.3, test=None).load()
        seen = {row.tobytes() for row in data.train.x}
        return float(np.mean([row.tobytes() in seen for row in data.validation.x]))

    assert shared(Moons(200)) == 0
    assert shared(Repeated(Moons(200), times=4)) > 0.9


def test_a_test_set_of_other_preparation_holds_the_examples_that_are_no_longer_trained_on():
    x, _ = arrays(Iris())
    table = AlteredTest(Iris(), share=0.2, factor=2.0, shift=-1.0).load()
    assert (len(table.x), len(table.test_x)) == (120, 30)
    back = (np.asarray(table.test_x) + 1) / 2
    np.testing.assert_allclose(np.sort(np.concatenate([table.x, back]), axis=0), np.sort(x, axis=0))


def test_imbalance_leaves_one_class_whole_and_tests_all_classes_alike():
    _, y = arrays(Digits())
    table = Imbalanced(Digits(), keep=0.1, test=0.25).load()
    whole, left, tested = (np.bincount(part) for part in (y, table.y, table.test_y))
    assert left[0] == whole[0] - round(0.25 * whole[0])
    np.testing.assert_array_equal(left[1:], np.maximum(8, np.round(0.1 * (whole - np.round(0.25 * whole))))[1:])
    assert len(set(tested)) == 1


def test_sorted_examples_are_the_same_in_the_order_of_their_targets():
    (x, y), (x2, y2) = arrays(Friedman()), arrays(SortedByTarget(Friedman()))
    np.testing.assert_array_equal(y2, np.sort(y))
    np.testing.assert_array_equal(x2[0], x[np.argmin(y)])


def test_spoiled_numbers_are_few_and_far_off():
    (x, _), (x2, _) = arrays(Wine()), arrays(Spoiled(Wine(), share=0.02, factor=1e4))
    changed = x != x2
    assert np.mean(changed) == pytest.approx(0.02, abs=0.008)
    np.testing.assert_allclose(x2[changed], 1e4 * x[changed])


def test_so_many_columns_are_constant():
    (x, _), (x2, _) = arrays(Friedman(features=10)), arrays(ConstantColumns(Friedman(features=10), share=0.7))
    constant = np.ptp(x2, axis=0) == 0
    assert constant.sum() == 7
    np.testing.assert_array_equal(x2[:, ~constant], x[:, ~constant])


def test_fewer_examples_keep_the_shares_of_the_classes():
    _, y = arrays(Fewer(Wine(), examples=40))
    whole = np.bincount(arrays(Wine())[1])
    assert len(y) == 40
    np.testing.assert_allclose(np.bincount(y), 40 * whole / whole.sum(), atol=1)
    assert len(arrays(Fewer(Friedman(), examples=25))[1]) == 25


@pytest.mark.parametrize("kind", [ShuffledLabels, NoSignal, Spoiled, ConstantColumns, AlteredTest])
def test_what_is_drawn_is_drawn_by_the_seed(kind: type[Source]):
    first, again, other = (arrays(kind(Iris(), seed=seed)) for seed in (3, 3, 4))
    assert all(np.array_equal(a, b) for a, b in zip(first, again, strict=True))
    assert not all(np.array_equal(a, b) for a, b in zip(first, other, strict=True))


def test_chance_is_a_sources_own_and_not_that_of_the_source_inside():
    spirals = Spirals(3000)
    (x, y), (_, noisy) = arrays(spirals), arrays(NoisyLabels(spirals, share=0.3))
    radius = np.linalg.norm(x, axis=1)
    assert abs(np.corrcoef(radius, y != noisy)[0, 1]) < 0.06
    blobs = Blobs(3000, features=4)
    (x, _), (x2, _) = arrays(blobs), arrays(NoSignal(blobs))
    assert np.abs(np.corrcoef(x.T, x2.T)[:4, 4:]).max() < 0.06
