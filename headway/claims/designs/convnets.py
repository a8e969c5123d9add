"""Which norm serves a small convolutional network, in large batches and in small ones."""

from headway.claims.design import Arm, Measures, Trained
from headway.data.bundled import MNIST1D
from headway.data.dataset import Data
from headway.learning.losses import CrossEntropy
from headway.learning.metrics import Accuracy
from headway.learning.optimizers.sgd import SGD
from headway.models.convnet import normalized_conv
from headway.network.activations import ReLU
from headway.network.compose import Sequential
from headway.network.convolution import Flatten
from headway.network.dense import Dense
from headway.network.layer import Layer
from headway.network.normalization import BatchNorm, GroupNorm
from headway.training.recipe import Evaluation, Recipe
from headway.training.run import Run

CHANNELS, CLASSES, UPDATES = 16, 10, 600
SIZES = (4, 64)
RATES = (0.01, 0.03, 0.1)
NORMS: dict[str, Layer | None] = {"none": None, "LayerNorm": GroupNorm(1), "BatchNorm": BatchNorm()}


def classifier(norm: str, size: int) -> Arm:
    """Three convolutions of stride 2 with a norm before ReLU, in batches of this size, at a rate of their own."""
    convolutions = [part for kernel in (5, 3, 3)
                    for part in (*normalized_conv(CHANNELS, NORMS[norm], 2, kernel=kernel), ReLU())]  # fmt: skip
    recipe = Recipe(
        Sequential((*convolutions, Flatten(), Dense(CLASSES))), data=Data(MNIST1D()), loss=CrossEntropy(),
        optimizer=SGD(RATES[1], momentum=0.9), batch_size=size, length=UPDATES,
        evaluation=Evaluation(UPDATES, metrics=(Accuracy(),)),
    )  # fmt: skip
    return Arm(recipe, tuned={"optimizer/learning_rate": RATES}, usual={"optimizer/learning_rate": RATES[1]})


def measured(run: Run) -> Measures:
    """Accuracy on signals not seen; chance where not finite."""
    return {"accuracy": run.results["test"]["accuracy"] if run.standing.reason == "finished" else 1 / CLASSES}


DESIGNS = {
    "norms": Trained(
        f"MNIST-1D, 40 samples a signal; three convolutions of stride 2 and {CHANNELS} channels with a norm before "
        f"ReLU or none, and a linear readout; {UPDATES} updates of SGD with momentum 0.9, its rate tuned, in batches "
        "of 4 or 64. LayerNorm is over all channels and positions of an example. `accuracy`: on the test set, in "
        "evaluation mode.",
        {f"{norm} {size}": classifier(norm, size) for norm in NORMS for size in SIZES},
        measured,
        quick={"length": 300, "evaluation/every": 300, "data/source/examples": 2000},
        few=2,
    ),
}
