"""Metrics: what is reported of a network's outputs, exact however the examples fall into batches."""

import math
from collections.abc import Mapping
from dataclasses import KW_ONLY
from typing import Annotated, Any, ClassVar

import jax
import jax.numpy as jnp
import numpy as np
from pydantic import Field

from headway.learning.losses import CrossEntropy, Targets
from headway.learning.targets import aligned, at_least_float32, one_hot, over_trailing_axes, product
from headway.spec.error import HeadwayError
from headway.spec.node import Number, Spec, spec

Sums = dict[str, jax.Array]


class Metric(Spec):
    """A number about a set of examples, made of sums: add the `sums` of its batches, then take `value`.

    `weights` [batch] count an example, or [batch, time] a place, in part or, at 0, not at all; None counts each as 1.
    """

    higher_is_better: ClassVar[bool] = True
    targets: ClassVar[Targets]

    @property
    def label(self) -> str:
        """Its name in tables and in the history."""
        raise NotImplementedError

    def sums(self, outputs: jax.Array, targets: jax.Array, weights: jax.Array | None = None) -> Sums:
        """What adds up over batches."""
        raise NotImplementedError

    def value(self, sums: Mapping[str, Any]) -> float:
        """The metric, from the sums over all batches."""
        raise NotImplementedError


@spec
class Accuracy(Metric):
    """The share of examples whose largest output is the label's; of equal outputs the first counts as largest.

    Shapes: outputs [batch, …, classes]; targets [batch, …], integer labels, or float distributions of the
    outputs' shape, whose largest entry is the label. One output an example, [batch] or [batch, 1], says yes
    above the threshold: 0 for a logit; set 0.5 for a probability. Several integer yes-or-no labels of the
    outputs' shape are judged one by one. Outputs that are NaN are wrong.
    """

    targets: ClassVar[Targets] = "labels"

    _: KW_ONLY
    threshold: Number = 0.0

    @property
    def label(self) -> str:
        return "accuracy"

    def sums(self, outputs: jax.Array, targets: jax.Array, weights: jax.Array | None = None) -> Sums:
        shape, labels = jnp.shape(outputs), jnp.asarray(targets)
        if labels.shape == shape and labels.ndim > 1 and shape[-1] > 1 and jnp.issubdtype(labels.dtype, jnp.floating):
            labels = jnp.argmax(labels, axis=-1)
        if shape in (labels.shape, (*labels.shape, 1)):
            z, y = aligned("Accuracy", outputs, labels)
            right = jnp.where(y > 0, z > self.threshold, z <= self.threshold)
        else:
            right = ahead_of_label("Accuracy", outputs, labels) < 1
        return share(right, weights)

    def value(self, sums: Mapping[str, Any]) -> float:
        return mean(sums)


@spec
class TopK(Metric):
    """The share of examples whose label is among the k largest outputs; of equal outputs the first counts more.

    Shapes: outputs [batch, …, classes], targets [batch, …], integer labels. Outputs that are NaN are wrong.
    """

    targets: ClassVar[Targets] = "labels"

    k: Annotated[int, Field(ge=1)] = 5

    @property
    def label(self) -> str:
        return f"top-{self.k}"

    def sums(self, outputs: jax.Array, targets: jax.Array, weights: jax.Array | None = None) -> Sums:
        ahead = ahead_of_label("TopK", outputs, targets)
        if self.k > (classes := jnp.shape(outputs)[-1]):
            raise HeadwayError("k", f"must be at most the {classes} classes", self.k)
        return share(ahead < self.k, weights)

    def value(self, sums: Mapping[str, Any]) -> float:
        return mean(sums)


@spec
class BitsPerByte(Metric):
    """−log2 p(label), the mean over places: with bytes for tokens, what the network makes of a byte of text.

    Shapes: outputs [batch, …, classes], logits; targets [batch, …], integer labels. It is the cross-entropy / ln 2: a
    uniform guess of 256 bytes has 8, and an arithmetic coder with this network comes to that many bits.
    """

    targets: ClassVar[Targets] = "labels"
    higher_is_better: ClassVar[bool] = False

    @property
    def label(self) -> str:
        return "bits per byte"

    def sums(self, outputs: jax.Array, targets: jax.Array, weights: jax.Array | None = None) -> Sums:
        return CrossEntropy().sums(outputs, targets, weights)._asdict()

    def value(self, sums: Mapping[str, Any]) -> float:
        return mean(sums, "loss") / math.log(2)


@spec
class Perplexity(Metric):
    """e^(cross-entropy): among how many equally likely labels the network in effect hesitates (Jelinek et al. 1977).

    Shapes: outputs [batch, …, classes], logits; targets [batch, …], integer labels.
    """

    targets: ClassVar[Targets] = "labels"
    higher_is_better: ClassVar[bool] = False

    @property
    def label(self) -> str:
        return "perplexity"

    def sums(self, outputs: jax.Array, targets: jax.Array, weights: jax.Array | None = None) -> Sums:
        return CrossEntropy().sums(outputs, targets, weights)._asdict()

    def value(self, sums: Mapping[str, Any]) -> float:
        return math.exp(mean(sums, "loss"))


@spec
class R2(Metric):
    """R² = 1 − Σ w (t − y)² / Σ w (t − t̄)²: the share of the targets' variance that the outputs explain.

    Shapes: outputs y [batch, …] or [batch, …, 1], targets t [batch, …]; the mean over several outputs.
    Σ (t − t̄)² comes from sums about `center`, which is exact in float32 while |t̄ − center| is not
    many times the spread of the targets (0 serves standardised ones); beyond 30 times it is an error.
    """

    targets: ClassVar[Targets] = "values"

    _: KW_ONLY
    center: Number = 0.0

    @property
    def label(self) -> str:
        return "R²"

    def sums(self, outputs: jax.Array, targets: jax.Array, weights: jax.Array | None = None) -> Sums:
        y, t = (part.reshape(len(part), -1) for part in aligned("R2", outputs, targets))
        w = jnp.ones_like(t) if weights is None else jnp.broadcast_to(weights[:, None], t.shape)
        d = t - self.center
        terms = {"weight": jnp.ones_like(t), "error": (t - y) ** 2, "deviation": d, "square": d**2}
        return {name: jnp.sum(w * term, axis=0) for name, term in terms.items()}

    def value(self, sums: Mapping[str, Any]) -> float:
        weight, error, deviation, square = (
            np.asarray(sums[name], np.float64) for name in ("weight", "error", "deviation", "square")
        )
        if not np.all(weight > 0):
            raise HeadwayError("R2", "needs examples to judge", "weight 0")
        variation = square - deviation**2 / weight
        # float32 sums are good to about 1e-6 of `square`; what is left of it must keep three digits
        if np.any(variation < 1e-3 * square) or np.any(square == 0):
            means = self.center + deviation / weight
            raise HeadwayError("R2.center", "must be near the mean of the targets, and these must vary",
                               f"center {self.center}, mean {means.mean():.6g}",
                               f"Set center={means.mean():.6g}, or leave out constant targets.")  # fmt: skip
        return float(np.mean(1 - error / variation))


def ahead_of_label(where: str, outputs: jax.Array, labels: jax.Array) -> jax.Array:
    """How many classes come before the label's in the order of the outputs: 0 where it is the largest.

    Of equal outputs the first comes first. NaN comes before everything, so that it is never right.
    """
    hot, z = one_hot(where, outputs, labels), at_least_float32(outputs)
    mine = jnp.sum(product(hot, z), axis=-1, keepdims=True)
    later = jnp.arange(z.shape[-1]) >= jnp.asarray(labels)[..., None]
    return jnp.sum(~((z < mine) | ((z == mine) & later)), axis=-1)


def share(right: jax.Array, weights: jax.Array | None) -> Sums:
    """The sums of a share: Σ w c and Σ w, where c is the part of what has one weight that is right."""
    part = over_trailing_axes(right.astype(jnp.float32), 1 if weights is None else max(1, jnp.ndim(weights)))
    weights = jnp.ones_like(part) if weights is None else weights
    return {"right": jnp.sum(weights * part), "weight": jnp.sum(weights)}


def mean(sums: Mapping[str, Any], name: str = "right") -> float:
    """Σ w c / Σ w."""
    if not sums["weight"] > 0:
        raise HeadwayError("metric", "needs examples to judge", "weight 0")
    return float(sums[name]) / float(sums["weight"])
