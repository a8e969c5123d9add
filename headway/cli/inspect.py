"""Networks looked into from the command line: landscape, trace."""

import json
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from headway.cli.command import AsJson, Modules, Sets, app, import_modules, recipe_of
from headway.spec.error import HeadwayError, did_you_mean

if TYPE_CHECKING:
    from headway.data.dataset import Examples
    from headway.learning.landscape.slices import Line, Plane
    from headway.learning.landscape.surface import Landscape
    from headway.training.recipe import Recipe
    from headway.training.run import Run

KINDS = ("line", "plane", "path", "between")
SNAPSHOTS = 40
"""Weights taken along a run, evenly spaced, beside the first."""


@dataclass
class View:
    """A slice of the landscape, what its directions are, what is said of it; `ends`: it joins two solutions."""

    cut: "Line | Plane"
    along: tuple[str, ...]
    notes: tuple[str, ...] = ()
    ends: bool = False


@app.command()
def landscape(
    run: Annotated[Path, typer.Argument(help="The folder of a run.")],
    other: Annotated[
        Path | None, typer.Argument(help="With --kind between: another run; else the first weights.")
    ] = None,
    *,
    kind: Annotated[str, typer.Option(help="line, plane, path (of training) or between.")] = "plane",
    points: Annotated[int | None, typer.Option(help="Points a direction; 51 on lines, 31 on planes.", min=3)] = None,
    examples: Annotated[int, typer.Option(help="How many training examples the loss is of, at most.", min=1)] = 1000,
    hessian: Annotated[bool, typer.Option(help="Also the curvature at the weights, and what point that is.")] = False,
    align: Annotated[bool, typer.Option(help="Between two runs: match their hidden units first.")] = False,
    seed: Annotated[int, typer.Option(help="Decides random directions.", min=0)] = 0,
    out: Annotated[Path | None, typer.Option(help="The picture, .svg or .png; else in the run's folder.")] = None,
    as_json: AsJson = False,
    imports: Modules = [],  # noqa: B006 (typer reads it, nobody changes it)
) -> None:
    """Draw the loss around the weights of a run: along a line, on a plane, where training went, between two runs."""
    from headway.training.run import Run

    import_modules(imports)
    if kind not in KINDS:
        raise HeadwayError("--kind", f"must be one of {', '.join(KINDS)}", kind, did_you_mean(kind, KINDS))
    if other is not None and kind != "between":
        raise HeadwayError("--kind", "must be between for two runs", kind)
    if align and other is None:
        raise HeadwayError("--align", "needs two runs", "one", "headway landscape RUN OTHER --kind between --align")
    trained = Run.load(run)
    surface, used = surface_of(trained, examples)
    view = viewed(trained, surface, (kind, other, align, points, seed))
    picture = drawn(view, out or run / f"landscape-{kind}.svg")
    curvature = curvature_of(surface, trained) if hessian else None
    if as_json:
        print(json.dumps(described(view, used, picture, curvature), indent=2))
    else:
        print(told(view, used, picture, curvature))


def surface_of(run: "Run", most: int) -> "tuple[Landscape, str]":
    """The loss on at most so many of a run's training examples, evenly spaced among them, and how to say it."""
    import numpy as np

    from headway.learning.landscape.surface import landscape
    from headway.training.step import Batch

    data, recipe = run.data().train, run.recipe
    some = np.unique(np.linspace(0, len(data) - 1, min(most, len(data))).round().astype(int))
    batch = Batch(data.x[some], data.y[some], weights=None if data.weights is None else data.weights[some])
    surface = landscape(recipe.network, recipe.loss, batch, run.values["network"], recipe.evaluation.batch_size)
    return surface, f"{len(some):,} of {len(data):,} training examples, evaluation mode"


def viewed(run: "Run", surface: "Landscape", options: tuple[str, Path | None, bool, int | None, int]) -> View:
    """The slice that was asked for."""
    import jax

    from headway.learning.landscape.directions import random_direction
    from headway.learning.landscape.slices import slice_line, slice_plane

    kind, other, align, points, seed = options
    if kind == "path":
        return path_view(run, surface, points or 31)
    if kind == "between":
        return between_view(run, surface, other, align, points or 51)
    d, e = (random_direction(run.params, jax.random.key(2 * seed + i)) for i in (0, 1))
    random = "a, along a random direction, each unit of it as long as its weights"
    if kind == "line":
        return View(slice_line(surface, run.params, d, points or 51), (random,))
    return View(slice_plane(surface, run.params, (d, e), points or 31), (random, "b, along another"))


def path_view(run: "Run", surface: "Landscape", points: int) -> View:
    """The plane in which the weights of the run spread most, seen at even intervals of its updates."""
    import numpy as np

    from headway.learning.landscape.slices import slice_path
    from headway.training.replay import replay

    last = run.standing.step
    steps = np.unique(np.linspace(0, last, SNAPSHOTS + 1).round().astype(int)).tolist()
    seen = replay(run.recipe, steps, run.data(), run.start)
    path = [values["params"] for values in seen]
    plane = slice_path(replace(surface, state=seen[-1]["network"]), path, points)
    start, end = (float(surface(values["params"], values["network"])) for values in (seen[0], seen[-1]))
    first, second = (f"{share:.0%}" for share in plane.shares)
    notes = (f"{len(path)} points of the path, updates 0 to {last:,}, whose loss goes from {start:.4g} to {end:.4g}. "
             f"The plane holds {sum(plane.shares):.0%} of the path's variance.", *differs(run, path[-1]))  # fmt: skip
    return View(plane, (f"a, along the path's first principal direction ({first} of its variance)",
                        f"b, along the second ({second})"), notes)  # fmt: skip


def differs(run: "Run", end: Any) -> tuple[str, ...]:
    """A warning where the updates, made again, end in other weights than the run's."""
    import jax
    import numpy as np

    same = jax.tree.leaves(jax.tree.map(np.array_equal, end, run.final["params"]))
    return () if all(same) else ("Made again, the updates end in other weights: this machine rounds differently.",)


def between_view(run: "Run", surface: "Landscape", other: Path | None, matched: bool, points: int) -> View:
    """The line from a run's weights to those of another, units matched or not, or to them from its first ones."""
    from headway.learning.landscape.alignment import align
    from headway.learning.landscape.slices import slice_between
    from headway.training.replay import replay
    from headway.training.run import Run

    start, end = (replay(run.recipe, [0], run.data(), run.start)[0], run.values)
    where = f"from the first weights (0) to the best ones (1) of {run.folder}"
    if other is not None:
        start, end, where = run.values, Run.load(other).values, f"from {run.folder} (0) to {other} (1)"
    if matched:
        end, where = align(run.recipe.network, run.schema.input_shape, end, start), f"{where}, hidden units matched"
    states = (start["network"], end["network"]) if end["network"] else None
    line = slice_between(surface, start["params"], end["params"], points, states)
    top = line.at[line.above.argmax()]
    note = f"barrier {line.barrier:.4g}"
    if line.barrier > 0:
        note += f", at a = {top:.2f}: the most that the loss is above the straight line between its ends"
    return View(line, (f"a, {where}",), (note + ".",), ends=True)


def curvature_of(surface: "Landscape", run: "Run") -> tuple[Any, Any]:
    """What point the best weights are, and the trace of the Hessian there."""
    import jax

    from headway.learning.landscape.hessian import hessian_trace
    from headway.learning.landscape.stationary import classify_point

    size = sum(leaf.size for leaf in jax.tree.leaves(run.params))
    return classify_point(surface, run.params, k=min(5, size)), hessian_trace(surface, run.params)


def drawn(view: View, path: Path) -> Path:
    """The picture of a slice."""
    from headway.learning.landscape.slices import Line
    from headway.report.landscape import draw_line, draw_plane, plane_size
    from headway.report.picture import save

    cut = view.cut
    if isinstance(cut, Line):
        return save(path, lambda axes: draw_line(axes, cut, along=view.along[0], ends=view.ends), 3.2)
    return save(path, lambda axes: draw_plane(axes, cut, along=view.along), *plane_size(cut))


def told(view: View, used: str, picture: Path, curvature: tuple[Any, Any] | None) -> str:
    """A slice as text."""
    from headway.learning.landscape.slices import Line
    from headway.report.landscape import curvature_text, filled, line_text, plane_text

    shown = line_text(view.cut) if isinstance(view.cut, Line) else plane_text(view.cut)
    bent = [curvature_text(*curvature)] if curvature else []
    head = "\n".join([f"Loss on {used}", *view.along])
    return "\n\n".join([head, shown, *map(filled, view.notes), *bent, f"Picture: {picture}"])


def described(view: View, used: str, picture: Path, curvature: tuple[Any, Any] | None) -> dict[str, Any]:
    """A slice as plain values."""
    import numpy as np

    def plain(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: plain(part) for key, part in value.items()}
        return plain(value._asdict()) if hasattr(value, "_asdict") else np.asarray(value).tolist()

    found = {"examples": used, "along": list(view.along), "notes": list(view.notes), "picture": str(picture)}
    found |= plain(asdict(view.cut))
    return found | {"hessian": plain(asdict(curvature[0])) | {"trace": plain(curvature[1])}} if curvature else found


@app.command()
def trace(
    what: Annotated[str, typer.Argument(help="A recipe, for its first weights; or the folder of a run, for its best.")],
    *,
    example: Annotated[int, typer.Option(help="Which training example.", min=0)] = 0,
    units: Annotated[int, typer.Option(help="How many numbers of each array to print.", min=1)] = 4,
    weight: Annotated[str | None, typer.Option(help="Multiply out the gradient of this weight: '1/w[3, 5]'.")] = None,
    sets: Sets = [],  # noqa: B006
    as_json: AsJson = False,
    imports: Modules = [],  # noqa: B006
) -> None:
    """Print one pass forward and one back, and the gradient of one weight as a product of local derivatives."""
    import jax.numpy as jnp

    from headway.learning.backpropagation.trace import chain, trace
    from headway.report.trace import chain_or_reason, trace_text
    from headway.training.step import Batch

    recipe, values, data = traced(what, sets, imports)
    if example >= len(data):
        raise HeadwayError("--example", f"must be below {len(data)}, the training examples", example)
    batch = Batch(*(jnp.asarray(part[example : example + 1]) for part in (data.x, data.y)))
    found = trace(recipe.network, recipe.loss, values["params"], batch, values["network"])
    if as_json:
        numbers = {"loss": found.loss, "gradients": {a: g.tolist() for a, g in found.gradients.items()}}
        stages = [{"address": s.address, "h": s.h.tolist(), "dL/dh": s.dh.tolist()} for s in found.stages]
        print(json.dumps(numbers | {"stages": stages, "chain": asdict(chain(found, weight))}, indent=2))
        return
    multiplied = chain_or_reason(found, weight)
    print(trace_text(found, units), end="\n\n")
    print(multiplied)


def traced(what: str, sets: list[str], imports: list[str]) -> "tuple[Recipe, dict[str, Any], Examples]":
    """A recipe, the weights to look at, and its training examples."""
    from headway.training.job import prepare
    from headway.training.replay import replay
    from headway.training.run import Run

    if Path(what).is_dir():
        if sets:
            raise HeadwayError("--set", "must not be given with a run that is over", what)
        import_modules(imports)
        run = Run.load(what)
        return run.recipe, run.values, run.data().train
    recipe = recipe_of(what, sets, imports)
    data = prepare(recipe, anyway=True).dataset
    return recipe, replay(recipe, [0], data)[0], data.train
