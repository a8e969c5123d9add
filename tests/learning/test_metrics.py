import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.special
import sklearn.metrics
from hypothesis import given, settings
from hypothesis import strategies as st

from headway.learning.metrics import R2, Accuracy, BitsPerByte, Perplexity, TopK
from headway.spec.error import HeadwayError

rng = np.random.default_rng(1)
SCORES = rng.normal(size=(40, 6)).astype(np.float32)
LABELS = rng.integers(0, 6, 40)
WEIGHTS = rng.integers(0, 3, 40).astype(np.float32)
VALUES = rng.normal(size=(40, 2)).astype(np.float32)
AIMS = (VALUES + 0.5 * rng.normal(size=(40, 2))).astype(np.float32)


def judged(metric, outputs, targets, weights=None):
    return metric.value(metric.sums(outputs, targets, weights))


@pytest.mark.parametrize("weights", [None, WEIGHTS], ids=["equal", "weighted"])
def test_metrics_agree_with_scikit_learn(weights):
    np.testing.assert_allclose(
        judged(Accuracy(), SCORES, LABELS, weights),
        sklearn.metrics.accuracy_score(LABELS, SCORES.argmax(1), sample_weight=weights),
        rtol=1e-6,
    )
    for k in (1, 3, 5):
        expected = sklearn.metrics.top_k_accuracy_score(LABELS, SCORES, k=k, sample_weight=weights)
        np.testing.assert_allclose(judged(TopK(k), SCORES, LABELS, weights), expected, rtol=1e-6)
    np.testing.assert_allclose(
        judged(R2(), VALUES, AIMS, weights), sklearn.metrics.r2_score(AIMS, VALUES, sample_weight=weights), rtol=1e-5
    )


JUDGES = [
    (metric, jax.jit(functools.partial(metric.sums, outputs, targets)))
    for metric, outputs, targets in [
        (Accuracy(), SCORES, LABELS),
        (TopK(2), SCORES, LABELS),
        (BitsPerByte(), SCORES, LABELS),
        (R2(), VALUES, AIMS),
    ]
]


@settings(deadline=None, max_examples=25)
@given(st.lists(st.integers(0, 4), min_size=40, max_size=40))
def test_metrics_are_exact_however_the_examples_fall_into_batches(batch):
    for metric, sums in JUDGES:
        parts = [sums(WEIGHTS * (np.array(batch) == b)) for b in range(5)]
        added = {name: sum(np.asarray(part[name]) for part in parts) for name in parts[0]}
        assert metric.value(added) == pytest.approx(metric.value(sums(WEIGHTS)), rel=1e-5)


def test_top_1_is_accuracy_and_top_all_is_one():
    tied = np.round(SCORES)
    assert judged(TopK(1), tied, LABELS) == judged(Accuracy(), tied, LABELS)
    assert judged(Accuracy(), tied, LABELS) == pytest.approx(np.mean(tied.argmax(1) == LABELS))
    assert judged(TopK(6), SCORES, LABELS) == 1


def test_equal_outputs_are_right_only_for_the_first_class_and_nan_never():
    labels = jnp.arange(6)
    assert judged(Accuracy(), jnp.zeros((6, 6)), labels) == pytest.approx(1 / 6)
    assert judged(TopK(3), jnp.zeros((6, 6)), labels) == pytest.approx(3 / 6)
    assert judged(Accuracy(), jnp.full((6, 6), jnp.nan), labels) == 0
    assert judged(TopK(5), jnp.full((6, 6), jnp.nan), labels) == 0
    assert judged(Accuracy(), jnp.full(2, jnp.nan), jnp.array([0, 1])) == 0


def test_one_output_says_yes_above_the_threshold():
    z, y = jnp.array([-1.0, 0.2, 0.7, 3.0]), jnp.array([0, 0, 1, 0])
    assert judged(Accuracy(), z, y) == 0.5
    assert judged(Accuracy(), z[:, None], y) == 0.5
    assert judged(Accuracy(), z, y.astype(jnp.float32)) == 0.5
    assert judged(Accuracy(threshold=0.5), z, y) == 0.75


def test_accuracy_of_distributions_sequences_and_several_labels():
    soft = jax.nn.one_hot(LABELS, 6) * 0.6 + 0.4 / 6
    expected = judged(Accuracy(), SCORES, LABELS)
    assert judged(Accuracy(), SCORES, soft) == expected
    assert judged(Accuracy(), SCORES.reshape(10, 4, 6), LABELS.reshape(10, 4)) == pytest.approx(expected)
    several = rng.integers(0, 2, SCORES.shape)
    assert judged(Accuracy(), SCORES, several) == pytest.approx(np.mean((SCORES > 0) == (several > 0)))


def test_places_count_by_their_weights_and_padding_not_at_all():
    weights = WEIGHTS.reshape(10, 4)
    for metric in (Accuracy(), TopK(2)):
        in_time = judged(metric, SCORES.reshape(10, 4, 6), LABELS.reshape(10, 4), weights)
        assert in_time == pytest.approx(judged(metric, SCORES, LABELS, WEIGHTS))


@pytest.mark.parametrize("weights", [None, WEIGHTS], ids=["equal", "weighted"])
def test_bits_and_perplexity_are_those_of_the_log_loss(weights):
    p = scipy.special.softmax(SCORES.astype(float), axis=1)
    nats = sklearn.metrics.log_loss(LABELS, p, sample_weight=weights)
    assert judged(BitsPerByte(), SCORES, LABELS, weights) == pytest.approx(nats / np.log(2), rel=1e-5)
    assert judged(Perplexity(), SCORES, LABELS, weights) == pytest.approx(np.exp(nats), rel=1e-5)
    by_place = None if weights is None else weights.reshape(10, 4)
    in_time = judged(BitsPerByte(), SCORES.reshape(10, 4, 6), LABELS.reshape(10, 4), by_place)
    assert in_time == pytest.approx(nats / np.log(2), rel=1e-5)


def test_a_uniform_guess_of_bytes_has_8_bits_and_hesitates_among_256():
    z, y = jnp.zeros((2, 3, 256)), np.array([[0, 1, 255], [7, 7, 7]])
    assert judged(BitsPerByte(), z, y) == pytest.approx(8)
    assert judged(Perplexity(), z, y) == pytest.approx(256, rel=1e-5)


def test_r2_takes_one_output_for_a_plain_target():
    assert judged(R2(), VALUES[:, :1], AIMS[:, 0]) == judged(R2(), VALUES[:, 0], AIMS[:, 0])


def test_r2_far_from_its_center_is_refused_and_at_its_center_exact():
    far = (AIMS + 1000).astype(np.float32)
    close = VALUES + 1000
    with pytest.raises(HeadwayError, match=r"R2.center: must be near the mean .* Set center="):
        judged(R2(), close, far)
    expected = sklearn.metrics.r2_score(far.astype(float), close.astype(float))
    assert judged(R2(center=1000.0), close, far) == pytest.approx(expected, rel=1e-5)
    assert judged(R2(), VALUES + 10, AIMS + 10) == pytest.approx(expected, rel=1e-3)


def test_r2_of_the_mean_is_zero_and_of_the_targets_one():
    assert judged(R2(), AIMS, AIMS) == 1
    assert judged(R2(), np.broadcast_to(AIMS.mean(0), AIMS.shape), AIMS) == pytest.approx(0, abs=1e-5)


@pytest.mark.parametrize("targets", [np.zeros(8), np.full(8, 3.0)])
def test_r2_of_targets_that_do_not_vary_is_refused(targets):
    with pytest.raises(HeadwayError, match="these must vary"):
        judged(R2(), np.ones(8), targets)


@pytest.mark.parametrize("metric", [Accuracy(), TopK(2), BitsPerByte(), Perplexity(), R2()], ids=repr)
def test_nothing_to_judge_is_refused(metric):
    outputs, targets = (VALUES, AIMS) if metric.targets == "values" else (SCORES, LABELS)
    with pytest.raises(HeadwayError, match="needs examples to judge"):
        judged(metric, outputs, targets, 0 * WEIGHTS)


def test_labels_and_mistakes():
    assert [m.label for m in (Accuracy(), TopK(3), R2())] == ["accuracy", "top-3", "R²"]
    with pytest.raises(HeadwayError, match="must be at most the 6 classes; got 7"):
        TopK(7).sums(SCORES, LABELS)
    with pytest.raises(HeadwayError, match=r"Accuracy: needs outputs \[batch, …, classes\]"):
        Accuracy().sums(SCORES, LABELS[:, None])
