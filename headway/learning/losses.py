"""Losses: how wrong an output is, one number a target, and their mean or sum.

All are computed and returned in float32 at least, whatever the dtype of the outputs: a mean over a batch
has no digits left in bfloat16. The gradient has the dtype of the outputs. [batch, …] stands for any
further axes (time, several outputs); the loss of an example is the mean over them.
"""

from dataclasses import KW_ONLY, dataclass, field
from typing import Annotated, ClassVar, Literal, NamedTuple

import jax
import jax.numpy as jnp
from pydantic import Field

from headway.learning.targets import (
    aligned,
    at_least_float32,
    counted,
    distribution,
    one_hot,
    over_trailing_axes,
    product,
    times_log,
    yes_or_no,
)
from headway.spec.error import HeadwayError
from headway.spec.node import Number, Spec, spec

Smoothing = Annotated[Number, Field(ge=0, le=1)]
Expects = Literal["logits", "probabilities", "values"]
Targets = Literal["labels", "values"]


class WeightedSum(NamedTuple):
    """What adds up over batches, however unequal: Σ w l and Σ w."""

    loss: jax.Array
    weight: jax.Array


@dataclass(frozen=True, repr=False)
class Loss(Spec):
    """What training makes small. A kind defines `per_target`.

    expects   what it takes for an output: unbounded "logits", "probabilities", or "values"
    targets   what it compares with: class "labels" or "values"
    """

    expects: ClassVar[Expects]
    targets: ClassVar[Targets]

    reduction: Literal["mean", "sum"] = field(default="mean", kw_only=True)

    def per_target(self, outputs: jax.Array, targets: jax.Array) -> jax.Array:
        """The loss of every target, [batch, …]; a distribution is one target."""
        raise NotImplementedError

    def per_example(self, outputs: jax.Array, targets: jax.Array) -> jax.Array:
        """The loss of every example, [batch]: the mean over its targets."""
        return over_trailing_axes(self.per_target(outputs, targets))

    def sums(self, outputs: jax.Array, targets: jax.Array, weights: jax.Array | None = None) -> WeightedSum:
        """Σ w l and Σ w of a batch: added over batches, they give the same `value` as one batch of all examples.

        Weights are [batch], one an example, or [batch, time], one a place: the loss l of what has one weight is the
        mean over its targets. None: every example counts as 1. Targets of weight 0 may be anything.
        """
        losses = self.per_target(outputs, counted(targets, weights))
        losses = over_trailing_axes(losses, 1 if weights is None else max(1, jnp.ndim(weights)))
        if weights is None:
            return WeightedSum(jnp.sum(losses), jnp.asarray(losses.size, losses.dtype))
        if jnp.shape(weights) != losses.shape:
            raise HeadwayError("weights", f"must have the shape {losses.shape}, one an example or one a place",
                               jnp.shape(weights))  # fmt: skip
        return WeightedSum(jnp.sum(weights * losses), jnp.sum(weights))

    def value(self, sums: WeightedSum) -> jax.Array:
        """Σ w l / Σ w, or Σ w l where the reduction is "sum". The mean over no weight at all is 0."""
        total, weight = sums
        return total / jnp.where(weight == 0, 1, weight) if self.reduction == "mean" else total

    def __call__(self, outputs: jax.Array, targets: jax.Array, weights: jax.Array | None = None) -> jax.Array:
        """The `value` of one batch."""
        return self.value(self.sums(outputs, targets, weights))


@spec
class CrossEntropy(Loss):
    """L = −Σ_k q_k log p_k with p = softmax(outputs) (Goodfellow et al. 2016, section 6.2.2).

    Shapes: outputs [batch, …, classes], unbounded; targets [batch, …], integer labels, or
    [batch, …, classes], distributions q. A label outside 0 … classes − 1 gives NaN. Smoothing s puts
    (1 − s) q + s / classes in place of q (Szegedy et al. 2016). Gradient: p − q.
    """

    expects: ClassVar[Expects] = "logits"
    targets: ClassVar[Targets] = "labels"

    _: KW_ONLY
    smoothing: Smoothing | None = None

    def per_target(self, outputs: jax.Array, targets: jax.Array) -> jax.Array:
        q = distribution("CrossEntropy", outputs, targets, self.smoothing)
        log_p = jax.nn.log_softmax(at_least_float32(outputs))
        return -jnp.sum(product(q, log_p), axis=-1)


@spec
class ProbabilityCrossEntropy(Loss):
    """L = −Σ_k q_k log p_k where the outputs are the probabilities p themselves, as a Softmax gives them.

    Shapes and smoothing as in `CrossEntropy`. Infinite where p is 0 for a class that has q > 0, as a
    saturated softmax makes it: `CrossEntropy`, from logits, has no such place.
    """

    expects: ClassVar[Expects] = "probabilities"
    targets: ClassVar[Targets] = "labels"

    _: KW_ONLY
    smoothing: Smoothing | None = None

    def per_target(self, outputs: jax.Array, targets: jax.Array) -> jax.Array:
        q = distribution("ProbabilityCrossEntropy", outputs, targets, self.smoothing)
        return cross_entropy(q, at_least_float32(outputs))


@spec
class KLDivergence(Loss):
    """L = KL(q ‖ p) = Σ_k q_k log(q_k / p_k) with p = softmax(outputs): cross-entropy less the entropy of q.

    Shapes as in `CrossEntropy`, whose gradient it shares; 0 exactly where p = q, and so the measure of
    how far from a teacher's distribution the outputs are.
    """

    expects: ClassVar[Expects] = "logits"
    targets: ClassVar[Targets] = "labels"

    def per_target(self, outputs: jax.Array, targets: jax.Array) -> jax.Array:
        q = distribution("KLDivergence", outputs, targets, None)
        log_p = jax.nn.log_softmax(at_least_float32(outputs))
        return jnp.sum(times_log(q, q) - product(q, log_p), axis=-1)


@spec
class BinaryCrossEntropy(Loss):
    """L = −y log p − (1 − y) log(1 − p) with p = sigmoid(outputs), for one logit or several yes-or-no labels.

    Shapes: outputs [batch, …] or [batch, …, 1], unbounded; targets [batch, …], labels 0 or 1 or
    probabilities y between; others give NaN. Smoothing s puts (1 − s) y + s / 2 in place of y.
    """

    expects: ClassVar[Expects] = "logits"
    targets: ClassVar[Targets] = "labels"

    _: KW_ONLY
    smoothing: Smoothing | None = None

    def per_target(self, outputs: jax.Array, targets: jax.Array) -> jax.Array:
        z, y = yes_or_no("BinaryCrossEntropy", outputs, targets, self.smoothing)
        return product(y, jax.nn.softplus(-z)) + product(1 - y, jax.nn.softplus(z))


@spec
class ProbabilityBinaryCrossEntropy(Loss):
    """L = −y log p − (1 − y) log(1 − p) where the outputs are the probabilities p, as a Sigmoid gives them.

    Shapes and smoothing as in `BinaryCrossEntropy`. Infinite where p is exactly 0 or 1 and wrong.
    """

    expects: ClassVar[Expects] = "probabilities"
    targets: ClassVar[Targets] = "labels"

    _: KW_ONLY
    smoothing: Smoothing | None = None

    def per_target(self, outputs: jax.Array, targets: jax.Array) -> jax.Array:
        p, y = yes_or_no("ProbabilityBinaryCrossEntropy", outputs, targets, self.smoothing)
        return -times_log(y, p) - times_log(1 - y, 1 - p)


@spec
class MeanSquaredError(Loss):
    """L = mean (output − target)². Shapes: outputs [batch, …] or [batch, …, 1], targets [batch, …]."""

    expects: ClassVar[Expects] = "values"
    targets: ClassVar[Targets] = "values"

    def per_target(self, outputs: jax.Array, targets: jax.Array) -> jax.Array:
        y, t = aligned("MeanSquaredError", outputs, targets)
        return jnp.square(y - t)


@spec
class MeanAbsoluteError(Loss):
    """L = mean |output − target|, with gradient 0 where they are equal. Shapes as in `MeanSquaredError`."""

    expects: ClassVar[Expects] = "values"
    targets: ClassVar[Targets] = "values"

    def per_target(self, outputs: jax.Array, targets: jax.Array) -> jax.Array:
        y, t = aligned("MeanAbsoluteError", outputs, targets)
        return (y - t) * jnp.sign(y - t)


@spec
class Huber(Loss):
    """L = mean of e² / 2 where |e| ≤ δ, else δ (|e| − δ / 2), with e = output − target (Huber 1964).

    Shapes as in `MeanSquaredError`.
    """

    expects: ClassVar[Expects] = "values"
    targets: ClassVar[Targets] = "values"

    delta: Annotated[Number, Field(ge=0)] = 1.0

    def per_target(self, outputs: jax.Array, targets: jax.Array) -> jax.Array:
        y, t = aligned("Huber", outputs, targets)
        e = jnp.abs(y - t)
        return jnp.where(e <= self.delta, jnp.square(e) / 2, self.delta * (e - self.delta / 2))


@spec
class Hinge(Loss):
    """L = max(0, margin + max_{j≠y} z_j − z_y): the true class should lead by the margin.

    Shapes: outputs z [batch, …, classes], unbounded; targets [batch, …], integer labels (Crammer & Singer
    2001). With one output an example, [batch] or [batch, 1], it is max(0, margin − s z), where s is 1 for
    label 1 and −1 for label 0 or −1 (Cortes & Vapnik 1995). Gradient 0 at the corner.
    """

    expects: ClassVar[Expects] = "logits"
    targets: ClassVar[Targets] = "labels"

    margin: Annotated[Number, Field(ge=0)] = 1.0

    def per_target(self, outputs: jax.Array, targets: jax.Array) -> jax.Array:
        if jnp.shape(outputs) in (jnp.shape(targets), (*jnp.shape(targets), 1)):
            z, y = aligned("Hinge", outputs, targets)
            return jax.nn.relu(self.margin - jnp.where(y > 0, z, -z))
        z, hot = at_least_float32(outputs), one_hot("Hinge", outputs, targets)
        rival = jnp.max(jnp.where(hot == 1, -jnp.inf, z), axis=-1)
        return jax.nn.relu(self.margin + rival - jnp.sum(product(hot, z), axis=-1))


def entropy(p: jax.Array) -> jax.Array:
    """H(p) = −Σ_k p_k log p_k in nats, over the last axis: [..., classes] → [...]."""
    return -jnp.sum(times_log(p, p), axis=-1)


def cross_entropy(p: jax.Array, q: jax.Array) -> jax.Array:
    """H(p, q) = −Σ_k p_k log q_k = H(p) + KL(p ‖ q) in nats, over the last axis."""
    return -jnp.sum(times_log(p, q), axis=-1)


def kl_divergence(p: jax.Array, q: jax.Array) -> jax.Array:
    """KL(p ‖ q) = Σ_k p_k log(p_k / q_k) in nats, over the last axis: ≥ 0, and 0 where p = q."""
    return jnp.sum(times_log(p, p) - times_log(p, q), axis=-1)
