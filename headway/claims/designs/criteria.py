"""Losses in the place of each other: cross-entropy and squared error for classes, squared and absolute for amounts."""

import functools
import math
from dataclasses import replace

import jax
import jax.numpy as jnp
import numpy as np

from headway.claims.design import Arm, Measures, Trained
from headway.data.bundled import Digits
from headway.data.dataset import Data, Dataset, Examples, arrays
from headway.learning.losses import CrossEntropy, Loss, MeanAbsoluteError, MeanSquaredError
from headway.learning.metrics import Accuracy
from headway.learning.optimizers.adaptive import Adam
from headway.learning.optimizers.sgd import SGD
from headway.learning.schedules.decay import Cosine
from headway.network.activations import ReLU, Softmax
from headway.network.compose import Sequential, last_address
from headway.network.dense import Dense
from headway.network.initialization import HeNormal
from headway.spec.select import get
from headway.training.recipe import Evaluation, Recipe
from headway.training.run import Run

CLASSES, UPDATES = 10, 100
RATES = (0.01, 0.03, 0.1, 0.3, 1.0, 3.0)
SCALES = (1, 20)
"""Of the last weights as they are drawn: with the second the network is confidently wrong at first."""
FEATURES, AT_HAND, ASKED = 10, 200, 1000


@functools.lru_cache(32)
def labelled(seed: int) -> Dataset:
    """The digits, split by this seed."""
    return Data(Digits(), seed=seed).load()


@functools.lru_cache(32)
def one_hot(seed: int) -> Dataset:
    """The same digits, the label k as the amounts 0 … 1 … 0."""
    whole = labelled(seed)
    parts = {name: Examples(part.x, np.eye(CLASSES, dtype=np.float32)[part.y]) for name, part in whole.splits().items()}
    return Dataset(schema=replace(whole.schema, classes=None), **parts)


def classifier(loss: Loss, scale: int, *last: Softmax) -> Recipe:
    """64 ReLU units, a hundred updates, judged at their end."""
    network = Sequential((Dense(64), ReLU(), Dense(CLASSES, init=HeNormal(float(scale) ** 2)), *last))
    return Recipe(
        network, loss=loss, optimizer=SGD(0.3, momentum=0.9), batch_size=100, length=UPDATES,
        evaluation=Evaluation(UPDATES, metrics=(Accuracy(),), monitor="accuracy"),
    )  # fmt: skip


def told_apart(run: Run) -> Measures:
    """The accuracy on the test digits, and the gradient at an output that is confidently wrong."""
    return {"accuracy": run.evaluate("test")["accuracy"], "gradient": at_confident_error(run.recipe)}


def at_confident_error(recipe: Recipe) -> float:
    """|dL/dz| of the output of the right class where it is −8 and the others are 0."""
    last = get(recipe.network, last_address(recipe.network))
    hot = jnp.eye(CLASSES)[:1]

    def loss(z: jax.Array) -> jax.Array:
        return recipe.loss(last.function(z) if isinstance(last, Softmax) else z, hot)

    return float(abs(jax.grad(loss)(jnp.zeros((1, CLASSES)).at[0, 0].set(-8.0))[0, 0]))


@functools.lru_cache(64)
def noisy(seed: int, noise: str) -> Dataset:
    """y = w x + noise of variance 1, a hundred examples to learn from and a hundred to tune on; w x itself to test."""
    rng = np.random.default_rng(seed)
    w, x = rng.normal(size=FEATURES), rng.normal(size=(AT_HAND + ASKED, FEATURES))
    errors = {"gaussian": rng.normal(size=AT_HAND), "laplace": rng.laplace(scale=math.sqrt(0.5), size=AT_HAND)}[noise]
    y = x @ w
    return arrays(x[:AT_HAND], y[:AT_HAND] + errors, test=(x[AT_HAND:], y[AT_HAND:]), validation=0.5, seed=seed,
                  standardize=False)  # fmt: skip


def estimator(loss: Loss) -> Recipe:
    """A linear model, fitted on all its examples at once until nothing changes."""
    return Recipe(
        Dense(1), loss=loss, optimizer=Adam(Cosine(0.03)), batch_size=AT_HAND // 2, length=500,
        evaluation=Evaluation(500),
    )  # fmt: skip


def estimated(run: Run) -> Measures:
    """log2 of the mean squared error of the estimate, against what is true."""
    test = run.data().splits()["test"]
    return {"log2 error": math.log2(float(np.mean(np.square(run.outputs(test.x)[:, 0] - test.y[:, 0]))))}


CLASSIFIERS = {
    "cross-entropy": (CrossEntropy(), (), labelled),
    "squared error of probabilities": (MeanSquaredError(), (Softmax(),), one_hot),
    "squared error of outputs": (MeanSquaredError(), (), one_hot),
}
DESIGNS = {
    "classes": Trained(
        "The digits, 64 ReLU units, SGD with momentum 0.9, a hundred updates on batches of a hundred, the rate tuned "
        "by validation accuracy; the last weights are drawn as usual, or 20 times as large. `accuracy` on the test "
        "digits; `gradient`: |dL/dz| of the right class's output where it is −8 and the others are 0.",
        {f"{name}, scale {scale}": Arm(classifier(loss, scale, *last), tuned={"optimizer/learning_rate": RATES},
                                       usual={"optimizer/learning_rate": 0.1 if name == "cross-entropy" else 0.3},
                                       data=data)
         for name, (loss, last, data) in CLASSIFIERS.items() for scale in SCALES},
        told_apart,
    ),
    "amounts": Trained(
        "A linear function of ten normal features, noise of variance 1 on the hundred examples to learn from; a "
        "linear model, Adam with a cosine on all examples, 500 updates, the peak tuned on a hundred more. `log2 "
        "error`: of the mean squared difference from the function itself at 1,000 fresh points.",
        {f"{name} error, {noise} noise": Arm(estimator(loss), tuned={"optimizer/learning_rate/peak": (0.01, 0.03, 0.1)},
                                             data=functools.partial(noisy, noise=noise))
         for name, loss in (("squared", MeanSquaredError()), ("absolute", MeanAbsoluteError()))
         for noise in ("gaussian", "laplace")},
        estimated,
        seeds=20,
        few=8,
    ),
}  # fmt: skip
