"""Ways past a layer: which kinds have one, what they compute, and what that does to the Jacobian."""

from collections.abc import Callable
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np

from headway.claims.design import Exact, Measures
from headway.network.activations import Tanh
from headway.network.branch import Concatenate
from headway.network.compose import Sequential
from headway.network.dense import Dense
from headway.network.layer import Layer, apply, initialize
from headway.network.residual import Residual

WIDTH, NUDGE = 6, 1e-5
BODY = Sequential((Dense(WIDTH), Tanh()))


def measured(kind: Callable[[Layer], Layer]) -> Measures:
    """One kind of block around F(x) = tanh(x W + b), in float64; F and dF/dx are written in NumPy."""
    block = kind(BODY)
    with jax.enable_x64(True):
        params, _ = initialize(block, (WIDTH,), jax.random.key(0), jnp.float64)
        x = np.random.default_rng(0).normal(size=WIDTH)
        dense = params.get("body", params)["0"]
        w, b = np.asarray(dense["w"]), np.asarray(dense["b"])

        def through(x: jax.Array) -> jax.Array:
            return apply(block, params, x[None])[0][0]

        y, jacobian = np.asarray(through(jnp.asarray(x))), np.asarray(jax.jacobian(through)(jnp.asarray(x)))
        slopes = [(through(x + nudge) - through(x - nudge)) / (2 * NUDGE) for nudge in NUDGE * np.eye(WIDTH)]
    f = np.tanh(x @ w + b)
    added, around = jacobian[:WIDTH], (1 - f**2)[:, None] * w.T
    return {
        "has a way past": float(any(not way for way in block.ways((WIDTH,)))),
        "from sum": float(abs(y[:WIDTH] - x - f).max()),
        "keeps the width": float(len(y) == WIDTH),
        "from identity": float(abs(added - around - np.eye(WIDTH)).max()),
        "from ones": float(abs(added - around - 1).max()),
        "differences": float(abs(np.stack(slopes, axis=1) - jacobian).max()),
    }  # fmt: skip


DESIGNS = {
    "blocks": Exact(
        "A block around F(x) = tanh(x W + b) of width 6 in float64, at one input; F and dF/dx are NumPy's. `from sum`: "
        "y − x − F(x), the first 6 numbers of y; `from identity`, `from ones`: dy/dx − dF/dx − I, or − 1 in every "
        "entry; `differences`: dy/dx from central differences; `has a way past`: whether a way from its input to its "
        "output leads past all layers inside; `keeps the width`: whether y has as many numbers as x.",
        {"plain": partial(measured, lambda body: body), "residual": partial(measured, Residual),
         "concatenation": partial(measured, Concatenate)},
    ),
}  # fmt: skip
