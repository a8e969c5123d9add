"""Collectives that an update needs by how its arrays are divided: a formula, where no compiler was asked."""

import math
from collections.abc import Iterable, Iterator, Sequence

import jax

from headway.network.values import COPY, flatten
from headway.plan.collectives import Collective
from headway.plan.held import Held
from headway.scale.mesh import EXAMPLES, Mesh
from headway.scale.sharding import names_of, placements
from headway.training.job import Job

SUMMED = (*EXAMPLES, "context")
"""The sides along which devices see different examples, or places of them: gradients are sums over these."""


def expected(job: Job, mesh: Mesh, arrays: Sequence[Held]) -> tuple[Collective, ...]:
    """Collectives of one update of these arrays; the most bytes first.

    Of every micro-batch, in the dtype in which a layer computes:
        parameters    gathered along `fsdp`, for the pass forward and for that back
        gradients     scattered along `fsdp`, what is left of them reduced along the other sides of SUMMED
        activations   reduced along `tensor` [examples, places, features]: see `_activations`
    Of the update, in float32: parameters gathered along `fsdp` where the optimizer's state alone is divided.
    Left out are `stage`, what `context` exchanges, the places of images, and what XLA does beyond the need.
    """
    declared = job.update.network.declare(job.dataset.input_shape)
    named, kept = names_of(declared), placements(declared, mesh, mesh.strategy.optimizer)
    own = {part: {one.address: one for one in arrays if one.part == part} for part in ("params", "gradients")}
    found = list[Collective]()
    for address, held in own["params"].items():
        share = _itemsize(job, address) / jax.numpy.dtype(held.dtype).itemsize
        copies = math.prod(held.shape[: len(held.shape) - len(named[address])])
        if "fsdp" in held.placement.axes:
            found.append(Collective("all-gather", ("fsdp",), 2 * copies, int(2 * held.bytes * mesh.fsdp * share)))
        found += _reduced(own["gradients"][address], mesh, (copies, share))
    found += _activations(job, mesh)
    found = [_times(one, job.update.accumulate) for one in found]
    whole = [one for address, one in own["params"].items()
             if "fsdp" in kept[address].axes and "fsdp" not in one.placement.axes]  # fmt: skip
    found += [Collective("all-gather", ("fsdp",), 1, one.bytes) for one in whole]
    return tuple(sorted(_together(found), key=lambda one: -one.bytes))


def _reduced(gradient: Held, mesh: Mesh, each: tuple[int, float]) -> Iterator[Collective]:
    """How one gradient becomes the sum over all examples, on the devices that hold parts of it."""
    copies, share = each
    size, sides = gradient.bytes * share, [side for side in SUMMED if mesh.sizes[side] > 1]
    if "fsdp" in gradient.placement.axes:
        yield Collective("reduce-scatter", ("fsdp",), copies, int(size * mesh.fsdp))
        sides.remove("fsdp")
    if sides:
        yield Collective("all-reduce", tuple(sides), copies, int(size))


def _activations(job: Job, mesh: Mesh) -> Iterator[Collective]:
    """Where a matrix is divided along the dimension it sums over, its output is a sum over devices (Shoeybi et al.
    2019), and so is the gradient of the input that the matrices before it share: two all-reduces each.

    A block of attention and feed-forward has four of them; five with recompute, which needs the sum of every such
    matrix again but that of a copy's last.
    """
    declared = job.update.network.declare(job.dataset.input_shape)
    named, divided = names_of(declared), placements(declared, mesh)
    rows = {address: place for address, place in divided.items()
            if "tensor" in place.axes[:-1] and named[address][-1] == "features"}  # fmt: skip
    last = {address.partition(COPY)[0]: address for address in rows}
    examples = job.update.batch_size // job.update.accumulate // mesh.parts
    places = (job.dataset.time or 1) // mesh.context
    every = flatten(declared)
    for address in rows:
        shape = every[address].shape
        again = COPY in address.split("/") and job.update.recompute is not None and address not in last.values()
        count = math.prod(shape[: len(shape) - len(named[address])]) * (3 if again else 2)
        each = examples * places * shape[-1] * _itemsize(job, address)
        yield Collective("all-reduce", ("tensor",), count, count * each)


def _itemsize(job: Job, address: str) -> int:
    """Bytes of one number in the dtype in which the layer of this parameter computes."""
    computes = job.update.precision.computes()
    return jax.numpy.dtype(computes(address.rpartition("/")[0]) if computes else "float32").itemsize


def _times(one: Collective, count: int) -> Collective:
    return Collective(one.kind, one.sides, one.count * count, one.bytes * count)


def _together(found: Iterable[Collective]) -> Iterator[Collective]:
    """Those of one kind along the same sides as one."""
    sums = dict[tuple[str, tuple[str, ...] | None], tuple[int, int]]()
    for one in found:
        count, size = sums.get((one.kind, one.sides), (0, 0))
        sums[one.kind, one.sides] = count + one.count, size + one.bytes
    return (Collective(*key, *both) for key, both in sums.items())
