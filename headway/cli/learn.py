"""Labs on the command line: learn."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from headway.cli.command import AsJson, app
from headway.spec.error import HeadwayError

if TYPE_CHECKING:
    from headway.labs.lab import Lab

UNSOLVED = 5
"""The exit code where a lab was graded and is not solved."""


@app.command()
def learn(
    name: Annotated[str, typer.Argument(metavar="[LAB]", help="A lab by number or name; all, where none.")] = "",
    *,
    check: Annotated[bool, typer.Option("--check", help="Grade what you have written.")] = False,
    solution: Annotated[bool, typer.Option("--solution", help="Show the reference answers of a solved lab.")] = False,
    anyway: Annotated[bool, typer.Option("--anyway", help="Show them although it is not solved.")] = False,
    seed: Annotated[int | None, typer.Option(help="Which numbers the task has; by default any.", min=0)] = None,
    folder: Annotated[Path, typer.Option(help="Where your answers lie.")] = Path("labs"),
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Begin anew: your answers are gone.")] = False,
    as_json: AsJson = False,
) -> None:
    """Learn by doing: write a task to solve, grade it by what it does, list all labs with what is solved."""
    from headway.labs.catalog import LABS, lab
    from headway.labs.progress import progress
    from headway.report.lab import labs_table

    if name and check:
        graded(lab(name), folder, as_json)
    elif name and solution:
        print(solved(lab(name), folder, anyway))
    elif name:
        begun(lab(name), folder, seed, overwrite)
    elif check or solution:
        raise HeadwayError("learn", "needs a lab to grade or to show", fix="Try: headway learn 1 --check")
    elif as_json:
        tried = {one: asdict(came) for one, came in progress(folder).items()}
        print(json.dumps([{"lab": one.name, "title": one.title, **tried.get(one.name, {})} for one in LABS], indent=2))
    else:
        print(labs_table(LABS, progress(folder)))


def begun(lab: "Lab", folder: Path, seed: int | None, overwrite: bool) -> None:
    """Write the task of a seed, and say where."""
    import secrets

    from headway.labs.progress import write_task

    path = write_task(lab, folder, secrets.randbelow(10**6) if seed is None else seed, overwrite=overwrite)
    print(f"{lab.title}: fill in {path}, then: headway learn {lab.name} --check")


def graded(lab: "Lab", folder: Path, as_json: bool) -> None:
    """Grade the learner's file, remember the grade, and tell it."""
    from headway.labs.grading import check
    from headway.labs.progress import remember
    from headway.report.lab import grade_text
    from headway.training.compilation import use_compilation_cache

    use_compilation_cache()
    grade = check(lab, answers(lab, folder))
    remember(folder, lab, grade)
    print(json.dumps(asdict(grade), indent=2, ensure_ascii=False) if as_json else grade_text(lab, grade))
    if not grade.solved:
        raise typer.Exit(UNSOLVED)


def solved(lab: "Lab", folder: Path, anyway: bool) -> str:
    """The reference answers to the learner's task."""
    from headway.labs.grading import seed_of
    from headway.labs.progress import solution_of

    return solution_of(lab, folder, seed_of(answers(lab, folder)), anyway=anyway)


def answers(lab: "Lab", folder: Path) -> Path:
    """The learner's file of a lab."""
    path = folder / lab.name / "answer.py"
    if not path.exists():
        raise HeadwayError(str(path), "is not there yet", None, f"Write it first: headway learn {lab.name}")
    return path
