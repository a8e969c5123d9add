"""A plan for people: a picture of a device's memory, what devices say to each other, the least time of an update."""

from collections import Counter
from collections.abc import Sequence

import numpy as np

from headway.plan.compiled import Compiled
from headway.plan.held import Held, totals
from headway.plan.plan import MARGIN, Plan
from headway.report.devices import shape_of
from headway.report.table import table
from headway.training.memory import Taken

WIDTH = 32
"""Characters of the longest bar."""


def plan_text(plan: Plan) -> str:
    """The plan as tables and sentences."""
    mesh, made, device = plan.mesh, plan.made, plan.device
    kind = f" {device.name}" if device else ""
    found = [f"{mesh.devices}{kind} devices, {shape_of(mesh)}", memory_table(plan)]
    if exchanged := made.collectives if made is not None else plan.expected:
        told = [(one.kind, " × ".join(one.sides) if one.sides else "other groups", one.count, one.bytes)
                for one in exchanged]  # fmt: skip
        title = "collective" if made is not None else "collective, by formula"
        found.append(table((title, "along", "times", "bytes on a device"), told))
    found.append(f"operations of an update: {plan.operations:.3e}")
    if device is not None:
        formula = {"collectives": " by formula"} if made is None else {}
        least = max(seconds for name, seconds in plan.seconds.items() if name not in formula)
        bounds = ", ".join(f"{name} {seconds * 1e3:.3g} ms{formula.get(name, '')}"
                           for name, seconds in plan.seconds.items())  # fmt: skip
        found.append(f"an update takes at least {least * 1e3:.3g} ms ({bounds})")
        verdict = "fits" if plan.fits else "does not fit"
        room = f"{plan.peak / 1e9:.2f} GB and {MARGIN:.0%} in {device.memory / 1e9:.0f} GB"
        found.append(f"{verdict}: {plan.refused or room}")
    found.append(error_text(plan.taken, device.name if device else "a CPU"))
    found += [f"the compiler says: {line}" for line in (made.warnings if made else ())]
    return "\n\n".join(found)


def memory_table(plan: Plan) -> str:
    """What lies on a device, its bytes as bars, what divides it, and who says so."""
    made = plan.made
    rows = [(part, here, divided_along([one for one in plan.arrays if one.part == part]), "exact")
            for part, (here, _) in totals(plan.arrays).items()]  # fmt: skip
    rows.append(
        ("activations", plan.activations, "examples", "kept for the backward pass, if examples alone divide them")
    )
    if made is not None:
        beside = made.peak - made.arguments - made.results + made.shared
        rows += [("temporary", beside, "", f"{compiler(made)}: gradients, activations and what is at work"),
                 ("peak", plan.peak, "", "state, data set and temporary")]  # fmt: skip
    else:
        twice = ", with the state before and after" if plan.states > plan.state else ""
        rows.append(("peak", plan.peak, "", f"their sum{twice}"))
    most = max(size for _, size, *_ in rows)
    bars = [(name, size, "█" * round(WIDTH * size / most) or "▏", along, who) for name, size, along, who in rows]
    if plan.device is not None:
        share = f"the peak is {plan.peak / plan.device.memory:.1%} of it"
        bars.append((plan.device.name, int(plan.device.memory), share, "", "its maker"))
    return table(("on a device", "bytes", "", "divided along", "said by"), bars)


def compiler(made: Compiled) -> str:
    """Who says it: the compiler for a kind of device."""
    return "the CPU's compiler" if made.device == "cpu" else f"the compiler for {made.device}"


def divided_along(arrays: Sequence[Held]) -> str:
    """The names of dimensions and sides of the mesh by which most of these bytes are divided: `fsdp, tensor`."""
    sizes = Counter[str]()
    for one in arrays:
        sizes[", ".join(sorted({axis for axis in one.placement.axes if axis}))] += one.whole
    return sizes.most_common(1)[0][0] or "nothing"


def error_text(taken: Sequence[Taken], device: str) -> str:
    """How far such plans were off on this kind of device: of all runs with a folder that were started here."""
    off = [one.off for one in taken if one.off is not None]
    if not off:
        return f"No run on {device} has been held against its plan on this machine yet: every run with --out is."
    runs = "1 run" if len(off) == 1 else f"{len(off)} runs"
    return (
        f"On {device} the compiler's figure was off by {np.median(off):+.1%} in {runs} on this machine "
        f"({min(off):+.1%} to {max(off):+.1%})."
    )
