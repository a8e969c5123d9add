"""Recipes that learn well within seconds, of many kinds: faults are put into them, and healthy ones made of them."""

from dataclasses import dataclass, replace

from headway.data.bundled import MNIST1D, BreastCancer, Diabetes, Digits, Iris, Wine
from headway.data.dataset import Data, Source
from headway.data.sequences import CopyTask
from headway.data.synthetic import XOR, Blobs, Circles, Friedman, Moons, Spirals
from headway.doctor.faults.drawn import Cells, Chains, Drawn, Figures, Sorting, Waves
from headway.doctor.faults.sets import SetName
from headway.doctor.faults.sources import RescaledTargets
from headway.doctor.faults.targets import Grouped, OtherTarget
from headway.learning.losses import BinaryCrossEntropy, CrossEntropy, Loss, MeanSquaredError
from headway.learning.optimizers.adaptive import Adam, AdamW, Lion, RMSProp
from headway.learning.optimizers.optimizer import Optimizer
from headway.learning.optimizers.sgd import SGD
from headway.learning.schedules.compose import Warmup
from headway.learning.schedules.decay import Cosine
from headway.learning.schedules.schedule import Fraction
from headway.models.convnet import pooled_convnet
from headway.models.mlp import mlp
from headway.models.transformer import language_model, transformer_block
from headway.network.activations import ELU, GELU, LeakyReLU, ReLU, SiLU, Softplus, Tanh
from headway.network.compose import Repeat, Sequential
from headway.network.convolution import AveragePool, Conv, Flatten, GlobalAveragePool, MaxPool
from headway.network.dense import Dense
from headway.network.embedding import Embedding, SinusoidalPositions
from headway.network.layer import Layer
from headway.network.normalization import BatchNorm, GroupNorm, LayerNorm, RMSNorm
from headway.network.recurrent import GRU, Last
from headway.network.residual import Residual
from headway.training.recipe import Evaluation, Recipe


@dataclass(frozen=True)
class Base:
    """A healthy recipe by id, the set it belongs to (of `SETS`), and its seeds: the first is its own."""

    id: str
    set: str
    recipe: Recipe
    seeds: tuple[int, ...]


EVALUATIONS = 20
"""How often a run is judged."""


def _recipe(network: Layer, source: Source, loss: Loss, optimizer: Optimizer, batch_size: int, updates: int) -> Recipe:
    data = Data(source, validation=0.3, test=None)
    every = Evaluation(max(1, updates // EVALUATIONS))
    return Recipe(network, data=data, loss=loss, optimizer=optimizer, batch_size=batch_size, length=updates,
                  evaluation=every)  # fmt: skip


def residual_mlp(width: int, blocks: int, outputs: int, norm: Layer) -> Sequential:
    """A dense layer, blocks x + Dense(ReLU(Dense(norm(x)))), and a readout behind one more norm."""
    body = Sequential((norm, Dense(width), ReLU(), Dense(width)))
    return Sequential((Flatten(), Dense(width), Repeat(Residual(body), times=blocks), norm, Dense(outputs)))


def normalized_mlp(widths: tuple[int, ...], outputs: int) -> Sequential:
    """Dense, BatchNorm, ReLU for each of the widths, and a readout."""
    hidden = [part for width in widths for part in (Dense(width, bias=False), BatchNorm(), ReLU())]
    return Sequential((Flatten(), *hidden, Dense(outputs)))


CLASSES, YES, AMOUNT = CrossEntropy(), BinaryCrossEntropy(), MeanSquaredError()
PATCHES = Sequential((Conv(32, kernel=5, stride=4, padding=0), SinusoidalPositions(),
                      transformer_block(2, 64), LayerNorm(), GlobalAveragePool(), Dense(10)))  # fmt: skip
RECURRENT = Sequential((Conv(16, kernel=5, stride=4, padding=0), ReLU(), GRU(32), Last(), Dense(10)))
FRIEDMAN = RescaledTargets(Friedman(800, noise=0.5), factor=0.2, shift=-2.9)
"""About mean 0 and spread 1."""
DIABETES = RescaledTargets(Diabetes(), factor=0.013, shift=-1.98)
"""About mean 0 and spread 1."""
QUANTILES = Drawn("gaussian_quantiles", examples=1600, settings=(("n_classes", 4), ("n_features", 3)))
GROUPS = (("n_redundant", 0), ("n_clusters_per_class", 1), ("class_sep", 2.0))
SIX_GROUPS = Drawn("classification", examples=1600, settings=(
    *GROUPS, ("n_classes", 6), ("n_features", 12), ("n_informative", 8), ("flip_y", 0.0)))  # fmt: skip
EIGHT_GROUPS = Drawn("classification", examples=1200, seed=1, settings=(
    *GROUPS, ("n_classes", 8), ("n_features", 10), ("n_informative", 8), ("scale", None), ("shift", None)))  # fmt: skip
"""Columns in units of their own, 1 to 100, and not around 0."""
FRIEDMAN2 = RescaledTargets(Drawn("friedman2", examples=600, settings=(("noise", 20.0),)), factor=1 / 380, shift=-1.25)
"""About mean 0 and spread 1."""
RADIUS = RescaledTargets(
    OtherTarget(BreastCancer(), column="mean radius", without=tuple(
        f"{kind} {size}" for kind in ("mean", "worst") for size in ("radius", "perimeter", "area")
        if (kind, size) != ("mean", "radius"))), factor=0.284, shift=-4.01)  # fmt: skip
"""The size of a tumour, without what says the same: about mean 0 and spread 1."""
ROLL = RescaledTargets(Drawn("swiss_roll", examples=1200, settings=(("noise", 0.2),)), factor=0.367, shift=-3.46)
"""How far along the roll a point lies. About mean 0 and spread 1."""
EVEN = Grouped(Digits(shape="image"), groups=((1, 3, 5, 7, 9), (0, 2, 4, 6, 8)))
THIRDS = Grouped(Digits(), groups=((0, 3, 6, 9), (1, 4, 7), (2, 5, 8)))
NEEDLES = Drawn("classification", examples=2400, seed=2, settings=(
    ("n_classes", 3), ("n_features", 40), ("n_informative", 6), ("n_redundant", 0), ("class_sep", 2.5),
    ("flip_y", 0.0)))  # fmt: skip
"""Six columns that say something among forty."""
TUNING = {
    "digits-mlp": _recipe(mlp((64, 64), 10), Digits(), CLASSES, AdamW(3e-3), 64, 240),
    "digits-cnn": _recipe(pooled_convnet((8, 16), 10), Digits(shape="image"), CLASSES, Adam(5e-3), 64, 160),
    "digits-residual": _recipe(residual_mlp(32, 8, 10, LayerNorm()), Digits(), CLASSES, AdamW(Cosine(3e-3)), 64, 200),
    "wine-mlp": _recipe(mlp((16,), 3), Wine(), CLASSES, SGD(0.1, momentum=0.9), 16, 120),
    "cancer-logit": _recipe(mlp((16, 16), 1), BreastCancer(), YES, Adam(3e-3), 32, 160),
    "friedman-mlp": _recipe(mlp((64, 64), 1), FRIEDMAN, AMOUNT, Adam(5e-3), 64, 300),
    "copy-transformer": _recipe(
        language_model(7, width=32, heads=2, blocks=1), CopyTask(4, symbols=6, examples=1000), CLASSES,
        AdamW(Warmup(Fraction(0.1), then=Cosine(1e-2))), 64, 240,
    ),
    "spirals-tanh": _recipe(mlp((32, 32), 2, activation=Tanh()), Spirals(800, turns=1.0), CLASSES, Adam(1e-2), 64, 400),
}  # fmt: skip
EARLIER = {
    "mnist1d-conv": _recipe(
        Sequential((Conv(16, kernel=5, stride=2, padding=1), GELU(), Conv(24, stride=2, padding=1), GELU(), Flatten(),
                    Dense(10))), MNIST1D(3000), CLASSES, AdamW(Cosine(1e-2)), 100, 300,
    ),
    "mnist1d-gru": _recipe(RECURRENT, MNIST1D(3000), CLASSES, Adam(1e-2), 100, 300),
    "mnist1d-transformer": _recipe(PATCHES, MNIST1D(3000), CLASSES, AdamW(Warmup(Fraction(0.1), then=Cosine(1e-2))),
                                   100, 300),
    "iris-tanh": _recipe(mlp((12,), 3, activation=Tanh()), Iris(), CLASSES, SGD(0.1, momentum=0.9), 15, 150),
    "diabetes-mlp": _recipe(mlp((16,), 1), DIABETES, AMOUNT, RMSProp(5e-3), 32, 150),
    "moons-logit": _recipe(mlp((32, 32), 1), Moons(600), YES, Adam(5e-3), 50, 240),
    "blobs-mlp": _recipe(mlp((48, 24), 4), Blobs(700, classes=4, features=10, spread=3.0, seed=3), CLASSES, Adam(5e-3),
                         50, 200),
    "blobs-batchnorm": _recipe(normalized_mlp((32,) * 4, 6), Blobs(900, classes=6, features=8, spread=2.0), CLASSES,
                               SGD(0.05, momentum=0.9), 60, 150),
    "blobs-residual": _recipe(
        residual_mlp(24, 10, 5, LayerNorm()), Blobs(800, classes=5, features=12, spread=2.5, seed=7), CLASSES,
        AdamW(Cosine(2e-3)), 50, 100,
    ),
}  # fmt: skip
SECOND = {
    "xor-silu": _recipe(mlp((24, 24), 2, activation=SiLU()), XOR(800, noise=0.02), CLASSES, SGD(0.05, momentum=0.9),
                        40, 300),
    "circles-logit": _recipe(mlp((32, 32), 1, activation=GELU()), Circles(600), YES, Adam(5e-3), 50, 200),
    "quantiles-mlp": _recipe(mlp((64, 32), 4), QUANTILES, CLASSES, AdamW(5e-3), 50, 300),
    "groups-batchnorm": _recipe(normalized_mlp((40,) * 3, 6), SIX_GROUPS, CLASSES, SGD(0.05, momentum=0.9), 50, 150),
    "groups-residual": _recipe(residual_mlp(32, 6, 8, RMSNorm()), EIGHT_GROUPS, CLASSES, AdamW(Cosine(3e-3)), 60, 120),
    "hastie-logit": _recipe(mlp((96,), 1, activation=ELU()), Drawn("hastie_10_2", examples=4000), YES, RMSProp(5e-3),
                            80, 400),
    "friedman2-gelu": _recipe(mlp((48, 32), 1, activation=GELU()), FRIEDMAN2, AMOUNT, RMSProp(3e-3), 40, 200),
    "figures-conv": _recipe(
        Sequential((Conv(12), ReLU(), MaxPool(2), Conv(20), ReLU(), AveragePool(2), Flatten(), Dense(4))),
        Figures(1600, noise=0.2), CLASSES, Adam(5e-3), 60, 200,
    ),
    "waves-conv": _recipe(
        Sequential((Conv(16, kernel=5, stride=2), ReLU(), Conv(24, stride=2), ReLU(), Flatten(), Dense(6))),
        Waves(3000), CLASSES, AdamW(5e-3), 100, 300,
    ),
    "waves-gru": _recipe(Sequential((Conv(12, kernel=4, stride=4, padding=0), Tanh(), GRU(28), Last(), Dense(6))),
                         Waves(3000, seed=1), CLASSES, Adam(Cosine(2e-2)), 60, 300),
    "chains-transformer": _recipe(
        language_model(5, width=24, heads=2, blocks=1), Chains(600, time=16, symbols=5, concentration=0.05), CLASSES,
        AdamW(Warmup(Fraction(0.1), then=Cosine(1e-2))), 40, 240,
    ),
}  # fmt: skip
REPORTING = {
    "radius-tanh": _recipe(mlp((32,), 1, activation=Tanh()), RADIUS, AMOUNT, Adam(5e-3), 30, 200),
    "roll-softplus": _recipe(mlp((48, 32), 1, activation=Softplus()), ROLL, AMOUNT, AdamW(4e-3), 50, 400),
    "even-residual": _recipe(
        Sequential((Conv(12), ReLU(), MaxPool(2), Residual(Sequential((GroupNorm(4), ReLU(), Conv(12)))), Flatten(),
                    Dense(1))), EVEN, YES, Adam(5e-3), 50, 200,
    ),
    "thirds-batchnorm": _recipe(normalized_mlp((48, 32), 3), THIRDS, CLASSES, SGD(0.03, momentum=0.9, nesterov=True),
                                48, 200),
    "needles-leaky": _recipe(mlp((64, 32), 3, activation=LeakyReLU()), NEEDLES, CLASSES, AdamW(3e-3), 50, 300),
    "chessboard-logit": _recipe(mlp((72, 56), 1), Cells(2400, cells=3), YES, Lion(Cosine(4e-3)), 60, 500),
    "parity-elu": _recipe(mlp((32, 24), 2, activation=ELU()), Cells(2400, features=3, cells=2, seed=1), CLASSES,
                          SGD(Cosine(0.15), momentum=0.9), 50, 500),
    "stripes-mlp": _recipe(mlp((64, 48), 3), Cells(2400, cells=3, classes=3, seed=2), CLASSES, Adam(5e-3), 50, 500),
    "signals-residual": _recipe(
        Sequential((Conv(16, kernel=5, stride=2), ReLU(), Residual(Sequential((GroupNorm(4), Conv(16), SiLU()))),
                    Conv(32, stride=2), ReLU(), Flatten(), Dense(10))),
        MNIST1D(5000, seed=7), CLASSES, AdamW(Cosine(1e-2)), 100, 400,
    ),
    "sorting-gru": _recipe(Sequential((Embedding(6, width=24), GRU(48), Dense(6))),
                           Sorting(5, symbols=5, examples=1500, seed=1), CLASSES, Adam(Cosine(2e-2)), 60, 300),
    "sorting-transformer": _recipe(
        language_model(8, width=36, heads=3, blocks=1), Sorting(5, symbols=7, examples=1400), CLASSES,
        AdamW(Warmup(Fraction(0.1), then=Cosine(1e-2))), 50, 240,
    ),
}  # fmt: skip
SETS: dict[SetName, tuple[dict[str, Recipe], int]] = {
    "tuning": (TUNING, 0), "earlier": (EARLIER, 100), "second": (SECOND, 200), "reporting": (REPORTING, 300),
}  # fmt: skip
"""Set → its recipes and the first of their seeds. Rules are never tuned on the last."""


def bases(set: str | None = None) -> tuple[Base, ...]:
    """All bases, or those of a set: no two sets share data with their targets, networks or seeds."""
    return tuple(
        Base(id, name, replace(recipe, seed=first), tuple(range(first, first + 3)))
        for name, (recipes, first) in SETS.items() if set in (None, name)
        for id, recipe in recipes.items()
    )  # fmt: skip
