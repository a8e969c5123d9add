"""Losses in the place of each other: cross-entropy and squared error for classes, squared and absolute for amounts."""

import functools
import math
from dataclasses import replace

import jax
import jax.numpy as jnp
import numpy as np
from scipy.optimize import linprog

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
FEATURES, EXAMPLES, ASKED, SETTLED = 10, 100, 1000, 2000


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
    """y = w x + noise of variance 1 on a hundred examples; w x itself to test."""
    rng = np.random.default_rng(seed)
    w, x = rng.normal(size=FEATURES), rng.normal(size=(EXAMPLES + ASKED, FEATURES))
    errors = {"gaussian": rng.normal(size=EXAMPLES), "laplace": rng.laplace(scale=math.sqrt(0.5), size=EXAMPLES)}[noise]
    y = x @ w
    return arrays(x[:EXAMPLES], y[:EXAMPLES] + errors, test=(x[EXAMPLES:], y[EXAMPLES:]), validation=None, seed=seed,
                  standardize=False)  # fmt: skip


def estimator(loss: Loss) -> Recipe:
    """A linear model, fitted on all its examples at once until nothing changes."""
    return Recipe(
        Dense(1), loss=loss, optimizer=Adam(Cosine(0.1)), batch_size=EXAMPLES, length=SETTLED,
        evaluation=Evaluation(SETTLED),
    )  # fmt: skip


def estimated(run: Run) -> Measures:
    """log2 of the mean squared error of the estimate, against what is true; and how far it is from the least loss."""
    test = run.data().splits()["test"]
    error = float(np.mean(np.square(run.outputs(test.x)[:, 0] - test.y[:, 0])))
    return {"log2 error": math.log2(error), "above least": run.results["train"]["loss"] - least(run)}


def least(run: Run) -> float:
    """The least loss that any linear model has on the training set, found without training."""
    x, y = (np.asarray(part, np.float64) for part in (run.data().train.x, run.data().train.y))
    x, y = np.column_stack([x, np.ones(len(x))]), y[:, 0]
    if isinstance(run.recipe.loss, MeanSquaredError):
        return float(np.mean(np.square(x @ np.linalg.lstsq(x, y)[0] - y)))
    # Errors above and below, each at least 0, have the least sum.
    over = np.eye(len(x))
    costs, signs = (
        np.repeat([0.0, 1.0], [x.shape[1], 2 * len(x)]),
        [(None, None)] * x.shape[1] + [(0, None)] * 2 * len(x),
    )
    return float(linprog(costs, A_eq=np.column_stack([x, over, -over]), b_eq=y, bounds=signs).fun) / len(x)


CLASSIFIERS = {
    "cross-entropy": (CrossEntropy(), (), SCALES, labelled),
    "squared error of probabilities": (MeanSquaredError(), (Softmax(),), SCALES, one_hot),
    "squared error of outputs": (MeanSquaredError(), (), SCALES[:1], one_hot),
}
DESIGNS = {
    "classes": Trained(
        "The digits, 64 ReLU units, SGD with momentum 0.9, a hundred updates on batches of a hundred, the rate tuned "
        "by validation accuracy; the last weights are drawn as usual, or 20 times as large. `accuracy` on the test "
        "digits; `gradient`: |dL/dz| of the right class's output where it is −8 and the others are 0.",
        {f"{name}, scale {scale}": Arm(classifier(loss, scale, *last), tuned={"optimizer/learning_rate": RATES},
                                       usual={"optimizer/learning_rate": 0.1 if name == "cross-entropy" else 0.3},
                                       data=data)
         for name, (loss, last, scales, data) in CLASSIFIERS.items() for scale in scales},
        told_apart,
    ),
    "amounts": Trained(
        "A linear function of ten normal features, noise of variance 1 on the hundred examples to learn from; a "
        "linear model, 2,000 updates of Adam on all examples along a cosine from 0.1. `log2 error`: of the mean "
        "squared difference from the function itself at 1,000 fresh points; `above least`: the training loss less the "
        "least that a linear model can have, by least squares or by linear programming.",
        {f"{name} error, {noise} noise": Arm(estimator(loss), data=functools.partial(noisy, noise=noise))
         for name, loss in (("squared", MeanSquaredError()), ("absolute", MeanAbsoluteError()))
         for noise in ("gaussian", "laplace")},
        estimated,
        seeds=100,
        few=12,
    ),
}  # fmt: skip
