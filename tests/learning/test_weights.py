"""Weights of examples and of places: what does not count changes nothing, however a batch is cut."""

from dataclasses import replace

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from headway.doctor.faults.oddities import ScaledCrossEntropy
from headway.learning.backpropagation.losses import loss_gradient
from headway.learning.losses import (
    BinaryCrossEntropy,
    CrossEntropy,
    Hinge,
    Huber,
    KLDivergence,
    Loss,
    MeanAbsoluteError,
    MeanSquaredError,
    ProbabilityBinaryCrossEntropy,
    ProbabilityCrossEntropy,
)
from headway.spec.error import HeadwayError
from kinds import ALL

rng = np.random.default_rng(0)
TIME = [
    (CrossEntropy(smoothing=0.1), rng.normal(size=(4, 5, 3)), rng.integers(0, 3, (4, 5))),
    (CrossEntropy(), rng.normal(size=(4, 5, 3)), rng.dirichlet(np.ones(3), size=(4, 5))),
    (ProbabilityCrossEntropy(), rng.dirichlet(np.ones(3), size=(4, 5)), rng.integers(0, 3, (4, 5))),
    (KLDivergence(), rng.normal(size=(4, 5, 3)), rng.dirichlet(np.ones(3), size=(4, 5))),
    (BinaryCrossEntropy(), rng.normal(size=(4, 5)), rng.integers(0, 2, (4, 5))),
    (ProbabilityBinaryCrossEntropy(), rng.uniform(0.1, 0.9, (4, 5)), rng.integers(0, 2, (4, 5))),
    (MeanSquaredError(), rng.normal(size=(4, 5, 2)), rng.normal(size=(4, 5, 2))),
    (MeanAbsoluteError(), rng.normal(size=(4, 5)), rng.normal(size=(4, 5))),
    (Huber(0.7), rng.normal(size=(4, 5, 1)), rng.normal(size=(4, 5))),
    (Hinge(), rng.normal(size=(4, 5, 3)), rng.integers(0, 3, (4, 5))),
    (ScaledCrossEntropy(factor=3.0), rng.normal(size=(4, 5, 3)), rng.integers(0, 3, (4, 5))),
]
in_time = pytest.mark.parametrize(("loss", "outputs", "targets"), TIME, ids=lambda v: repr(v) * isinstance(v, Loss))
LENGTHS = np.arange(5) < np.array([5, 2, 0, 3])[:, None]


def test_every_loss_is_tested_over_time():
    assert {type(loss) for loss, *_ in TIME} == {cls for cls in ALL if issubclass(cls, Loss)}


@in_time
def test_the_mean_over_places_counts_each_by_its_weight(loss, outputs, targets):
    """One example after the other, place by place: Σ w l / Σ w, not a mean of the sequences' means."""
    weights = rng.uniform(0, 2, (4, 5)) * LENGTHS
    each = [
        weights[i, t] * float(loss(outputs[i : i + 1, t], targets[i : i + 1, t])) for i, t in np.argwhere(weights > 0)
    ]
    np.testing.assert_allclose(loss(outputs, targets, weights), np.sum(each) / weights.sum(), rtol=1e-5)
    np.testing.assert_allclose(replace(loss, reduction="sum")(outputs, targets, weights), np.sum(each), rtol=1e-5)


@in_time
def test_weights_of_examples_are_those_of_all_their_places(loss, outputs, targets):
    weights = np.array([1, 0, 0.5, 2])
    by_place = np.broadcast_to(weights[:, None], (4, 5))
    np.testing.assert_allclose(loss(outputs, targets, weights), loss(outputs, targets, by_place), rtol=1e-5)
    np.testing.assert_allclose(loss(outputs, targets, np.ones((4, 5))), loss(outputs, targets), rtol=1e-5)


@in_time
def test_padding_changes_neither_loss_nor_gradient_whatever_it_holds(loss, outputs, targets):
    """Sequences of lengths 5, 2, 0 and 3 in a batch, the rest filled with anything, against each alone."""
    z = jnp.asarray(outputs)
    real = [(i, np.flatnonzero(row)) for i, row in enumerate(LENGTHS) if row.any()]

    def alone(z):
        return sum(loss(z[i, at][None], targets[i, at][None]) * len(at) for i, at in real) / LENGTHS.sum()

    value, gradient = jax.jit(jax.value_and_grad(alone))(z)
    both = jax.jit(jax.value_and_grad(loss))
    gone = ~LENGTHS.reshape(4, 5, *[1] * (targets.ndim - 2))
    for filling in (-1, np.nan if targets.dtype.kind == "f" else 99):
        filled = np.where(gone, filling, targets).astype(targets.dtype)
        padded, padded_gradient = both(z, filled, LENGTHS.astype(np.float32))
        np.testing.assert_allclose(padded, value, rtol=1e-5)
        np.testing.assert_allclose(padded_gradient, gradient, rtol=1e-4, atol=1e-7)
        assert not np.asarray(padded_gradient)[~LENGTHS].any()


@in_time
@pytest.mark.parametrize("reduction", ["mean", "sum"])
def test_unequal_micro_batches_pool_to_the_loss_and_gradient_of_the_whole(loss, outputs, targets, reduction):
    """A mean of the parts' means would not: they hold 5, 2 and 3 places that count."""
    loss, z, weights = replace(loss, reduction=reduction), jnp.asarray(outputs), LENGTHS.astype(np.float32)
    for each in (weights, None, weights[:, 0]):
        parts = [slice(0, 1), slice(1, 3), slice(3, 4)]

        def pooled(z, each=each, parts=parts):
            sums = [loss.sums(z[at], targets[at], None if each is None else each[at]) for at in parts]
            return loss.value(jax.tree.map(lambda *s: sum(s), *sums))

        whole, gradient = jax.jit(jax.value_and_grad(loss))(z, targets, each)
        found, found_gradient = jax.jit(jax.value_and_grad(pooled))(z)
        np.testing.assert_allclose(found, whole, rtol=1e-5)
        np.testing.assert_allclose(found_gradient, gradient, rtol=1e-4, atol=1e-7)


@in_time
@pytest.mark.parametrize("reduction", ["mean", "sum"])
def test_backpropagation_of_weighted_places_equals_jax_whatever_the_padding_holds(loss, outputs, targets, reduction):
    with jax.enable_x64(True):
        loss, z, weights = replace(loss, reduction=reduction), jnp.asarray(outputs), np.linspace(0, 2, 20).reshape(4, 5)
        filled = np.where((weights * LENGTHS == 0).reshape(4, 5, *[1] * (targets.ndim - 2)), -1, targets)
        ours = loss_gradient(loss, z, filled, weights * LENGTHS)
        np.testing.assert_allclose(ours, jax.jit(jax.grad(loss))(z, filled, weights * LENGTHS), rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("weights", [(5, 4), (4, 4), (4, 5, 3), (3,), ()])
def test_weights_of_another_shape_are_refused(weights):
    loss, outputs, targets = TIME[0]
    with pytest.raises(HeadwayError, match=r"weights: must have the shape .*, one an example or one a place; got"):
        loss(outputs, targets, np.ones(weights))
