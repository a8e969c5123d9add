"""How deep a network can be and still be trained, at the best of a grid of rates: plain, and with ways around."""

import math
from collections.abc import Sequence

from headway.claims.design import Measures, Swept
from headway.claims.designs.rates import ALL, RATES, accuracy
from headway.learning.losses import CrossEntropy
from headway.learning.metrics import Accuracy
from headway.learning.optimizers.sgd import SGD
from headway.network.activations import ReLU
from headway.network.compose import Repeat, Sequential
from headway.network.dense import Dense
from headway.network.initialization import HeNormal
from headway.network.residual import Residual
from headway.training.recipe import Evaluation, Recipe
from headway.training.run import Run

WIDTH, CLASSES, UPDATES = 32, 10, 300
DEPTHS = (5, 20, 40)


def stack(way: str, depth: int) -> Recipe:
    """A dense layer, `depth` blocks of a dense layer and ReLU, plain or each with a skip, and one more dense layer."""
    body = Sequential((Dense(WIDTH, init=HeNormal()), ReLU()))
    block = body if way == "plain" else Residual(body, scale=1 / math.sqrt(depth))
    network = Sequential((Dense(WIDTH), Repeat(block, times=depth), Dense(CLASSES)))
    return Recipe(
        network, data=ALL, loss=CrossEntropy(), optimizer=SGD(0.1), batch_size=64, length=UPDATES,
        evaluation=Evaluation(UPDATES, metrics=(Accuracy(),)),
    )  # fmt: skip


def measured(runs: Sequence[Run]) -> Measures:
    """The best that the runs of one seed, over rates, came to on the training set."""
    losses = [run.results["train"]["loss"] for run in runs if run.standing.reason == "finished"]
    chance = math.log(CLASSES)
    return {"best accuracy": max(map(accuracy, runs)), "best loss": min([chance, *filter(math.isfinite, losses)])}


DESIGNS = {
    "trained": Swept(
        f"Digits, a dense layer, {', '.join(map(str, DEPTHS))} blocks of a dense layer of {WIDTH} units with He et "
        f"al.'s weights and ReLU, and a dense layer; {UPDATES} updates of SGD with batches of 64, at rates of "
        f"{RATES[0]:g} to {RATES[6]:g}, half a decade apart. Plain, or every block beside a skip, times 1/√depth. "
        "`best accuracy` and `best loss` on the training set at any of the rates.",
        {f"{way} {depth}": stack(way, depth) for depth in DEPTHS for way in ("plain", "residual")},
        {"optimizer/learning_rate": RATES[:7]},
        measured,
        shams={"sham 5": "plain 5"},
        quick={"length": 100, "evaluation/every": 100},
        fewer={"optimizer/learning_rate": (0.0316, 0.1, 0.316)},
    ),
}
