"""Jacobians by depth: how far a change of the inputs is still to be seen behind every layer."""

import functools
import math
from collections.abc import Mapping
from typing import Any

import jax
import numpy as np

from headway.doctor.on_demand.measured import Measured
from headway.doctor.on_demand.subject import Subject
from headway.learning.backpropagation.jacobians import prefix_jacobian_norms
from headway.network.context import Context
from headway.network.layer import Layer
from headway.network.summary import summary
from headway.signals.flow import LEAST, boundaries, decades_per_ten_layers
from headway.signals.probe import watched
from headway.spec.numbers import join, split

EXAMPLES = 32
"""How many examples of the first batch are taken."""
EVEN = 2.0
"""Decades in ten layers up to which depth is said to change little."""


def jacobian_norms(subject: Subject) -> Measured:
    """The norm of the Jacobian from the inputs to every layer, and its growth a layer (Pascanu et al. 2013).

    `norms` are ‖J‖, root mean square over examples, behind every layer with weights. `gains` are ‖J‖ / √size, which
    is how far a number of the layer moves where every input moves by 1 up or down at random: a layer that is
    wider than the one before does not change them for that alone.
    """
    network, inputs = subject.update.network, subject.job.dataset.input_shape
    structure, numbers = split(network)
    each = _norms(structure, numbers, *_shown(subject))
    sizes = {row.address: math.prod(row.output) for row in summary(network, inputs).rows}
    addresses = [at for at in watched(network, inputs, subject.batches.x.dtype) if at in each]
    behind = [addresses[i] for i in boundaries(network, inputs, addresses)]
    norms = {at: float(np.mean(np.square(each[at]))) ** 0.5 for at in behind}
    gains = {at: norms[at] / sizes[at] ** 0.5 for at in behind}
    slope = float(decades_per_ten_layers(np.array(list(gains.values())))) if behind else 0.0
    found = {"norms": norms, "gains": gains, "growth": 10 ** (slope / 10), "decades_per_ten_layers": slope}
    if not behind:
        return Measured("jacobian-norms", found, ("No layer has weights.",), "There is no depth to look at.")
    first, last = gains[behind[0]], gains[behind[-1]]
    evidence = (
        f"A change of 1 in every input is one of {first:.2g} behind the first of {len(behind)} layers with weights, "
        f"and of {last:.2g} behind the last.",
        f"A layer multiplies it by {found['growth']:.3g}: {slope:+.2g} decades in ten layers.".replace("-", "−"),
    )
    return Measured("jacobian-norms", found, evidence, _of_slope(slope, last))


def _of_slope(slope: float, last: float) -> str:
    """What to make of how gains change with depth."""
    if last <= LEAST:
        return "Nothing of the inputs reaches the output: no gradient reaches the first layers either."
    if slope < -EVEN:
        return ("What goes forward shrinks with depth, and what comes back with it, multiplied by the same Jacobians. "
                "Ways past the layers, normalization or another initialization hold it level.")  # fmt: skip
    if slope > EVEN:
        return ("Small changes grow with depth, and gradients with them: initialize smaller, scale residual branches, "
                "or normalize. A trained network that tells close inputs apart rightly does some of it.")  # fmt: skip
    return "Depth changes little: signals and gradients keep their size through the layers."


def _shown(subject: Subject) -> tuple[Any, Any, jax.Array, jax.Array | None]:
    """Parameters, network state, and a few examples with their keys."""
    keys = subject.batches.keys
    return (subject.values["params"], subject.values["network"], subject.batches.x[0][:EXAMPLES],
            None if keys is None else keys[0][:EXAMPLES])  # fmt: skip


@functools.partial(jax.jit, static_argnames="structure")
def _norms(
    structure: Layer, numbers: Mapping[str, Any], params: Any, state: Any, x: jax.Array, keys: jax.Array | None
) -> dict[str, jax.Array]:
    return prefix_jacobian_norms(join(structure, numbers), params, x, state, context=Context("train", keys))
