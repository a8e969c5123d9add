"""Recipes worth knowing, by name, each with the band its result must fall in."""

import math
from dataclasses import dataclass, replace

from headway.data.altered import Few, Noisy
from headway.data.bundled import MNIST1D, Diabetes, Digits, Iris
from headway.data.dataset import Data
from headway.data.sequences import CopyTask
from headway.data.text import StdlibText
from headway.learning.clipping import ClipByNorm
from headway.learning.losses import CrossEntropy, MeanSquaredError
from headway.learning.metrics import R2, Accuracy, BitsPerByte
from headway.learning.optimizers.adaptive import Adam, AdamW
from headway.learning.optimizers.optimizer import Optimizer
from headway.learning.optimizers.sgd import SGD
from headway.learning.schedules.compose import Warmup
from headway.learning.schedules.decay import Cosine
from headway.learning.schedules.schedule import Epochs, Fraction
from headway.models.convnet import pooled_convnet, strided_convnet
from headway.models.decoder import llama
from headway.models.mlp import mlp
from headway.models.transformer import language_model, post_ln, tied_language_model
from headway.network.activations import ReLU, Sigmoid
from headway.network.compose import Repeat, Sequential
from headway.network.convolution import Flatten
from headway.network.dense import Dense
from headway.network.layer import Layer
from headway.network.rescale import Rescale
from headway.network.residual import Residual
from headway.spec.error import HeadwayError, did_you_mean
from headway.training.recipe import EarlyStopping, Evaluation, Recipe
from headway.training.sizes import SIZES


@dataclass(frozen=True)
class Named:
    """A recipe under a name: what it is, and the test result to expect of it (`metric` in [low, high]), if any."""

    about: str
    recipe: Recipe
    metric: str = ""
    low: float = -math.inf
    high: float = math.inf


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


def sick(network: Layer, optimizer: Optimizer) -> Recipe:
    """Cross-entropy on digits, batches of 64, 10 epochs: the form of the patients."""
    return Recipe(
        network,
        data=Data(Digits()),
        loss=CrossEntropy(),
        optimizer=optimizer,
        batch_size=64,
        length=Epochs(10),
        evaluation=Evaluation(Epochs(1), metrics=(Accuracy(),)),
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
        sick(mlp((32,) * 20, 10, activation=Sigmoid()), AdamW(1e-3)),
        "accuracy", 0.05, 0.15,
    ),
    "digits-residual-unscaled": Named(
        "does not learn: 24 residual blocks, each sum twice the variance of the one before",
        sick(Sequential((Flatten(), Dense(32), Repeat(Residual(Sequential((Dense(32), ReLU()))), times=24), Dense(10))),
             AdamW(1e-3)),
        "accuracy", 0.0, 0.5,
    ),
    "digits-dead-relu": Named(
        "does not learn: 64 ReLU units, shifted so far below 0 that none is ever on",
        sick(Sequential((Flatten(), Dense(64), Rescale((1.0,), shift=(-8.0,)), ReLU(), Dense(10))),
             SGD(0.05, momentum=0.9)),
        "accuracy", 0.05, 0.15,
    ),
    "copy-post-ln": Named(
        "does not learn: a transformer of 6 Post-LN blocks at a high rate, without a warm-up",
        replace(
            sick(language_model(9, width=16, heads=2, blocks=6, placement=post_ln), Adam(1.5e-2)),
            data=Data(CopyTask(4, symbols=8, examples=1000), validation=0.2, test=0.2), batch_size=32, length=200,
            evaluation=Evaluation(50, metrics=(Accuracy(),)),
        ),
        "accuracy", 0.05, 0.3,
    ),
    "digits-noisy150": Named(
        "overfits: 128 ReLU units learn 150 digits by heart, a fifth of them with a wrong label",
        replace(
            sick(mlp((128,), 10), Adam(1e-2)), data=Data(Noisy(Few(Digits(), count=300), share=0.2), validation=0.5),
            batch_size=50, length=Epochs(60),
        ),
        "accuracy", 0.4, 0.8,
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
    "lm-10m": Named(
        "as stdlib-lm, a decoder in the form of Llama with 10,081,600 parameters",
        Recipe(
            llama(256, width=320, heads=5, blocks=8, hidden=864),
            data=Data(StdlibText(time=256), validation=0.1, test=0.1),
            loss=CrossEntropy(),
            optimizer=AdamW(warm_cosine(2e-3), b2=0.95, weight_decay=0.1),
            clip=ClipByNorm(1.0),
            batch_size=16,
            length=500,
            evaluation=Evaluation(250, metrics=(BitsPerByte(),), monitor="bits per byte", batch_size=16),
        ),
        "bits per byte", 1.6, 2.3,
    ),
}  # fmt: skip
EVERY = RECIPES | {name: Named(*one) for name, one in SIZES.items()}
"""With those that this machine is too small to train."""


def named(name: str) -> Named:
    """The entry of that name; an unknown one gets the nearest."""
    if name not in EVERY:
        raise HeadwayError("recipe", "no recipe or file of this name", name, did_you_mean(name, EVERY))
    return EVERY[name]
