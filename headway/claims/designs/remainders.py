"""A map near the identity and one far from it, learned by a network alone and by what stands beside a skip."""

import functools
import math

import numpy as np

from headway.claims.design import Arm, Measures, Trained
from headway.data.dataset import Dataset, arrays
from headway.learning.losses import MeanSquaredError
from headway.learning.optimizers.adaptive import Adam
from headway.network.activations import ReLU
from headway.network.compose import Sequential
from headway.network.dense import Dense
from headway.network.residual import Residual
from headway.training.recipe import Evaluation, Recipe
from headway.training.run import Run

WIDTH, HIDDEN, EXAMPLES, UPDATES, BENT = 8, 32, 2000, 500, 0.2
SIGNS = {"near": 1, "far": -1}
BODY = Sequential((Dense(HIDDEN), ReLU(), Dense(WIDTH)))
RATES = (1e-3, 3e-3, 1e-2)


@functools.lru_cache(32)
def mapped(seed: int, sign: int) -> Dataset:
    """Normal x, and H(x) = ±x + 0.2 tanh(x A) with a random A."""
    rng = np.random.default_rng(seed)
    x, A = rng.normal(size=(EXAMPLES, WIDTH)), rng.normal(size=(WIDTH, WIDTH)) / math.sqrt(WIDTH)
    return arrays(x, sign * x + BENT * np.tanh(x @ A), standardize=False, seed=seed)


def measured(run: Run) -> Measures:
    """The squared error on examples not seen; and the size of F(x), of what is beside the skip, in that of x."""
    test = run.data().splits()["test"]
    F = run.outputs(test.x) - (test.x if isinstance(run.recipe.network, Residual) else 0)
    return {"log10 error": math.log10(run.results["test"]["loss"]),
            "size of F": float(np.linalg.norm(F) / np.linalg.norm(test.x))}  # fmt: skip


def learner(way: str, where: str, *, sham: bool = False) -> Arm:
    """A hidden layer of ReLU units, alone or beside a skip, on a map of its seed, at its own rate."""
    recipe = Recipe(
        BODY if way == "plain" else Residual(BODY), loss=MeanSquaredError(), optimizer=Adam(RATES[1]), batch_size=50,
        length=UPDATES, evaluation=Evaluation(UPDATES),
    )  # fmt: skip
    data = functools.partial(mapped, sign=SIGNS[where])
    return Arm(recipe, tuned={"optimizer/learning_rate": RATES}, sham=sham, data=data)


DESIGNS = {
    "maps": Trained(
        f"H(x) = x + {BENT} tanh(x A), near the identity, or −x + {BENT} tanh(x A), far from it, for {WIDTH} normal "
        f"numbers and an A that every seed draws; F a hidden layer of {HIDDEN} ReLU units, plain or beside a skip, "
        f"{UPDATES} updates of Adam at a tuned rate with batches of 50. `log10 error`: of the mean squared error on "
        "examples not seen; `size of F`: ‖F(x)‖ / ‖x‖.",
        {f"{way} {where}": learner(way, where) for way in ("plain", "residual") for where in SIGNS}
        | {"sham near": learner("plain", "near", sham=True)},
        measured,
        seeds=20,
        quick={"length": 100, "evaluation/every": 100},
    ),
}
