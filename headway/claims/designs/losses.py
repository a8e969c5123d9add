"""Losses as computed, against their formulas in NumPy: values, gradients, reductions, and what they decompose into."""

import jax
import jax.numpy as jnp
import numpy as np
from scipy.special import log_softmax, softmax

from headway.claims.design import Exact, Measures
from headway.claims.designs.exact import largest, registered
from headway.learning.losses import CrossEntropy, KLDivergence, Loss, MeanSquaredError

RNG = np.random.default_rng(0)
LOGITS = 3 * RNG.normal(size=(64, 10))
LABELS = RNG.integers(0, 10, 64)
SOFT = RNG.dirichlet(np.ones(10), 64)
"""Targets that are distributions, none of them one-hot."""
VALUES, AIMS = RNG.normal(size=(2, 64, 3))


def cross_entropy() -> Measures:
    """−log softmax(z)[y], and its gradient p − q, a mean over examples."""
    loss, hot = CrossEntropy(), np.eye(10)[LABELS]
    with jax.enable_x64(True):
        z, y = jnp.asarray(LOGITS), jnp.asarray(LABELS)
        value, gradient = jax.value_and_grad(loss)(z, y)
        return {
            "value": largest(loss.per_target(z, y) + np.sum(hot * log_softmax(LOGITS, axis=1), axis=1)),
            "mean": largest(value + np.mean(np.sum(hot * log_softmax(LOGITS, axis=1), axis=1))),
            "gradient": largest(gradient - (softmax(LOGITS, axis=1) - hot) / 64), "registered": registered(loss, Loss),
        }  # fmt: skip


def divergence() -> Measures:
    """CE = H(q) + KL(q ‖ p) with soft targets q, KL by NumPy; and the gradients of both losses."""
    log_p = log_softmax(LOGITS, axis=1)
    kl, own = np.sum(SOFT * (np.log(SOFT) - log_p), axis=1), -np.sum(SOFT * np.log(SOFT), axis=1)
    with jax.enable_x64(True):
        z, q = jnp.asarray(LOGITS), jnp.asarray(SOFT)
        of_ce, of_kl = (jax.grad(loss)(z, q) for loss in (CrossEntropy(), KLDivergence()))
        hot = jnp.eye(10, dtype=z.dtype)[LABELS]
        return {
            "ce - h - kl": largest(CrossEntropy().per_target(z, q) - own - kl),
            "kl": largest(KLDivergence().per_target(z, q) - kl), "gradients apart": largest(of_ce - of_kl),
            "one-hot, ce - kl": largest(CrossEntropy().per_target(z, hot) - KLDivergence().per_target(z, hot)),
        }  # fmt: skip


def mean_squared_error() -> Measures:
    """mean (y − ŷ)², its gradient 2 (ŷ − y) / n, and the sum of the other reduction."""
    loss, n = MeanSquaredError(), VALUES.size
    with jax.enable_x64(True):
        made, aims = jnp.asarray(VALUES), jnp.asarray(AIMS)
        value, gradient = jax.value_and_grad(loss)(made, aims)
        total = MeanSquaredError(reduction="sum")(made, aims)
        return {
            "value": largest(value - np.mean((VALUES - AIMS) ** 2)),
            "gradient": largest(gradient - 2 * (VALUES - AIMS) / n),
            "sum": largest(total - np.sum(np.mean((VALUES - AIMS) ** 2, axis=1))), "registered": registered(loss, Loss),
        }  # fmt: skip


DESIGNS = {
    "exact": Exact(
        "Losses in float64 on 64 examples drawn at random: 10 logits with labels or with soft targets, 3 values. Each "
        "metric is a largest difference from NumPy and SciPy: `value`, `mean`, `sum`: of the loss of an example or of "
        "all, by both reductions (\"sum\" adds examples, each the mean over its targets); `gradient`: of dL/dz or "
        "dL/dŷ; `ce - h - kl`: of CE − H(q) − KL(q ‖ p); `gradients apart`: of the gradients of CE and KL; "
        "`registered`: whether the registry has the kind as a loss.",
        {"cross-entropy": cross_entropy, "divergence": divergence, "mse": mean_squared_error},
    ),
}  # fmt: skip
