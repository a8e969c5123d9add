"""The best constant prediction in closed form."""

import jax.numpy as jnp
import numpy as np
import pytest
from scipy.optimize import minimize

from headway.data.bundled import BreastCancer, Diabetes, Iris
from headway.data.dataset import Data, Examples
from headway.doctor.baseline import closed_form, constant_loss
from headway.learning.losses import (
    BinaryCrossEntropy,
    CrossEntropy,
    Huber,
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


def test_the_mean_absolute_error_of_the_training_median():
    y = np.random.default_rng(0).exponential(size=(501, 2)).astype(np.float32)
    examples = Examples(y, y)
    found = constant_loss(MeanAbsoluteError(), (2,), examples, examples)
    assert found == pytest.approx(np.mean(np.abs(y - np.median(y, axis=0))), rel=1e-6)


def amounts(rows=60, outputs=3):
    y = np.random.default_rng(1).exponential(size=(rows, outputs)) + np.array([0, 1, 5])
    return Examples(y.astype(np.float32), y.astype(np.float32))


@pytest.mark.parametrize(
    ("loss", "outputs", "train"),
    [
        (CrossEntropy(), (3,), labelled(10, 20, 70)),
        (CrossEntropy(smoothing=0.3), (3,), labelled(10, 20, 70)),
        (CrossEntropy(reduction="sum"), (3,), labelled(3, 2, 1)),
        (ProbabilityCrossEntropy(smoothing=0.1), (2,), labelled(1, 9)),
        (KLDivergence(), (4,), labelled(1, 2, 3, 4)),
        (BinaryCrossEntropy(smoothing=0.2), (1,), labelled(1, 9)),
        (ProbabilityBinaryCrossEntropy(), (1,), labelled(8, 2)),
        (MeanSquaredError(), (3,), amounts()),
        (MeanAbsoluteError(reduction="sum"), (3,), amounts()),
    ],
)
def test_no_constant_has_a_lower_loss_than_the_closed_form(loss, outputs, train):
    def value(constant):
        if loss.expects == "probabilities":
            constant = np.exp(constant) / np.exp(constant).sum() if outputs != (1,) else 1 / (1 + np.exp(-constant))
        made = jnp.broadcast_to(jnp.asarray(constant, jnp.float32), (len(train), *outputs))
        return float(loss(made, train.y))

    best = closed_form(loss, outputs, train)
    searched = minimize(value, np.zeros(outputs), method="Nelder-Mead", options={"maxiter": 1000}).fun
    assert value(best) == pytest.approx(searched, rel=1e-3)
    assert value(best) <= searched * (1 + 1e-5)


def test_labels_at_every_place_have_the_entropy_of_their_shares_together():
    y = np.random.default_rng(0).integers(0, 3, (20, 7)).astype(np.int32)
    examples = Examples(np.zeros((20, 7, 1), np.float32), y)
    shares = np.bincount(y.ravel()) / y.size
    found = constant_loss(CrossEntropy(), (7, 3), examples, examples)
    assert found == pytest.approx(-np.sum(shares * np.log(shares)), rel=1e-6)


@pytest.mark.parametrize(
    ("loss", "outputs", "train"),
    [
        (CrossEntropy(), (2,), labelled(10, 20, 70)),  # a label more than the network has outputs
        (CrossEntropy(), (2,), Examples(np.zeros((2, 1)), np.array([0, 1]), np.zeros(2))),
        (MeanSquaredError(), (1,), Examples(np.zeros((2, 1)), np.ones((2, 1)), np.ones(2))),
        (MeanSquaredError(), (1,), Examples(np.zeros((2, 1)), np.array([[0], [np.nan]]))),
        (Huber(), (3,), amounts()),
    ],
)
def test_the_constant_is_searched_for_where_there_is_no_closed_form(loss, outputs, train):
    assert closed_form(loss, outputs, train) is None


def test_a_label_that_training_never_shows_leaves_the_loss_finite():
    train, held_out = labelled(5, 5, 0), labelled(1, 1, 1)
    found = constant_loss(CrossEntropy(), (3,), train, held_out)
    assert found == pytest.approx((2 * np.log(2) + np.log(1e6)) / 3, rel=1e-5)
    assert constant_loss(CrossEntropy(), (3,), train, train) == pytest.approx(np.log(2), rel=1e-5)
    assert constant_loss(BinaryCrossEntropy(), (1,), labelled(7), labelled(7)) == pytest.approx(0, abs=1e-5)


def test_weights_of_examples_and_of_places_count_and_what_has_none_may_be_anything():
    y = np.array([[0, 1, -9], [1, 1, 0], [2, 0, 1]], np.int32)
    places = np.array([[1, 1, 0], [3, 3, 3], [0, 2, 2]], np.float32)
    counts = np.bincount([0, 1, 1, 1, 0, 0, 1], [1, 1, 3, 3, 3, 2, 2])
    train = Examples(np.zeros((3, 3, 1), np.float32), y, places)
    entropy = -np.sum(counts / 15 * np.log(counts / 15))
    assert constant_loss(CrossEntropy(), (3, 2), train, train) == pytest.approx(entropy, rel=1e-5)
    y = np.array([0, 1, 1], np.int32)
    train = Examples(np.zeros((3, 1), np.float32), y, np.array([3, 0.5, 0.5], np.float32))
    entropy = -(0.75 * np.log(0.75) + 0.25 * np.log(0.25))
    for loss, outputs in ((CrossEntropy(), (2,)), (BinaryCrossEntropy(), (1,))):
        assert constant_loss(loss, outputs, train, train) == pytest.approx(entropy, rel=1e-5)


@pytest.mark.parametrize(("source", "outputs"), [(Iris(), 3), (BreastCancer(), 2)], ids=repr)
def test_real_data(source, outputs):
    data = Data(source).load()
    found = constant_loss(CrossEntropy(), (outputs,), data.train, data.test)
    assert found == pytest.approx(crossed(data.train, data.test), rel=1e-4)
