"""A search for people: candidates with their figures, what became of the others, the command for the best."""

import json
import shlex
from collections.abc import Iterable
from itertools import chain

import headway.spec.json as spec_json
from headway.plan.plan import Plan
from headway.plan.search import Found, edits, seconds
from headway.report.devices import shape_of
from headway.report.planned import compiler
from headway.report.table import table
from headway.training.recipe import Recipe

SHOWN = 10
"""Candidates in the table beside those that were compiled."""
HEADER = ("mesh", "recompute", "accumulate", "GB", "operations, ms", "collectives, ms", "update, ms", "said by")


def search_text(found: Found, recipe: Recipe, words: Iterable[str]) -> str:
    """The search as a table and sentences; `words` are those of the command that gave the recipe."""
    shown = [*found.fitting[: max(SHOWN, sum(one.made is not None for one in found.fitting))], *found.large]
    parts = [table(HEADER, map(row, shown))] if shown else []
    parts.append(f"{found.tried} candidates: {'; '.join(fates(found))}")
    if found.fitting:
        parts.append(f"the best: {shlex.join(['headway', 'train', *words, *options(found.fitting[0], recipe)])}")
    else:
        parts.append("None fits: plan for more devices, a smaller batch_size, or another --strategy.")
    return "\n\n".join(parts)


def row(plan: Plan) -> tuple[str | float, ...]:
    """One candidate under the HEADER: bytes of one device, and the parts of the time of an update."""
    said = "traced" if plan.made is None else compiler(plan.made)
    peak = plan.peak / 1e9 if not plan.refused else "–"
    times = (1e3 * plan.seconds["operations"], 1e3 * plan.seconds["collectives"], 1e3 * seconds(plan))
    return (
        shape_of(plan.mesh), "none" if plan.recipe.recompute is None else str(plan.recipe.recompute),
        plan.recipe.accumulate, peak, *times, said if plan.fits else f"does not fit: {plan.refused or said}",
    )  # fmt: skip


def fates(found: Found) -> list[str]:
    """What became of how many candidates."""
    compiled = sum(one.made is not None for one in found.fitting)
    told = [f"{len(found.fitting)} fit as {'compiled' if compiled else 'traced'}"]
    told += [f"{len(found.large)} do not fit as compiled"] if found.large else []
    told += [f"{found.pruned} do not fit as traced, or keep more than one that does not"] if found.pruned else []
    told += [f"{len(found.waiting)} slower as traced, not compiled"] if found.waiting else []
    return told + [f"{count} refused, {reason}" for reason, count in found.refused.items()]


def options(plan: Plan, recipe: Recipe) -> list[str]:
    """The words that make this plan of the recipe: `--mesh data=8,fsdp=8 --set accumulate=2`."""
    mesh = ",".join(f"{side}={size}" for side, size in plan.mesh.sizes.items() if size > 1) or "data=1"
    sets = (("--set", f"{name}={json.dumps(spec_json.to_value(value))}") for name, value in edits(recipe, plan).items())
    return ["--mesh", mesh, *chain.from_iterable(sets)]


def record(plan: Plan, recipe: Recipe) -> dict[str, object]:
    """One candidate for JSON: sides of the mesh, edits of the recipe, bytes of one device, seconds of an update."""
    changed = {name: spec_json.to_value(value) for name, value in edits(recipe, plan).items()}
    return {
        "mesh": plan.mesh.sizes, "edits": changed, "peak": plan.peak, "fits": plan.fits, "seconds": plan.seconds,
        "update": seconds(plan), "compiled": plan.made is not None, "refused": plan.refused,
    }  # fmt: skip
