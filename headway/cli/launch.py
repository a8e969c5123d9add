"""Several processes from the command line: launch."""

import sys
from typing import Annotated

import typer

from headway.cli.command import app
from headway.spec.error import HeadwayError


@app.command(context_settings={"allow_extra_args": True, "ignore_unknown_options": True})
def launch(
    context: typer.Context,
    *,
    processes: Annotated[int, typer.Option(help="How many processes.", min=1)],
    devices: Annotated[int | None, typer.Option(help="Virtual devices of the CPU in each process.", min=1)] = None,
) -> None:
    """Run a command of Headway, or a Python file, in several processes of this machine that train together.

    headway launch --processes 2 --devices 2 train digits-mlp --mesh data=2,fsdp=2
    """
    from headway.scale.local import launch

    if not context.args:
        raise HeadwayError("launch", "needs a command", fix="Try: headway launch --processes 2 train digits-mlp")
    program = [sys.executable] if context.args[0].endswith(".py") else [sys.executable, "-m", "headway.cli"]
    raise typer.Exit(launch([*program, *context.args], processes, devices))
