"""Measurements on demand on the command line: measure."""

import json
import math
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from headway.cli.command import AsJson, Modules, Sets, app, import_modules, recipe_of
from headway.doctor.on_demand.measured import COSTS
from headway.spec.error import HeadwayError

if TYPE_CHECKING:
    from headway.training.recipe import Recipe
    from headway.training.run import Run

OF = f"What to measure, and what it costs: {'; '.join(f'{name} ({cost})' for name, cost in COSTS.items())}. Repeatable."


@app.command()
def measure(
    what: Annotated[str, typer.Argument(help="The folder of a run, or a recipe, for its initial weights.")],
    *,
    of: Annotated[list[str], typer.Option(help=f"{OF} By default all that do not train.")] = [],  # noqa: B006
    examples: Annotated[int, typer.Option(help="How many training examples, about.", min=1)] = 1024,
    weights: Annotated[Literal["last", "best"], typer.Option(help="Of a run.")] = "last",
    out: Annotated[Path | None, typer.Option(help="A file to store the results in, as JSON.")] = None,
    sets: Sets = [],  # noqa: B006
    as_json: AsJson = False,
    imports: Modules = [],  # noqa: B006
) -> None:
    """Measure curvature against the rate, noise against the batch size, Jacobians by depth, and what can be fitted."""
    from headway.doctor.on_demand.measure import measure
    from headway.report.on_demand import measured_text
    from headway.training.checkpoint import write_durably

    found = measure(subject_of(what, sets, imports), *of, examples=examples, weights=weights)
    text = json.dumps({name: plain(asdict(one)) for name, one in found.items()}, indent=2, ensure_ascii=False)
    if out is not None:
        write_durably(out, text.encode())
    print(text if as_json else measured_text(found), end="\n" if as_json else "")


def subject_of(what: str, sets: list[str], imports: list[str]) -> "Run | Recipe":
    """A run from its folder, or a recipe."""
    from headway.training.run import Run

    if not Path(what).is_dir():
        return recipe_of(what, sets, imports)
    if sets:
        raise HeadwayError("--set", "must not be given with a run that is over", what)
    import_modules(imports)
    return Run.load(what)


def plain(value: Any) -> Any:
    """The value for JSON, which knows no number that is not finite: null."""
    match value:
        case dict():
            return {key: plain(part) for key, part in value.items()}
        case float() if not math.isfinite(value):
            return None
    return value
