"""How the gradient of a network as it is drawn comes back through its layers, as it is built and initialized."""

import functools
import math
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp

from headway.claims.design import Drawn, Measures
from headway.doctor.sham import sham
from headway.learning.backpropagation.reverse import gradients
from headway.learning.losses import CrossEntropy
from headway.network.activations import GELU, Identity, ReLU, Sigmoid, Softplus, Tanh
from headway.network.compose import Sequential
from headway.network.dense import Dense
from headway.network.initialization import HeNormal
from headway.network.layer import Activation, Layer, Params, apply, initialize
from headway.network.residual import Residual
from headway.spec.numbers import join, split
from headway.training.step import Batch

WIDTH, DEPTH, EXAMPLES, CLASSES = 32, 20, 64, 10
ACTIVATIONS: dict[str, Activation] = {
    "linear": Identity(), "sigmoid": Sigmoid(), "tanh": Tanh(), "relu": ReLU(), "gelu": GELU(), "softplus": Softplus(),
}  # fmt: skip
GAINS = {
    "linear": (0.5, 1.0, 2.0, 4.0), "sigmoid": (1.0, 4.0), "tanh": (0.5, 1.0, 4.0), "relu": (0.5, 1.0, 2.0, 4.0),
    "gelu": (0.5, 4.0), "softplus": (0.5, 4.0),
}  # fmt: skip
"""Activation → variances of the weights, times the number of inputs."""
DEEPER = {("sigmoid", 1.0): (5, 10, 40), ("relu", 2.0): (5, 40)}
"""Activation and gain → other numbers of blocks."""
PAST = {"residual": ("sigmoid", "relu"), "scaled residual": ("sigmoid", "tanh", "relu")}
"""Way past a block → activations, at a gain of 2 with ReLU and of 1 otherwise."""
WAYS: dict[str, Callable[[Layer, int], Layer]] = {
    "plain": lambda body, depth: body,
    "residual": lambda body, depth: Residual(body),
    "scaled residual": lambda body, depth: Residual(body, scale=1 / math.sqrt(depth)),
}


def blocks(way: str, activation: str, gain: float, depth: int = DEPTH) -> Sequential:
    """A dense layer, `depth` blocks of a dense layer and an activation that go this way, and one more dense layer."""
    init = HeNormal(gain)
    body = Sequential((Dense(WIDTH, init=init), ACTIVATIONS[activation]))
    return Sequential((Dense(WIDTH), *[WAYS[way](body, depth)] * depth, Dense(CLASSES)))


def name_of(way: str, activation: str, gain: float, depth: int = DEPTH) -> str:
    """How an arm is called: `plain relu 2`, `plain relu 2 depth 40`."""
    return f"{way} {activation} {gain:g}" + (f" depth {depth}" if depth != DEPTH else "")


def other_order(params: Params, order: jax.Array) -> Params:
    """The hidden units in another order: the same of all layers, so that what goes past a block fits as before."""
    last = str(len(params) - 1)

    def moved(layer: str, leaf: jax.Array) -> jax.Array:
        out = leaf if layer == last else leaf[..., order]
        return out if layer == "0" or leaf.ndim == 1 else out[order]

    return {layer: jax.tree.map(functools.partial(moved, layer), inside) for layer, inside in params.items()}


@functools.partial(jax.jit, static_argnums=0)
def passed(
    structure: Sequential, numbers: Any, params: Params, of_inputs: jax.Array, of_labels: jax.Array
) -> dict[str, jax.Array]:
    """What a pass back leaves at the first and the last block, and what the Jacobian between them is, by both modes."""
    network = join(structure, numbers)
    x, y = jax.random.normal(of_inputs, (EXAMPLES, WIDTH)), jax.random.randint(of_labels, (EXAMPLES,), 0, CLASSES)
    found = gradients(network, params, Batch(x, y), loss=CrossEntropy())
    depth = len(network.layers) - 2
    middle, inside = Sequential(network.layers[1:-1]), {str(k - 1): params[str(k)] for k in range(1, depth + 1)}
    h = apply(network.layers[0], params["0"], x[:1])[0]

    def through(h: jax.Array) -> jax.Array:
        return apply(middle, inside, h)[0]

    forward, reverse = (mode(through)(h).reshape(WIDTH, WIDTH) for mode in (jax.jacfwd, jax.jacrev))
    boundaries = [_log_norm(_behind(found.boundaries, k)) for k in (0, depth)]
    weights = [_log_norm(_weights(found.params[str(k)])) for k in (1, depth)]
    return {
        "decades": boundaries[0] - boundaries[1], "weight-gradient decades": weights[0] - weights[1],
        "forward": _log_norm(forward), "reverse": _log_norm(reverse),
    }  # fmt: skip


def _behind(boundaries: dict[str, jax.Array], k: int) -> jax.Array:
    """dL/dh at the output of a layer of the row, [examples, width]."""
    return [dh for address, dh in boundaries.items() if address.split("/")[0] == str(k)][-1]


def _weights(params: dict[str, dict[str, jax.Array]]) -> jax.Array:
    """The weights of a block's dense layer."""
    return next(leaf for leaf in jax.tree.leaves(params) if leaf.ndim == 2)


def _log_norm(x: jax.Array) -> jax.Array:
    """log10 ‖x‖, of numbers whose squares are too small to be held too."""
    largest = jnp.abs(x).max()
    return jnp.log10(largest) + jnp.log10(jnp.linalg.norm(x / largest))


def measured(network: Sequential, seed: int, *, as_sham: bool = False) -> Measures:
    """What is measured of a network drawn by a seed, or of its sham; its decades are per ten layers."""
    key = jax.random.key(seed)
    of_weights, of_inputs, of_labels = jax.random.split(key, 3)
    params, _ = initialize(network, (WIDTH,), of_weights)
    if as_sham:
        params = sham(network, other_order(params, jax.random.permutation(key, WIDTH)), key)
    passes = passed(*split(network), params, of_inputs, of_labels)
    found = {name: float(value) for name, value in passes.items()}
    depth = len(network.layers) - 2
    per_ten = {name: found[name] * 10 / depth for name in ("decades", "weight-gradient decades")}
    return found | per_ten | {"modes apart": abs(found["forward"] - found["reverse"])}


def arms(*ways: tuple[str, str, float, int]) -> dict[str, Callable[[int], Measures]]:
    """Networks that go these ways, by name."""
    return {name_of(*way): functools.partial(measured, blocks(*way)) for way in ways}


def shams(*ways: tuple[str, str, float, int]) -> dict[str, Callable[[int], Measures]]:
    """The shams of networks that go these ways, by name."""
    return {f"{name_of(*way)} sham": functools.partial(measured, blocks(*way), as_sham=True) for way in ways}


STACKS = [
    *(("plain", activation, gain, DEPTH) for activation, gains in GAINS.items() for gain in gains),
    *(("plain", *chosen, depth) for chosen, depths in DEEPER.items() for depth in depths),
    *((way, name, 2.0 if name == "relu" else 1.0, DEPTH) for way, names in PAST.items() for name in names),
]
SHAMS = [
    ("plain", "linear", 0.5, DEPTH), ("plain", "sigmoid", 1.0, DEPTH), ("plain", "relu", 4.0, DEPTH),
    ("scaled residual", "relu", 2.0, DEPTH),
]  # fmt: skip
"""One of each family that claims rest on."""
DESIGNS = {
    "flow": Drawn(
        "Networks as they are drawn: 20 blocks of a dense layer of 32 units and an activation, weights of variance "
        "gain / 32, 64 normal inputs, cross-entropy of 10 classes. `decades`: log10 of ‖dL/dh‖ in front of the blocks "
        "over that behind them, per ten blocks, below 0 where it vanishes; `weight-gradient decades` the same of "
        "‖dL/dw‖ of the first and the last block; `forward`, `reverse`: log10 of the norm of the Jacobian of all "
        "blocks at one input, by both modes. A sham computes the same, hidden units in another order and weights "
        "times 1 + 1e-6 · N(0, 1): nothing is trained, so that it shows only that no measure hangs on the order of "
        "units or on rounding.",
        arms(*STACKS) | shams(*SHAMS),
    ),
}
