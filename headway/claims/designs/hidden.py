"""Softmax in the place of a hidden activation, beside activations that act on every number alone."""

import math

from headway.claims.design import Arm, Measures, Trained
from headway.data.bundled import Digits
from headway.data.dataset import Data
from headway.learning.losses import CrossEntropy
from headway.learning.metrics import Accuracy
from headway.learning.optimizers.adaptive import Adam
from headway.learning.schedules.schedule import Epochs
from headway.models.mlp import mlp
from headway.network.activations import ReLU, Softmax, Tanh
from headway.network.layer import Activation
from headway.training.recipe import Evaluation, Recipe
from headway.training.run import Run

EPOCHS, GUESS = 10, math.log(10)
RATE = "optimizer/learning_rate"


def between(activation: Activation, sham: bool = False) -> Arm:
    """Two hidden layers of 64 units with this activation, at their own learning rate."""
    recipe = Recipe(
        mlp((64, 64), 10, activation=activation), data=Data(Digits()), loss=CrossEntropy(), optimizer=Adam(1e-2),
        batch_size=64, length=Epochs(EPOCHS), evaluation=Evaluation(Epochs(EPOCHS), metrics=(Accuracy(),)),
    )  # fmt: skip
    return Arm(recipe, tuned={RATE: (1e-3, 3e-3, 1e-2, 3e-2)}, usual={RATE: 1e-2}, sham=sham)


def measured(run: Run) -> Measures:
    """Accuracy on what it was trained on, accuracy and loss on what was held out, no more than that of a guess."""
    train, held_out = (run.evaluate(split) for split in ("train", "validation"))
    return {"train accuracy": train["accuracy"], "accuracy": held_out["accuracy"], "loss": min(held_out["loss"], GUESS)}


DESIGNS = {
    "activation": Trained(
        "Digits, two hidden layers of 64 units, 10 epochs of Adam in batches of 64 at a rate that every arm tunes for "
        "itself. `train accuracy`: on the training set; `accuracy`, `loss`: on the validation set, a loss above that "
        "of a guess counted as that.",
        {"relu": between(ReLU()), "softmax": between(Softmax()), "tanh": between(Tanh()),
         "sham": between(ReLU(), sham=True)},
        measured,
        seeds=100,
        quick={"length": Epochs(4), "evaluation/every": Epochs(4)},
    ),
}  # fmt: skip
