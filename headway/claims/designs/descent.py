"""What momentum and schedules are good for: on quadratics, where it can be foretold, and on digits."""

import numpy as np

from headway.claims.design import Arm, Measures, Trained
from headway.claims.designs.quadratics import ENDS, MOMENTUM
from headway.claims.designs.schedules import DESIGNS as SCHEDULES
from headway.claims.joined import Joined
from headway.data.bundled import Digits
from headway.data.dataset import Data
from headway.learning.losses import CrossEntropy
from headway.learning.optimizers.optimizer import Optimizer
from headway.learning.optimizers.sgd import SGD
from headway.learning.schedules.decay import Cosine
from headway.learning.schedules.schedule import Epochs
from headway.models.mlp import mlp
from headway.training.recipe import Evaluation, Recipe
from headway.training.run import Run

RATES, EPOCHS, GUESS = (0.03, 0.1, 0.3, 1.0), 5, 2.3026


def on_digits(optimizer: Optimizer) -> Recipe:
    """An MLP 64-32-10, five epochs of batches of 8, judged at the end."""
    return Recipe(
        mlp((32,), 10), data=Data(Digits()), loss=CrossEntropy(), optimizer=optimizer, batch_size=8,
        length=Epochs(EPOCHS), evaluation=Evaluation(Epochs(EPOCHS)),
    )  # fmt: skip


def arm(optimizer: Optimizer, rate: str = "optimizer/learning_rate", *, sham: bool = False) -> Arm:
    """It, with the rate at this address tuned."""
    return Arm(on_digits(optimizer), tuned={rate: RATES}, usual={rate: 0.1}, sham=sham)


def ended(run: Run) -> Measures:
    """Training and validation loss at the end, a number that is not finite as the loss of a guess."""
    return {
        f"{name} loss": float(np.nan_to_num(min(run.results[name]["loss"], GUESS), nan=GUESS))
        for name in ("train", "validation")
    }


DIGITS = Trained(
    "On digits an MLP 64-32-10, five epochs of SGD in batches of 8, each at the best of its rates. `train loss`, "
    "`validation loss`: at the end, that of a guess where they are worse.",
    {"digits constant": arm(SGD(0.1)), "digits sham": arm(SGD(0.1), sham=True),
     "digits cosine": arm(SGD(Cosine(0.1)), "optimizer/learning_rate/peak"),
     "digits momentum": arm(SGD(0.1, momentum=0.9))},
    ended, quick={"length": 270},
)  # fmt: skip
DESIGNS = {
    "momentum": Joined(f"{MOMENTUM.says} {DIGITS.says}", (MOMENTUM, DIGITS)),
    "schedules": Joined(f"{ENDS.says} {DIGITS.says} And the rates of a cosine.", (SCHEDULES["traces"], ENDS, DIGITS)),
}
