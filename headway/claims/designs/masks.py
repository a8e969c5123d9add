"""Dropout as it acts on numbers: how many it zeroes, what it expects, and what it does in evaluation."""

from functools import partial
from typing import Any, Literal

import jax
import jax.numpy as jnp
import numpy as np

from headway.claims.design import Exact, Measures
from headway.learning.regularization import Dropout
from headway.network.activations import Tanh
from headway.network.compose import Sequential
from headway.network.dense import Dense
from headway.network.layer import Context, Layer, apply, initialize
from headway.spec.numbers import join, split

Mode = Literal["train", "eval"]
EXAMPLES, WIDTH, RATES = 1000, 256, (0.1, 0.5, 0.8)


def passed(layer: Layer, x: jax.Array, mode: Mode, seed: int = 0) -> np.ndarray:
    """The output for a batch, in training by the keys of a seed, or in evaluation."""
    return np.asarray(_passed(*split(layer), mode, x, seed))


@partial(jax.jit, static_argnums=(0, 2))
def _passed(structure: Layer, numbers: Any, mode: Mode, x: jax.Array, seed: int) -> jax.Array:
    layer, keys = join(structure, numbers), jax.random.split(jax.random.key(seed), len(x))
    params, state = initialize(layer, x.shape[1:], jax.random.key(0))
    return apply(layer, params, x, state, Context(mode, keys))[0]


def dropped(rate: float) -> Measures:
    """Zeros and mean of ones after dropout, in standard deviations of what is expected; and evaluation."""
    ones, n = jnp.ones((EXAMPLES, WIDTH)), EXAMPLES * WIDTH
    y = passed(Dropout(rate), ones, "train").astype(np.float64)
    spread, kept = np.sqrt(rate * (1 - rate) / n), y[y != 0]
    x = jax.random.normal(jax.random.key(1), (EXAMPLES, WIDTH))
    return {
        "zeros": float(((y == 0).mean() - rate) / spread), "mean": float((y.mean() - 1) * (1 - rate) / spread),
        "scale apart": float(np.abs(kept * (1 - rate) - 1).max()),
        "evaluation": float(np.abs(passed(Dropout(rate), x, "eval") - x).max()),
    }  # fmt: skip


def modes(rate: float | None) -> Measures:
    """How far outputs of a small network are apart in training and evaluation, and in training by two seeds."""
    inner = () if rate is None else (Dropout(rate),)
    network = Sequential((Dense(16), Tanh(), *inner, Dense(4)))
    x = jax.random.normal(jax.random.key(1), (8, 8))
    first, second, evaluated = passed(network, x, "train"), passed(network, x, "train", 1), passed(network, x, "eval")
    return {"modes": float(np.abs(first - evaluated).max()), "seeds": float(np.abs(first - second).max())}


DESIGNS = {
    "dropout": Exact(
        "Dropout of 256,000 ones. `zeros`, `mean`: how far the share of zeros is from the rate, and the mean from 1, "
        "in standard deviations; `scale apart`: what is kept, times 1 − rate, from 1; `evaluation`: y from x there. "
        "Of two dense layers: `modes`: outputs in training from those in evaluation; `seeds`: by two seeds.",
        {f"rate {rate:g}": partial(dropped, rate) for rate in RATES}
        | {"network with dropout": partial(modes, 0.5), "network without": partial(modes, None)},
    ),
}  # fmt: skip
