"""What optimizers make of gradients, beside the same rule written once more in NumPy or in closed form."""

from collections.abc import Callable
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from headway.claims.design import Exact, Measures
from headway.claims.designs.exact import registered
from headway.learning.losses import CrossEntropy
from headway.learning.optimizers.adaptive import Adam, AdamW
from headway.learning.optimizers.optimizer import Optimizer, apply_updates
from headway.learning.optimizers.sgd import SGD
from headway.learning.penalties import L2
from headway.network.activations import Tanh
from headway.network.compose import Sequential
from headway.network.dense import Dense
from headway.network.layer import Context, apply, initialize
from headway.network.normalization import BatchNorm
from headway.network.values import flatten
from headway.spec.numbers import join, split
from headway.training.job import Update
from headway.training.step import Batch, initial_state, step

Array = np.ndarray
STEPS, RATE, DECAY, NUDGE = 50, 0.1, 0.1, 1e-5
RATES = (1e-4, 1e-3, 1e-2, 1e-1)
NETWORK = Sequential((Dense(4), BatchNorm(), Tanh(), Dense(3)))
MU, B1, B2, EPS = 0.9, 0.9, 0.999, 1e-8
NONE = L2(0.0)


def followed(
    optimizer: Optimizer, gradients: Array, start: Array, penalty: L2 = NONE
) -> tuple[Array, dict[str, Array]]:
    """θ after each update on these gradients [steps, n], [steps + 1, n], and the optimizer's memory; in float64."""
    with jax.enable_x64(True):
        theta, memory = _followed(*split(optimizer), penalty.strength, gradients, start)
        return np.asarray(theta), {name: np.asarray(value) for name, value in flatten(memory).items()}


@partial(jax.jit, static_argnums=0)
def _followed(structure: Any, numbers: Any, strength: Any, gradients: jax.Array, start: jax.Array) -> tuple[Any, Any]:
    rule, first = join(structure, numbers).transformation(), {"w": start[None]}

    def once(carried: tuple[Any, Any], g: jax.Array) -> tuple[Any, jax.Array]:
        theta, memory = carried
        price = strength * jax.grad(L2(1.0).of)(theta["w"])
        changes, memory = rule.update({"w": g[None] + price}, memory, theta)
        theta = apply_updates(theta, changes)
        return (theta, memory), theta["w"][0]

    (_, memory), seen = jax.lax.scan(once, (first, rule.init(first)), gradients)
    return jnp.concatenate([start[None], seen]), memory


def drawn(steps: int = STEPS, n: int = 6) -> tuple[Array, Array]:
    """Gradients [steps, n] and a start [n]."""
    rng = np.random.default_rng(0)
    return rng.normal(size=(steps, n)), rng.normal(size=n)


def by_sgd(gradients: Array, start: Array) -> Array:
    """θ ← θ − η g."""
    return start - RATE * np.cumsum(np.concatenate([np.zeros_like(start)[None], gradients]), axis=0)


def by_adam(gradients: Array, start: Array) -> tuple[Array, Array, Array]:
    """θ after each update by the textbook, and its moments as weighted sums over all gradients."""
    theta, seen = start, [start]
    for t in range(1, len(gradients) + 1):
        age = np.arange(t)[::-1, None]
        m = ((1 - B1) * B1**age * gradients[:t]).sum(axis=0)
        v = ((1 - B2) * B2**age * gradients[:t] ** 2).sum(axis=0)
        theta = theta - RATE * (m / (1 - B1**t)) / (np.sqrt(v / (1 - B2**t)) + EPS)
        seen.append(theta)
    return np.array(seen), m, v


def apart(a: Array, b: Array) -> float:
    """The largest difference."""
    return float(np.abs(a - b).max())


def an_sgd(optimizer: SGD) -> Measures:
    """How far this is from θ ← θ − η g, and whether the registry has it as an optimizer."""
    gradients, start = drawn()
    theta, _ = followed(optimizer, gradients, start)
    return {"apart": apart(theta, by_sgd(gradients, start)), "registered": registered(optimizer, Optimizer)}


def an_adam() -> Measures:
    """How far Adam is from the textbook, and its moments from their sums."""
    gradients, start = drawn()
    theta, memory = followed(Adam(RATE), gradients, start)
    expected, m, v = by_adam(gradients, start)
    moments = max(apart(memory["m/w"][0], m), apart(memory["v/w"][0], v))
    return {"apart": apart(theta, expected), "moments apart": moments, "registered": registered(Adam(RATE), Optimizer)}


def velocity(mu: float | None) -> Measures:
    """The last step over η g at a constant gradient g, and how far all are from (1 − μ^t) / (1 − μ)."""
    g, steps = np.array([0.5, -2.0]), 300
    theta, _ = followed(SGD(RATE, momentum=mu), np.tile(g, (steps, 1)), np.zeros(2))
    grown = -np.diff(theta, axis=0) / (RATE * g)
    expected = np.cumsum((mu or 0.0) ** np.arange(steps))[:, None]
    return {"last": float(grown[-1].mean()), "apart": apart(grown, np.broadcast_to(expected, grown.shape))}


def adapting(optimizer: Optimizer) -> Measures:
    """How the last step grows with a loss times 1000, and how steps differ where one gradient is 1000 times as large.

    Scaled: ‖Δθ‖ at 1000 L over ‖Δθ‖ at L. Coordinates: the larger |Δθ_i| over the smaller.
    """
    gradients, start = drawn(n=1)
    one, many = (np.diff(followed(optimizer, s * gradients, start)[0], axis=0)[-1] for s in (1.0, 1000.0))
    both = np.diff(followed(optimizer, gradients * np.array([1.0, 1000.0]), np.ones(2))[0], axis=0)[-1]
    return {"scaled": float(np.linalg.norm(many) / np.linalg.norm(one)), "coordinates": float(abs(both[1] / both[0]))}


def first_step(kind: Callable[[float], Optimizer]) -> Measures:
    """The slope of log ‖Δθ‖ on log η at the first update, and how far Δθ / η is from −sign(g)."""
    gradients, start = drawn(1)
    steps = np.array([followed(kind(rate), gradients, start)[0][1] - start for rate in RATES])
    slope = np.polyfit(np.log(RATES), np.log(np.linalg.norm(steps, axis=1)), 1)[0]
    return {"slope": float(slope), "from signs": apart(steps / np.array(RATES)[:, None], -np.sign(gradients))}


def shrinking(decay: float | None, penalty: L2) -> Measures:
    """What a decay took from a weight of gradients of size 0.1, over what it took from one of size 10.

    Both begin at 1 and see the same signs; what a decay took is the difference to a run without it.
    """
    gradients = np.random.default_rng(0).normal(size=(200, 1)) * np.array([0.1, 10.0])
    with_it, _ = followed(AdamW(0.01, weight_decay=decay), gradients, np.ones(2), penalty)
    without, _ = followed(AdamW(0.01, weight_decay=None), gradients, np.ones(2))
    low, high = without[-1] - with_it[-1]
    return {"ratio": float(low / high), "shrink": float(low)}


def penalized(kind: Callable[[float | None], Optimizer]) -> Measures:
    """How far a weight decay is from an L2 penalty of the same strength; and, without gradients, what it takes.

    Proportion: (loss of the weight 3) / (loss of the weight 1) at gradients of 0.
    """
    gradients, start = drawn()
    decayed, _ = followed(kind(DECAY), gradients, start)
    priced, _ = followed(kind(None), gradients, start, L2(DECAY))
    alone, _ = followed(kind(DECAY), np.zeros((1, 2)), np.array([1.0, 3.0]))
    lost = alone[0] - alone[-1]
    return {"apart": apart(decayed, priced), "proportion": float(lost[1] / lost[0])}


def stepped(rate: float) -> Measures:
    """What one update of a small network with BatchNorm changes, and how far that is from −η times differences of L."""
    rng, loss, norm = np.random.default_rng(0), CrossEntropy(), {"mean", "variance", "weight"}
    with jax.enable_x64(True):
        batch = Batch(jnp.asarray(rng.normal(size=(12, 5))), jnp.arange(12) % 3)
        params, network = initialize(NETWORK, (5,), jax.random.key(0), jnp.float64)
        update = Update(NETWORK, loss=loss, optimizer=SGD(rate), clip=None, batch_size=12, seed=0)
        before = initial_state(update, (5,), {"params": params, "network": network})
        after, _ = step(update, before, batch)

        @jax.jit
        def value(params: Any) -> jax.Array:
            return loss(apply(NETWORK, params, batch.x, network, Context("train"))[0], batch.y)

        slopes = differences(value, params)
        old, new = flatten(before["params"]), flatten(after["params"])
        moved = {a: np.asarray(new[a] - old[a]) for a in old}
        buffers = [apart(flatten(after["network"])[f"1/{n}"], flatten(before["network"])[f"1/{n}"]) for n in norm]
    return {
        "moved": max(apart(m, np.zeros_like(m)) for m in moved.values()),
        "apart": max(apart(moved[a], -rate * slopes[a]) for a in moved), "buffers moved": max(buffers),
    }  # fmt: skip


def differences(value: Callable[[Any], jax.Array], params: Any) -> dict[str, Array]:
    """dL/dθ by address, as (L(θ + δ) − L(θ − δ)) / 2 δ for one number after the other."""
    leaves, form = jax.tree.flatten(params)

    def nudged(which: int, at: tuple[int, ...], by: float) -> float:
        moved = [leaf.at[at].add(by) if k == which else leaf for k, leaf in enumerate(leaves)]
        return float(value(jax.tree.unflatten(form, moved)))

    slopes = [np.zeros(leaf.shape) for leaf in leaves]
    for k, slope in enumerate(slopes):
        for at in np.ndindex(slope.shape):
            slope[at] = (nudged(k, at, NUDGE) - nudged(k, at, -NUDGE)) / (2 * NUDGE)
    return flatten(jax.tree.unflatten(form, slopes))


DESIGNS = {
    "rules": Exact(
        "Optimizers on given gradients in float64: 50 normal draws of six numbers, rate 0.1. `apart`: the largest "
        "difference of all weights after all updates from the rule written in NumPy (`velocity`: of Δθ / (−η g) at a "
        "constant gradient from (1 − μ^t) / (1 − μ); `decay and penalty`: of weight decay from an L2 penalty of the "
        "same strength; `step`: of an update of a small network from −η times central differences of its loss).",
        {
            "step at 0": partial(stepped, 0.0), "step at 0.1": partial(stepped, 0.1),
            "sgd": partial(an_sgd, SGD(RATE)), "sgd with momentum": partial(an_sgd, SGD(RATE, momentum=MU)),
            "sgd with Nesterov": partial(an_sgd, SGD(RATE, momentum=MU, nesterov=True)),
            "sgd with decay": partial(an_sgd, SGD(RATE, weight_decay=DECAY)), "adam": an_adam,
            "velocity without momentum": partial(velocity, None), "velocity": partial(velocity, MU),
            "adaptation of sgd": partial(adapting, SGD(RATE)), "adaptation of adam": partial(adapting, Adam(RATE)),
            "rates of sgd": partial(first_step, SGD), "rates of adam": partial(first_step, Adam),
            "adam with penalty": partial(shrinking, None, L2(DECAY)), "adamw": partial(shrinking, DECAY, NONE),
            "decay and penalty in sgd": partial(penalized, lambda decay: SGD(RATE, weight_decay=decay)),
            "decay and penalty in momentum":
                partial(penalized, lambda decay: SGD(RATE, momentum=MU, weight_decay=decay)),
            "decay and penalty in adam": partial(penalized, lambda decay: AdamW(RATE, weight_decay=decay)),
        },
    ),
}  # fmt: skip
