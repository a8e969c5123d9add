"""What a network has learned beyond its own examples: what it tells of other classes, and what only seems so."""

import functools
from dataclasses import replace

import numpy as np

from headway.claims.design import Arm, Drawn, Measures, Trained
from headway.claims.designs.overfitting import PLAIN, RATES, digits, network
from headway.data.dataset import Examples, arrays
from headway.doctor.sham import SHIFT
from headway.learning.losses import CrossEntropy
from headway.learning.metrics import Accuracy
from headway.learning.optimizers.adaptive import Adam
from headway.learning.optimizers.sgd import SGD
from headway.learning.regularization import Dropout
from headway.network.dense import Dense
from headway.training.evaluate import judge
from headway.training.readout import probe
from headway.training.recipe import Evaluation, Recipe
from headway.training.run import Run
from headway.training.train import train

FIRST, OTHERS = (0, 1, 2, 3, 4), (5, 6, 7, 8, 9)


def transferred(run: Run) -> Measures:
    """What a linear readout of the hidden units tells of digits 5 to 9, after training on 0 to 4."""
    others = digits(run.recipe.seed, 0.0, 450, OTHERS)
    read = probe(replace(run, dataset=others, values=run.final), "2")
    at = {name: judge(run.recipe, run.final, part) for name, part in run.data().splits().items()}
    return {"readout": read.accuracy, "held-out loss": at["test"]["loss"], "accuracy": at["test"]["accuracy"]}


def selected(seed: int, whole: bool, again: bool = False) -> Measures:
    """A linear model of 20 of 1,000 columns of noise, those that go best with the labels, which are noise too.

    whole   whether the columns are chosen on all examples at hand, validation among them, or on those to train on
    again   from other weights: the sham
    """
    rng = np.random.default_rng(seed)
    x, y = rng.normal(size=(1100, 1000)), rng.integers(0, 2, 1100)
    at_hand, training = slice(0, 100), slice(0, 60)
    sign, seen = 2 * y - 1, at_hand if whole else training
    chosen = np.argsort(-np.abs(x[seen].T @ sign[seen]))[:20]
    parts = [Examples(x[part][:, chosen].astype(np.float32), y[part].astype(np.int32))
             for part in (training, slice(60, 100), slice(100, 1100))]  # fmt: skip
    shell = arrays(parts[0].x, parts[0].y, validation=None, test=None, standardize=False)
    recipe = Recipe(Dense(2), loss=CrossEntropy(), optimizer=Adam(0.03), batch_size=60, length=100,
                    seed=seed + SHIFT * again, evaluation=Evaluation(100, metrics=(Accuracy(),)))  # fmt: skip
    run = train(recipe, data=replace(shell, validation=parts[1], test=parts[2]))
    return {"validation": run.evaluate("validation")["accuracy"], "test": run.evaluate("test")["accuracy"]}


FIVE = replace(PLAIN, network=network(outputs=len(FIRST)))
DESIGNS = {
    "transfer": Trained(
        "As `overfitting.techniques`, but with the digits 0 to 4 alone. `readout`: what a linear model of the hidden "
        "units, fitted to 450 digits of 5 to 9 that have their right labels, gets right of the others.",
        {name: Arm(recipe, tuned={"optimizer/learning_rate": RATES}, data=functools.partial(digits, classes=FIRST))
         for name, recipe in (
             ("none", FIVE),
             ("dropout", replace(FIVE, network=network(Dropout(0.5), outputs=len(FIRST)))),
             ("decay", replace(FIVE, optimizer=SGD(0.1, momentum=0.9, weight_decay=0.01))))},
        transferred,
    ),
    "leakage": Drawn(
        "100 examples at hand, 60 to train on and 40 for validation, with 1,000 columns of noise and labels that have "
        "nothing to do with them; a linear model of the 20 columns that go best with the labels, of all at hand or of "
        "those to train on. `validation` and `test`: its accuracy on the 40, and on 1,000 examples never at hand.",
        {"leaking": functools.partial(selected, whole=True), "apart": functools.partial(selected, whole=False),
         "leaking sham": functools.partial(selected, whole=True, again=True)},
        seeds=20,
    ),
}  # fmt: skip
