"""Runs with a warm-up or none and with a decay or none, crossed, each at its own best rate."""

import math

from headway.claims.design import Arm, Measures, Trained
from headway.data.bundled import Digits
from headway.data.dataset import Data
from headway.learning.losses import CrossEntropy
from headway.learning.optimizers.sgd import SGD
from headway.learning.schedules.compose import Warmup
from headway.learning.schedules.decay import ConstantRate, Cosine
from headway.models.mlp import mlp
from headway.training.recipe import Evaluation, Recipe
from headway.training.run import Run

CLASSES, UPDATES, WARM = 10, 400, 40
RATES = (0.01, 0.0316, 0.1, 0.316)


def scheduled(warm: int, decays: bool, *, again: bool = False) -> Arm:
    """Two hidden layers of 32 units on digits, SGD with momentum in batches of 16, under such a schedule."""
    rate = Warmup(warm, then=Cosine(0.0316) if decays else ConstantRate(0.0316))
    recipe = Recipe(
        mlp((32, 32), CLASSES), data=Data(Digits()), loss=CrossEntropy(), optimizer=SGD(rate, momentum=0.9),
        batch_size=16, length=UPDATES, evaluation=Evaluation(UPDATES),
    )  # fmt: skip
    return Arm(recipe, tuned={f"optimizer/learning_rate/then/{'peak' if decays else 'rate'}": RATES}, sham=again)


def measured(run: Run) -> Measures:
    """log10 of the last loss on two splits, at most that of a guess."""
    guess = math.log(CLASSES)
    losses = {split: run.results[split]["loss"] for split in ("train", "test")}
    finite = run.standing.reason == "finished" and all(map(math.isfinite, losses.values()))
    return {f"{split} loss": math.log10(min(loss, guess) if finite else guess) for split, loss in losses.items()}


DESIGNS = {
    "factorial": Trained(
        f"Digits, two hidden layers of 32 units, {UPDATES} updates of SGD with momentum 0.9 in batches of 16; the rate "
        f"constant or along a cosine to 0, behind a warm-up of {WARM} updates or none, its height tuned for each by "
        "validation loss. `train loss`, `test loss`: log10 of the loss after the last update.",
        {"constant": scheduled(0, False), "warm-up": scheduled(WARM, False), "decay": scheduled(0, True),
         "warm-up and decay": scheduled(WARM, True), "sham": scheduled(0, False, again=True)},
        measured,
        seeds=80,
    ),
}  # fmt: skip
