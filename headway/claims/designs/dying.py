"""Units of ReLU that are 0 on all examples: by a bias that is far too low, and by a rate that is far too high."""

import functools
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from headway.claims.design import Drawn, Measures
from headway.claims.designs.rates import accuracy
from headway.data.bundled import Digits
from headway.data.dataset import Data, Dataset
from headway.doctor.sham import SHIFT, sham
from headway.learning.losses import CrossEntropy
from headway.learning.metrics import Accuracy
from headway.learning.optimizers.sgd import SGD
from headway.network.activations import GELU, LeakyReLU, ReLU, SiLU
from headway.network.compose import Sequential
from headway.network.dense import Dense
from headway.network.initialization import HeNormal
from headway.network.layer import Activation, initialize
from headway.training.recipe import Evaluation, Recipe
from headway.training.train import fine_tune

WIDTH, CLASSES, UPDATES, LOW = 64, 10, 400, -6.0
ACTIVATIONS: dict[str, Activation] = {
    "relu": ReLU(), "leaky 0.01": LeakyReLU(0.01), "leaky 0.1": LeakyReLU(0.1), "gelu": GELU(), "silu": SiLU(),
}  # fmt: skip
RATES = (0.05, 0.3, 1.0, 3.0)


@functools.cache
def digits() -> Dataset:
    """The digits, loaded once, all of them to train on."""
    return Data(Digits(), validation=None, test=None).load()


def dead(params: dict[str, Any]) -> float:
    """The share of hidden units whose weighted sum is at most 0 on every training example."""
    sums = jnp.asarray(digits().train.x) @ params["0"]["w"] + params["0"]["b"]
    return float(np.mean(np.asarray(sums.max(axis=0)) <= 0))


def trained(activation: str, bias: float, rate: float, seed: int, again: bool = False) -> Measures:
    """One hidden layer with He et al.'s weights, its biases all `bias`, after training; `again`: the sham of it."""
    network = Sequential((Dense(WIDTH, init=HeNormal()), ACTIVATIONS[activation], Dense(CLASSES)))
    params, _ = initialize(network, digits().input_shape, jax.random.key(seed))
    params["0"]["b"] = jnp.full_like(params["0"]["b"], bias)
    if again:
        params = sham(network, params, jax.random.key(seed))
    recipe = Recipe(
        network, loss=CrossEntropy(), optimizer=SGD(rate), batch_size=64, length=UPDATES,
        seed=seed + SHIFT * again, evaluation=Evaluation(UPDATES, metrics=(Accuracy(),)),
    )  # fmt: skip
    run = fine_tune(recipe, {"params": params, "network": {}}, data=digits(), anyway=True)
    at_chance = float(accuracy(run) < 1.5 / CLASSES)
    return {
        "dead at the start": dead(params), "dead": dead(run.final["params"]), "accuracy": accuracy(run),
        "failed": at_chance,
    }  # fmt: skip


DESIGNS = {
    "units": Drawn(
        f"Digits, one hidden layer of {WIDTH} units, {UPDATES} updates of SGD with batches of 64; the biases begin at "
        f"0, or all at {LOW:g}, four spreads below what the inputs make; at rate {RATES[0]}, or with biases of 0 at "
        "higher ones. `dead`: the share of units whose weighted sum is at most 0 on all training examples, after the "
        "run and `dead at the start`; `accuracy`: on these examples, that of chance where a number was not finite; "
        "`failed`: 1 where it is below 1.5 times that of chance.",
        {
            **{f"{name} low": functools.partial(trained, name, LOW, RATES[0]) for name in ACTIVATIONS},
            **{f"relu rate {rate:g}": functools.partial(trained, "relu", 0.0, rate) for rate in RATES},
            "relu low sham": functools.partial(trained, "relu", LOW, RATES[0], again=True),
            "relu rate 0.05 sham": functools.partial(trained, "relu", 0.0, RATES[0], again=True),
        },
        seeds=120,
    ),
}
