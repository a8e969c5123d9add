"""A batch in micro-batches: the gradient that they come to together, beside that of the whole batch in NumPy."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np

from headway.claims.design import Exact, Measures
from headway.learning.losses import CrossEntropy
from headway.learning.optimizers.sgd import SGD
from headway.network.compose import Sequential
from headway.network.dense import Dense
from headway.network.layer import Layer, initialize
from headway.network.normalization import BatchNorm
from headway.training.job import Update
from headway.training.step import Batch, accumulate, differentiate, micro_batches

PARTS, TIME, INPUTS, CLASSES = 4, 4, 5, 3
LENGTHS = np.array([4, 4, 4, 1, 1, 1, 2, 1, 2, 3, 3, 4])
"""Places that count of each sequence; three sequences are a micro-batch."""
LINEAR = Dense(CLASSES)


def by_hand(batch: Batch, w: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Σ weight · xᵀ (softmax(x w + b) − y) / Σ weight, over all places of all sequences."""
    x, z = np.asarray(batch.x), np.asarray(batch.x) @ w + b
    p = np.exp(z - z.max(axis=-1, keepdims=True))
    error = p / p.sum(axis=-1, keepdims=True) - np.eye(CLASSES)[np.asarray(batch.y)]
    weights = np.asarray(batch.weights)
    gradient: np.ndarray = np.einsum("nt,nti,ntc->ic", weights, x, error) / weights.sum()
    return gradient


def drawn() -> Batch:
    """Twelve sequences of unequal lengths, a target at every place."""
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(len(LENGTHS), TIME, INPUTS)), rng.integers(0, CLASSES, (len(LENGTHS), TIME))
    return Batch(jnp.asarray(x), jnp.asarray(y), weights=jnp.asarray(np.arange(TIME) < LENGTHS[:, None], float))


def in_parts(network: Layer, how: str) -> Measures:
    """How far the gradient of four micro-batches is from that of the whole batch; of a linear one, from NumPy's."""
    with jax.enable_x64(True):
        batch = drawn()
        params, state = initialize(network, (TIME, INPUTS), jax.random.key(0), jnp.float64)
        values = {"params": params, "network": state}
        update = Update(network, loss=CrossEntropy(), optimizer=SGD(0.1), clip=None, batch_size=len(LENGTHS),
                        accumulate=PARTS, seed=0)  # fmt: skip
        if how == "by tokens":
            found = accumulate(update, values, batch).gradients
        else:
            parts = jax.lax.map(
                lambda part: differentiate(update, values, part).gradients, micro_batches(update, batch)
            )
            found = jax.tree.map(lambda part: part.mean(axis=0), parts)
        if network is LINEAR:
            expected = {"w": by_hand(batch, np.asarray(params["w"]), np.asarray(params["b"]))}
            found = {"w": found["w"]}
        else:
            expected = differentiate(update, values, batch).gradients
        pairs = zip(jax.tree.leaves(found), jax.tree.leaves(expected), strict=True)
        return {"apart": max(float(np.abs(np.asarray(a) - np.asarray(b)).max()) for a, b in pairs)}


DESIGNS = {
    "parts": Exact(
        "Twelve sequences of 1 to 4 places that count, in four micro-batches, float64. `apart`: the largest difference "
        "of the gradient from that of the whole batch: of a linear model from NumPy's; with BatchNorm from that which "
        "normalizes all twelve together. `by tokens` every place counts once; `by micro-batches` every part does.",
        {"by tokens": partial(in_parts, LINEAR, "by tokens"),
         "by micro-batches": partial(in_parts, LINEAR, "by micro-batches"),
         "with batchnorm": partial(in_parts, Sequential((BatchNorm(), Dense(CLASSES))), "by tokens")},
    ),
}  # fmt: skip
