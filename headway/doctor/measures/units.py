"""Units that give nothing for any of many examples: what small batches suggest, looked at again."""

from collections.abc import Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from headway.network.context import Context
from headway.network.layer import Activation, Layer, apply, layers

EXAMPLES = 1024
"""How many training examples are enough to call a unit dead."""
FEW = 4
"""Of fewer units, and of those right behind so few, it is a matter of luck how many are dead."""


def dead_units(network: Layer, values: Mapping[str, Any], x: np.ndarray) -> dict[str, float]:
    """Address of every rectifier → the share of its units that are 0 for all examples x, in evaluation mode.

    A rectifier is an activation that is 0 for what is below 0. Units are places of the last axis. Left out are layers
    of less than FEW units and those behind: of units that see one number from 0 on half are dead from the start.
    """
    below = jnp.array([-1.0, -8.0])
    rectifiers = {address for address, layer in layers(network)
                  if isinstance(layer, Activation) and not jnp.any(layer.function(below))}  # fmt: skip
    found: dict[str, float] = {}
    widths = [FEW]

    def tap(address: str, h: jax.Array) -> jax.Array:
        if address in rectifiers:
            if min(widths[-1], h.shape[-1]) >= FEW:
                found[address] = float(jnp.mean(jnp.all(h == 0, axis=tuple(range(h.ndim - 1)))))
            widths.append(h.shape[-1])
        return h

    if rectifiers:
        apply(network, values["params"], jnp.asarray(x), values["network"], Context(tap=tap))
    return found
