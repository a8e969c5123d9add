"""A few mislabelled digits, learned by heart: what makes that worse, and what regularization does against it."""

import functools
import math
from collections.abc import Callable
from dataclasses import replace

import jax
import jax.numpy as jnp
import numpy as np

from headway.claims.design import Arm, Measures, Trained
from headway.data.augment import Shift
from headway.data.bundled import Digits
from headway.data.dataset import Dataset, Examples, arrays
from headway.learning.losses import CrossEntropy
from headway.learning.metrics import Accuracy
from headway.learning.optimizers.adaptive import Adam, AdamW
from headway.learning.optimizers.optimizer import apply_updates
from headway.learning.optimizers.sgd import SGD
from headway.learning.penalties import L2
from headway.learning.regularization import Dropout
from headway.learning.schedules.schedule import Epochs
from headway.network.activations import ReLU
from headway.network.compose import Sequential
from headway.network.convolution import Flatten
from headway.network.dense import Dense
from headway.network.layer import initialize
from headway.network.values import flatten
from headway.training.evaluate import judge
from headway.training.recipe import EarlyStopping, Evaluation, Recipe
from headway.training.run import Run
from headway.training.sweeps.grid import recipe_at
from headway.training.train import fine_tune, train

EXAMPLES, NOISE, VALIDATION, CLASSES = 150, 0.2, 300, 10
WIDTH, EPOCHS, EVERY, PATIENCE = 128, 200, 2, 20
RATES, DECAYS = (0.01, 0.03, 0.1), (1e-3, 1e-2, 3e-2)
NEIGHBOURS = tuple((down, right) for down in (-1, 0, 1) for right in (-1, 0, 1))
MASKS = 16
"""How often half of the hidden units are taken out."""
LEAST_LOST = 0.002
"""What is less is counted as so much: about three of the test examples."""


@functools.lru_cache(32)
def digits(seed: int, noise: float = NOISE, examples: int = EXAMPLES, classes: tuple[int, ...] = ()) -> Dataset:
    """So many digits to learn from, a share of them with a wrong label; validation and test have the right ones."""
    table = Digits(shape="image").load()
    x, y = np.asarray(table.x), np.asarray(table.y)
    if classes:
        x, y = x[np.isin(y, classes)], y[np.isin(y, classes)]
    rest = 1 - (VALIDATION + examples) / len(y)
    whole = arrays(x, y, validation=VALIDATION / len(y), test=rest, seed=seed, standardize=False)
    return replace(whole, train=mislabelled(whole.train, noise, len(whole.classes or ()), seed))


def mislabelled(examples: Examples, share: float, classes: int, seed: int) -> Examples:
    """The examples, exactly this share of them with a label that is another one."""
    rng, y = np.random.default_rng(seed), examples.y.copy()
    wrong = rng.permutation(len(y))[: round(share * len(y))]
    y[wrong] = (y[wrong] + rng.integers(1, classes, len(wrong))) % classes
    return replace(examples, y=y)


def moved(x: np.ndarray, down: int, right: int) -> np.ndarray:
    """Images a pixel further, paper moving in behind them: [n, height, width, channels]."""
    padded = np.pad(x, ((0, 0), (1, 1), (1, 1), (0, 0)))
    return padded[:, 1 - down : 1 - down + x.shape[1], 1 - right : 1 - right + x.shape[2]]


def measured(run: Run) -> Measures:
    """What the last weights are worth, or those that early stopping kept, on all parts of the run's data."""
    data, values, recipe = run.data(), kept(run), replace(run.recipe, loss=CrossEntropy())
    at = {name: judge(recipe, values, part) for name, part in data.splits().items()}
    test = data.splits()["test"]
    places = NEIGHBOURS[:4] + NEIGHBOURS[5:]
    shifted = Examples(np.concatenate([moved(test.x, *place) for place in places]), np.tile(test.y, len(places)))
    return {
        "gap": at["test"]["loss"] - at["train"]["loss"], "held-out loss": at["test"]["loss"],
        "training loss": at["train"]["loss"], "accuracy": at["test"]["accuracy"], "rise": rise(run),
        "shifted accuracy": judge(recipe, values, shifted)["accuracy"],
        "distance": distance(data, NEIGHBOURS if run.recipe.augment else ((0, 0),)),
    } | units(run, test) | sizes(run)  # fmt: skip


def kept(run: Run) -> dict[str, dict[str, jax.Array]]:
    """The weights that a user of the recipe takes."""
    return run.values if run.recipe.stopping else run.final


def rise(run: Run) -> float:
    """By how much the validation loss at the end is above its least value along the way."""
    losses = [evaluation["loss"] for evaluation in run.history.evaluations]
    return float(losses[-1] - min(losses))


def units(run: Run, test: Examples) -> Measures:
    """What the accuracy loses without a random half of the hidden units, and how these units go together."""
    params = kept(run)["params"]
    first, last = params["1"], params[max(params)]
    h = np.maximum(test.x.reshape(len(test), -1) @ np.asarray(first["w"]) + np.asarray(first["b"]), 0)
    w, b, rng = np.asarray(last["w"]), np.asarray(last["b"]), np.random.default_rng(0)

    def accuracy(mask: np.ndarray) -> float:
        return float(np.mean(((h * mask) @ w + b).argmax(axis=-1) == test.y))

    halves = [rng.permutation(WIDTH) < WIDTH // 2 for _ in range(MASKS)]
    lost = accuracy(np.ones(WIDTH)) - float(np.mean([accuracy(half) for half in halves]))
    alive = h[:, h.std(axis=0) > 1e-6]
    together = np.abs(np.corrcoef(alive.T))[np.triu_indices(alive.shape[1], 1)]
    return {"lost": lost, "log2 lost": math.log2(max(lost, LEAST_LOST)), "correlation": float(together.mean())}


def sizes(run: Run) -> Measures:
    """The norm of the weights, biases apart, what one of a hundred is beyond, and how much the norm has grown."""
    shape, key = run.data().input_shape, jax.random.key(run.recipe.seed)
    first = run.start["params"] if run.start else initialize(run.recipe.network, shape, key)[0]
    start, end = (np.concatenate([np.ravel(w) for w in flatten(params).values() if np.ndim(w) > 1])
                  for params in (first, kept(run)["params"]))  # fmt: skip
    before, norm, large = (math.log2(size) for size in (
        np.linalg.norm(start), np.linalg.norm(end), np.quantile(np.abs(end), 0.99)))  # fmt: skip
    return {"log2 norm": norm, "log2 large": large, "growth": norm - before}


@functools.lru_cache(64)
def distance(data: Dataset, places: tuple[tuple[int, int], ...]) -> float:
    """How far a shifted test example is from the nearest training example, these moved to all the places: the mean."""
    assert data.test is not None
    known = np.concatenate([moved(data.train.x, *place) for place in places]).reshape(-1, 64)
    found = []
    for place in NEIGHBOURS[:4] + NEIGHBOURS[5:]:
        asked = moved(data.test.x, *place).reshape(-1, 64)
        squares = (asked**2).sum(1)[:, None] - 2 * asked @ known.T + (known**2).sum(1)
        found.append(np.sqrt(np.maximum(squares.min(axis=1), 0)).mean())
    return float(np.mean(found))


def network(*between: Dropout, outputs: int = CLASSES) -> Sequential:
    """64 pixels, 128 ReLU units, and what stands between these and the outputs."""
    return Sequential((Flatten(), Dense(WIDTH), ReLU(), *between, Dense(outputs)))


PLAIN = Recipe(
    network(), loss=CrossEntropy(), optimizer=SGD(0.1, momentum=0.9), batch_size=50, length=Epochs(EPOCHS),
    evaluation=Evaluation(Epochs(EVERY), metrics=(Accuracy(),)),
)  # fmt: skip


def arm(recipe: Recipe, *, sham: bool = False, data: Callable[[int], Dataset] = digits) -> Arm:
    """An arm with its own rate, on the digits that its seed draws."""
    return Arm(recipe, tuned={"optimizer/learning_rate": RATES}, sham=sham, data=data)


def decaying(strength: float) -> Recipe:
    """With a weight decay apart from the gradient."""
    return replace(PLAIN, optimizer=SGD(0.1, momentum=0.9, weight_decay=strength))


def stopping(patience: int) -> Recipe:
    """Stopped when the validation loss has not improved for so many evaluations; the best weights are kept."""
    return replace(PLAIN, stopping=EarlyStopping(patience))


def stopped(run: Run) -> Measures:
    """Where it stopped, beside where the loss on the test set itself, had it been seen, was least in the whole run; and
    the share of the whole run that was made."""
    assert run.recipe.stopping is not None
    data, patience = run.data(), run.recipe.stopping.patience
    asked = replace(data, validation=data.test)
    whole = replace(run.recipe, stopping=None)
    again = fine_tune(whole, run.start, data=asked, anyway=True) if run.start else train(whole, data=asked, anyway=True)
    seen = again.history.evaluations
    best = min(seen, key=lambda evaluation: evaluation["loss"])
    steps = seen[1]["step"] - seen[0]["step"]
    at_end = next(evaluation["loss"] for evaluation in seen if evaluation["step"] >= run.standing.best_step)
    return {
        "evaluations apart": abs(run.standing.best_step - best["step"]) / steps,
        "patiences apart": abs(run.standing.best_step - best["step"]) / steps / patience,
        "regret": at_end - best["loss"], "whole run's regret": seen[-1]["loss"] - best["loss"],
        "made": run.standing.step / seen[-1]["step"],
    }  # fmt: skip


def against_decay(run: Run) -> Measures:
    """What the last weights are worth, and how evenly the decay shrinks weights of unlike gradients."""
    data, recipe = run.data(), run.recipe
    at = {name: judge(recipe, run.final, part) for name, part in data.splits().items()}
    return {"held-out loss": at["test"]["loss"], "accuracy": at["test"]["accuracy"], "ratio": shrunk(recipe)}


def shrunk(recipe: Recipe, updates: int = 200) -> float:
    """By how much a weight of 1 with gradients of ±0.1 shrinks, over by how much one with gradients of ±10 does."""
    coupled = bool(recipe.penalties)
    rule = recipe_at(recipe, {"optimizer/learning_rate": 0.01} | ({} if coupled else {"optimizer/weight_decay": 0.1}))
    optimizer, sizes = rule.optimizer.transformation(), jnp.array([0.1, 10.0])
    weights = {"w": jnp.ones(2)}
    state, strength = optimizer.init(weights), 0.1 if coupled else 0.0
    for t in range(updates):
        gradient = {"w": sizes * (-1) ** t + strength * weights["w"]}
        change, state = optimizer.update(gradient, state, weights)
        weights = apply_updates(weights, change)
    low, high = (1 - weights["w"]).tolist()
    return float(low / high)


AT_END = replace(PLAIN, evaluation=Evaluation(Epochs(EPOCHS), metrics=(Accuracy(),)))
DESIGNS = {
    "techniques": Trained(
        "64 pixels, 128 ReLU units, 10 classes; 150 digits, 30 of them with a wrong label, drawn anew by every seed; "
        "SGD with momentum 0.9, batches of 50, 200 epochs, the rate tuned on 300 clean digits. Judged are the last "
        "weights, of early stopping the best, on the other 1,347. `gap`: held-out loss − training loss; `rise`: "
        "validation loss at the end − its least; `shifted accuracy`: of the test digits a pixel away; `distance`: from "
        "these to the nearest training example; `lost`: accuracy without a random half of the units; `correlation`: "
        "mean |r| of the units; `log2 norm`: of the weights, biases apart; `log2 large`: what one of a hundred of them "
        "is beyond; `growth`: of the log2 norm over the run.",
        {"none": arm(PLAIN), "placebo": arm(PLAIN, sham=True),
         "dropout": arm(replace(PLAIN, network=network(Dropout(0.5)))),
         **{f"decay {strength:g}": arm(decaying(strength)) for strength in DECAYS},
         "stopping": arm(stopping(PATIENCE)),
         "augmentation": arm(replace(PLAIN, augment=(Shift(1),))),
         "smoothing": arm(replace(PLAIN, loss=CrossEntropy(smoothing=0.1))),
         **{f"noise {share:g}": arm(PLAIN, data=functools.partial(digits, noise=share)) for share in (0.0, 0.4)},
         "600 examples": arm(PLAIN, data=functools.partial(digits, examples=600))},
        measured,
        seeds=40,
        few=2,
        quick={"length": Epochs(60)},
    ),
    "stopping": Trained(
        "As `techniques`, stopped after 2, 5, 20 or 50 evaluations, two epochs apart, without a better validation "
        "loss. `patiences apart`: how far the weights kept are from where the test loss was least; `regret`: by how "
        "much their test loss is above this least.",
        {f"patience {patience}": arm(stopping(patience)) for patience in (2, 5, 20, 50)}
        | {"sham": arm(stopping(20), sham=True)},
        stopped,
        quick={"length": Epochs(60)},
    ),
    "adam": Trained(
        "As `techniques`, with Adam and an L2 penalty and with AdamW, the rate and the decay tuned for both by the "
        "validation loss at the end. `ratio`: by how much a weight with small gradients shrinks over by how much one "
        "with gradients a hundred times as large does.",
        {name: Arm(recipe, tuned={"optimizer/learning_rate": (3e-4, 1e-3, 3e-3), strength: values}, data=digits,
                   sham=name == "sham")
         for name, recipe, strength, values in (
             ("adam", replace(AT_END, optimizer=Adam(1e-3), penalties=(L2(1e-2),)), "penalties/0/strength",
              (1e-3, 1e-2, 1e-1)),
             *((name, replace(AT_END, optimizer=AdamW(1e-3, weight_decay=1.0)), "optimizer/weight_decay",
                (0.1, 1.0, 10.0)) for name in ("adamw", "sham")))},
        against_decay,
        seeds=15,
        quick={"length": Epochs(40), "evaluation/every": Epochs(40)},
    ),
}  # fmt: skip
