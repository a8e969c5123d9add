"""Augmentations of two examples, mixed with their targets, and a choice among several anew for every example."""

from dataclasses import KW_ONLY
from typing import Annotated, ClassVar

import jax
import jax.numpy as jnp
from pydantic import Field

from headway.data.augment import IMAGES, SEQUENCES, Augmentation, along
from headway.spec.error import HeadwayError
from headway.spec.node import Number, children, spec


@spec
class Mixup(Augmentation):
    """x' = λ x + (1 − λ) x₂, q' = λ q + (1 − λ) q₂, λ ~ Beta(alpha, alpha) (Zhang et al. 2018).

    q is a label's distribution, 1 at the label, or the amounts themselves. The partner (x₂, q₂) is the example before
    in the batch, for the first one the last: the order of an epoch is random, so the partner is too. λ is drawn for
    each example by its own key. A batch is mixed whole, before anything divides it; in a batch of one nothing mixes.
    The loss must take distributions: all but `Hinge` do.
    """

    mixes: ClassVar[bool] = True

    alpha: Annotated[Number, Field(gt=0)] = 0.2

    def apply_to_batch(self, x: jax.Array, y: jax.Array, keys: jax.Array) -> tuple[jax.Array, jax.Array]:
        weights = jax.vmap(lambda key: jax.random.beta(key, self.alpha, self.alpha, dtype=jnp.float32))(keys)
        return mixed(x, weights), mixed(y, weights)


@spec
class CutMix(Augmentation):
    """x' = x with a box of x₂ in its place, q' = λ q + (1 − λ) q₂, λ the share that is left of x (Yun et al. 2019).

    The box has the share 1 − λ₀ of x, λ₀ ~ Beta(alpha, alpha), and x's proportions; its centre is anywhere, and what
    would lie outside of x is cut off. Of a sequence it is a stretch. Partner, q and losses are as for `Mixup`.
    """

    takes: ClassVar[tuple[int, ...]] = (SEQUENCES, IMAGES)
    moves: ClassVar[bool] = True
    mixes: ClassVar[bool] = True

    alpha: Annotated[Number, Field(gt=0)] = 1.0

    def apply_to_batch(self, x: jax.Array, y: jax.Array, keys: jax.Array) -> tuple[jax.Array, jax.Array]:
        inside = jax.vmap(self.box)(x, keys)
        left = 1 - inside.mean(axis=range(1, x.ndim), dtype=jnp.float32)
        return jnp.where(inside, jnp.roll(x, 1, axis=0), x), mixed(y, left)

    def box(self, x: jax.Array, key: jax.Array) -> jax.Array:
        """Which places of an example are the partner's; like x but for one channel."""
        own, *keys = jax.random.split(key, x.ndim)
        share = 1 - jax.random.beta(own, self.alpha, self.alpha, dtype=jnp.float32)
        inside = jnp.ones((*x.shape[:-1], 1), bool)
        for axis, centre in enumerate(keys):
            n = x.shape[axis]
            side = jnp.floor(n * share ** (1 / (x.ndim - 1))).astype(jnp.int32)
            place = jnp.arange(n) - jax.random.randint(centre, (), 0, n) + side // 2
            inside &= along((place >= 0) & (place < side), axis, inside)
        return inside


@spec
class Pick(Augmentation):
    """Some of several augmentations, drawn anew for every example, one after the other (RandAugment, Cubuk 2020).

    Each of `draws` draws takes any of them with the same probability, so that one may come twice: two of
    `Pick((Shift(2), Rotate(15.0), Erase(4, rate=1.0)))`. All are computed and one is kept. None may mix examples.
    """

    among: Annotated[tuple[Augmentation, ...], Field(min_length=1)]
    _: KW_ONLY
    draws: Annotated[int, Field(ge=1)] = 2

    def __post_init__(self) -> None:
        for index, part in enumerate(self.among):
            if part.mixes or children(part):
                raise HeadwayError(f"among/{index}", "must alter an example by itself", part,
                                   "Write it beside Pick(…), not in it.")  # fmt: skip

    def apply(self, x: jax.Array, key: jax.Array) -> jax.Array:
        for own in jax.random.split(key, self.draws):
            choice, inner = jax.random.split(own)
            index = jax.random.randint(choice, (), 0, len(self.among))
            x = jax.lax.switch(index, [part.apply for part in self.among], x, inner)
        return x


def mixed(values: jax.Array, weights: jax.Array) -> jax.Array:
    """w v + (1 − w) v₂ for the values [batch, …] of each example and its partner, with a weight for each."""
    w = weights.reshape(-1, *[1] * (values.ndim - 1)).astype(values.dtype)
    return w * values + (1 - w) * jnp.roll(values, 1, axis=0)
