"""The rules of losses: dL_i/dz_i, how the loss of an example changes with its outputs z."""

import math
from typing import Any

import jax
import jax.numpy as jnp

from headway.learning.backpropagation.rule import RULES, rule
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
from headway.learning.targets import aligned, at_least_float32, counted, distribution, one_hot, yes_or_no


def loss_gradient(loss: Loss, outputs: jax.Array, targets: jax.Array, weights: jax.Array | None = None) -> jax.Array:
    """dL/dz for L = Σ w_i L_i / Σ w_i, or Σ w_i L_i: every example's own gradient times its share.

    Weights w_it of places make it L = Σ w_it L_it / Σ w_it.
    """
    share = jnp.ones(len(outputs)) if weights is None else jnp.asarray(weights)
    if loss.reduction == "mean":
        total = jnp.sum(share)
        share = share / jnp.where(total == 0, 1, total)
    own: jax.Array = RULES[type(loss)](loss, outputs, counted(targets, weights))
    # A rule gives the gradient of the mean over an example's places.
    places = math.prod(share.shape[1:])
    shares = places * share.reshape(*share.shape, *[1] * (own.ndim - share.ndim))
    return (own * shares).reshape(outputs.shape).astype(outputs.dtype)


def per_example(dz: jax.Array, classes: int = 0) -> jax.Array:
    """Divided by how many losses an example has, over whose mean its loss is; the last `classes` axes hold one."""
    return dz / math.prod(dz.shape[1 : dz.ndim - classes])


@rule(CrossEntropy)
def cross_entropy(loss: CrossEntropy, z: jax.Array, targets: jax.Array) -> jax.Array:
    """dL/dz = p − q with p = softmax(z): what is said less what is true."""
    return softmax_less(distribution("CrossEntropy", z, targets, loss.smoothing), z)


@rule(KLDivergence)
def kl_divergence(loss: KLDivergence, z: jax.Array, targets: jax.Array) -> jax.Array:
    """dL/dz = p − q, as for the cross-entropy: the entropy of q does not depend on z."""
    return softmax_less(distribution("KLDivergence", z, targets, None), z)


def softmax_less(q: jax.Array, z: jax.Array) -> jax.Array:
    """p Σ q − q with p = softmax(z), where Σ q is 1 for a distribution q."""
    p = jax.nn.softmax(at_least_float32(z))
    q = q.astype(p.dtype)
    return per_example(p * q.sum(axis=-1, keepdims=True) - q, classes=1)


@rule(ProbabilityCrossEntropy)
def probability_cross_entropy(loss: ProbabilityCrossEntropy, p: jax.Array, targets: jax.Array) -> jax.Array:
    """dL/dp = −q / p, and 0 where q = 0."""
    q = distribution("ProbabilityCrossEntropy", p, targets, loss.smoothing)
    return per_example(-quotient(q, at_least_float32(p)), classes=1)


@rule(BinaryCrossEntropy)
def binary_cross_entropy(loss: BinaryCrossEntropy, z: jax.Array, targets: jax.Array) -> jax.Array:
    """dL/dz = (1 − y) σ(z) − y σ(−z) = σ(z) − y."""
    z, y = yes_or_no("BinaryCrossEntropy", z, targets, loss.smoothing)
    return per_example((1 - y) * jax.lax.logistic(z) - y * jax.lax.logistic(-z))


@rule(ProbabilityBinaryCrossEntropy)
def probability_binary_cross_entropy(loss: ProbabilityBinaryCrossEntropy, p: jax.Array, targets: Any) -> jax.Array:
    """dL/dp = −y / p + (1 − y) / (1 − p), each 0 where its numerator is."""
    p, y = yes_or_no("ProbabilityBinaryCrossEntropy", p, targets, loss.smoothing)
    return per_example(quotient(1 - y, 1 - p) - quotient(y, p))


@rule(MeanSquaredError)
def mean_squared_error(loss: MeanSquaredError, y: jax.Array, targets: jax.Array) -> jax.Array:
    """dL/dy = 2 (y − t)."""
    y, t = aligned("MeanSquaredError", y, targets)
    return per_example(2 * (y - t))


@rule(MeanAbsoluteError)
def mean_absolute_error(loss: MeanAbsoluteError, y: jax.Array, targets: jax.Array) -> jax.Array:
    """dL/dy = sign(y − t), 0 where they are equal."""
    y, t = aligned("MeanAbsoluteError", y, targets)
    return per_example(jnp.sign(y - t))


@rule(Huber)
def huber(loss: Huber, y: jax.Array, targets: jax.Array) -> jax.Array:
    """dL/dy = y − t, cut off at ±δ."""
    y, t = aligned("Huber", y, targets)
    return per_example(jnp.clip(y - t, -loss.delta, loss.delta))


@rule(Hinge)
def hinge(loss: Hinge, z: jax.Array, targets: jax.Array) -> jax.Array:
    """Where the margin is not kept, dL/dz_y = −1 and dL/dz_j = 1 for the strongest rival j, shared by equal ones.

    With one output an example dL/dz = −s there.
    """
    if jnp.shape(z) in (jnp.shape(targets), (*jnp.shape(targets), 1)):
        z, y = aligned("Hinge", z, targets)
        s = jnp.where(y > 0, 1, -1)
        return per_example(jnp.where(loss.margin - s * z > 0, -s, 0))
    z, hot = at_least_float32(z), one_hot("Hinge", z, targets)
    others = jnp.where(hot == 1, -jnp.inf, z)
    rival = jnp.max(others, axis=-1, keepdims=True)
    lacking = loss.margin + rival - jnp.sum(jnp.where(hot == 0, 0, hot * z), axis=-1, keepdims=True) > 0
    rivals = others == rival
    return per_example(jnp.where(lacking, rivals / rivals.sum(axis=-1, keepdims=True) - hot, 0), classes=1)


def quotient(q: jax.Array, p: jax.Array) -> jax.Array:
    """q / p, and 0 where q = 0."""
    return jnp.where(q == 0, 0, q / jnp.where(q == 0, 1, p))
