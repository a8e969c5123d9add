"""What a normalization makes of small batches."""

from headway.claims.design import Arm, Measures, Trained
from headway.data.bundled import Digits
from headway.data.dataset import Data
from headway.learning.losses import CrossEntropy
from headway.learning.metrics import Accuracy
from headway.learning.optimizers.sgd import SGD
from headway.network.activations import ReLU
from headway.network.compose import Sequential
from headway.network.dense import Dense
from headway.network.layer import Layer
from headway.network.normalization import BatchNorm, LayerNorm
from headway.training.recipe import Evaluation, Recipe
from headway.training.run import Run

WIDTH, CLASSES, UPDATES = 32, 10, 1000
SIZES = (2, 4, 8, 32)
NORMS: dict[str, Layer] = {"BatchNorm": BatchNorm(), "LayerNorm": LayerNorm()}


def normalized(norm: str, size: int, *, again: bool = False) -> Arm:
    """Two hidden layers with a norm before ReLU, in batches of this size, at a rate of their own."""
    network = Sequential((*(Dense(WIDTH), NORMS[norm], ReLU()) * 2, Dense(CLASSES)))
    recipe = Recipe(
        network, data=Data(Digits()), loss=CrossEntropy(), optimizer=SGD(0.1, momentum=0.9), batch_size=size,
        length=UPDATES, evaluation=Evaluation(UPDATES, metrics=(Accuracy(),)),
    )  # fmt: skip
    rates = (0.001, 0.003, 0.01, 0.03, 0.1)
    return Arm(recipe, tuned={"optimizer/learning_rate": rates}, usual={"optimizer/learning_rate": 0.01}, sham=again)


def measured(run: Run) -> Measures:
    """Accuracy on examples not seen, and on those trained on; chance where not finite."""
    finite = run.standing.reason == "finished"
    return {"accuracy": run.results["test"]["accuracy"] if finite else 1 / CLASSES,
            "training accuracy": run.results["train"]["accuracy"] if finite else 1 / CLASSES}  # fmt: skip


DESIGNS = {
    "sizes": Trained(
        f"Digits, two hidden layers of {WIDTH} units with a norm before ReLU, {UPDATES} updates of SGD with momentum "
        f"0.9 in batches of {', '.join(map(str, SIZES))} examples, the rate tuned for each. Judged in evaluation mode, "
        "in which BatchNorm takes its running statistics: `accuracy` on the test set, `training accuracy` on the "
        "training set.",
        {f"{norm} {size}": normalized(norm, size) for norm in NORMS for size in SIZES}
        | {"sham 8": normalized("BatchNorm", 8, again=True)},
        measured,
        quick={"length": 400, "evaluation/every": 400},
        seeds=40,
    ),
}
