"""The batch size against the noise of the gradient: how much of an update is chance."""

import functools
from collections.abc import Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from headway.doctor.on_demand.measured import Measured
from headway.doctor.on_demand.subject import Subject
from headway.learning.noise import noise_scale
from headway.spec.error import HeadwayError
from headway.spec.numbers import join, split
from headway.training.job import Update
from headway.training.step import Batch, differentiate, with_penalties

LEAST = 16
"""How many batches the estimate is made of at least: larger ones are cut in parts."""


def gradient_noise_scale(subject: Subject) -> Measured:
    """The batch size at which the noise of the gradient weighs as much as the gradient (McCandlish et al. 2018)."""
    batches = smaller(subject.batches, LEAST)
    size = batches.x.shape[1]
    structure, numbers = split(subject.update)
    squares, products = _moments(structure, numbers, subject.values, batches)
    found, own = noise_scale(squares, products, size), subject.update.batch_size
    measured = found._asdict() | {"batch_size": own, "progress": found.progress(own)}
    seen = f"From {len(batches.x)} batches of size {size}:"
    evidence: tuple[str, ...] = (f"{seen} the mean gradient cannot be told from 0 in this noise.",)
    if np.isfinite(found.value):
        between = f"{found.low:.3g} to {found.high:.3g}" if np.isfinite(found.high) else f"at least {found.low:.3g}"
        evidence = (f"{seen} the noise scale is {found.value:.3g} ({between}).",
                    f"The batch size is {own}: an update wins {found.progress(own):.0%} of what one without noise "
                    "would.")  # fmt: skip
    return Measured("gradient-noise-scale", measured, evidence, _of_size(own, found.low, found.high))


def _of_size(own: int, low: float, high: float) -> str:
    """What to make of a batch size beside the noise scale."""
    if not np.isfinite(high) and own * 4 > low:
        return (
            "These examples cannot tell how large the noise scale is: ask for more of them. Near a minimum it is large."
        )
    if own * 4 <= low:
        return ("Noise rules: a batch k times as large makes as much progress in about a k-th of the updates, at a "
                "higher rate. A lower rate averages the noise too.")  # fmt: skip
    if own >= 4 * high:
        return "The batch is larger than the noise asks for: half of it makes nearly as much progress an update."
    return "The batch is about as large as the noise scale, where neither updates nor examples are wasted."


def smaller(batches: Batch, least: int) -> Batch:
    """The same batches in parts of one size, so that there are at least so many where they can be cut."""
    count, size = batches.x.shape[:2]
    parts = min(-(-least // count), size)
    if count * parts < 2:
        raise HeadwayError("gradient-noise-scale", "needs two examples or more", count * size)
    kept = size // parts

    def cut(a: jax.Array) -> jax.Array:
        return a[:, : parts * kept].reshape(count * parts, kept, *a.shape[2:])

    return jax.tree.map(cut, batches)


@functools.partial(jax.jit, static_argnames="structure")
def _moments(structure: Update, numbers: Mapping[str, Any], state: Any, batches: Batch) -> tuple[jax.Array, jax.Array]:
    """|g_k|² and g_k · ḡ of the gradients of the mean loss of every batch, penalties included: [batches] each."""
    update, inputs = join(structure, numbers), batches.x.shape[2:]

    def gradient(batch: Batch) -> Any:
        found = differentiate(update, state, batch)
        weight = 1 if update.loss.reduction == "mean" else jnp.where(found.weight == 0, 1, found.weight)
        return with_penalties(update, jax.tree.map(lambda g: g / weight, found.gradients), state["params"], inputs)

    def add(total: Any, batch: Batch) -> tuple[Any, None]:
        return jax.tree.map(jnp.add, total, gradient(batch)), None

    def both(batch: Batch) -> tuple[jax.Array, jax.Array]:
        g = gradient(batch)
        return _product(g, g), _product(g, mean)

    total, _ = jax.lax.scan(add, jax.tree.map(jnp.zeros_like, state["params"]), batches)
    mean = jax.tree.map(lambda g: g / len(batches.x), total)
    found: tuple[jax.Array, jax.Array] = jax.lax.map(both, batches)
    return found


def _product(a: Any, b: Any) -> jax.Array:
    return jnp.stack(jax.tree.leaves(jax.tree.map(jnp.vdot, a, b))).sum()
