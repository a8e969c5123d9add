"""What every device holds: a table of arrays, how each lies on the mesh, and what that takes."""

from headway.plan.held import Held, totals
from headway.report.table import table
from headway.scale.mesh import Mesh


def held_table(arrays: list[Held], mesh: Mesh) -> str:
    """A row an array: its shape, the part of it on one device, bytes there, and why a side of the mesh divides none."""
    rows = [
        (f"{h.part}/{h.address}", _shape(h.shape), _shape(h.own), h.bytes, "; ".join(h.placement.dropped.values()))
        for h in arrays
    ]
    found = totals(arrays)
    every = (sum(here for here, _ in found.values()), sum(whole for _, whole in found.values()))
    sums = [(part, here, whole, f"{here / whole:.1%}") for part, (here, whole) in (found | {"all": every}).items()]
    return "\n\n".join(
        (
            f"{mesh.devices} devices, {shape_of(mesh)}: each batch in {mesh.parts} parts",
            table(("array", "whole", "on a device", "bytes", "not divided, as"), rows),
            table(("training state", "bytes on a device", "bytes in all", "share"), sums),
        )
    )


def shape_of(mesh: Mesh) -> str:
    """`data 2 × fsdp 4`: the sides along which there is more than one device."""
    return " × ".join(f"{axis} {size}" for axis, size in mesh.sizes.items() if size > 1) or "1"


def _shape(shape: tuple[int, ...]) -> str:
    return "×".join(map(str, shape)) or "scalar"
