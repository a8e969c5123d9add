"""What every device of a mesh holds of the training state, array by array: nothing is computed, no device needed."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import jax

from headway.network.initialization import Shape
from headway.network.values import by_address, flatten
from headway.scale.mesh import Mesh
from headway.scale.sharding import Placement, placed_state, placements
from headway.training.job import Job, expect_mesh
from headway.training.step import first_shapes

PARTS = ("params", "gradients", "optimizer", "average", "network", "scaling")


@dataclass(frozen=True)
class Held:
    """An array, the part of it that one device holds, and how many bytes that takes.

    part     what of the training state it belongs to: params, gradients, network, optimizer, average, scaling
    """

    part: str
    address: str
    shape: Shape
    dtype: str
    placement: Placement
    own: Shape

    @property
    def bytes(self) -> int:
        """On one device."""
        return math.prod(self.own) * jax.numpy.dtype(self.dtype).itemsize

    @property
    def whole(self) -> int:
        """Bytes of the whole array."""
        return math.prod(self.shape) * jax.numpy.dtype(self.dtype).itemsize


def held(job: Job, mesh: Mesh) -> list[Held]:
    """Every array of the training state of a job, and the gradients, on one device of a mesh.

    A batch that does not divide, and a side of the mesh that divides nothing, are refused.
    """
    expect_mesh(job.recipe, job.dataset, mesh)
    declared = job.update.network.declare(job.dataset.input_shape)
    state = first_shapes(job)
    gradients = {f"gradients/{address}": leaf for address, leaf in flatten(state["params"]).items()}
    lying = placements(declared, mesh, mesh.strategy.gradients)
    placed = placed_state(state, declared, mesh) | {f"gradients/{address}": place for address, place in lying.items()}
    every = [_held(address, leaf, placed[address], mesh) for address, leaf in (by_address(state) | gradients).items()]
    order = [*flatten(declared)]
    return sorted(every, key=lambda one: (PARTS.index(one.part), *_place(one.address, order)))


def _held(address: str, leaf: Any, place: Placement, mesh: Mesh) -> Held:
    part, _, behind = address.partition("/")
    return Held(part, behind, leaf.shape, str(leaf.dtype), place, place.part(leaf.shape, mesh))


def _place(address: str, order: list[str]) -> tuple[str, int]:
    """What stands in front of a parameter's address, and which parameter that is: JAX sorts 10 in front of 2."""
    at = next((i for i, own in enumerate(order) if f"/{address}".endswith(f"/{own}")), len(order))
    return address.removesuffix(order[at]) if at < len(order) else address, at


def totals(arrays: Sequence[Held]) -> dict[str, tuple[int, int]]:
    """Part of the training state → its bytes on one device, and on all where nothing is divided."""
    parts = dict.fromkeys(one.part for one in arrays)
    return {p: (sum(h.bytes for h in arrays if h.part == p), sum(h.whole for h in arrays if h.part == p))
            for p in parts}  # fmt: skip
