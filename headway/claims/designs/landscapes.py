"""The shape of loss landscapes: barriers, curvature, what a penalty adds to it, and what the surface depends on."""

import math
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.flatten_util import ravel_pytree
from scipy.stats import spearmanr

from headway.claims.design import Drawn, Exact, Measures
from headway.claims.designs.exact import drawn, largest
from headway.data.dataset import Source
from headway.data.synthetic import Circles, Moons
from headway.doctor.sham import NOISE as NUDGE
from headway.learning.landscape.directions import random_direction
from headway.learning.landscape.slices import slice_between, slice_plane
from headway.learning.landscape.surface import Landscape, landscape
from headway.learning.losses import CrossEntropy, Loss, MeanSquaredError
from headway.learning.optimizers.adaptive import Adam
from headway.learning.optimizers.optimizer import apply_updates
from headway.learning.penalties import L2
from headway.network.activations import Tanh
from headway.network.compose import Sequential
from headway.network.dense import Dense
from headway.network.layer import Layer, Params, initialize
from headway.training.step import Batch

EXAMPLES, UPDATES, RATE, STRENGTH, NOISE = 300, 500, 0.01, 0.1, 0.15
MANY = 2000
"""Points for a plane: of 300 it is not yet that of their source, see docs/log.md."""
GRID = np.linspace(-1, 1, 15).tolist()
FAR = 1000
"""How far the seed of a second draw is from that of the first."""


def mlp(width: int, outputs: int = 2) -> Sequential:
    """One hidden layer of tanh units, and as many outputs."""
    return Sequential((Dense(width), Tanh(), Dense(outputs)))


def surface(network: Layer, source: Source, loss: Loss) -> Landscape:
    """The loss of a network on points, as a function of its parameters; one-hot targets for a loss of values."""
    table = source.load()
    labels = np.asarray(table.y)
    y = jnp.asarray(np.eye(2)[labels] if loss.targets == "values" else labels)
    return landscape(network, loss, Batch(jnp.asarray(table.x), y))


@jax.jit
def descended(f: Landscape, params: Params) -> tuple[Params, jax.Array]:
    """Where Adam comes to from here with all points, and the loss there."""
    rule = Adam(RATE).transformation()

    def once(carried: tuple[Params, Any], _: None) -> tuple[tuple[Params, Any], None]:
        params, memory = carried
        changes, memory = rule.update(jax.grad(f)(params), memory, params)
        return (apply_updates(params, changes), memory), None

    (params, _), _ = jax.lax.scan(once, (params, rule.init(params)), None, UPDATES)
    return params, f(params)


def found(f: Landscape, network: Layer, seed: int, nudge: float = 0.0) -> tuple[Params, float]:
    """The solution that a seed leads to, its first weights × (1 + nudge · N(0, 1)), and its loss."""
    key = jax.random.key(seed)
    params, _ = initialize(network, (2,), key)
    params = jax.tree.map(
        lambda w: w * (1 + nudge * jax.random.normal(jax.random.fold_in(key, w.size), w.shape)), params
    )
    params, loss = descended(f, params)
    return params, float(loss)


def turned(params: Params) -> Params:
    """The same function: every hidden unit in the place of the one before it."""
    first, last = params["0"], params["2"]
    return {"0": {name: jnp.roll(values, 1, axis=-1) for name, values in first.items()},
            "2": last | {"w": jnp.roll(last["w"], 1, axis=0)}}  # fmt: skip


@jax.jit
def bent(f: Landscape, params: Params) -> tuple[jax.Array, jax.Array]:
    """The gradient, and the eigenvalues of the Hessian written out, rising."""
    theta, unravel = ravel_pytree(params)

    def g(theta: jax.Array) -> jax.Array:
        return f(unravel(theta))

    return jax.grad(g)(theta), jnp.linalg.eigvalsh(jax.hessian(g)(theta))


def at(f: Landscape, params: Params) -> Measures:
    """What is known of a point."""
    gradient, eigenvalues = bent(f, params)
    return {"gradient": largest(gradient), "lowest": float(eigenvalues[0]), "highest": float(eigenvalues[-1])}


def copies(width: int, seed: int) -> Measures:
    """A solution and itself with its units permuted, and a second one; the curvature where training began."""
    network = mlp(width)
    f = surface(network, Circles(EXAMPLES, noise=NOISE, seed=seed), CrossEntropy())
    (params, loss), (_, other) = (found(f, network, seed + shift) for shift in (0, FAR))
    copy = turned(params)
    return {
        "barrier": slice_between(f, params, copy).barrier, "copies apart": abs(float(f(copy)) - loss), "loss": loss,
        "spread": abs(loss - other) / (loss + other) * math.sqrt(math.pi),
        **at(f, initialize(network, (2,), jax.random.key(seed))[0]),
    }  # fmt: skip


def twins(width: int, seed: int) -> Measures:
    """The sham of `copies`: a solution and the one that weights moved by a millionth lead to, no unit permuted."""
    network = mlp(width)
    f = surface(network, Circles(EXAMPLES, noise=NOISE, seed=seed), CrossEntropy())
    (params, _), (twin, loss) = (found(f, network, seed, nudge) for nudge in (0.0, NUDGE))
    return {"barrier": slice_between(f, params, twin).barrier, "loss": loss}


def without_hidden_layer(seed: int) -> Measures:
    """A line between two random points of logistic regression, and the curvature at one of them."""
    network = Sequential((Dense(2),))
    f = surface(network, Circles(EXAMPLES, noise=NOISE, seed=seed), CrossEntropy())
    draws = 3 * np.random.default_rng(seed).normal(size=(2, 3, 2)).astype(np.float32)
    start, end = ({"0": {"w": jnp.asarray(draw[:2]), "b": jnp.asarray(draw[2])}} for draw in draws)
    return {"barrier": slice_between(f, start, end).barrier, **at(f, start)}


def at_zero(network: Sequential, seed: int) -> Measures:
    """All parameters 0, on classes of one size whose means differ."""
    f = surface(network, Moons(EXAMPLES, seed=seed), CrossEntropy())
    params, _ = initialize(network, (2,), jax.random.key(0))
    return at(f, jax.tree.map(jnp.zeros_like, params))


def penalized(only: tuple[str, ...] | None) -> Measures:
    """How far the eigenvalues with a penalty are from those without one, each with λ added; in float64."""
    network, penalty = mlp(3), L2(STRENGTH, only=only)
    with jax.enable_x64(True):
        f = surface(network, Moons(EXAMPLES), CrossEntropy())
        theta, unravel = ravel_pytree(drawn(network, (2,)))
        declared = network.declare((2,))

        def both(theta: jax.Array) -> jax.Array:
            return f(unravel(theta)) + penalty.value(unravel(theta), declared)

        plain, priced = (np.linalg.eigvalsh(np.asarray(jax.jit(jax.hessian(g))(theta)))
                         for g in (lambda theta: f(unravel(theta)), both))  # fmt: skip
    return {"from λ": largest(priced - plain - STRENGTH)}


Cut = tuple[int, type[Loss], type[Source], int]
"""Width, loss, source of data and how far its seed is shifted."""
USUAL: Cut = (16, CrossEntropy, Moons, 0)
CUTS: dict[str, Cut] = {
    "other examples": (16, CrossEntropy, Moons, FAR), "other loss": (16, MeanSquaredError, Moons, 0),
    "other data": (16, CrossEntropy, Circles, 0), "other width": (32, CrossEntropy, Moons, 0),
}  # fmt: skip


def compared(cut: Cut, seed: int) -> Measures:
    """A plane through a solution of the usual landscape, and the same plane of another one."""
    one, other = plane(USUAL, seed), plane(cut, seed)
    return {"correlation": float(np.corrcoef(one, other)[0, 1]),
            "rank correlation": float(spearmanr(one, other).statistic)}  # fmt: skip


def plane(cut: Cut, seed: int) -> np.ndarray:
    """The losses around the solution that the usual loss and data lead to, along directions that a seed draws."""
    width, loss, source, shift = cut
    network = mlp(width)
    params, _ = found(surface(network, Moons(MANY, seed=seed), CrossEntropy()), network, seed)
    u, v = (random_direction(params, jax.random.key(seed + draw)) for draw in (0, FAR))
    f = surface(network, source(MANY, seed=seed + shift), loss())  # type: ignore[call-arg]
    return slice_plane(f, params, (u, v), GRID).losses.ravel()


DESIGNS = {
    "shape": Drawn(
        "Circles (`width 3`, `width 64`: one hidden layer of tanh units; `no hidden layer`), 300 points, "
        "cross-entropy, 500 updates of Adam at 0.01 with all points. `barrier`: the most that the loss is above the "
        "straight line, between a solution and itself with its units permuted, or between two random points, or "
        "(`sham`) between what the same weights and these moved by a millionth lead to; `copies apart`: how their "
        "losses differ; `loss`: at the end; `spread`: |L − L'| of two seeds over their mean, times "
        "√π / 2, which is the ratio of standard deviation and mean where losses are normal; `gradient`, `lowest`, "
        "`highest`: the largest number of the gradient and the extreme eigenvalues of the Hessian where training "
        "begins, or at the random point. `at 0`, `no hidden layer, at 0`: the same where all parameters are 0, on two "
        "moons.",
        {
            "width 3": partial(copies, 3), "width 64": partial(copies, 64),
            "width 64 sham": partial(twins, 64), "no hidden layer": without_hidden_layer,
            "at 0": partial(at_zero, mlp(16)), "no hidden layer, at 0": partial(at_zero, Sequential((Dense(2),))),
        },
    ),
    "penalty": Exact(
        "The Hessian of the cross-entropy of a layer of 3 tanh units in float64, with L2(0.1) on all parameters or on "
        "those alone that decay by default, the weights. `from λ`: the largest difference between its eigenvalues and "
        "those without the penalty, 0.1 added.",
        {"all": partial(penalized, ("**",)), "weights": partial(penalized, None)},
    ),
    "grids": Drawn(
        "The loss at 15 × 15 points of a plane through a solution, of 16 tanh units on two moons (2,000 points) by "
        "cross-entropy, along two directions as large as the weights, beside the losses there after one change: other "
        "points of the same moons, mean squared error, circles, or 32 units (their own solution, their own "
        "directions). `correlation`, `rank correlation`: of both grids.",
        {name: partial(compared, cut) for name, cut in CUTS.items()},
    ),
}  # fmt: skip
