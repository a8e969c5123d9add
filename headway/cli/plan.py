"""What a recipe will need, from the command line: plan."""

import json
from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from headway.cli.command import AsJson, Counter, How, Modules, Sets, Sides, What, app, mesh_of, recipe_of
from headway.spec.error import HeadwayError

if TYPE_CHECKING:
    from headway.plan.plan import Plan
    from headway.plan.search import Found
    from headway.training.recipe import Recipe

Compilers = Annotated[
    bool, typer.Option("--vendor", help="By the compiler of the devices' vendor: see headway[plan-cuda], [plan-tpu].")
]


@app.command()
def plan(
    what: What,
    *,
    devices: Annotated[str, typer.Option(help="How many, and of which kind: 8xH100, 256xv5e, or 8.")],
    mesh: Sides = "",
    strategy: How = "",
    trace: Annotated[bool, typer.Option("--trace", help="Trace alone: in a second, without the compiler.")] = False,
    vendor: Compilers = False,
    search: Annotated[
        bool, typer.Option("--search", help="Find the mesh, recompute and accumulate of the fastest update that fits.")
    ] = False,
    compiled: Annotated[
        int | None,
        typer.Option("--compiled", min=1, help="With --search: how many that fit are compiled, 4 unless told."),
    ] = None,
    sets: Sets = [],  # noqa: B006 (typer reads it, nobody changes it)
    imports: Modules = [],  # noqa: B006
    as_json: AsJson = False,
) -> None:
    """Say what an update needs of each device before any is booked: bytes, collectives, time. Needs none of them."""
    if trace and vendor:
        raise HeadwayError("--trace", "is without a compiler", "--vendor", "Leave out one of them.")
    if search and mesh:
        raise HeadwayError("--search", "finds the mesh", f"--mesh {mesh}", "Leave out one of them.")
    if compiled is not None and (trace or not search):
        raise HeadwayError("--compiled", "is for a --search that compiles", compiled, "Leave it out.")
    recipe = recipe_of(what, sets, imports)
    if search:
        found = searched(recipe, devices, strategy, compiled=0 if trace else compiled, vendor=vendor)
        given = {"--set": sets, "--import": imports, "--strategy": [strategy] if strategy else []}
        words = [what, *(word for option, values in given.items() for value in values for word in (option, value))]
        print_search(found, recipe, None if as_json else words)
    else:
        print_plan(planned(recipe, devices, mesh, strategy, compile=not trace, vendor=vendor), as_json)


def planned(recipe: "Recipe", devices: str, mesh: str, strategy: str, *, compile: bool, vendor: bool) -> "Plan":
    """The plan for the devices and the mesh that were named."""
    from headway.plan.devices import booked
    from headway.plan.plan import plan

    count, kind = booked(devices)
    grid = mesh_of(mesh or f"fsdp={count}", strategy)
    assert grid is not None
    if grid.devices != count:
        raise HeadwayError("--mesh", f"must have the {count} devices of --devices", f"{grid.devices} in {mesh}")
    return plan(recipe, grid, kind, compile=compile, vendor=vendor)


def print_plan(found: "Plan", as_json: bool) -> None:
    """One plan, for people or for programs."""
    from headway.report.planned import plan_text

    if not as_json:
        print(plan_text(found))
        return
    made = asdict(found.made) if found.made else None
    names = ("state", "activations", "operations", "peak", "seconds", "fits", "refused")
    told = {"devices": found.mesh.devices} | {name: getattr(found, name) for name in names} | {"compiled": made}
    print(json.dumps(told, indent=2))


def searched(recipe: "Recipe", devices: str, strategy: str, *, compiled: int | None, vendor: bool) -> "Found":
    """The search on the devices that were named; what was compiled is counted on a terminal."""
    from headway.plan.devices import booked
    from headway.plan.search import COMPILED, Booked, search

    count, kind = booked(devices)
    if kind is None:
        raise HeadwayError("--search", "needs the memory and the speeds of a kind of devices", f"--devices {devices}",
                           f"Try: --devices {count}xH100")  # fmt: skip
    grid = mesh_of(f"data={count}", strategy)
    assert grid is not None
    most = COMPILED if compiled is None else compiled
    told = Counter(most, "compiled")
    return search(recipe, Booked(count, kind, grid.strategy), compile=most, vendor=vendor,
                  told=lambda made: told(made) if made.fits else None)  # fmt: skip


def print_search(found: "Found", recipe: "Recipe", words: Sequence[str] | None) -> None:
    """A search, for people, who want the command for the best of these words; or where there are none for programs."""
    from headway.report.searched import record, search_text

    if words is not None:
        print(search_text(found, recipe, words))
        return
    told = {name: [record(one, recipe) for one in getattr(found, name)] for name in ("fitting", "large", "waiting")}
    print(json.dumps(told | {"refused": found.refused, "pruned": found.pruned}, indent=2))
