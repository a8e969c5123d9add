"""A plan for people: bytes of a device, what devices say to each other, the least time of an update."""

from headway.plan.compiled import Compiled
from headway.plan.held import totals
from headway.plan.plan import MARGIN, Plan
from headway.report.devices import shape_of
from headway.report.table import table


def plan_text(plan: Plan) -> str:
    """The plan as tables."""
    mesh, made, device = plan.mesh, plan.made, plan.device
    kind = f" {device.name}" if device else ""
    parts = {name: here for name, (here, _) in totals(plan.arrays).items()}
    rows: list[tuple[str, int | None, str]] = [(name, size, "exact") for name, size in parts.items()]
    rows.append(("activations", plan.activations, "kept for the backward pass, where only examples divide them"))
    if made is not None:
        beside = made.peak - made.arguments - made.results + made.shared
        rows += [("temporary", beside, f"{_compiler(made)}: gradients, activations and what is at work"),
                 ("peak", made.peak, "state before and after, data set and temporary")]  # fmt: skip
    else:
        rows.append(("peak", plan.peak, "their sum"))
    found = [f"{mesh.devices}{kind} devices, {shape_of(mesh)}", table(("on a device", "bytes", "said by"), rows)]
    if made is not None and made.collectives:
        told = [(one.kind, " × ".join(one.sides) if one.sides else "other groups", one.count, one.bytes)
                for one in made.collectives]  # fmt: skip
        found.append(table(("collective", "along", "times", "bytes on a device"), told))
    found.append(f"operations of an update: {plan.operations:.3e}")
    if device is not None:
        least = max(plan.seconds.values())
        bounds = ", ".join(f"{name} {seconds * 1e3:.3g} ms" for name, seconds in plan.seconds.items())
        found.append(f"an update takes at least {least * 1e3:.3g} ms ({bounds})")
        verdict = "fits" if plan.fits else "does not fit"
        room = f"{plan.peak / 1e9:.2f} GB and {MARGIN:.0%} in {device.memory / 1e9:.0f} GB"
        found.append(f"{verdict}: {plan.refused or room}")
    found += [f"the compiler says: {line}" for line in (made.warnings if made else ())]
    return "\n\n".join(found)


def _compiler(made: Compiled) -> str:
    return "the CPU's compiler" if made.device == "cpu" else f"the compiler for {made.device}"
