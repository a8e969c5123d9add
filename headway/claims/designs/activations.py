"""Activations as computed, against their formulas in NumPy; and attention, which has a softmax inside."""

import functools
import math
from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np
from scipy.special import expit, ndtr

from headway.claims.design import Exact, Measures
from headway.claims.designs.exact import largest, registered
from headway.network.activations import GELU, ReLU, SiLU, Softmax, Swish, TanhGELU
from headway.network.attention import MultiHeadAttention
from headway.network.layer import Activation, apply, initialize

POINTS = np.linspace(-8, 8, 1001)
"""0 is among them."""
BETAS = (0.0, 0.5, 1.0, 3.0)
Function = Callable[[np.ndarray], np.ndarray]


def compared(activation: Activation, value: Function, slope: Function) -> Measures:
    """The largest differences of value and derivative from their formulas, in float64; and what the registry says."""
    with jax.enable_x64(True):
        x = jnp.asarray(POINTS)
        y, dy = activation.function(x), jax.vmap(jax.grad(activation.function))(x)
        return {
            "value": largest(y - value(POINTS)), "slope": largest(dy - slope(POINTS)),
            "slope at 0": float(dy[len(POINTS) // 2]), "registered": registered(activation, Activation),
        }  # fmt: skip


def relu() -> Measures:
    """max(0, x), with the slope of the left at 0."""
    return compared(ReLU(), lambda x: np.maximum(0, x), lambda x: (x > 0).astype(float))


def gelu() -> Measures:
    """x Φ(x), with derivative Φ(x) + x φ(x)."""
    density: Function = lambda x: np.exp(-x * x / 2) / math.sqrt(2 * math.pi)  # noqa: E731
    return compared(GELU(), lambda x: x * ndtr(x), lambda x: ndtr(x) + x * density(x))


def tanh_gelu() -> Measures:
    """The form with tanh beside x Φ(x)."""
    with jax.enable_x64(True):
        return {"value": largest(TanhGELU().function(jnp.asarray(POINTS)) - POINTS * ndtr(POINTS))}


def swish() -> Measures:
    """x σ(βx) over several β, the worst of them; `gate`: SiLU(x) / x beside σ(x)."""
    made = [compared(Swish(beta), functools.partial(_swish, beta), functools.partial(_swish_slope, beta))
            for beta in BETAS]  # fmt: skip
    worst = {name: max(one[name] for one in made) for name in ("value", "slope")}
    with jax.enable_x64(True):
        x = jnp.asarray(POINTS[POINTS != 0])
        silu = SiLU().function(x)
        return worst | {
            "registered": registered(Swish(), Activation) * registered(SiLU(), Activation),
            "from SiLU": largest(Swish(1.0).function(x) - silu), "gate": largest(silu / x - expit(np.asarray(x))),
        }  # fmt: skip


def _swish(beta: float, x: np.ndarray) -> np.ndarray:
    return np.asarray(x * expit(beta * x))


def _swish_slope(beta: float, x: np.ndarray) -> np.ndarray:
    gate = expit(beta * x)
    return np.asarray(gate + beta * x * gate * (1 - gate))


def softmax() -> Measures:
    """Its sum, what a common shift changes, its distance from the formula, and what one input does to other outputs."""
    x = np.random.default_rng(0).normal(size=(64, 10)) * 3
    with jax.enable_x64(True):
        function, z = Softmax().function, jnp.asarray(x)
        e, p = np.exp(x), np.asarray(function(z))
        J = np.asarray(jax.jacobian(function)(z[0]))
        return {
            "value": largest(p - e / e.sum(axis=1, keepdims=True)), "sum": largest(p.sum(axis=1) - 1),
            "shift": largest(function(z + 100.0) - p), "on others": largest(J - np.diag(np.diag(J))),
            "registered": registered(Softmax(), Activation),
        }  # fmt: skip


def attention() -> Measures:
    """Attention by hand, with a softmax over the scores in the middle of the network, beside the layer's output."""
    layer, x = MultiHeadAttention(1), np.random.default_rng(0).normal(size=(2, 5, 4))
    with jax.enable_x64(True):
        params, _ = initialize(layer, (5, 4), jax.random.key(0), jnp.float64)
        w = {name: np.asarray(value) for name, value in params.items()}
        q, k, v = (x @ w[f"w{name}"] + w.get(f"b{name}", 0) for name in "qkv")
        e = np.exp(q @ k.swapaxes(1, 2) / 2)
        by_hand = (e / e.sum(axis=2, keepdims=True)) @ v @ w["wo"] + w.get("bo", 0)
        return {"with softmax inside": largest(apply(layer, params, jnp.asarray(x))[0] - by_hand)}


DESIGNS = {
    "exact": Exact(
        "Activations in float64 at 1,001 points from −8 to 8, Softmax on 64 draws of 10 numbers. `value`, `slope`: the "
        "largest difference from the formula in NumPy and SciPy, and from its derivative; `registered`: whether the "
        "registry has the kind as an activation; `from SiLU`: Swish of β = 1; `gate`: SiLU(x) / x beside σ(x); `sum`, "
        "`shift`: how far Softmax is from sum 1, and from itself with 100 added to its inputs; `on others`: its "
        "largest derivative by another input; `with softmax inside`: attention beside attention written out.",
        {"relu": relu, "gelu": gelu, "tanh gelu": tanh_gelu, "swish": swish, "softmax": softmax,
         "attention": attention},
    ),
}  # fmt: skip
