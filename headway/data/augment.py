"""Augmentation: training examples altered anew each time they are drawn, inside the compiled step."""

from collections import Counter
from dataclasses import KW_ONLY, dataclass
from typing import Annotated, ClassVar

import jax
import jax.numpy as jnp
from jax.scipy.ndimage import map_coordinates
from pydantic import Field

from headway.data.dataset import Dataset
from headway.learning.losses import Hinge, Loss
from headway.learning.targets import one_hot
from headway.network.context import salt
from headway.network.initialization import Shape
from headway.spec.error import HeadwayError
from headway.spec.node import Count, Number, Spec, spec, walk

Rate = Annotated[Number, Field(ge=0, le=1)]
Places = Annotated[Count, Field(ge=0)]
SEQUENCES, IMAGES = 2, 3
WORDS = {SEQUENCES: "sequences (length, channels)", IMAGES: "images (height, width, channels)"}


@dataclass(frozen=True, repr=False)
class Augmentation(Spec):
    """Alters a training example so that what is said of it stays true. A kind defines `apply`.

    What is drawn for an example is a function of its own key, so of (seed, epoch, place): the same in any batch, in
    any split into chunks, on any device.

    takes   the numbers of dimensions that an example may have, channels last; empty for any
    moves   whether what stood at one place stands at another afterwards
    mixes   whether it mixes targets too: labels then become distributions before the first augmentation
    """

    takes: ClassVar[tuple[int, ...]] = ()
    moves: ClassVar[bool] = False
    mixes: ClassVar[bool] = False

    def apply(self, x: jax.Array, key: jax.Array) -> jax.Array:
        """The altered example: x and the output have the shape of one example."""
        raise NotImplementedError

    def apply_to_batch(self, x: jax.Array, y: jax.Array, keys: jax.Array) -> tuple[jax.Array, jax.Array]:
        """Examples x [batch, …] and their targets y, altered, with a key for each."""
        return jax.vmap(self.apply)(x, keys), y

    def places(self) -> int:
        """How many places an example needs along each dimension but the channels."""
        return 1


@spec
class Flip(Augmentation):
    """Left and right exchanged with probability `rate`: images mirrored, sequences reversed."""

    takes: ClassVar[tuple[int, ...]] = (SEQUENCES, IMAGES)
    moves: ClassVar[bool] = True

    rate: Rate = 0.5

    def apply(self, x: jax.Array, key: jax.Array) -> jax.Array:
        return jnp.where(jax.random.uniform(key) < self.rate, jnp.flip(x, axis=-2), x)


@spec
class Shift(Augmentation):
    """y[p] = x[p − d], d uniform on −pixels … pixels along each dimension; `fill` where p − d is outside.

    The same as a random crop of the example padded by `pixels` on all sides. Inputs are scaled before: 0 is their mean.
    """

    takes: ClassVar[tuple[int, ...]] = (SEQUENCES, IMAGES)
    moves: ClassVar[bool] = True

    pixels: Places
    _: KW_ONLY
    fill: Number = 0.0

    def apply(self, x: jax.Array, key: jax.Array) -> jax.Array:
        for axis, d in enumerate(offsets(x, key, self.pixels)):
            n, source = x.shape[axis], jnp.arange(x.shape[axis]) - d
            inside = along((source >= 0) & (source < n), axis, x)
            x = jnp.where(inside, jnp.take(x, source, axis=axis, mode="clip"), filling(self.fill, x))
        return x

    def places(self) -> int:
        return self.pixels + 1


@spec
class Roll(Augmentation):
    """y[p] = x[p − d mod n], d uniform on −pixels … pixels along each dimension: what leaves comes back in."""

    takes: ClassVar[tuple[int, ...]] = (SEQUENCES, IMAGES)
    moves: ClassVar[bool] = True

    pixels: Places

    def apply(self, x: jax.Array, key: jax.Array) -> jax.Array:
        for axis, d in enumerate(offsets(x, key, self.pixels)):
            n = x.shape[axis]
            x = jnp.take(x, (jnp.arange(n) - d) % n, axis=axis, mode="clip")
        return x


@spec
class Rotate(Augmentation):
    """An image turned about its centre by an angle uniform on −degrees … degrees, bilinear; `fill` from outside."""

    takes: ClassVar[tuple[int, ...]] = (IMAGES,)
    moves: ClassVar[bool] = True

    degrees: Annotated[Number, Field(ge=0, le=180)]
    _: KW_ONLY
    fill: Number = 0.0

    def apply(self, x: jax.Array, key: jax.Array) -> jax.Array:
        angle = jnp.deg2rad(self.degrees * jax.random.uniform(key, minval=-1.0))
        return rotated(x, angle, filling(self.fill, x))


@spec
class Erase(Augmentation):
    """With probability `rate` a square of size × size places, anywhere inside, set to `fill`; in a sequence a stretch.

    Cutout (DeVries & Taylor 2017) and random erasing (Zhong et al. 2020), of one size and wholly inside, so that each
    time the same share is hidden.
    """

    takes: ClassVar[tuple[int, ...]] = (SEQUENCES, IMAGES)

    size: Places
    _: KW_ONLY
    rate: Rate = 0.5
    fill: Number = 0.0

    def apply(self, x: jax.Array, key: jax.Array) -> jax.Array:
        chance, *keys = jax.random.split(key, x.ndim)
        hidden = jax.random.uniform(chance) < self.rate
        for axis, own in enumerate(keys):
            n = x.shape[axis]
            place = jnp.arange(n) - jax.random.randint(own, (), 0, n - self.size + 1)
            hidden &= along((place >= 0) & (place < self.size), axis, x)
        return jnp.where(hidden, filling(self.fill, x), x)

    def places(self) -> int:
        return self.size


@spec
class Scale(Augmentation):
    """y = s x, s uniform on 1 − spread … 1 + spread: one factor an example, of any shape."""

    spread: Annotated[Number, Field(ge=0)]

    def apply(self, x: jax.Array, key: jax.Array) -> jax.Array:
        return (x * (1 + self.spread * jax.random.uniform(key, minval=-1.0))).astype(x.dtype)


@spec
class CorrelatedNoise(Augmentation):
    """y = x + scale e: at each place e ~ N(0, 1), at two places alike if they are nearer than about `width`.

    White noise smoothed by a Gaussian of standard deviation `width` along each dimension, every channel alone, as
    MNIST-1D's generator does, and brought back to variance 1. White noise itself is the layer `Noise`.
    """

    takes: ClassVar[tuple[int, ...]] = (SEQUENCES, IMAGES)

    scale: Annotated[Number, Field(ge=0)]
    _: KW_ONLY
    width: Annotated[Number, Field(gt=0)] = 2.0

    def apply(self, x: jax.Array, key: jax.Array) -> jax.Array:
        e = jax.random.normal(key, x.shape, jnp.float32)
        for axis in range(x.ndim - 1):
            place = jnp.arange(x.shape[axis], dtype=jnp.float32)
            w = jnp.exp(-jnp.square((place[:, None] - place) / self.width) / 2)
            w /= jnp.sqrt(jnp.sum(jnp.square(w), axis=1, keepdims=True))
            e = jnp.moveaxis(jnp.tensordot(w, e, (1, axis), precision="highest"), 0, axis)
        return x + (self.scale * e).astype(x.dtype)


def augmented(
    augment: tuple[Augmentation, ...], x: jax.Array, y: jax.Array, keys: jax.Array, outputs: Shape
) -> tuple[jax.Array, jax.Array]:
    """A batch x [batch, …] with targets y after all augmentations in order, for a network that makes `outputs`.

    Each draws from keys of its own, made of the examples' and its place among those of its kind.
    """
    if any(augmentation.mixes for augmentation in augment):
        y = distributions(y, outputs)
    seen: Counter[str] = Counter()
    for augmentation in augment:
        own = salt(f"augment/{augmentation.kind}#{seen[augmentation.kind]}")
        seen[augmentation.kind] += 1
        x, y = augmentation.apply_to_batch(x, y, jax.vmap(lambda key, own=own: jax.random.fold_in(key, own))(keys))
    return x, y


def expect_augmentable(augment: tuple[Augmentation, ...], data: Dataset, loss: Loss) -> None:
    """Refuse an augmentation that does not suit the examples or the loss."""
    for index, augmentation in enumerate(augment):
        for address, part in walk(augmentation, f"augment/{index}"):
            if isinstance(part, Augmentation):
                try:
                    _expect(part, data, loss)
                except HeadwayError as error:
                    raise error.under(address) from None


def _expect(augmentation: Augmentation, data: Dataset, loss: Loss) -> None:
    name, inputs, tokens = type(augmentation).__name__, data.input_shape, data.schema.tokens
    if tokens is not None:
        raise HeadwayError("", f"{name} alters amounts", f"token ids 0 to {tokens - 1}", "Take it out.")
    if augmentation.takes and len(inputs) not in augmentation.takes:
        wanted = " or ".join(WORDS[dimensions] for dimensions in augmentation.takes)
        raise HeadwayError("", f"{name} takes {wanted}", f"shape {inputs}",
                           "Give the data in this shape, or take it out.")  # fmt: skip
    if augmentation.takes and min(inputs[:-1]) < augmentation.places():
        raise HeadwayError("", f"{augmentation} needs {augmentation.places()} places in each dimension",
                           f"shape {inputs}", "Set a smaller number.")  # fmt: skip
    if augmentation.moves and data.classes is not None and data.train.y.ndim > 1:
        raise HeadwayError("", f"{name} moves inputs from place to place", "labels at every place, which would stay",
                           "Take it out.")  # fmt: skip
    if augmentation.mixes and isinstance(loss, Hinge):
        raise HeadwayError("", f"{name} makes distributions of labels", f"{loss}, which takes none",
                           "Set loss=CrossEntropy().")  # fmt: skip
    if augmentation.mixes and data.train.weights is not None:
        raise HeadwayError("", f"{name} mixes examples that count alike", "examples with weights", "Take it out.")


def distributions(y: jax.Array, outputs: Shape) -> jax.Array:
    """Labels as distributions over the outputs, or over yes and no where there is one output; amounts as they are."""
    if not jnp.issubdtype(y.dtype, jnp.integer):
        return y
    if outputs[-1] == 1:
        return y.astype(jnp.float32)
    return one_hot("augment", jnp.zeros((len(y), *outputs)), y)


def rotated(x: jax.Array, angle: jax.Array | float, fill: jax.Array | float = 0.0) -> jax.Array:
    """The image x [height, width, channels] turned by `angle` radians about its centre, as `np.rot90` turns."""
    centre = [(n - 1) / 2 for n in x.shape[:2]]
    i, j = (jnp.arange(n) - c for n, c in zip(x.shape[:2], centre, strict=True))
    i, j, cos, sin = i[:, None], j[None, :], jnp.cos(angle), jnp.sin(angle)
    source = [cos * i + sin * j + centre[0], -sin * i + cos * j + centre[1]]

    def turned(plane: jax.Array) -> jax.Array:
        # JAX takes no traced cval: the image is moved so that what lies outside is 0.
        return map_coordinates(plane - fill, source, order=1, mode="constant") + fill

    return jax.vmap(turned, in_axes=-1, out_axes=-1)(x)


def offsets(x: jax.Array, key: jax.Array, most: int) -> jax.Array:
    """A whole number for each dimension of x but the channels, uniform on −most … most."""
    return jax.random.randint(key, (x.ndim - 1,), -most, most + 1)


def along(values: jax.Array, axis: int, x: jax.Array) -> jax.Array:
    """A number for each place along one axis of x, shaped to broadcast against x."""
    return jnp.expand_dims(values, [other for other in range(x.ndim) if other != axis])


def filling(value: Number, x: jax.Array) -> jax.Array:
    """What stands where there is no example, in the dtype of x."""
    return jnp.asarray(value, x.dtype)
