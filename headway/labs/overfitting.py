"""Diagnose overfitting: where it begins, and what to spend a budget on, judged by examples that nobody has seen."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from headway.data.dataset import Dataset, Examples, arrays
from headway.doctor.baseline import constant_loss
from headway.labs.edits import edited, edits_of
from headway.labs.grading import EMPTY, Asked, Mistake, judged
from headway.labs.lab import Blank, Grade, Lab, Part, Task, Values, hidden_seeds, with_recipe
from headway.learning.losses import CrossEntropy
from headway.learning.optimizers.adaptive import AdamW
from headway.learning.regularization import Dropout, Noise
from headway.network.activations import ReLU
from headway.network.compose import Sequential
from headway.network.dense import Dense
from headway.spec.error import HeadwayError
from headway.spec.json import dumps
from headway.spec.node import walk
from headway.training.evaluate import judge
from headway.training.recipe import Evaluation, Recipe
from headway.training.run import Run
from headway.training.sweeps.sweep import sweep

FEATURES, TELLING, TRAINING, VALIDATION, NEW = 16, 4, 80, 200, 2000
UPDATES, EVERY, RATE, DECAY = 300, 10, 1e-2, 1e-3
LAYERS = (Dense(64), ReLU(), Dense(2))
BUDGET = 3
PRICES = {"weight decay or a penalty": 1, "learning rate": 1, "width": 1, "dropout": 2, "noise": 2, "early stopping": 2}
REFERENCE = 5.0
"""The weight decay that a search found best, within a few hundredths of the loss for any seed."""
SHARE = 0.4
"""Which part of the way from the loss with that decay to the best constant's is near enough."""
TEXT = f"""\
recipe.json, beside this file, is a recipe that overfits: {TRAINING} noisy examples, two classes, {FEATURES} features
of which {TELLING} say anything. `python answer.py` prints its losses on the training and on the validation set.

Say when the loss on the validation set turns and how large the gap is at the end. Then change the recipe: a budget of
{BUDGET} is to be spent on

    {", ".join(f"{name} {price}" for name, price in PRICES.items())}

where dropout and noise are layers, hw.Dropout(rate) and hw.Noise(deviation), inserted into the network, width is the
units of a layer, and early stopping is hw.Set("stopping", value=hw.EarlyStopping(3)). The recipe is trained again on
three seeds you do not know. What counts is the loss on {NEW:,} new examples: that of the last update, or with early
stopping that of the weights kept. A gap that is closed by learning nothing does not count."""
GIVEN, END = with_recipe("overfitting", "losses")
TURNS = """\
from headway.labs.overfitting import curves

steps, train, held_out = curves(recipe, data).T
turns = steps[held_out.argmin()]"""
GAP = "gap = held_out[-1] - train[-1]"
CURE = f'edits = (hw.Set("optimizer/weight_decay", value={REFERENCE}),)'


def draw(seed: int, part: int, count: int) -> tuple[np.ndarray, np.ndarray]:
    """So many examples: class 1 where a weighted sum of a few features and noise is above 0."""
    telling = np.random.default_rng([seed, 1]).normal(size=TELLING)
    rng = np.random.default_rng([seed, 2, part])
    x = rng.normal(size=(count, FEATURES))
    sums = x[:, :TELLING] @ (telling / np.linalg.norm(telling)) + 0.5 * rng.normal(size=count)
    return x, (sums > 0).astype(int)


def examples(seed: int) -> Dataset:
    """What there is to train on, and a validation set."""
    x, y = draw(seed, 0, TRAINING + VALIDATION)
    share = VALIDATION / (TRAINING + VALIDATION)
    return arrays(x, y, validation=share, test=None, standardize=False)


def unseen(seed: int) -> Examples:
    """The third split, which is in nobody's data set."""
    x, y = draw(seed, 1, NEW)
    return Examples(x.astype(np.float32), y.astype(np.int32))


def recipe_of(seed: int) -> Recipe:
    """A network with far more parameters than examples, trained for long."""
    return Recipe(Sequential(LAYERS), loss=CrossEntropy(), optimizer=AdamW(RATE, weight_decay=DECAY), batch_size=40,
                  length=UPDATES, seed=seed % 1000, evaluation=Evaluation(EVERY))  # fmt: skip


def trained(recipe: Recipe, data: Dataset, seeds: Sequence[int]) -> tuple[Run, ...]:
    return sweep(recipe, {"seed": tuple(seeds)}, data=data, anyway=True).runs


def curves(recipe: Recipe, data: Dataset) -> np.ndarray:
    """Update, training loss (the mean since the line before), validation loss, [evaluations, 3]."""
    (run,) = trained(recipe, data, (recipe.seed,))
    train = run.history.columns()["loss"]
    return np.array([(e["step"], train[int(e["step"]) - EVERY : int(e["step"])].mean(), e["loss"])
                     for e in run.history.evaluations])  # fmt: skip


def losses(recipe: Recipe, data: Dataset) -> str:
    """The curves as a table."""
    lines = (f"{int(step):>6}  {train:>8.4f}  {held_out:>10.4f}" for step, train, held_out in curves(recipe, data))
    return "\n".join(["update  training  validation", *lines])


def spent(after: Recipe) -> dict[str, int]:
    """What the changes cost, each under its name. An error for what is not on the list."""
    layers = [part for _, part in walk(after.network) if not isinstance(part, Sequential)]
    kept = tuple(layer for layer in layers if not isinstance(layer, Dropout | Noise))
    if [type(layer) for layer in kept] != [type(layer) for layer in LAYERS]:
        raise HeadwayError("network", "may have Dropout and Noise inserted, and other units", after.network)
    if not isinstance(after.optimizer, AdamW):
        raise HeadwayError("optimizer", "must stay AdamW", after.optimizer)
    bought = {
        "weight decay or a penalty": after.optimizer.weight_decay != DECAY or bool(after.penalties),
        "learning rate": replace(after.optimizer, weight_decay=DECAY) != AdamW(RATE, weight_decay=DECAY),
        "width": kept != LAYERS,
        "dropout": any(isinstance(layer, Dropout) for layer in layers),
        "noise": any(isinstance(layer, Noise) for layer in layers),
        "early stopping": after.stopping is not None,
    }
    return {name: PRICES[name] for name, is_bought in bought.items() if is_bought}


def asked(seed: int) -> tuple[Asked, Asked]:
    """When the validation loss turns, and the gap at the end, on the seed of the recipe."""
    steps, train, held_out = curves(recipe_of(seed), examples(seed)).T
    turn = int(np.argmin(held_out))
    return (
        Asked("turns", float(steps[turn]), (
            Mistake(float(steps[np.argmin(train)]), "That is where the training loss is lowest: look at validation."),
            Mistake(float(held_out[turn]), "That is the loss there; the update is asked for."),
        ), "Overfitting begins where the validation loss is lowest, from where it rises.", 0.1),
        Asked("gap", float(held_out[-1] - train[-1]), (
            Mistake(float(train[-1] - held_out[-1]), "The sign is wrong: validation loss less training loss."),
            Mistake(float(held_out[turn] - train[turn]), "That is the gap where the loss turns, not at the end."),
            Mistake(float(held_out[-1] - held_out[turn]), "That is how far the validation loss has risen."),
        ), "The gap is validation loss less training loss, at the last update.", 0.02),
    )  # fmt: skip


def grade(seed: int, values: Values) -> Grade:
    """What was read from the curves, what was spent, and the loss on examples that nobody has seen."""
    read = asked(seed) if any(values.get(name) is not None for name in ("turns", "gap")) else ()
    empty = (Part("turns", 0, 1, EMPTY), Part("gap", 0, 1, EMPTY))
    parts = tuple(judged(values.get(one.name), one) for one in read) or empty
    return Grade((*parts, *bought(seed, values.get("edits"))))


def bought(seed: int, value: Any) -> tuple[Part, Part]:
    """The edits held to the budget, and what they come to."""
    if not value:
        return Part("budget", 0, 1, "There are no edits yet."), Part("new examples", 0, 2)
    free = ("network", "optimizer", "stopping", "penalties")
    try:
        recipe = edited(recipe_of(seed), edits_of(value), free=free, inputs=(FEATURES,))
        prices = spent(recipe)
        if (total := sum(prices.values())) > BUDGET:
            said = ", ".join(f"{name} {price}" for name, price in prices.items())
            return Part("budget", 0, 1, f"{said}: together {total}, of {BUDGET}."), Part("new examples", 0, 2)
        return Part("budget", 1, 1), on_new(recipe, seed)
    except HeadwayError as error:
        return Part("budget", 0, 1, str(error)), Part("new examples", 0, 2)


def on_new(recipe: Recipe, seed: int) -> Part:
    """The loss on new examples beside that with the reference, and what training and new loss say together."""
    constant = constant_loss(recipe.loss, (2,), examples(seed).train, unseen(seed))
    train, own = mean_losses(recipe, seed)
    _, best = mean_losses(replace(recipe_of(seed), optimizer=AdamW(RATE, weight_decay=REFERENCE)), seed)
    bar = best + SHARE * (constant - best)
    if own <= bar:
        return Part("new examples", 2, 2)
    said = f"The loss is {own:.2f} on new examples, {train:.2f} on those trained on. At most {bar:.2f} is asked for;"
    said += f" guessing gives {constant:.2f}."
    if train > 0.8 * constant:
        why = "The gap is closed because nothing is learned any more: this underfits. Less of it."
    elif own > constant:
        why = "It still learns the noise by heart: more of it, or something that works better."
    else:
        why = "This is the right direction: what of it can be stronger, or weaker?"
    return Part("new examples", int(own < constant and train <= 0.8 * constant), 2, f"{said} {why}")


def mean_losses(recipe: Recipe, seed: int) -> tuple[float, float]:
    """The loss on the training set of a task and on its new examples, over its hidden seeds."""
    data, new = examples(seed), unseen(seed)
    runs = trained(recipe, data, hidden_seeds(seed))
    kept = [run.values if recipe.stopping else run.final for run in runs]
    made = [[judge(recipe, values, part)["loss"] for values in kept] for part in (data.train, new)]
    train, held_out = np.nan_to_num(np.mean(made, axis=1), nan=np.inf)
    return float(train), float(held_out)


def task(seed: int) -> Task:
    """A recipe that overfits, and three blanks."""
    blanks = (
        Blank("turns", "the update at which the validation loss is lowest", TURNS),
        Blank("gap", "validation loss less training loss at the last update", GAP),
        Blank("edits", 'such as (hw.Set("optimizer/learning_rate", value=0.003),)', CURE, "edits = ()"),
    )
    return Task(GIVEN, blanks, lambda values: grade(seed, values), {"recipe.json": dumps(recipe_of(seed)) + "\n"}, END)


LAB = Lab(
    "overfitting", "Diagnose overfitting",
    "Recognizes overfitting in a run and applies a remedy that lowers its held-out loss", TEXT, task,
    claims=("X01", "R31", "R32", "R33", "R34"),
)  # fmt: skip
