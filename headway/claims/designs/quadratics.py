"""Descent of quadratics, where what is to be expected can be written down: conditions, noise floors, schedules."""

import functools
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from headway.claims.design import FAR, Drawn, Measures
from headway.doctor.sham import SHIFT
from headway.learning.optimizers.optimizer import Optimizer, apply_updates
from headway.learning.optimizers.sgd import SGD
from headway.learning.schedules.decay import ConstantRate, Cosine, Step
from headway.spec.numbers import join, split

CONDITIONS = (1, 10, 100, 1000)
DIMENSIONS, NEAR, MOST = 20, 1e-8, 100_000
"""Numbers of a quadratic; what part of the first loss is the end; updates after which none is awaited."""
COPIES, CURVED = 32, np.geomspace(0.1, 1.0, 8)
"""Runs by noise of their own that a seed's loss is the mean of; the curvatures of the noisy quadratic."""
UPDATES, FAR_OFF = 300, 10.0
SCHEDULES: dict[str, Callable[[float], ConstantRate | Cosine]] = {"constant": ConstantRate, "cosine": Cosine}
TRIED = tuple(float(f"{rate:.3g}") for rate in np.geomspace(0.01, 1.6, 12))
"""The rates that a constant one is chosen from; above 2 none converges."""
DROPS, END, FACTOR, SETTLED = (2000, 4000), 6000, 0.25, 500
"""At the last rate, 0.0125, the flattest direction takes 800 updates to come nearer by a factor of e."""


def awaited(optimizer: Optimizer, curvature: np.ndarray, start: np.ndarray) -> float:
    """The updates until Σ h θ² / 2 is a hundred-millionth of what it was."""
    return float(_awaited(*split(optimizer), curvature, start))


@functools.partial(jax.jit, static_argnums=0)
def _awaited(structure: Any, numbers: Any, h: jax.Array, start: jax.Array) -> jax.Array:
    rule = join(structure, numbers).transformation()

    def far(carried: tuple[Any, ...]) -> jax.Array:
        theta, _, k = carried
        return (jnp.sum(h * theta**2) > NEAR * jnp.sum(h * start**2)) & (k < MOST)

    def once(carried: tuple[Any, ...]) -> tuple[Any, ...]:
        theta, memory, k = carried
        changes, memory = rule.update(h * theta, memory, theta)
        return apply_updates(theta, changes), memory, k + 1

    *_, updates = jax.lax.while_loop(far, once, (start, rule.init(start), jnp.zeros((), int)))
    return updates


def sped_up(kappa: float, seed: int) -> Measures:
    """Updates of plain descent and of momentum at their optimal rates (Polyak 1964), the start drawn by a seed."""
    h, start = np.geomspace(1, kappa, DIMENSIONS), np.random.default_rng(seed).normal(size=DIMENSIONS)
    root = np.sqrt(kappa)
    plain = awaited(SGD(2 / (1 + kappa)), h, start)
    mu, rate = ((root - 1) / (root + 1)) ** 2, (2 / (1 + root)) ** 2
    heavy = awaited(SGD(rate, momentum=mu), h, start)
    return {"plain": plain, "momentum": heavy, "speed-up": plain / heavy, "over root": plain / heavy / root}


def losses(
    optimizer: Optimizer, seed: int, sizes: tuple[int, int], start: float = 0.0, noise: float = 1.0
) -> np.ndarray:
    """Σ h θ² / 2 before every update, the mean over copies; `sizes` are updates, and draws of noise in each."""
    resolved = optimizer.resolved(sizes[0], sizes[0])
    return np.asarray(_losses(*split(resolved), sizes, (start, noise), jax.random.key(seed)))


@functools.partial(jax.jit, static_argnums=(0, 2))
def _losses(structure: Any, numbers: Any, sizes: tuple[int, int], scales: Any, key: jax.Array) -> jax.Array:
    rule, h = join(structure, numbers).transformation(), jnp.asarray(CURVED, jnp.float32)
    (updates, batch), (start, noise) = sizes, scales
    first = jnp.full((COPIES, len(h)), start)

    def once(carried: tuple[Any, Any], key: jax.Array) -> tuple[Any, jax.Array]:
        theta, memory = carried
        drawn = jax.random.normal(key, (batch, *theta.shape)).mean(axis=0)
        changes, memory = rule.update(h * theta + noise * drawn, memory, theta)
        return (apply_updates(theta, changes), memory), jnp.sum(h * theta**2, axis=-1).mean() / 2

    return jax.lax.scan(once, (first, rule.init(first)), jax.random.split(key, updates))[1]


def floor(rate: float, batch: int, seed: int, again: bool = False) -> Measures:
    """Where the loss settles at a constant rate: log2 of it, and of it times batch / rate; `again`: by other noise."""
    settled = np.log2(losses(SGD(rate), seed + SHIFT * again, (3000, batch))[1000:].mean())
    return {"log2 floor": float(settled), "log2 floor batch / rate": float(settled + np.log2(batch / rate))}


def dropped(seed: int, again: bool = False) -> Measures:
    """How far the settled loss falls behind each drop of the rate to a quarter; and updates that change the rate.

    again   by other noise
    """
    schedule = Step(0.2, drops=DROPS, factor=FACTOR)
    found, rates = losses(SGD(schedule), seed + SHIFT * again, (END, 1)), np.asarray(schedule.value(jnp.arange(END)))
    settled = [np.log2(found[end - SETTLED : end].mean()) for end in (*DROPS, END)]
    changes = tuple(int(k) + 1 for k in np.flatnonzero(np.diff(rates)))
    return {
        "first fall": float(settled[0] - settled[1]), "second fall": float(settled[1] - settled[2]),
        "only at drops": float(changes == DROPS),
    }  # fmt: skip


def run_down(schedule: str, rate: float, seed: int, noise: float = 1.0) -> float:
    """The last loss of a run from afar with a schedule of this peak."""
    return float(losses(SGD(SCHEDULES[schedule](rate)), seed, (UPDATES, 1), FAR_OFF, noise)[-1])


@functools.cache
def tuned_rate(schedule: str) -> float:
    """The peak of a schedule whose last loss is least, on seeds of its own."""
    last = {rate: np.mean([run_down(schedule, rate, FAR + k) for k in range(4)]) for rate in TRIED}
    return min(last, key=lambda rate: last[rate])


def ended(schedule: str, tuned_for: str, noise: float, seed: int) -> Measures:
    """log10 of the last loss at the peak that is best for one of the schedules."""
    return {"log10 loss": float(np.log10(run_down(schedule, tuned_rate(tuned_for), seed, noise)))}


MOMENTUM = Drawn(
    "Quadratics of 20 curvatures from 1 to κ, the start normal. `plain`, `momentum`: updates until the loss is 1e-8 of "
    "the first, at the optimal rate and momentum for κ; `speed-up`: plain over momentum; `over root`: that over √κ.",
    {f"kappa {kappa}": functools.partial(sped_up, kappa) for kappa in CONDITIONS},
)
ENDS = Drawn(
    "SGD on a quadratic of eight curvatures from 0.1 to 1, from 10 in each, 300 updates, every gradient with normal "
    "noise of size 1 but for `quiet`; the mean over 32 runs a seed. The constant rate is the best of 12; the cosine "
    "begins there, or at the best of 12 for itself. `log10 loss`: at the end.",
    {"noisy constant": functools.partial(ended, "constant", "constant", 1.0),
     "noisy cosine": functools.partial(ended, "cosine", "constant", 1.0),
     "noisy cosine of its own peak": functools.partial(ended, "cosine", "cosine", 1.0),
     "quiet constant": functools.partial(ended, "constant", "constant", 0.0)},
)  # fmt: skip
DESIGNS = {
    "noise": Drawn(
        "SGD from the minimum of a quadratic of eight curvatures from 0.1 to 1, every gradient with the mean of "
        "`batch` normal draws. `log2 floor`: of the mean loss of updates 1,000 to 3,000; `log2 floor batch / rate`: of "
        "that times batch over rate. `drops`: rate 0.2, a quarter at update 2,000 and again at 4,000 of 6,000; `first "
        "fall`, `second fall`: log2 of the mean loss of 500 updates before a drop over that of the last 500 behind.",
        {f"rate {rate:g}, batch {batch}": functools.partial(floor, rate, batch)
         for rate, batch in ((0.025, 1), (0.1, 1), (0.1, 16), (1.6, 1))}
        | {"drops": dropped, "drops sham": functools.partial(dropped, again=True),
           "rate 0.1, batch 1, sham": functools.partial(floor, 0.1, 1, again=True)},
    ),
}  # fmt: skip
