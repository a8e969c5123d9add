"""How many random labels a layer of some width can learn by heart."""

import functools

import numpy as np

from headway.claims.design import Arm, Measures, Trained
from headway.data.dataset import Dataset, arrays
from headway.learning.losses import CrossEntropy
from headway.learning.metrics import Accuracy
from headway.learning.optimizers.adaptive import Adam
from headway.learning.schedules.schedule import Epochs
from headway.network.activations import ReLU
from headway.network.compose import Sequential
from headway.network.dense import Dense
from headway.training.evaluate import judge
from headway.training.recipe import Evaluation, Recipe
from headway.training.run import Run

EXAMPLES, FEATURES, CLASSES, EPOCHS = 200, 20, 10, 300
WIDTHS = (4, 16, 64, 256)


@functools.lru_cache(32)
def random_labels(seed: int) -> Dataset:
    """200 normal points with labels that have nothing to do with them."""
    rng = np.random.default_rng(seed)
    x, y = rng.normal(size=(EXAMPLES, FEATURES)), rng.permutation(np.arange(EXAMPLES) % CLASSES)
    return arrays(x, y, validation=None, test=None, standardize=False)


def by_heart(run: Run) -> Measures:
    """The share of the labels that the last weights know, and how many units the hidden layer has."""
    known = judge(run.recipe, run.final, run.data().train)["accuracy"]
    return {"accuracy": known, "units": run.final["params"]["0"]["w"].shape[-1]}


def one_layer(width: int, *, sham: bool = False) -> Arm:
    """A layer of so many ReLU units, at its own rate."""
    recipe = Recipe(
        Sequential((Dense(width), ReLU(), Dense(CLASSES))), loss=CrossEntropy(), optimizer=Adam(1e-2), batch_size=50,
        length=Epochs(EPOCHS), evaluation=Evaluation(Epochs(EPOCHS), metrics=(Accuracy(),)),
    )  # fmt: skip
    return Arm(recipe, tuned={"optimizer/learning_rate": (1e-3, 3e-3, 1e-2, 3e-2)}, sham=sham, data=random_labels)


DESIGNS = {
    "random labels": Trained(
        "200 points of 20 normal numbers with random labels of ten, drawn by every seed; one layer of ReLU units, "
        "Adam at a tuned rate, batches of 50, 300 epochs. `accuracy` on these points; `units` of the layer.",
        {f"width {width}": one_layer(width) for width in WIDTHS} | {"placebo": one_layer(16, sham=True)},
        by_heart,
        quick={"length": Epochs(60), "evaluation/every": Epochs(60)},
    ),
}
