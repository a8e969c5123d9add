"""Recipes worth knowing, by name, each with the band its result must fall in."""

from dataclasses import dataclass, replace

from headway.data.bundled import MNIST1D, Diabetes, Digits, Iris
from headway.data.dataset import Data
from headway.data.text import StdlibText
from headway.learning.losses import CrossEntropy, MeanSquaredError
from headway.learning.metrics import R2, Accuracy, BitsPerByte
from headway.learning.optimizers.adaptive import AdamW
from headway.learning.schedules.compose import Warmup
from headway.learning.schedules.decay import Cosine
from headway.learning.schedules.schedule import Epochs, Fraction
from headway.models.convnet import pooled_convnet, strided_convnet
from headway.models.mlp import mlp
from headway.models.transformer import tied_language_model
from headway.network.activations import Sigmoid
from headway.network.layer import Layer
from headway.spec.error import HeadwayError, did_you_mean
from headway.training.recipe import EarlyStopping, Evaluation, Recipe


@dataclass(frozen=True)
class Named:
    """A recipe under a name: what it is, and the test result to expect of it (`metric` in [low, high])."""

    about: str
    recipe: Recipe
    metric: str
    low: float
    high: float


def warm_cosine(peak: float) -> Warmup:
    """Linear warm-up over the first 5 % of the run, then cosine decay to 0."""
    return Warmup(Fraction(0.05), then=Cosine(peak))


def classifier(
    network: Layer, data: Data, *, rate: float, epochs: int, decay: float = 0.01, batch_size: int = 100
) -> Recipe:
    """Cross-entropy, AdamW, warm-up and cosine decay; best weights by validation accuracy."""
    return Recipe(
        network,
        data=data,
        loss=CrossEntropy(),
        optimizer=AdamW(warm_cosine(rate), weight_decay=decay),
        batch_size=batch_size,
        length=Epochs(epochs),
        evaluation=Evaluation(Epochs(1), metrics=(Accuracy(),), monitor="accuracy"),
    )


MNIST1D_DATA = Data(MNIST1D(), validation=0.1)
RECIPES: dict[str, Named] = {
    "digits-mlp": Named(
        "8×8 handwritten digits, MLP 64-128-10",
        classifier(mlp((128,), 10), Data(Digits()), rate=5e-3, epochs=40, batch_size=64),
        "accuracy", 0.955, 1.0,
    ),
    "digits-cnn": Named(
        "8×8 handwritten digits, two 3×3 convolutions with pooling",
        classifier(pooled_convnet((16, 32), 10), Data(Digits(shape="image")), rate=5e-3, epochs=30, batch_size=64),
        "accuracy", 0.97, 1.0,
    ),
    "mnist1d-linear": Named(
        "MNIST-1D, linear model, 410 parameters",
        classifier(mlp((), 10), MNIST1D_DATA, rate=1e-2, epochs=50),
        "accuracy", 0.29, 0.35,
    ),
    "mnist1d-mlp": Named(
        "MNIST-1D, MLP 40-100-100-10, 15,210 parameters",
        classifier(mlp((100, 100), 10), MNIST1D_DATA, rate=1e-2, epochs=150, decay=0.1),
        "accuracy", 0.61, 0.71,
    ),
    "mnist1d-cnn": Named(
        "MNIST-1D, three strided convolutions, 5,210 parameters",
        classifier(strided_convnet(25, 10), MNIST1D_DATA, rate=2e-2, epochs=100, decay=0.1),
        "accuracy", 0.90, 0.97,
    ),
    "iris": Named(
        "three kinds of iris from four lengths, MLP 4-16-3",
        replace(
            classifier(mlp((16,), 3), Data(Iris(), test=0.3), rate=3e-2, epochs=60, batch_size=16),
            evaluation=Evaluation(Epochs(1), metrics=(Accuracy(),)),
        ),
        "accuracy", 0.88, 1.0,
    ),
    "diabetes": Named(
        "progression of diabetes from ten measurements, MLP 10-32-1",
        Recipe(
            mlp((32,), 1),
            data=Data(Diabetes()),
            loss=MeanSquaredError(),
            optimizer=AdamW(warm_cosine(0.1), weight_decay=1.0),
            batch_size=32,
            length=Epochs(100),
            evaluation=Evaluation(Epochs(1), metrics=(R2(),)),
            stopping=EarlyStopping(20),
        ),
        "R²", 0.4, 0.6,
    ),
    "digits-sigmoid20": Named(
        "does not learn: 20 sigmoid layers on digits, the patient of `make demo`",
        Recipe(
            mlp((32,) * 20, 10, activation=Sigmoid()),
            data=Data(Digits()),
            loss=CrossEntropy(),
            optimizer=AdamW(1e-3),
            batch_size=64,
            length=Epochs(10),
            evaluation=Evaluation(Epochs(1), metrics=(Accuracy(),)),
        ),
        "accuracy", 0.05, 0.15,
    ),
    "stdlib-lm": Named(
        "Python's own standard library byte by byte, a transformer of 2 blocks, files held out whole",
        Recipe(
            tied_language_model(256, width=64, heads=4, blocks=2),
            data=Data(StdlibText(time=128), validation=0.1, test=0.1),
            loss=CrossEntropy(),
            optimizer=AdamW(warm_cosine(5e-3), weight_decay=0.1),
            batch_size=32,
            length=2000,
            evaluation=Evaluation(500, metrics=(BitsPerByte(),), monitor="bits per byte", batch_size=128),
        ),
        "bits per byte", 2.0, 2.6,
    ),
}  # fmt: skip


def named(name: str) -> Named:
    """The entry of that name; an unknown one gets the nearest."""
    if name not in RECIPES:
        raise HeadwayError("recipe", "no recipe or file of this name", name, did_you_mean(name, RECIPES))
    return RECIPES[name]
