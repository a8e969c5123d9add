"""Training on the command line: train, recipes, show, runs, evaluate, predict."""

import json
import math
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from headway.cli.command import AsJson, How, Modules, Sets, Sides, What, app, import_modules, mesh_of, recipe_of
from headway.spec.error import HeadwayError

if TYPE_CHECKING:
    from headway.scale.mesh import Mesh
    from headway.training.recipe import Recipe
    from headway.training.run import Run

EXITS = {"finished": 0, "stopped early": 0, "non-finite": 3, "interrupted": 130, "terminated": 143}


@app.command()
def train(
    what: Annotated[str | None, typer.Argument(help="The name of a recipe or a .json or .toml file.")] = None,
    *,
    sets: Sets = [],  # noqa: B006 (typer reads it, nobody changes it)
    seeds: Annotated[int, typer.Option(help="How many seeds to train, from the recipe's own on.", min=1)] = 1,
    resume: Annotated[Path | None, typer.Option(help="The folder of a run to go on with.")] = None,
    weights: Annotated[Path | None, typer.Option(help="A safetensors file of the weights to begin from.")] = None,
    out: Annotated[Path | None, typer.Option(help="A new folder for the run; by default runs/NAME-1, -2, …")] = None,
    anyway: Annotated[bool, typer.Option(help="Train a recipe that is known to be wrong.")] = False,
    mesh: Sides = "",
    strategy: How = "",
    as_json: AsJson = False,
    imports: Modules = [],  # noqa: B006
) -> None:
    """Train a recipe, or go on with a run; on several devices, and with the other processes of a job, by --mesh."""
    if (what is None) == (resume is None):
        raise HeadwayError("train", "needs either a recipe or --resume RUN", fix="Try: headway train digits-mlp")
    if resume and weights:
        raise HeadwayError("--weights", "must not be given with --resume", weights, "The run has weights of its own.")
    from headway.scale.launch import init
    from headway.scale.processes import leads

    place, grid = init(), mesh_of(mesh, strategy)
    grid = everything() if place and grid is None else grid
    if weights and grid:
        raise HeadwayError("--weights", "must not be given with --mesh", weights, "Fine-tune on one device.")
    options = (out, anyway, imports, weights, grid)
    runs = [go_on(resume, imports, grid)] if resume else train_seeds(what or "", sets, seeds, options)
    if leads():
        print(json.dumps([described(run) for run in runs], indent=2) if as_json else told(runs))
    raise typer.Exit(max(EXITS[run.standing.reason] for run in runs))


def everything() -> "Mesh":
    """Every device of every process of the job, each with a part of the batch."""
    import jax

    from headway.scale.mesh import Mesh

    return Mesh(jax.device_count())


def go_on(folder: Path, imports: list[str], mesh: "Mesh | None") -> "Run":
    """Resume a run in its folder."""
    from headway.doctor.live import Warnings
    from headway.training.callbacks import Progress
    from headway.training.record import RunFolder
    from headway.training.train import resume

    import_modules(imports)
    return drawn(resume(folder, callbacks=(Progress(), Warnings(RunFolder(folder).recipe())), mesh=mesh))


def train_seeds(
    what: str, sets: list[str], seeds: int, options: "tuple[Path | None, bool, list[str], Path | None, Mesh | None]"
) -> "list[Run]":
    """Train one run a seed, stopping at the first that is interrupted."""
    from dataclasses import replace

    from headway.doctor.live import Warnings
    from headway.training.callbacks import Progress
    from headway.training.interruption import PAUSED

    out, anyway, imports, weights, mesh = options
    recipe = recipe_of(what, sets, imports)
    data = recipe.data.load() if recipe.data else None  # once for all seeds, and for what warns
    begin = partial(beginning(recipe, weights, mesh), data=data, anyway=anyway)
    folder = out or free_folder(Path("runs"), Path(what).stem)
    runs: list[Run] = []
    for seed in range(recipe.seed, recipe.seed + seeds):
        place = folder if seeds == 1 else folder / f"seed-{seed}"
        run = begin(replace(recipe, seed=seed), out=place, callbacks=(Progress(), Warnings(recipe, data)))
        runs.append(drawn(run))
        if run.standing.reason in PAUSED:
            break
    return runs


def beginning(recipe: "Recipe", weights: Path | None, mesh: "Mesh | None") -> Callable[..., "Run"]:
    """How a run of this recipe is begun: by weights that it draws, or by those in a file."""
    from headway.exchange.weights import load_weights
    from headway.training.job import prepare
    from headway.training.train import fine_tune, first_values, train

    if weights is None:
        return partial(train, mesh=mesh)
    return partial(fine_tune, weights=load_weights(weights, first_values(prepare(recipe, anyway=True))))


@app.command()
def recipes(as_json: AsJson = False) -> None:
    """List the named recipes and the result to expect of each."""
    from headway.report.table import table
    from headway.training.named import EVERY

    rows = [(name, n.about, f"{n.metric} {n.low:g} to {n.high:g}" if n.metric else "") for name, n in EVERY.items()]
    print(json.dumps([r[0] for r in rows]) if as_json else table(("recipe", "what it is", "test result"), rows))


@app.command()
def show(
    what: What,
    *,
    sets: Sets = [],  # noqa: B006
    mesh: Sides = "",
    strategy: How = "",
    imports: Modules = [],  # noqa: B006
) -> None:
    """Show a recipe before it is trained: layers, updates, memory, schedule, what decays; what lies where on a mesh."""
    from headway.learning.optimizers.optimizer import describe
    from headway.network.summary import summary
    from headway.plan.held import held
    from headway.report.devices import held_table
    from headway.report.plot import text_curve
    from headway.training.job import describe_update, prepare
    from headway.training.residuals import state_bytes

    recipe = recipe_of(what, sets, imports)
    job = prepare(recipe, anyway=True)
    print(summary(recipe.network, job.dataset.input_shape), end="\n\n")
    print(describe(job.update.optimizer, recipe.network.declare(job.dataset.input_shape)), end="\n\n")
    print(describe_update(job), end="\n\n")
    sizes = ", ".join(f"{part} {size:,} bytes" for part, size in state_bytes(job).items())
    print(f"training state: {sizes}", end="\n\n")
    if grid := mesh_of(mesh, strategy):
        print(held_table(held(job, grid), grid), end="\n\n")
    rates = [float(job.update.optimizer.rate(i * (job.updates - 1) // 60)) for i in range(61)]
    if math.isnan(rates[0]):
        return
    print(f"learning rate over {job.updates} updates ({job.epoch} an epoch), {min(rates):.3g} to {max(rates):.3g}")
    print(text_curve(rates))


@app.command()
def runs(folder: Annotated[Path, typer.Argument()] = Path("runs"), *, as_json: AsJson = False) -> None:
    """List the runs below a folder."""
    from headway.report.table import table
    from headway.training.record import list_runs

    found = list_runs(folder)
    if as_json:
        print(json.dumps(found, indent=2))
    else:
        rows = [(r["folder"], r["reason"], r["step"], r["best_step"], r["result"]) for r in found]
        print(table(("run", "state", "updates", "best", "test"), rows) if rows else f"No runs below {folder}.")


@app.command()
def evaluate(
    run: Annotated[Path, typer.Argument(help="The folder of a run.")],
    *,
    split: Annotated[str, typer.Option(help="train, validation or test.")] = "test",
    as_json: AsJson = False,
    imports: Modules = [],  # noqa: B006
) -> None:
    """Judge the best weights of a run on a split of its data."""
    from headway.report.table import table
    from headway.training.run import Run

    import_modules(imports)
    values = Run.load(run).evaluate(split)
    print(json.dumps(values) if as_json else table(("measure", split), list(values.items())))


@app.command()
def predict(
    run: Annotated[Path, typer.Argument(help="The folder of a run.")],
    file: Annotated[Path, typer.Argument(help="Inputs: .npz with x, .csv or .parquet.")],
    *,
    as_json: AsJson = False,
    imports: Modules = [],  # noqa: B006
) -> None:
    """Predict from a file of inputs, one line an example."""
    from headway.data.files import read_features
    from headway.training.run import Run

    import_modules(imports)
    trained = Run.load(run)
    answers = trained.predict(read_features(file, trained.schema.feature_names)).tolist()
    print(json.dumps(answers) if as_json else "\n".join(str(answer) for answer in answers))


@app.command()
def generate(
    run: Annotated[Path, typer.Argument(help="The folder of a run of a language model of bytes.")],
    *,
    prompt: Annotated[str, typer.Option(help="The text to go on from.")] = "\n",
    length: Annotated[int, typer.Option(help="How many bytes to write.", min=1)] = 300,
    temperature: Annotated[float, typer.Option(help="Below 1 prefers what is likely.", min=1e-6)] = 0.8,
    seed: Annotated[int, typer.Option(help="Decides what is drawn.", min=0)] = 0,
    imports: Modules = [],  # noqa: B006
) -> None:
    """Write text: the prompt, and what a language model goes on with."""
    from headway.training.generate import generate_text
    from headway.training.run import Run

    import_modules(imports)
    print(prompt + generate_text(Run.load(run), prompt, length, temperature=temperature, seed=seed))


def free_folder(parent: Path, name: str) -> Path:
    """`parent/name-1`, or the first number that is free; the same for all processes of a job."""
    from headway.scale.processes import agreed

    number = 1
    while (parent / f"{name}-{number}").exists():
        number += 1
    return parent / f"{name}-{agreed(number)[0]}"


def drawn(run: "Run") -> "Run":
    """The run, with its curves drawn in its folder."""
    from headway.report.plot import curves
    from headway.scale.processes import leads

    assert run.folder is not None
    if leads():
        curves(run, run.folder / "curves.svg")
    return run


def described(run: "Run") -> dict[str, Any]:
    """A run as plain values."""
    return {"folder": str(run.folder), "seed": run.recipe.seed} | vars(run.standing) | {"results": run.results}


def told(runs: "list[Run]") -> str:
    """What came out, as a table of splits, and over seeds as mean ± standard deviation."""
    from headway.report.table import mean_and_spread, table

    names = list(runs[0].results["train"])
    rows = [(split, *(mean_and_spread([run.results[split][name] for run in runs]) for name in names))
            for split in runs[0].results]  # fmt: skip
    what = f"Best weights of {len(runs)} seeds, mean ± standard deviation" if len(runs) > 1 else "Best weights"
    where = runs[0].folder if len(runs) == 1 else runs[0].folder and runs[0].folder.parent
    return f"{what}\n{table(('split', *names), rows)}\n{beside(runs[0])}Run and picture: {where}"


def beside(run: "Run") -> str:
    """What counting gives on the same bytes, where a run is judged by bits a byte."""
    from headway.data.markov import markov_bits
    from headway.learning.metrics import BitsPerByte

    judged = any(isinstance(metric, BitsPerByte) for metric in run.recipe.evaluation.metrics)
    if not judged or run.data().validation is None:
        return ""
    orders = {order: markov_bits(run.data(), order) for order in (0, 2)}
    lines = [f"{', '.join(f'{split} {bits:.3f}' for split, bits in found.items())} bits per byte of a Markov model of "
             f"order {order}" for order, found in orders.items()]  # fmt: skip
    return "\n".join(["On the same bytes, by counting alone:", *lines, ""])
