"""Demonstrations on the command line: demo."""

from typing import Annotated

import typer

from headway.cli.command import app
from headway.spec.error import HeadwayError


@app.command()
def demo(concept: Annotated[list[str], typer.Argument(help="A concept of the map by name, title or alias.")]) -> None:
    """Show a concept at work: the lines of code, and what they print."""
    from headway.concepts.catalog import deep_learning
    from headway.report.demonstration import demonstrations
    from headway.training.compilation import use_compilation_cache

    found, shows = deep_learning().concept(" ".join(concept)), demonstrations()
    if found.name not in shows:
        raise HeadwayError(
            "demo", "no demonstration of this concept yet", found.title, "See `headway map` for its code."
        )
    use_compilation_cache()
    print(f"{shows[found.name].about}\n\n{shows[found.name].code}\n{shows[found.name].run()}", end="")
