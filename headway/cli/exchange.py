"""What leaves Headway, on the command line: export."""

from pathlib import Path
from typing import Annotated

import typer

from headway.cli.command import Modules, app, import_modules


@app.command()
def export(
    run: Annotated[Path, typer.Argument(help="The folder of a run.")],
    *,
    out: Annotated[Path, typer.Option(help="The file to write: ….onnx for ONNX, else StableHLO.")],
    batch: Annotated[int | None, typer.Option(help="Examples it takes at once; else any number.", min=1)] = None,
    tolerance: Annotated[float, typer.Option(help="The largest difference of outputs that is let through.")] = 1e-5,
    imports: Modules = [],  # noqa: B006
) -> None:
    """Write a run's best network as a program, StableHLO or ONNX, compared with the run on its own examples."""
    from headway.exchange.export import export as export_run
    from headway.training.run import Run

    import_modules(imports)
    parity = export_run(Run.load(run), out, batch=batch, tolerance=tolerance)
    print(f"{out}: {parity}")
