"""Cases for the tests of rules: recipes on small data, and parts of a case planted in place of measured ones."""

from typing import Any

import jax
import numpy as np

from headway.data.dataset import arrays
from headway.doctor.case import Case
from headway.learning.losses import CrossEntropy, MeanSquaredError
from headway.learning.optimizers.adaptive import Adam
from headway.models.mlp import mlp
from headway.network.layer import Layer
from headway.spec.node import spec
from headway.training.recipe import Recipe

DRAW = np.random.default_rng(0)
X = DRAW.normal(size=(240, 6)).astype(np.float32)
LABELS = (X[:, 0] + X[:, 1] > 0).astype(int) + (X[:, 2] > 0.5)
AMOUNTS = (X @ np.array([1.0, -2.0, 0.5, 0.0, 0.0, 1.0]) / 2.5).astype(np.float32)
CLASSES = arrays(X, LABELS, validation=0.2)
VALUES = arrays(X, AMOUNTS, validation=0.2)


def classifier(network=mlp((8,), 3), **changes):  # noqa: B008 (a frozen spec)
    """A recipe for three classes of six features."""
    settings = {"loss": CrossEntropy(), "optimizer": Adam(1e-2), "batch_size": 32, "length": 200} | changes
    return Recipe(network, **settings)


def regression(network=mlp((8,), 1), **changes):  # noqa: B008
    """A recipe for one amount of six features."""
    return classifier(network, **{"loss": MeanSquaredError()} | changes)


def case(recipe, data=None, **parts):
    """The case of a recipe before it is trained, some of its parts planted."""
    given = data or (VALUES if recipe.loss.targets == "values" else CLASSES)
    found = Case(recipe, given)
    found.__dict__.update(parts)
    return found


@jax.custom_vjp
def turned(x: Any) -> Any:
    """x, with a derivative of the wrong sign."""
    return x


turned.defvjp(lambda x: (x, None), lambda _, g: (-g,))


@spec
class Turned(Layer):
    """y = x, with a derivative that is turned."""

    def apply(self, params, x, context):
        return turned(x)
