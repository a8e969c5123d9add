"""XOR, which no line parts, learned by networks without an activation, and by narrow and wide ones with one."""

from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from headway.claims.design import Drawn, Measures
from headway.claims.designs.exact import largest
from headway.doctor.sham import sham
from headway.learning.losses import CrossEntropy
from headway.learning.optimizers.adaptive import Adam
from headway.learning.optimizers.optimizer import apply_updates
from headway.network.activations import ReLU
from headway.network.compose import Sequential
from headway.network.dense import Dense
from headway.network.layer import Layer, Params, apply, initialize

X = np.array([[-1.0, -1.0], [-1.0, 1.0], [1.0, -1.0], [1.0, 1.0]], np.float32)
Y = np.array([0, 1, 1, 0])
UPDATES, RATE, LATE = 2000, 0.01, 200
LINEAR = {"no activation": Sequential((Dense(8), Dense(8), Dense(2))), "one layer": Sequential((Dense(2),))}
WIDTHS = (2, 4, 8, 32)


def hidden(width: int) -> Sequential:
    """One hidden layer of ReLU units."""
    return Sequential((Dense(width), ReLU(), Dense(2)))


@partial(jax.jit, static_argnums=0)
def trained(network: Layer, params: Params) -> tuple[Params, jax.Array, jax.Array]:
    """Parameters and outputs after training from these parameters, and all losses."""
    rule, loss = Adam(RATE).transformation(), CrossEntropy()

    def once(carried: tuple[Params, Any], _: None) -> tuple[tuple[Params, Any], jax.Array]:
        params, memory = carried
        value, g = jax.value_and_grad(lambda params: loss(apply(network, params, jnp.asarray(X))[0], jnp.asarray(Y)))(
            params
        )
        changes, memory = rule.update(g, memory, params)
        return (apply_updates(params, changes), memory), value

    (params, _), losses = jax.lax.scan(once, (params, rule.init(params)), None, UPDATES)
    return params, apply(network, params, jnp.asarray(X))[0], losses


def learned(network: Sequential, seed: int, bias: float = 0.0, again: bool = False) -> Measures:
    """What has become of one network, the first layer's biases moved by `bias` before it is trained.

    again   from weights that compute the same: the sham
    """
    key = jax.random.key(seed)
    first, _ = initialize(network, (2,), key)
    first["0"]["b"] += bias
    params, outputs, losses = trained(network, sham(network, first, key) if again else first)
    accuracy = float(np.mean(np.asarray(outputs).argmax(axis=1) == Y))
    return {
        "accuracy": accuracy, "stuck": float(accuracy < 1), "loss": float(losses[-1]),
        "still falling": float(losses[-LATE] - losses[-1]),
        "from one map": largest(outputs - one_map(params)),
    }  # fmt: skip


def one_map(params: Params) -> np.ndarray:
    """The outputs of x W_1 … W_n + c, all layers multiplied into one in NumPy: what is left without activations."""
    W, c = np.eye(2), np.zeros(2)
    for key in sorted(params, key=int):
        w, b = (np.asarray(params[key][name], np.float64) for name in "wb")
        W, c = W @ w, c @ w + b
    return np.asarray(X @ W + c)


DESIGNS = {
    "learned": Drawn(
        "The four points of XOR, (±1, ±1), all in every update: cross-entropy, 2,000 updates of Adam at 0.01. Networks "
        "of three layers or one without an activation, and of one hidden layer of ReLU units; `dead`: with 32 units "
        "whose biases begin at −6. `stuck`: 1 where a point is wrong at the end; `still falling`: by how much the loss "
        "fell over the last 200 updates; `from one map`: the largest difference from x W + c, the layers multiplied "
        "into one in NumPy.",
        {
            **{name: partial(learned, network) for name, network in LINEAR.items()},
            **{f"width {width}": partial(learned, hidden(width)) for width in WIDTHS},
            "dead": partial(learned, hidden(32), bias=-6.0),
            "width 2 sham": partial(learned, hidden(2), again=True),
        },
        seeds=40, few=10,
    ),
}  # fmt: skip
