"""Schedules of the learning rate, update by update, beside their closed forms in NumPy."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np

from headway.claims.design import Exact, Measures
from headway.learning.schedules.compose import Warmup
from headway.learning.schedules.cycles import OneCycle, WarmupStableDecay
from headway.learning.schedules.decay import Cosine, Step
from headway.learning.schedules.schedule import Schedule

Array = np.ndarray
UPDATES, WARM, PEAK, FINAL = 100, 20, 0.3, 0.01
DROPS = (40, 70)
UP = np.arange(UPDATES)
"""The index of every update."""


def half_cosine(a: float, b: float, s: Array) -> Array:
    """From a at s = 0 to b at s = 1 along half a cosine."""
    return b + (a - b) * (1 + np.cos(np.pi * np.clip(s, 0, 1))) / 2


def trace(schedule: Schedule) -> Array:
    """The rate of every update of the run, in float64."""
    with jax.enable_x64(True):
        return np.asarray(schedule.resolved(UPDATES, 10).value(jnp.arange(UPDATES)))


def traced(schedule: Schedule, expected: Array) -> Measures:
    """How a schedule runs: all rates over the peak but for `apart` and `last`."""
    eta = trace(schedule)
    steps, top = np.diff(eta) / PEAK, int(eta.argmax())
    rising, turns = steps[:top], np.sign(steps[steps != 0])
    return {
        "apart": float(np.abs(eta - expected).max()), "first": float(eta[0] / PEAK), "last": float(eta[-1]),
        "fall before the peak": float(-rising.min(initial=0.0)), "top": float(eta.max() / PEAK),
        "largest step": float(np.abs(steps).max()), "largest rise": float(steps.max()),
        "changes": float((steps != 0).sum()), "turns": float((np.diff(turns) != 0).sum()),
    }  # fmt: skip


COSINE = half_cosine(PEAK, FINAL, UP / (UPDATES - 1))
TRAPEZE = np.minimum(UP / WARM, np.clip((UPDATES - 1 - UP) / WARM, 0, 1)) * PEAK
CYCLE = np.where(UP < WARM, half_cosine(0.04 * PEAK, PEAK, UP / WARM),
                 half_cosine(PEAK, 4e-6 * PEAK, (UP - WARM) / (UPDATES - 1 - WARM)))  # fmt: skip
FALLING = PEAK * 0.1 ** (np.less_equal.outer(DROPS, UP).sum(axis=0))
DESIGNS = {
    "traces": Exact(
        "The rate of each of 100 updates, peak 0.3, 20 updates of warm-up, in float64. `apart`: the largest difference "
        "from the closed form; `last`: the last rate. Over the peak: `first`, `top`, `largest step` between updates, "
        "`largest rise`, `fall before the peak`. `changes`: updates whose rate is not that of the one before; `turns`: "
        "times that a rise becomes a fall or a fall a rise.",
        {
            "warmup": partial(traced, Warmup(WARM, then=PEAK), np.minimum(UP / WARM, 1) * PEAK),
            "warmup, then cosine": partial(
                traced, Warmup(WARM, then=Cosine(PEAK)),
                np.where(UP < WARM, UP / WARM * PEAK, half_cosine(PEAK, 0, (UP - WARM) / (UPDATES - WARM - 1))),
            ),
            "warmup, stable, decay": partial(traced, WarmupStableDecay(PEAK, warm=WARM, decay=WARM), TRAPEZE),
            "one cycle": partial(traced, OneCycle(PEAK, warm=WARM), CYCLE),
            "cosine": partial(traced, Cosine(PEAK, final=FINAL), COSINE),
            "step": partial(traced, Step(PEAK, drops=DROPS), FALLING),
        },
    ),
}  # fmt: skip
