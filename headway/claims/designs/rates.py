"""Which learning rates train a network at all, on a grid of them: with normalization and without, shallow and deep."""

import math
from collections.abc import Sequence

from headway.claims.design import Measures, Swept
from headway.data.bundled import Digits
from headway.data.dataset import Data
from headway.learning.losses import CrossEntropy
from headway.learning.metrics import Accuracy
from headway.learning.optimizers.sgd import SGD
from headway.network.activations import Identity, ReLU
from headway.network.compose import Sequential
from headway.network.dense import Dense
from headway.network.layer import Layer
from headway.network.normalization import BatchNorm, LayerNorm
from headway.network.residual import Residual
from headway.spec.select import get
from headway.training.recipe import Evaluation, Recipe
from headway.training.run import Run

WIDTH, CLASSES, UPDATES = 32, 10, 200
STEP = 0.5
"""Decades between two rates of a grid."""
RATES = tuple(float(f"{10 ** (STEP * k):.3g}") for k in range(-4, 5))
USUAL = 0.1
SCALES = (0.01, 1.0, 100.0)
WORKS = 0.9
"""Accuracy on the training set above which a run has worked."""
NORMS: dict[str, tuple[Layer, ...]] = {"none": (), "BatchNorm": (BatchNorm(),), "LayerNorm": (LayerNorm(),)}
DEPTHS = (2, 8)
ALL = Data(Digits(), validation=None, test=None)
"""Every example trains: what is asked is whether the training set is learned at all."""


def accuracy(run: Run, chance: float = 1 / CLASSES) -> float:
    """Accuracy on the training set after the last update; that of chance where a number was not finite."""
    return run.results["train"]["accuracy"] if run.standing.reason == "finished" else chance


def given(run: Run, address: str) -> float:
    """The number that a run was given at an address of its recipe."""
    return float(get(run.recipe, address))


def highest(rates: Sequence[float], works: Sequence[bool]) -> float:
    """log10 of the highest rate of a grid that works; a step below the grid where none does."""
    return max((math.log10(rate) for rate, one in zip(rates, works, strict=True) if one),
               default=math.log10(min(rates)) - STEP)  # fmt: skip


def classifier(norm: str, depth: int, *, bias: bool = True) -> Recipe:
    """Inputs times a scale, `depth` dense layers with norm and ReLU, and one more dense layer; SGD on digits."""
    block = (Dense(WIDTH, bias=bias), *NORMS[norm], ReLU())
    # y = x + scale · x: a factor of 1 + scale, which enters the compiled step as a number.
    network = Sequential((Residual(Identity(), scale=0.0), *block * depth, Dense(CLASSES)))
    return Recipe(
        network, data=ALL, loss=CrossEntropy(), optimizer=SGD(USUAL), batch_size=64, length=UPDATES,
        evaluation=Evaluation(UPDATES, metrics=(Accuracy(),)),
    )  # fmt: skip


def measured(runs: Sequence[Run]) -> Measures:
    """What the runs of one seed, over scales and rates, came to."""
    found: dict[float, dict[float, float]] = {}
    for run in runs:
        scale = round(1 + given(run, "network/0/scale"), 6)
        found.setdefault(scale, {})[given(run, "optimizer/learning_rate")] = accuracy(run)
    rates = list(found[1.0])
    works = [found[1.0][rate] > WORKS for rate in rates]
    anywhere = [all(of_scale[rate] > WORKS for of_scale in found.values()) for rate in rates]
    return {
        "highest": highest(rates, works), "decades": STEP * sum(works),
        "worst": min(of_scale[USUAL] for of_scale in found.values()),
        "decades at every scale": STEP * sum(anywhere),
    }  # fmt: skip


DESIGNS = {
    "normalization": Swept(
        f"Digits, 2 or 8 layers of {WIDTH} units with ReLU, a norm before it or none; {UPDATES} updates of SGD with "
        f"batches of 64, at rates of {min(RATES):g} to {max(RATES):g}, {STEP} decades apart, and with standardized "
        f"inputs times 0.01, 1 and 100. A run has worked where it ends with more than {WORKS} of the training set "
        "right; one that is not finite counts as chance. `highest`: log10 of the highest rate that works; `decades`: "
        "how many decades of rates do; `worst`: the accuracy at rate 0.1 at the scale where it is lowest; "
        "`decades at every scale`: of rates that work at all three scales.",
        {f"{norm} {depth}": classifier(norm, depth) for depth in DEPTHS for norm in NORMS}
        | {"LayerNorm without bias 2": classifier("LayerNorm", 2, bias=False)},
        {"network/0/scale": tuple(scale - 1 for scale in SCALES), "optimizer/learning_rate": RATES},
        measured,
        shams={"sham 2": "none 2"},
        quick={"length": 100, "evaluation/every": 100},
        fewer={"optimizer/learning_rate": (0.1, 1.0, 10.0)},
        few=2,
    ),
}
