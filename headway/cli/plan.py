"""What a recipe will need, from the command line: plan."""

import json
from dataclasses import asdict
from typing import Annotated

import typer

from headway.cli.command import AsJson, How, Modules, Sets, Sides, What, app, mesh_of, recipe_of
from headway.spec.error import HeadwayError


@app.command()
def plan(
    what: What,
    *,
    devices: Annotated[str, typer.Option(help="How many, and of which kind: 8xH100, 256xv5e, or 8.")],
    mesh: Sides = "",
    strategy: How = "",
    trace: Annotated[bool, typer.Option("--trace", help="Trace alone: in a second, without the compiler.")] = False,
    vendor: Annotated[
        bool,
        typer.Option("--vendor", help="By the compiler of the devices' vendor: see headway[plan-cuda], [plan-tpu]."),
    ] = False,
    sets: Sets = [],  # noqa: B006 (typer reads it, nobody changes it)
    imports: Modules = [],  # noqa: B006
    as_json: AsJson = False,
) -> None:
    """Say what an update needs of each device before any is booked: bytes, collectives, time. Needs none of them."""
    from headway.plan.devices import booked
    from headway.plan.plan import plan
    from headway.report.planned import plan_text

    if trace and vendor:
        raise HeadwayError("--trace", "is without a compiler", "--vendor", "Leave out one of them.")
    count, kind = booked(devices)
    grid = mesh_of(mesh or f"fsdp={count}", strategy)
    assert grid is not None
    if grid.devices != count:
        raise HeadwayError("--mesh", f"must have the {count} devices of --devices", f"{grid.devices} in {mesh}")
    found = plan(recipe_of(what, sets, imports), grid, kind, compile=not trace, vendor=vendor)
    if as_json:
        made = asdict(found.made) if found.made else None
        names = ("state", "activations", "operations", "peak", "seconds", "fits", "refused")
        told = {"devices": count} | {name: getattr(found, name) for name in names} | {"compiled": made}
        print(json.dumps(told, indent=2))
    else:
        print(plan_text(found))
