import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
import scipy.special
import scipy.stats
import sklearn.metrics
from hypothesis import given, settings
from hypothesis import strategies as st
from jax.test_util import check_grads

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
    cross_entropy,
    entropy,
    kl_divergence,
)
from headway.spec.error import HeadwayError
from headway.spec.numbers import join, split

rng = np.random.default_rng(0)
LOGITS = (3 * rng.normal(size=(6, 4))).astype(np.float32)
LABELS = np.array([0, 3, 1, 1, 2, 0])
SOFT = rng.dirichlet(np.ones(4), size=6).astype(np.float32)
VALUES, AIMS = rng.normal(size=(2, 6, 3)).astype(np.float32)
YES = np.array([0, 1, 1, 0, 1, 0])
SCORES = (2 * rng.normal(size=6)).astype(np.float32)
EVERY = [
    (CrossEntropy(), LOGITS, LABELS),
    (CrossEntropy(smoothing=0.1), LOGITS, SOFT),
    (ProbabilityCrossEntropy(smoothing=0.1), scipy.special.softmax(LOGITS, 1), LABELS),
    (KLDivergence(), LOGITS, SOFT),
    (BinaryCrossEntropy(smoothing=0.1), SCORES, YES),
    (ProbabilityBinaryCrossEntropy(), scipy.special.expit(SCORES), YES),
    (MeanSquaredError(), VALUES, AIMS),
    (MeanAbsoluteError(), VALUES, AIMS),
    (Huber(0.7), VALUES, AIMS),
    (Hinge(), LOGITS, LABELS),
    (Hinge(0.5), SCORES, YES),
]
every = pytest.mark.parametrize(
    ("loss", "outputs", "targets"), EVERY, ids=lambda v: repr(v) if isinstance(v, Loss) else ""
)


def smoothed(q, s):
    return (1 - s) * q + s / q.shape[-1]


@pytest.mark.parametrize("smoothing", [None, 0.0, 0.1, 1.0])
@pytest.mark.parametrize("targets", [LABELS, LABELS.astype(np.uint8), SOFT], ids=["labels", "bytes", "distributions"])
def test_cross_entropy_is_minus_sum_q_log_softmax(smoothing, targets):
    q = smoothed(np.eye(4)[targets] if targets.ndim == 1 else targets.astype(float), smoothing or 0)
    p = scipy.special.softmax(LOGITS.astype(float), axis=1)
    expected = -np.sum(q * np.log(p), axis=1)
    np.testing.assert_allclose(CrossEntropy(smoothing=smoothing).per_example(LOGITS, targets), expected, rtol=2e-6)
    on_probabilities = ProbabilityCrossEntropy(smoothing=smoothing)
    np.testing.assert_allclose(on_probabilities.per_example(p.astype(np.float32), targets), expected, rtol=1e-5)


def test_cross_entropy_agrees_with_optax_and_its_gradient_is_p_minus_q():
    np.testing.assert_allclose(
        CrossEntropy().per_example(LOGITS, LABELS),
        optax.softmax_cross_entropy_with_integer_labels(LOGITS, LABELS),
        rtol=1e-6,
    )
    gradient = jax.grad(CrossEntropy(reduction="sum"))(jnp.asarray(LOGITS), LABELS)
    np.testing.assert_allclose(gradient, scipy.special.softmax(LOGITS, 1) - np.eye(4)[LABELS], atol=1e-6)


@pytest.mark.parametrize("smoothing", [None, 0.0, 0.2, 1.0])
@pytest.mark.parametrize("targets", [YES, YES.astype(bool), SOFT[:, 0]], ids=["labels", "bools", "probabilities"])
def test_binary_cross_entropy_is_that_of_a_sigmoid(smoothing, targets):
    s = smoothing or 0
    y, p = (1 - s) * targets.astype(float) + s / 2, scipy.special.expit(SCORES.astype(float))
    expected = -y * np.log(p) - (1 - y) * np.log(1 - p)
    np.testing.assert_allclose(
        BinaryCrossEntropy(smoothing=smoothing).per_example(SCORES, targets), expected, rtol=1e-5
    )
    on_probabilities = ProbabilityBinaryCrossEntropy(smoothing=smoothing)
    np.testing.assert_allclose(on_probabilities.per_example(p.astype(np.float32), targets), expected, rtol=1e-5)


def test_losses_from_logits_stay_exact_where_probabilities_saturate():
    z = jnp.array([[1000.0, 0.0], [-1000.0, 0.0], [60.0, 0.0]])
    np.testing.assert_array_equal(CrossEntropy().per_example(z, jnp.array([1, 0, 0])), [1000, 1000, 0])
    one = jnp.array([1000.0, -1000.0, 60.0])
    np.testing.assert_allclose(BinaryCrossEntropy().per_example(one, jnp.array([0, 1, 1])), [1000, 1000, np.exp(-60)])
    assert jnp.all(jnp.isfinite(jax.grad(CrossEntropy())(z, jnp.array([1, 0, 0]))))
    assert jnp.all(jnp.isfinite(jax.grad(BinaryCrossEntropy())(one, jnp.array([0, 1, 1]))))


def test_a_masked_class_with_logit_minus_infinity_costs_nothing():
    z = jnp.array([[1.0, 2.0, -jnp.inf]])
    loss, gradient = jax.value_and_grad(CrossEntropy())(z, jnp.array([1]))
    np.testing.assert_allclose(loss, np.log1p(np.exp(-1)), rtol=1e-6)
    assert jnp.all(jnp.isfinite(gradient))


def test_a_probability_of_zero_costs_infinity_only_for_a_true_class():
    p = jnp.array([[0.0, 1.0]])
    right, gradient = jax.value_and_grad(ProbabilityCrossEntropy())(p, jnp.array([1]))
    assert right == 0
    np.testing.assert_array_equal(gradient, [[0, -1]])
    assert ProbabilityCrossEntropy()(p, jnp.array([0])) == jnp.inf
    binary, gradient = jax.value_and_grad(ProbabilityBinaryCrossEntropy())(jnp.array([1.0, 0.0]), jnp.array([1, 0]))
    assert binary == 0
    np.testing.assert_array_equal(gradient, [-0.5, 0.5])
    assert ProbabilityBinaryCrossEntropy()(jnp.array([1.0]), jnp.array([0])) == jnp.inf


@settings(deadline=None, max_examples=25)
@given(st.integers(2, 5), st.integers(0, 2**31 - 1))
def test_cross_entropy_is_entropy_plus_kl_divergence(classes, seed):
    p, q = np.random.default_rng(seed).dirichlet(np.full(classes, 2.0), size=2)
    p32, q32 = p.astype(np.float32), q.astype(np.float32)
    np.testing.assert_allclose(cross_entropy(p32, q32), entropy(p32) + kl_divergence(p32, q32), rtol=1e-5)
    np.testing.assert_allclose(entropy(p32), scipy.stats.entropy(p), rtol=1e-5)
    np.testing.assert_allclose(kl_divergence(p32, q32), scipy.special.rel_entr(p, q).sum(), rtol=1e-4, atol=1e-6)


def test_kl_divergence_is_zero_at_the_teacher_and_has_the_gradient_of_cross_entropy():
    teacher = jax.nn.softmax(jnp.asarray(LOGITS))
    np.testing.assert_allclose(KLDivergence().per_example(LOGITS, teacher), np.zeros(6), atol=1e-6)
    np.testing.assert_array_equal(jax.grad(KLDivergence())(LOGITS, SOFT), jax.grad(CrossEntropy())(LOGITS, SOFT))
    np.testing.assert_allclose(
        KLDivergence()(LOGITS, SOFT) + entropy(SOFT).mean(), CrossEntropy()(LOGITS, SOFT), rtol=1e-6
    )


def test_entropy_of_certainty_is_zero_with_a_finite_gradient():
    value, gradient = jax.value_and_grad(entropy)(jnp.array([1.0, 0.0]))
    assert value == 0
    np.testing.assert_array_equal(gradient, [-1, 0])


def test_regression_losses_are_means_over_the_outputs_of_an_example():
    e = VALUES.astype(float) - AIMS
    np.testing.assert_allclose(MeanSquaredError().per_example(VALUES, AIMS), (e**2).mean(1), rtol=1e-6)
    np.testing.assert_allclose(MeanAbsoluteError().per_example(VALUES, AIMS), abs(e).mean(1), rtol=1e-6)
    np.testing.assert_allclose(
        Huber(0.7).per_example(VALUES, AIMS), optax.huber_loss(VALUES, AIMS, delta=0.7).mean(1), rtol=1e-6
    )
    np.testing.assert_allclose(Huber(0.7).per_example(VALUES, AIMS), scipy.special.huber(0.7, e).mean(1), rtol=1e-6)
    assert jax.grad(MeanAbsoluteError())(jnp.ones(1), jnp.ones(1)) == 0


def test_hinge_agrees_with_scikit_learn():
    np.testing.assert_allclose(Hinge()(LOGITS, LABELS), sklearn.metrics.hinge_loss(LABELS, LOGITS), rtol=1e-6)
    expected = sklearn.metrics.hinge_loss(YES, SCORES)
    for labels, scores in [(YES, SCORES), (2 * YES - 1, SCORES), (YES, SCORES[:, None])]:
        np.testing.assert_allclose(Hinge()(scores, labels), expected, rtol=1e-6)


@every
def test_gradient_agrees_with_finite_differences(loss, outputs, targets):
    with jax.enable_x64(True):
        check_grads(lambda z: loss(z, targets), (jnp.asarray(outputs, jnp.float64),), order=1, modes=["rev"], eps=1e-6)


@every
def test_reductions_are_weighted_and_a_weight_of_zero_leaves_an_example_out(loss, outputs, targets):
    losses = np.asarray(loss.per_example(outputs, targets), float)
    w = np.array([1, 0, 2, 0.5, 0, 1], np.float32)
    total = type(loss)(
        **{f: getattr(loss, f) for f in ("delta", "margin", "smoothing") if hasattr(loss, f)}, reduction="sum"
    )
    assert losses.shape == (6,)
    np.testing.assert_allclose(loss(outputs, targets), losses.mean(), rtol=1e-6)
    np.testing.assert_allclose(total(outputs, targets), losses.sum(), rtol=1e-6)
    np.testing.assert_allclose(loss(outputs, targets, w), np.average(losses, weights=w), rtol=1e-6)
    np.testing.assert_allclose(total(outputs, targets, w), (w * losses).sum(), rtol=1e-6)
    np.testing.assert_allclose(loss(outputs[w > 0], targets[w > 0], w[w > 0]), loss(outputs, targets, w), rtol=1e-6)
    assert loss(outputs, targets, 0 * w) == 0


@every
def test_bfloat16_outputs_are_judged_in_float32_and_get_bfloat16_gradients(loss, outputs, targets):
    half = jnp.asarray(outputs, jnp.bfloat16)
    value, gradient = jax.value_and_grad(loss)(half, targets)
    assert value.dtype == jnp.float32
    assert gradient.dtype == jnp.bfloat16
    np.testing.assert_allclose(value, loss(half.astype(jnp.float32), targets), rtol=1e-6)


@every
def test_numbers_of_a_loss_are_data(loss, outputs, targets):
    structure, numbers = split(loss)
    traced = jax.jit(lambda numbers: join(structure, numbers)(outputs, targets))
    np.testing.assert_allclose(traced(numbers), loss(outputs, targets), rtol=1e-6)
    assert jnp.isfinite(traced(dict.fromkeys(numbers, 0.0)))
    assert traced._cache_size() == 1


def test_a_sequence_counts_as_the_mean_over_its_time():
    z, y = LOGITS.reshape(2, 3, 4), LABELS.reshape(2, 3)
    np.testing.assert_allclose(
        CrossEntropy().per_example(z, y), CrossEntropy().per_example(LOGITS, LABELS).reshape(2, 3).mean(1), rtol=1e-6
    )
    np.testing.assert_allclose(MeanSquaredError()(VALUES[..., None], AIMS), MeanSquaredError()(VALUES, AIMS), rtol=1e-6)


@pytest.mark.parametrize("label", [-1, 4])
def test_a_label_that_is_no_class_gives_nan_never_a_wrong_value(label):
    for loss in (CrossEntropy(), CrossEntropy(smoothing=0.1), KLDivergence(), Hinge()):
        assert np.isnan(loss(LOGITS[:1], jnp.array([label])))
    assert np.isnan(BinaryCrossEntropy()(SCORES[:1], jnp.array([label])))


@pytest.mark.parametrize(
    ("loss", "outputs", "targets", "message"),
    [
        (MeanSquaredError(), (8,), (8, 1), "outputs and targets must have one shape"),
        (MeanSquaredError(), (8, 8), (8,), r"outputs \(8, 8\), targets \(8,\)"),
        (MeanSquaredError(), (8, 1, 1), (8,), "or reshape the targets"),
        (Huber(), (), (), "must have one shape"),
        (BinaryCrossEntropy(), (8, 2), (8,), "BinaryCrossEntropy: outputs and targets"),
        (
            CrossEntropy(),
            (8, 3),
            (8, 1),
            r"integer labels \[batch, …\]; got outputs \(8, 3\), targets \(8, 1\) of float32",
        ),
        (CrossEntropy(), (8, 3), (8,), "Distributions are floats of the outputs' shape"),
    ],
)
def test_shapes_that_would_broadcast_are_refused(loss, outputs, targets, message):
    with pytest.raises(HeadwayError, match=message):
        loss(jnp.zeros(outputs), jnp.zeros(targets))


def test_other_mistakes_are_named():
    with pytest.raises(HeadwayError, match=r"two or more classes; got outputs \(8, 1\). For one yes-or-no output"):
        CrossEntropy()(jnp.zeros((8, 1)), jnp.zeros(8, int))
    with pytest.raises(HeadwayError, match=r"weights: must have the shape \(6,\)"):
        CrossEntropy()(LOGITS, LABELS, jnp.ones((6, 1)))
    with pytest.raises(HeadwayError, match=r"CrossEntropy.smoothing: must be less than or equal to 1; got 2"):
        CrossEntropy(smoothing=2.0)
