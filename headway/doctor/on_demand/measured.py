"""Measurements on demand: what each costs, and the record of one: its numbers, what they say, what to make of them."""

from dataclasses import dataclass
from typing import Any

COSTS = {
    "jacobian-norms": "16 passes forward of 32 examples",
    "gradient-noise-scale": "two gradients of all examples",
    "critical-sharpness": "the gradients of 32 batches or more, and about 10 passes forward of all examples",
    "sharpness": "30 products with the Hessian, each some gradients of all examples; of an adaptive optimizer twice",
    "tiny-batch": "40 to 160 updates",
    "permuted-labels": "two trainings",
}
"""What each measurement costs, in words."""
TRAINS = ("permuted-labels",)
"""Those that train: they are taken only where they are named."""


@dataclass(frozen=True)
class Measured:
    """What a measurement came to.

    numbers    by name: a number, or a dict of numbers by the address of a layer
    evidence   sentences with what was measured
    advice     what to make of it, a sentence or two
    """

    name: str
    numbers: dict[str, Any]
    evidence: tuple[str, ...]
    advice: str
