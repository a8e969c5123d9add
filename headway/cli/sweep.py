"""Many runs on the command line: sweep, rate."""

import json
import re
from pathlib import Path
from typing import Annotated, Any

import typer

from headway.cli.command import AsJson, Counter, Modules, Sets, What, app, recipe_of, value_of
from headway.cli.training import EXITS
from headway.spec.error import HeadwayError

RANGE = re.compile(r"(\d+):(\d+)(?::(\d+))?")


@app.command()
def sweep(
    what: What,
    *,
    over: Annotated[list[str], typer.Option(help="An axis: seed=0:8, optimizer.learning_rate=1e-3,3e-3. Repeatable.")],
    sets: Sets = [],  # noqa: B006 (typer reads it, nobody changes it)
    out: Annotated[Path | None, typer.Option(help="A new folder for sweep.json and rows.parquet.")] = None,
    anyway: Annotated[bool, typer.Option(help="Train recipes that are known to be wrong.")] = False,
    as_json: AsJson = False,
    imports: Modules = [],  # noqa: B006
) -> None:
    """Train a recipe at every point of a grid, side by side."""
    from headway.report.sweeps import sweep_table
    from headway.training.interruption import PAUSED
    from headway.training.sweeps.grid import points
    from headway.training.sweeps.sweep import sweep

    recipe, axes = recipe_of(what, sets, imports), axes_of(over)
    found = sweep(recipe, axes, anyway=anyway, tell=Counter(len(points(axes)), "runs"))
    if out is not None:
        found.save(out)
    best = found.best()
    named = None if best is None else {address: str(value) for address, value in best.point.items()}
    print(json.dumps({"runs": found.records(), "best": named}, indent=2) if as_json else sweep_table(found))
    paused = [EXITS[run.standing.reason] for run in found.runs if run.standing.reason in PAUSED]
    raise typer.Exit(max(paused, default=0 if best else EXITS["non-finite"]))


def axes_of(texts: list[str]) -> dict[str | tuple[str, ...], tuple[Any, ...]]:
    """`seed=0:8` and `optimizer.learning_rate=1e-3,3e-3` as axes; `a,b=[1,2],[3,4]` changes a and b together."""
    axes: dict[str | tuple[str, ...], tuple[Any, ...]] = {}
    for text in texts:
        at, sign, given = text.partition("=")
        if not (at and sign and given):
            raise HeadwayError("--over", "must be ADDRESS=VALUE,VALUE", text, "Try: --over seed=0:8")
        addresses = tuple(at.replace(".", "/").split(","))
        key = addresses if len(addresses) > 1 else addresses[0]
        if key in axes:
            raise HeadwayError("--over", "an axis must be given once", at, "Give all its values in one.")
        axes[key] = values_of(given)
    return axes


def values_of(text: str) -> tuple[Any, ...]:
    """`0:4` counts 0, 1, 2, 3 (a third number is the step); else values of JSON, or words, between commas."""
    from headway.spec.json import from_value

    if counted := RANGE.fullmatch(text):
        begin, end, step = counted.groups()
        return tuple(range(int(begin), int(end), int(step or 1)))
    try:
        return tuple(from_value(value) for value in json.loads(f"[{text}]"))
    except json.JSONDecodeError:
        return tuple(value_of(word) for word in text.split(","))


@app.command()
def rate(
    what: What,
    *,
    sets: Sets = [],  # noqa: B006
    low: Annotated[float, typer.Option(help="The first rate.")] = 1e-6,
    high: Annotated[float, typer.Option(help="The last rate.")] = 10.0,
    updates: Annotated[int, typer.Option(help="How many updates a seed makes.")] = 200,
    seeds: Annotated[int, typer.Option(help="How many seeds, from the recipe's own on.")] = 5,
    out: Annotated[Path | None, typer.Option(help="A picture, .svg or .png.")] = None,
    as_json: AsJson = False,
    imports: Modules = [],  # noqa: B006
) -> None:
    """Suggest a learning rate, with an interval, by one short run a seed in which it rises."""
    from headway.report.sweeps import rate_picture, rate_text
    from headway.training.sweeps.rate import find_learning_rate

    recipe = recipe_of(what, sets, imports)
    found = find_learning_rate(recipe, low=low, high=high, updates=updates, seeds=seeds)
    if out is not None:
        rate_picture(found, out)
    print(json.dumps(found.record(), indent=2) if as_json else rate_text(found))
