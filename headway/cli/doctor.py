"""Diagnosis and cure on the command line: doctor, cure."""

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from headway.cli.command import AsJson, Modules, Sets, What, app, import_modules, recipe_of
from headway.cli.training import free_folder
from headway.spec.error import HeadwayError

if TYPE_CHECKING:
    from headway.doctor.cure import Cure
    from headway.training.run import Run

NOT_CURED = 4
"""The exit code where something keeps the network from learning, and no remedy is proven."""


@app.command()
def doctor(
    what: Annotated[str, typer.Argument(help="The folder of a run that was watched, or a recipe to train and watch.")],
    *,
    sets: Sets = [],  # noqa: B006 (typer reads it, nobody changes it)
    as_json: AsJson = False,
    imports: Modules = [],  # noqa: B006
) -> None:
    """Say whether a network learns, what keeps it from learning, and what was ruled out."""
    from headway.doctor.cure import Cure, Portrait
    from headway.doctor.diagnose import diagnose

    if Path(what).is_dir() and sets:
        raise HeadwayError("--set", "must not be given with a run that is over", what, "Give its recipe.json instead.")
    run = loaded(Path(what), imports) if Path(what).is_dir() else trained(what, sets, imports)
    found = diagnose(run)
    told(Cure(run.recipe, Portrait.of(run), found), as_json)


@app.command()
def cure(
    what: What = "",
    *,
    sets: Sets = [],  # noqa: B006
    seeds: Annotated[int, typer.Option(help="How many seeds each arm of the proof runs.", min=10)] = 10,
    out: Annotated[Path | None, typer.Option(help="A new folder; by default runs/cure-NAME-1, -2, …")] = None,
    stored: Annotated[Path | None, typer.Option("--from", help="Tell a stored cure again; nothing is run.")] = None,
    as_json: AsJson = False,
    imports: Modules = [],  # noqa: B006
) -> None:
    """Train a recipe, name what keeps it from learning, prove remedies, write the cured recipe and report.html."""
    if (not what) == (stored is None):
        raise HeadwayError("cure", "needs either a recipe or --from FOLDER", fix="Try: headway cure digits-sigmoid20")
    if stored is not None:
        import_modules(imports)
        done, folder = read_cure(stored), stored
    else:
        folder = new_folder(out or free_folder(Path("runs"), f"cure-{Path(what).stem}"))
        done = cured(what, sets, imports, seeds, folder)
    write_report(done, folder)
    told(done, as_json, folder)


def loaded(folder: Path, imports: list[str]) -> "Run":
    """A run from its folder."""
    from headway.training.run import Run

    import_modules(imports)
    return Run.load(folder)


def trained(what: str, sets: list[str], imports: list[str]) -> "Run":
    """The run of a recipe, watched as often as a cure would."""
    from headway.doctor.cure import under_watch
    from headway.training.callbacks import Progress
    from headway.training.job import prepare
    from headway.training.train import train

    recipe = recipe_of(what, sets, imports)
    job = prepare(recipe, anyway=True)
    return train(under_watch(recipe, job.updates), data=job.dataset, callbacks=(Progress(),), anyway=True)


def cured(what: str, sets: list[str], imports: list[str], seeds: int, folder: Path) -> "Cure":
    """Run a cure, each step told on standard error, and store its record."""
    from headway.doctor.cure import cure
    from headway.doctor.trial import Trial
    from headway.training.checkpoint import write_durably
    from headway.training.record import RunFolder

    recipe = recipe_of(what, sets, imports)
    done = cure(recipe, trial=Trial(seeds), out=folder, tell=lambda doing: print(doing, file=sys.stderr, flush=True))
    record = {"versions": RunFolder(folder / "before").manifest()["versions"]} | done.record()
    write_durably(folder / "cure.json", json.dumps(record, ensure_ascii=False).encode())
    return done


def read_cure(folder: Path) -> "Cure":
    """The cure whose record lies in a folder."""
    from headway.doctor.cure import Cure
    from headway.spec.json import read

    path = folder / "cure.json"
    if not path.exists():
        raise HeadwayError(str(folder), "must be the folder of a cure", "no cure.json in it")
    try:
        return Cure.of(read(path))
    except (KeyError, TypeError, AttributeError) as error:
        raise HeadwayError(str(path), "must be the record of a cure", repr(error)) from None


def write_report(done: "Cure", folder: Path) -> None:
    """Write `report.html` into the folder of a cure."""
    from headway.concepts.catalog import deep_learning
    from headway.report.page import page
    from headway.training.checkpoint import write_durably

    write_durably(folder / "report.html", page(done, deep_learning()).encode())


def told(done: "Cure", as_json: bool, folder: Path | None = None) -> None:
    """Print the story, and where the rest lies, or the record; end with the exit code of the outcome."""
    from headway.concepts.catalog import deep_learning
    from headway.report.story import story

    if as_json:
        print(json.dumps(done.record(), indent=2, ensure_ascii=False))
    else:
        print(story(done, deep_learning()), end="")
        if folder is not None:
            print(f"\nReport with pictures: {folder / 'report.html'}")
            if done.cured:
                print(f"Cured recipe: {folder / 'cured.json'}")
        elif done.diagnosis.cause:
            print("\n`headway cure` tries remedies, and says which are proven.")
    raise typer.Exit(0 if done.diagnosis.healthy or done.cured else NOT_CURED)


def new_folder(folder: Path) -> Path:
    """The folder, refused where something lies in it."""
    if folder.exists() and not (folder.is_dir() and not any(folder.iterdir())):
        raise HeadwayError("out", "must be a new or empty folder", str(folder))
    return folder
