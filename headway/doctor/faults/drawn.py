"""Examples that are drawn: by scikit-learn, waves, figures in noisy images, cells, chains of tokens, and sorting."""

from dataclasses import KW_ONLY, replace
from typing import Annotated, Literal

import numpy as np
from pydantic import Field

from headway.data.dataset import Seed, Source, Table
from headway.data.schema import Array
from headway.data.sequences import CopyTask
from headway.data.synthetic import numbered
from headway.learning.optimizers.foreign import Settings, expect_arguments
from headway.spec.node import spec

Size = Annotated[int, Field(ge=4)]
Noise = Annotated[float, Field(ge=0)]
Maker = Literal["classification", "friedman2", "friedman3", "gaussian_quantiles", "hastie_10_2", "swiss_roll"]
AMOUNTS = ("friedman2", "friedman3", "swiss_roll")
WAVES = ("sine", "square", "saw", "triangle", "chirp", "pulse")
FIGURES = ("bar", "cross", "disc", "ring")


@spec
class Drawn(Source):
    """What scikit-learn's `make_` of this name draws: `Drawn("classification", settings=(("n_classes", 6),))`.

    settings   its other arguments, name and value
    Targets that are −1 and 1 are the labels 0 and 1. `AMOUNTS` give amounts.
    """

    maker: Maker
    _: KW_ONLY
    examples: Size = 500
    settings: Settings = ()
    seed: Seed = 0

    def load(self) -> Table:
        import sklearn.datasets

        make = getattr(sklearn.datasets, f"make_{self.maker}")
        expect_arguments(make, self.settings, ("n_samples", "random_state"))
        x, y = make(n_samples=self.examples, random_state=self.seed, **dict(self.settings))
        names = tuple(f"x{i + 1}" for i in range(x.shape[1]))
        if self.maker in AMOUNTS:
            return Table(x, y, feature_names=names)
        y = np.unique(y, return_inverse=True)[1]
        return Table(x, y, classes=numbered(int(y.max()) + 1), feature_names=names)


@spec
class Waves(Source):
    """One of six shapes at each of `time` places, [time, 1]: height · shape + level + N(0, noise²).

    1.5 to 4 periods, at any phase; the height is from 0.5 to 2, the level from −1 to 1, so that no place says much by
    itself. With the phase p in [0, 1): sin 2πp, its sign, 2p − 1, 4|p − 1/2| − 1; sin of a phase that goes four times
    as fast at the end as at first; and 1 where p < 1/5, else −1/4.
    """

    examples: Size = 1500
    _: KW_ONLY
    time: Annotated[int, Field(ge=8)] = 40
    noise: Noise = 0.1
    seed: Seed = 0

    def load(self) -> Table:
        rng = np.random.default_rng(self.seed)
        y = np.arange(self.examples) % len(WAVES)
        t = np.linspace(0, 1, self.time)
        spans = ((1.5, 4.0), (0.0, 1.0), (0.5, 2.0), (-1.0, 1.0))
        periods, start, height, level = (rng.uniform(*span, (self.examples, 1)) for span in spans)
        p = (start + periods * t) % 1
        faster = np.sin(2 * np.pi * (start + periods * (t + 1.5 * t**2) / 2))
        shapes = (np.sin(2 * np.pi * p), np.where(p < 0.5, 1.0, -1.0), 2 * p - 1, 4 * np.abs(p - 0.5) - 1, faster,
                  np.where(p < 0.2, 1.0, -0.25))  # fmt: skip
        x = height * np.stack(shapes)[y, np.arange(self.examples)] + level
        x = x + self.noise * rng.standard_normal(x.shape)
        return Table(x[..., None], y, classes=WAVES)


@spec
class Figures(Source):
    """A bar, a cross, a disc or a ring of radius 2 to 3.5 anywhere in an image [size, size, 1], brightness 1, in noise.

    A bar, lying or standing, and a cross are what is within half a pixel of their axes; a ring is within 0.8 of its
    radius.
    """

    examples: Size = 1200
    _: KW_ONLY
    size: Annotated[int, Field(ge=8)] = 12
    noise: Noise = 0.3
    seed: Seed = 0

    def load(self) -> Table:
        rng = np.random.default_rng(self.seed)
        n = self.examples
        y = np.arange(n) % len(FIGURES)
        radius = rng.uniform(2, 3.5, (n, 1, 1))
        middle = rng.uniform(radius, self.size - 1 - radius, (2, n, 1, 1))
        down, across = (np.abs(np.arange(self.size).reshape(form) - c)
                        for form, c in zip(((1, -1, 1), (1, 1, -1)), middle, strict=True))  # fmt: skip
        far = np.hypot(down, across)
        lying, standing = (down <= 0.5) & (across <= radius), (across <= 0.5) & (down <= radius)
        bar = np.where(rng.random((n, 1, 1)) < 0.5, lying, standing)
        shapes = np.stack([bar, lying | standing, far <= radius, np.abs(far - radius) < 0.8])
        x = shapes[y, np.arange(n)] + self.noise * rng.standard_normal((n, self.size, self.size))
        return Table(x[..., None], y, classes=FIGURES)


@spec
class Cells(Source):
    """Points uniform in [0, 1]^features; the class is the sum of the numbers of their cells, modulo the classes.

    Every axis is cut into so many `cells`, numbered from 0. With two classes the plane is a chessboard; with two cells
    an axis the class is a parity, of which all columns but one say nothing.
    """

    examples: Size = 1200
    _: KW_ONLY
    features: Annotated[int, Field(ge=1)] = 2
    cells: Annotated[int, Field(ge=2)] = 3
    classes: Annotated[int, Field(ge=2)] = 2
    seed: Seed = 0

    def load(self) -> Table:
        rng = np.random.default_rng(self.seed)
        x = rng.uniform(0, 1, (self.examples, self.features))
        y = (x * self.cells).astype(int).sum(axis=1) % self.classes
        names = tuple(f"x{i + 1}" for i in range(self.features))
        return Table(x, y, classes=numbered(self.classes), feature_names=names)


@spec
class Sorting(Source):
    """s_1 … s_L, a delimiter, and s in ascending order: tokens to be put in order, the next one as the target.

    Tokens, places that count and strings are those of `CopyTask`: all strings are different.
    """

    length: Annotated[int, Field(ge=2)] = 5
    _: KW_ONLY
    symbols: Annotated[int, Field(ge=2)] = 8
    examples: Size = 1000
    seed: Seed = 0

    def load(self) -> Table:
        table = CopyTask(self.length, symbols=self.symbols, examples=self.examples, seed=self.seed).load()
        ordered = np.sort(np.asarray(table.y)[:, self.length :], axis=1)
        x, y = np.array(table.x), np.array(table.y)
        x[:, self.length + 1 :], y[:, self.length :] = ordered[:, :-1], ordered
        return replace(table, x=x, y=y)


@spec
class Chains(Source):
    """Tokens [time], each drawn given the two before it, and the next one as the target at every place.

    For every pair of the `symbols` the chances of what follows are drawn from a Dirichlet distribution of this
    `concentration`: the smaller it is, the more certain is what follows.
    """

    examples: Size = 600
    _: KW_ONLY
    time: Annotated[int, Field(ge=4)] = 20
    symbols: Annotated[int, Field(ge=2)] = 6
    concentration: Annotated[float, Field(gt=0)] = 0.1
    seed: Seed = 0

    def load(self) -> Table:
        rng = np.random.default_rng(self.seed)
        chances = rng.dirichlet(np.full(self.symbols, self.concentration), (self.symbols, self.symbols))
        tokens = np.zeros((self.examples, self.time + 1), int)
        tokens[:, :2] = rng.integers(0, self.symbols, (self.examples, 2))
        for place in range(2, self.time + 1):
            below = chances.cumsum(axis=2)[tokens[:, place - 2], tokens[:, place - 1]]
            tokens[:, place] = _first(below > rng.random((self.examples, 1)), self.symbols)
        return Table(tokens[:, :-1], tokens[:, 1:], classes=numbered(self.symbols), tokens=self.symbols)


def _first(true: Array, most: int) -> Array:
    """The place of the first that is true in every row, the last where rounding leaves none."""
    return np.where(true.any(axis=1), true.argmax(axis=1), most - 1)
