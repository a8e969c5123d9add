"""Points made by a formula: blobs, circles, moons, spirals, XOR, and amounts, to see what a network can bend to."""

from dataclasses import KW_ONLY
from typing import Annotated

import numpy as np
from pydantic import Field

from headway.data.dataset import Seed, Source, Table
from headway.data.schema import Array
from headway.spec.node import spec

Size = Annotated[int, Field(ge=4)]
Classes = Annotated[int, Field(ge=2)]
Noise = Annotated[float, Field(ge=0)]
PLANE = ("x1", "x2")


@spec
class Blobs(Source):
    """x ~ N(center_y, spread²), the centers uniform in [-5, 5]^features: classes that a line may part."""

    examples: Size = 500
    _: KW_ONLY
    classes: Classes = 3
    features: Annotated[int, Field(ge=1)] = 2
    spread: Noise = 1.0
    seed: Seed = 0

    def load(self) -> Table:
        rng = np.random.default_rng(self.seed)
        y = np.arange(self.examples) % self.classes
        centers = rng.uniform(-5, 5, (self.classes, self.features))
        x = centers[y] + self.spread * rng.standard_normal((self.examples, self.features))
        return Table(
            x, y, classes=numbered(self.classes), feature_names=tuple(f"x{i + 1}" for i in range(self.features))
        )


@spec
class Circles(Source):
    """A circle of radius 1 (class 0) around one of radius `inner` (class 1), with noise N(0, noise²)."""

    examples: Size = 500
    _: KW_ONLY
    inner: Annotated[float, Field(gt=0, lt=1)] = 0.5
    noise: Noise = 0.1
    seed: Seed = 0

    def load(self) -> Table:
        rng = np.random.default_rng(self.seed)
        y = np.arange(self.examples) % 2
        radius, angle = np.where(y == 0, 1.0, self.inner), rng.uniform(0, 2 * np.pi, self.examples)
        return _plane(_polar(radius, angle), y, 2, self.noise, rng)


@spec
class Moons(Source):
    """Two half circles that reach into one another: (cos t, sin t) and (1 - cos t, 1/2 - sin t), t in [0, π]."""

    examples: Size = 500
    _: KW_ONLY
    noise: Noise = 0.1
    seed: Seed = 0

    def load(self) -> Table:
        rng = np.random.default_rng(self.seed)
        y = np.arange(self.examples) % 2
        t = rng.uniform(0, np.pi, self.examples)
        upper, lower = _polar(1.0, t), np.stack([1 - np.cos(t), 0.5 - np.sin(t)], axis=1)
        return _plane(np.where(y[:, None] == 0, upper, lower), y, 2, self.noise, rng)


@spec
class Spirals(Source):
    """Arms that wind around one another: radius r in [0, 1], angle 2π (turns · r + y / classes)."""

    examples: Size = 500
    _: KW_ONLY
    classes: Classes = 2
    turns: Annotated[float, Field(gt=0)] = 1.5
    noise: Noise = 0.02
    seed: Seed = 0

    def load(self) -> Table:
        rng = np.random.default_rng(self.seed)
        y = np.arange(self.examples) % self.classes
        r = np.sqrt(rng.uniform(0, 1, self.examples))  # the root spreads the points evenly along the arms
        angle = 2 * np.pi * (self.turns * r + y / self.classes)
        return _plane(_polar(r, angle), y, self.classes, self.noise, rng)


@spec
class XOR(Source):
    """Points of the square [-1, 1]², class 1 where the signs of x1 and x2 differ; the noise comes after the label.

    What a perceptron cannot do, and one hidden layer can (Minsky & Papert 1969).
    """

    examples: Size = 500
    _: KW_ONLY
    noise: Noise = 0.05
    seed: Seed = 0

    def load(self) -> Table:
        rng = np.random.default_rng(self.seed)
        quadrant = np.arange(self.examples) % 4
        signs = np.stack([1 - 2 * (quadrant % 2), 1 - 2 * (quadrant // 2)], axis=1)
        x = signs * rng.uniform(0, 1, (self.examples, 2))
        return _plane(x, (signs[:, 0] != signs[:, 1]).astype(int), 2, self.noise, rng)


@spec
class Friedman(Source):
    """y = 10 sin(π x1 x2) + 20 (x3 − 1/2)² + 10 x4 + 5 x5 + N(0, noise²), x uniform in [0, 1]^features (Friedman 1991).

    Features from the sixth on say nothing.
    """

    examples: Size = 500
    _: KW_ONLY
    features: Annotated[int, Field(ge=5)] = 10
    noise: Noise = 1.0
    seed: Seed = 0

    def load(self) -> Table:
        rng = np.random.default_rng(self.seed)
        x = rng.uniform(0, 1, (self.examples, self.features))
        y = 10 * np.sin(np.pi * x[:, 0] * x[:, 1]) + 20 * (x[:, 2] - 0.5) ** 2 + 10 * x[:, 3] + 5 * x[:, 4]
        names = tuple(f"x{i + 1}" for i in range(self.features))
        return Table(x, y + self.noise * rng.standard_normal(self.examples), feature_names=names)


def _plane(x: Array, y: Array, classes: int, noise: float, rng: np.random.Generator) -> Table:
    """Points x [n, 2] with noise N(0, noise²) on both coordinates."""
    return Table(x + noise * rng.standard_normal(x.shape), y, classes=numbered(classes), feature_names=PLANE)


def _polar(radius: Array | float, angle: Array) -> Array:
    """The points [n, 2] at these radii and angles."""
    return np.stack([radius * np.cos(angle), radius * np.sin(angle)], axis=1)


def numbered(classes: int) -> tuple[str, ...]:
    """The names of classes that are numbers: `("0", "1", …)`."""
    return tuple(str(i) for i in range(classes))
