"""The critical step: how long a step may be before the loss rises along it, by a few forward passes."""

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from headway.learning.landscape.surface import Function, as_argument, expect_loss
from headway.network.layer import Params
from headway.spec.error import HeadwayError

HALVED, DOUBLED = 12, 20
"""How many times a step is at most: below 1/4096 of it a rise drowns in rounding."""


class Critical(NamedTuple):
    """The factor on a step from which on the loss is above what it was, and how many times it was computed.

    The factor is 0 where the shortest step looked at rises already, ∞ where the longest does not.
    """

    factor: float
    passes: int


def critical_step(f: Function, params: Params, step: Params, *, precision: float = 0.05) -> Critical:
    """The smallest a > 0 with L(θ + a d) > L(θ), to a relative `precision`, d the `step` (Kalra et al. 2026).

    The step is doubled while the loss does not rise, or halved until it does not, and the last factor of 2 is
    narrowed down. Of a parabola a = −2 gᵀd / dᵀH d: for d = −η g, η a = 2 / (gᵀH g / |g|²). So 2 / (η a) is the
    curvature that the update meets: the *critical sharpness*.
    """
    if jax.tree.map(jnp.shape, step) != jax.tree.map(jnp.shape, params):
        raise HeadwayError("step", "must have the names and shapes of the parameters", jax.tree.map(jnp.shape, step))
    if not precision > 0:
        raise HeadwayError("precision", "must be above 0", precision)
    expect_loss(f, params)
    here = float(_along(as_argument(f), params, step, 0.0))
    if not jnp.isfinite(here):
        raise HeadwayError("params", "the loss must be finite there", here)
    # Rounding alone moves a loss by some units in its last place.
    level, passes = here + 8 * float(np.finfo(np.float32).eps) * abs(here), 1

    def rises(a: float) -> bool:
        nonlocal passes
        passes += 1
        return not float(_along(as_argument(f), params, step, a)) <= level

    return Critical(_first(rises, precision), passes)


def _first(rises: Callable[[float], bool], precision: float) -> float:
    """Where `rises` turns from False to True."""
    up = not rises(1.0)
    low, high = (1.0, 2.0) if up else (0.5, 1.0)
    for _ in range(DOUBLED if up else HALVED):
        if rises(high if up else low) == up:
            break
        low, high = (2 * low, 2 * high) if up else (low / 2, high / 2)
    else:
        return float("inf") if up else 0.0
    while high > (1 + precision) * low:
        middle = (low * high) ** 0.5
        low, high = (low, middle) if rises(middle) else (middle, high)
    return (low * high) ** 0.5


@jax.jit
def _along(f: Function, params: Params, step: Params, a: float) -> jax.Array:
    """L(θ + a d)."""
    return f(jax.tree.map(lambda p, d: (p + a * d).astype(p.dtype), params, step))
