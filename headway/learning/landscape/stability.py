"""Stability: the curvature that an optimizer's steps meet, and the most of it at which they still settle."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from headway.learning.landscape.hessian import hessian_eigenvalues
from headway.learning.landscape.surface import Function, as_argument, expect_loss
from headway.learning.optimizers.adaptive import Adam, AdamW, RMSProp
from headway.learning.optimizers.optimizer import Optimizer
from headway.learning.optimizers.sgd import SGD
from headway.network.layer import Params


class Sharpness(NamedTuple):
    """The highest eigenvalue of the Hessian, or of P^(−1/2) H P^(−1/2), and how near an eigenvalue is to it."""

    value: float
    error: float


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class Scaled:
    """u → L(s u), number by number: the loss where every parameter is measured in units of its own."""

    f: Function
    scale: Params

    def __call__(self, u: Params) -> jax.Array:
        return self.f(jax.tree.map(jnp.multiply, self.scale, u))


def sharpness(
    f: Function, params: Params, preconditioner: Params | None = None, *, steps: int = 30, key: jax.Array | None = None
) -> Sharpness:
    """The highest eigenvalue of the Hessian H, or where steps are P⁻¹ g of P^(−1/2) H P^(−1/2), by Lanczos's method.

    P is diagonal, all above 0, and nested like the parameters: the Hessian is then that of L(P^(−1/2) u).
    `steps` products with H are made, see `hessian_eigenvalues`.
    """
    expect_loss(f, params)
    if preconditioner is not None:
        scale = jax.tree.map(lambda p, w: (p**-0.5).astype(w.dtype), preconditioner, params)
        f, params = Scaled(as_argument(f), scale), jax.tree.map(jnp.divide, params, scale)
    size = sum(leaf.size for leaf in jax.tree.leaves(params))
    highest, _ = hessian_eigenvalues(f, params, 1, steps=min(steps, size), key=key)
    return Sharpness(float(highest.values[0]), float(highest.errors[0]))


def stable_until(optimizer: Optimizer) -> float | None:
    """The product of learning rate and sharpness up to which steps settle on a parabola; None where it is not known.

    2 for SGD, with momentum μ 2 (1 + μ), with Nesterov's 2 (1 + μ) / (1 + 2 μ); for Adam and AdamW
    2 (1 + b1) / (1 − b1), for RMSProp as for SGD, both of the sharpness as their `preconditioner` makes it. Training
    on full batches drives the product there and stays there: the edge of stability (Cohen et al. 2021, 2022).
    """
    match optimizer:
        case SGD(momentum=mu, nesterov=True) if mu is not None:
            return 2 * (1 + mu) / (1 + 2 * mu)
        case SGD(momentum=mu) | RMSProp(momentum=mu):
            return 2 * (1 + (mu or 0.0))
        case Adam(b1=b1) | AdamW(b1=b1):
            return 2 * (1 + b1) / (1 - b1)
    return None


def preconditioner(optimizer: Optimizer, memory: Mapping[str, Any]) -> Params | None:
    """P of the steps P⁻¹ g, nested like the parameters: √v̂ + eps of Adam and AdamW, √v + eps of RMSProp; else None."""
    match optimizer:
        case Adam() | AdamW():
            return _root(memory["v"], 1 - optimizer.b2 ** memory["count"], optimizer.eps)
        case RMSProp():
            return _root(memory["v"], 1.0, optimizer.eps)
    return None


def _root(v: Any, started: Any, eps: float) -> Params:
    found: Params = jax.tree.map(lambda v: jnp.sqrt(v / started) + eps, v)
    return found
