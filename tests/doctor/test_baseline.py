"""The best constant prediction in closed form."""

import numpy as np
import pytest

from headway.data.bundled import BreastCancer, Diabetes, Iris
from headway.data.dataset import Data, Examples
from headway.doctor.baseline import constant_loss
from headway.learning.losses import (
    BinaryCrossEntropy,
    CrossEntropy,
    KLDivergence,
    MeanAbsoluteError,
    MeanSquaredError,
    ProbabilityBinaryCrossEntropy,
    ProbabilityCrossEntropy,
)


def labelled(*counts):
    y = np.repeat(np.arange(len(counts)), counts).astype(np.int32)
    return Examples(np.zeros((len(y), 1), np.float32), y)


def crossed(train, held_out):
    """−Σ held-out share · log training share."""
    shares, seen = (np.bincount(part.y) / len(part) for part in (train, held_out))
    return -np.sum(seen * np.log(shares))


@pytest.mark.parametrize("loss", [CrossEntropy(), KLDivergence(), ProbabilityCrossEntropy()], ids=repr)
@pytest.mark.parametrize(("counts", "held"), [((5, 5), (3, 3)), ((1, 9), (5, 5)), ((10, 20, 70), (1, 2, 3))], ids=str)
def test_cross_entropy_of_the_classes_shares(loss, counts, held):
    train, held_out = labelled(*counts), labelled(*held)
    assert constant_loss(loss, (len(counts),), train, held_out) == pytest.approx(crossed(train, held_out), rel=1e-3)
    entropy = -sum(n / sum(counts) * np.log(n / sum(counts)) for n in counts)
    assert constant_loss(loss, (len(counts),), train, train) == pytest.approx(entropy, rel=1e-5)


@pytest.mark.parametrize("loss", [BinaryCrossEntropy(), ProbabilityBinaryCrossEntropy()], ids=repr)
def test_one_output_has_the_same_entropy_as_two(loss):
    train = labelled(30, 70)
    assert constant_loss(loss, (1,), train, train) == pytest.approx(-0.3 * np.log(0.3) - 0.7 * np.log(0.7), rel=1e-5)


def test_the_mean_squared_error_of_the_training_mean():
    data = Data(Diabetes()).load()
    held = data.validation.y.astype(np.float64)
    found = constant_loss(MeanSquaredError(), (1,), data.train, data.validation)
    assert found == pytest.approx(np.mean((held - data.train.y.mean()) ** 2), rel=1e-4)
    variance = constant_loss(MeanSquaredError(), (1,), data.train, data.train)
    assert variance == pytest.approx(data.train.y.astype(np.float64).var(), rel=1e-4)


def test_the_mean_absolute_error_is_about_that_of_the_training_median():
    y = np.random.default_rng(0).exponential(size=(501, 1)).astype(np.float32)
    examples = Examples(y, y)
    found = constant_loss(MeanAbsoluteError(), (1,), examples, examples)
    assert found == pytest.approx(np.mean(np.abs(y - np.median(y))), rel=2e-2)


@pytest.mark.parametrize(("source", "outputs"), [(Iris(), 3), (BreastCancer(), 2)], ids=repr)
def test_real_data(source, outputs):
    data = Data(source).load()
    found = constant_loss(CrossEntropy(), (outputs,), data.train, data.test)
    assert found == pytest.approx(crossed(data.train, data.test), rel=1e-4)
