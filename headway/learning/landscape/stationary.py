"""Stationary points: whether the parameters are at one, and whether it is a minimum, a saddle or a maximum."""

from dataclasses import dataclass
from typing import Literal

import jax
import jax.numpy as jnp

from headway.learning.clipping import global_norm
from headway.learning.landscape.hessian import Eigenvalues, hessian_eigenvalues
from headway.learning.landscape.surface import Function, as_argument, expect_loss
from headway.network.layer import Params
from headway.spec.error import HeadwayError

Kind = Literal["not stationary", "minimum", "saddle", "maximum", "undecided"]


@dataclass(frozen=True)
class Point:
    """What is known of the landscape at a point.

    gain              the share of the loss that the best step along the gradient would win
    highest, lowest   the extreme eigenvalues of the Hessian, each with its error
    """

    kind: Kind
    loss: float
    gradient_norm: float
    gain: float
    highest: Eigenvalues
    lowest: Eigenvalues


def classify_point(
    f: Function, params: Params, tolerance: float = 1e-6, *, k: int = 1, steps: int = 80, key: jax.Array | None = None
) -> Point:
    """Whether θ is a stationary point, and its kind by the extreme eigenvalues of the Hessian (Dauphin et al. 2014).

    Stationary: the best step along the gradient g wins ‖g‖² / (2 |uᵀ H u|) with u = g / ‖g‖, by the parabola there,
    and that is at most `tolerance` of |L|. It stays the same for a loss or parameters in other units, and where the
    parameters are shifted; not where a constant is added to the loss. Where curvatures differ κ-fold, many
    steps can win about κ times as much.

    A minimum has all eigenvalues above 0, a maximum all below, a saddle some above and some below, each by more
    than its error; else it is undecided: higher derivatives decide, or more steps. Flat directions, such as
    units that no example activates or whose weights can be traded for those of the next layer, make a network's
    minimum undecided. With ReLU the surface is made of smooth pieces: this is about the piece that θ lies
    in, and a minimum at a kink between them is not stationary. "minimum" means: of the eigenvalues that `steps`
    products reach, see `hessian_eigenvalues`.
    """
    if not tolerance >= 0:
        raise HeadwayError("tolerance", "must be at least 0", tolerance)
    expect_loss(f, params)
    loss, norm, curvature = (float(value) for value in _along_gradient(as_argument(f), params))
    if not all(map(jnp.isfinite, (loss, norm, curvature))):
        raise HeadwayError("params", "the loss and its derivatives must be finite there", f"loss {loss:g}")
    scale = 2 * abs(curvature * loss)
    gain = 0.0 if norm == 0 else norm**2 / scale if scale else float("inf")
    highest, lowest = hessian_eigenvalues(f, params, k, steps=steps, key=key)
    kind = _kind(highest, lowest) if gain <= tolerance else "not stationary"
    return Point(kind, loss, norm, gain, highest, lowest)


@jax.jit
def _along_gradient(f: Function, params: Params) -> tuple[jax.Array, jax.Array, jax.Array]:
    """L, ‖g‖ and uᵀ H u with u = g / ‖g‖."""
    loss, g = jax.value_and_grad(f)(params)
    norm = global_norm(g)
    u = jax.tree.map(lambda part: (part / jnp.where(norm > 0, norm, 1)).astype(part.dtype), g)
    Hu = jax.jvp(jax.grad(f), (params,), (u,))[1]
    return loss, norm, jnp.stack(jax.tree.leaves(jax.tree.map(jnp.vdot, u, Hu))).sum()


def _kind(highest: Eigenvalues, lowest: Eigenvalues) -> Kind:
    (top, above), (bottom, below) = ((float(e.values[0]), float(e.errors[0])) for e in (highest, lowest))
    if bottom - below > 0:
        return "minimum"
    if top + above < 0:
        return "maximum"
    return "saddle" if top - above > 0 > bottom + below else "undecided"
