"""Diagnosis and cure on the command line: check, doctor, cure."""

import functools
import json
import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from headway.cli.command import AsJson, Modules, Sets, What, app, import_modules, recipe_of
from headway.cli.training import free_folder
from headway.spec.error import HeadwayError

if TYPE_CHECKING:
    from headway.doctor.cure import Cure
    from headway.doctor.diagnose import Diagnosis
    from headway.training.recipe import Recipe
    from headway.training.run import Run

NOT_CURED = 4
"""The exit code where something keeps the network from learning, or would, and no remedy is proven."""
HISTORIES = (".jsonl", ".parquet")
FailOn = Literal["found", "noticed", "never"]
Fails = Annotated[FailOn, typer.Option(help="What exit code 4 is for: a cause, or also what is noticed.")]
Accept = Annotated[list[str], typer.Option(help="A finding that is meant: ID=REASON. Repeatable.")]


@app.command()
def doctor(
    what: Annotated[
        str, typer.Argument(help="The folder of a run, a recipe to train, or a history: .jsonl, .parquet.")
    ],
    *,
    sets: Sets = [],  # noqa: B006 (typer reads it, nobody changes it)
    fail_on: Fails = "found",
    accept: Accept = [],  # noqa: B006
    html: Annotated[Path | None, typer.Option(help="A file to write the report with its pictures to.")] = None,
    as_json: AsJson = False,
    imports: Modules = [],  # noqa: B006
) -> None:
    """Say whether a network learns, what keeps it from learning, and what was ruled out."""
    from headway.doctor.cure import Cure, Portrait
    from headway.doctor.diagnose import diagnose

    accepted, over = accepted_of(accept), Path(what).is_dir() or Path(what).suffix in HISTORIES
    if over and sets:
        raise HeadwayError("--set", "must not be given with a run that is over", what, "Give its recipe.json instead.")
    if Path(what).suffix in HISTORIES:
        raise typer.Exit(told_history(Path(what), accepted, fail_on, html, as_json))
    run = loaded(Path(what), imports) if over else trained(what, sets, imports)
    done = Cure(run.recipe, Portrait.of(run), diagnose(run, accepted=accepted))
    if html is not None:
        write_page(done, html, run)
    told(done, as_json, fail_on=fail_on)


def accepted_of(words: list[str]) -> dict[str, str]:
    """`dying-relu=sparse on purpose` → id: reason."""
    for word in words:
        if not all(word.partition("=")):
            raise HeadwayError("--accept", "must be ID=REASON", word, "Try: --accept dying-relu='sparse on purpose'")
    return {id: reason for id, _, reason in (word.partition("=") for word in words)}


def told_history(path: Path, accepted: dict[str, str], fail_on: FailOn, html: Path | None, as_json: bool) -> int:
    """Print what the rules say of another system's history; the exit code of the outcome."""
    from headway.doctor.diagnose import diagnose
    from headway.doctor.history_file import read_history
    from headway.doctor.watcher import case_of

    if html is not None:
        raise HeadwayError("--html", "must be given with a run or a recipe", path)
    return told_findings(diagnose(case_of(read_history(path)), accepted=accepted), fail_on, as_json)


def told_findings(found: "Diagnosis", fail_on: FailOn, as_json: bool) -> int:
    """Print what the rules say; the exit code of the outcome."""
    from headway.report.findings import findings_text

    print(json.dumps(asdict(found), indent=2, ensure_ascii=False) if as_json else findings_text(found), end="")
    return failed(found, fail_on)


def failed(diagnosis: "Diagnosis", fail_on: FailOn) -> int:
    """The exit code: 4 where something was found, or with "noticed" also noticed; with "never" always 0."""
    noticed = fail_on == "noticed" and any(finding.verdict == "noticed" for finding in diagnosis.findings)
    return NOT_CURED if fail_on != "never" and (noticed or not diagnosis.healthy) else 0


@app.command()
def check(
    what: What,
    *,
    sets: Sets = [],  # noqa: B006
    fail_on: Fails = "found",
    accept: Accept = [],  # noqa: B006
    as_json: AsJson = False,
    imports: Modules = [],  # noqa: B006
) -> None:
    """Look at a recipe before it is trained: its data, its output and loss, its initial network, its plan."""
    from headway.doctor.diagnose import preflight

    raise typer.Exit(told_findings(preflight(recipe_of(what, sets, imports), accepted=accepted_of(accept)),
                                   fail_on, as_json))  # fmt: skip


@app.command()
def cure(
    what: What = "",
    *,
    sets: Sets = [],  # noqa: B006
    seeds: Annotated[int, typer.Option(help="How many seeds each arm of the proof runs.", min=10)] = 10,
    budget: Annotated[str, typer.Option(help="Time for all of it: 120s, 2m, 1h; what does not fit is left out.")] = "",
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
        done = cured(recipe_of(what, sets, imports), seeds, folder, budget_of(budget))
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


UNITS = {"s": 1, "m": 60, "h": 3600}


def budget_of(text: str) -> float | None:
    """`120s`, `2m`, `1.5h` or a number, in seconds; None where nothing is said."""
    if not text:
        return None
    number, unit = (text[:-1], text[-1]) if text[-1] in UNITS else (text, "s")
    try:
        found = float(number) * UNITS[unit]
    except ValueError:
        found = 0.0
    if not 0 < found < float("inf"):
        raise HeadwayError("--budget", "must be a time such as 120s, 2m or 1h", repr(text))
    return found


def cured(recipe: "Recipe", seeds: int, folder: Path, budget: float | None) -> "Cure":
    """Run a cure, each step told on standard error, and store its record."""
    from headway.doctor.cure import cure
    from headway.doctor.trial import Trial
    from headway.training.checkpoint import write_durably
    from headway.training.record import RunFolder

    tell = functools.partial(print, file=sys.stderr, flush=True)
    done = cure(recipe, trial=Trial(seeds), out=folder, tell=tell, budget=budget)
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
    """Write `report.html` into the folder of a cure, with the signals of the run before it where they are there."""
    from headway.training.run import Run

    before = folder / "before"
    write_page(done, folder / "report.html", Run.load(before) if before.exists() else None)


def write_page(done: "Cure", path: Path, run: "Run | None") -> None:
    """Write the report with its pictures, those of the run's signals too."""
    from headway.concepts.catalog import deep_learning
    from headway.report.depth import by_depth
    from headway.report.page import page
    from headway.training.checkpoint import write_durably

    depth = by_depth(run.recipe.network, run.schema.input_shape, run.history.signals) if run else None
    write_durably(path, page(done, deep_learning(), depth).encode())


def told(done: "Cure", as_json: bool, folder: Path | None = None, fail_on: FailOn = "found") -> None:
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
    raise typer.Exit(0 if done.cured else failed(done.diagnosis, fail_on))


def new_folder(folder: Path) -> Path:
    """The folder, refused where something lies in it."""
    if folder.exists() and not (folder.is_dir() and not any(folder.iterdir())):
        raise HeadwayError("out", "must be a new or empty folder", str(folder))
    return folder


@app.command()
def bisect(
    good: Annotated[str, typer.Argument(help="A recipe that trains: a name, a file, or a run's folder.")],
    bad: Annotated[str, typer.Argument(help="A recipe that does not.")],
    *,
    seeds: Annotated[int, typer.Option(help="How many paired runs judge each set of edits.", min=1)] = 3,
    as_json: AsJson = False,
    imports: Modules = [],  # noqa: B006
) -> None:
    """Find the fewest edits between two recipes that break training, and the fewest whose undoing cures it."""
    from headway.doctor.bisect import bisect
    from headway.report.bisection import bisection_text

    recipes = [recipe_of(name, [], imports) for name in (good, bad)]
    tell = functools.partial(print, file=sys.stderr, flush=True)
    found = bisect(*recipes, seeds=seeds, tell=tell)
    print(json.dumps(found.record(), indent=2, ensure_ascii=False) if as_json else bisection_text(found), end="\n")
