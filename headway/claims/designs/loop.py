"""The loop of training, and what becomes of the loss when one link of it is pulled out."""

from functools import partial
from typing import Literal

import jax
import jax.numpy as jnp

from headway.claims.design import Drawn, Measures
from headway.data.synthetic import Blobs
from headway.doctor.sham import sham
from headway.learning.backpropagation.reverse import gradients
from headway.learning.clipping import global_norm
from headway.learning.losses import CrossEntropy
from headway.learning.optimizers.optimizer import apply_updates
from headway.learning.optimizers.sgd import SGD
from headway.network.activations import Tanh
from headway.network.compose import Sequential
from headway.network.dense import Dense
from headway.network.layer import Params, apply, initialize
from headway.training.step import Batch

Link = Literal["none", "loss", "backpropagation", "lower half", "optimizer"]
LINKS: tuple[Link, ...] = ("none", "loss", "backpropagation", "lower half", "optimizer")
NETWORK, LOSS = Sequential((Dense(16), Tanh(), Dense(3))), CrossEntropy()
UPDATES, RATE = 100, 0.3


@partial(jax.jit, static_argnums=0)
def after(pulled: Link, first: Params, of_noise: jax.Array, batch: Batch) -> dict[str, jax.Array]:
    """What a run from these parameters comes to."""
    rule = SGD(RATE).transformation()

    def once(params: Params, key: jax.Array) -> tuple[Params, jax.Array]:
        found = gradients(NETWORK, params, batch, loss=LOSS)
        g = found.params
        if pulled == "loss":
            g = as_large(jax.grad(lambda params: apply(NETWORK, params, batch.x)[0].mean())(params), g)
        elif pulled == "backpropagation":
            g = as_large(jax.tree.map(lambda w: jax.random.normal(jax.random.fold_in(key, w.size), w.shape), g), g)
        elif pulled == "lower half":
            g = g | {"0": jax.tree.map(jnp.zeros_like, g["0"])}
        changes, _ = rule.update(g, rule.init(params), params)
        return params if pulled == "optimizer" else apply_updates(params, changes), found.loss

    last, losses = jax.lax.scan(once, first, jax.random.split(of_noise, UPDATES))
    outputs, _ = apply(NETWORK, last, batch.x)
    return {
        "fall": 1 - LOSS(outputs, batch.y) / losses[0], "accuracy": (outputs.argmax(axis=-1) == batch.y).mean(),
        "moved": global_norm(jax.tree.map(jnp.subtract, last, first)),
    }  # fmt: skip


def as_large(direction: Params, g: Params) -> Params:
    """A direction made as long as the gradient, so that only where it points differs."""
    scale = global_norm(g) / global_norm(direction)
    made: Params = jax.tree.map(lambda part: part * scale, direction)
    return made


def trained(pulled: Link, seed: int, again: bool = False) -> Measures:
    """What one run comes to; `again`: from weights that compute the same, the sham of it."""
    table = Blobs(300, seed=seed).load()
    batch = Batch(jnp.asarray(table.x, jnp.float32) / 5, jnp.asarray(table.y))
    of_weights, of_noise = jax.random.split(jax.random.key(seed))
    first, _ = initialize(NETWORK, (2,), of_weights)
    if again:
        first = sham(NETWORK, first, of_weights)
    return {name: float(value) for name, value in after(pulled, first, of_noise, batch).items()}


DESIGNS = {
    "links": Drawn(
        "Three blobs of 100 points, a layer of 16 tanh units, cross-entropy, 100 updates of SGD at 0.3 on all points. "
        "Pulled out are: the loss (updates follow the gradient of the mean output in its place), backpropagation (a "
        "direction drawn at random), both as long as the gradient is; its lower half (nothing comes back past the last "
        "layer); and the optimizer (gradients are computed, and nothing is done with them). `fall`: the share of the "
        "first loss that is gone at the end, below 0 where it rose; `accuracy`: on all points at the end; `moved`: the "
        "distance of the last parameters from the first. `sham`: nothing is pulled out.",
        {pulled: partial(trained, pulled) for pulled in LINKS} | {"sham": partial(trained, "none", again=True)},
        seeds=40, few=10,
    ),
}  # fmt: skip
