"""Backpropagation's gradient beside Jacobians multiplied out, and beside finite differences."""

import functools
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.flatten_util import ravel_pytree
from scipy.special import softmax

from headway.claims.design import Exact, Measures
from headway.claims.designs.exact import drawn, largest
from headway.learning.backpropagation.reverse import gradients
from headway.learning.losses import CrossEntropy
from headway.models.transformer import transformer_block
from headway.network.activations import GELU, Tanh
from headway.network.compose import Sequential
from headway.network.convolution import Conv, Flatten
from headway.network.dense import Dense
from headway.network.layer import Layer, Params, apply
from headway.network.normalization import LayerNorm
from headway.network.residual import Residual
from headway.training.step import Batch

EXAMPLES, CLASSES, EPSILON = 4, 3, 1e-5
"""The step of a central difference, whose error of ε² and whose rounding of 1e-16 / ε are alike small there."""


def multiplied_out(depth: int) -> Measures:
    """dL/dw of the first layer of a deep tanh network: Jacobians ∂h/∂h in full and multiplied in NumPy."""
    network = Sequential((*[Dense(8), Tanh()] * depth, Dense(CLASSES)))
    with jax.enable_x64(True):
        params, batch = drawn(network, (8,)), examples((8,))
        found = jax.jit(lambda params: gradients(network, params, batch, loss=CrossEntropy()).params)(params)
        by_hand = sum(of_first_weights(params, batch.x[i], batch.y[i]) for i in range(EXAMPLES)) / EXAMPLES
        return {"relative difference": relative(found["0"]["w"], by_hand)}


def of_first_weights(params: Params, x: Any, y: Any) -> np.ndarray:
    """x ⊗ (diag(tanh') W … diag(tanh') W_n (p − q)) of one example, the product taken from the input to the loss."""
    weights = [(np.asarray(params[key]["w"]), np.asarray(params[key]["b"])) for key in sorted(params, key=int)]
    (w, b), *later = weights
    h = np.tanh(x @ w + b)
    J = np.diag(1 - h**2)
    for n, (w, b) in enumerate(later, start=2):
        last = n == len(weights)
        h = h @ w + b if last else np.tanh(h @ w + b)
        J = J @ w @ (np.eye(CLASSES) if last else np.diag(1 - h**2))
    return np.outer(x, J @ (softmax(h) - np.eye(CLASSES)[y]))


def by_differences(network: Layer, inputs: tuple[int, ...]) -> Measures:
    """The gradient of all parameters beside central differences."""
    loss = CrossEntropy()
    with jax.enable_x64(True):
        params, batch = drawn(network, inputs), examples(inputs)
        theta, unravel = ravel_pytree(params)

        @jax.jit
        def both(theta: jax.Array) -> tuple[jax.Array, jax.Array]:
            steps = EPSILON * jnp.eye(len(theta))
            losses = jax.lax.map(lambda moved: loss(apply(network, unravel(moved), batch.x)[0], batch.y),
                                 jnp.stack([theta + steps, theta - steps]).reshape(-1, len(theta)))  # fmt: skip
            ahead, behind = losses.reshape(2, -1)
            found = gradients(network, unravel(theta), batch, loss=loss).params
            return ravel_pytree(found)[0], (ahead - behind) / (2 * EPSILON)

        return {"relative difference": relative(*both(theta))}


def relative(found: Any, by_hand: Any) -> float:
    """The largest difference over the largest number."""
    return largest(found - by_hand) / largest(found)


def examples(inputs: tuple[int, ...]) -> Batch:
    """Normal inputs, and labels."""
    rng = np.random.default_rng(1)
    return Batch(rng.normal(size=(EXAMPLES, *inputs)), rng.integers(0, CLASSES, EXAMPLES))  # type: ignore[arg-type]


NETWORKS: dict[str, tuple[Layer, tuple[int, ...]]] = {
    "residual": (Sequential((Dense(8), Residual(Sequential((LayerNorm(), Dense(8), GELU()))), Dense(CLASSES))),
                 (6,)),
    "convolution": (Sequential((Conv(2), Tanh(), Flatten(), Dense(CLASSES))), (4, 4, 1)),
    "transformer block": (Sequential((transformer_block(2, 8), Flatten(), Dense(CLASSES))), (3, 4)),
}  # fmt: skip
DEPTHS = (1, 8)
DESIGNS = {
    "rule": Exact(
        "The gradient that backpropagation gives in float64, 4 examples, cross-entropy of 3 classes. `multiplied out, "
        "L layers`: dL/dw of the first of L layers of 8 tanh units, beside the product of all Jacobians in NumPy, "
        "taken from the input to the loss; the other arms: all parameters of a network beside central differences "
        "with a step of 1e-5. `relative difference`: the largest difference over the largest number of the gradient.",
        {f"multiplied out, {depth} layers": functools.partial(multiplied_out, depth) for depth in DEPTHS}
        | {name: functools.partial(by_differences, *network) for name, network in NETWORKS.items()},
    ),
}
