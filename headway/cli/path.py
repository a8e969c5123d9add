"""What to learn first, on the command line: path."""

import json
from typing import Annotated

import typer

from headway.cli.command import AsJson, app
from headway.cli.map import MapFile, map_from
from headway.spec.error import HeadwayError


@app.command()
def path(
    pathway: Annotated[list[str] | None, typer.Argument(help="A pathway by number or title, printed whole.")] = None,
    *,
    to: Annotated[str | None, typer.Option(help="A concept: what to learn for it, in order.")] = None,
    know: Annotated[str, typer.Option(help="Concepts that you know, with commas between.")] = "",
    start: Annotated[str | None, typer.Option("--from", help="With --to: the routes from this concept.")] = None,
    map_file: MapFile = None,
    as_json: AsJson = False,
) -> None:
    """Say what to learn first for a concept, or print a pathway, or the routes between two concepts."""
    from headway.report.path import pathway_record, pathway_text, route_text, way, way_text

    subject, word = map_from(map_file), " ".join(pathway or [])
    known = [part.strip() for part in know.split(",") if part.strip()]
    if bool(word) == (to is not None):
        raise HeadwayError("path", "needs a pathway or a goal", word or None, 'Try: headway path 3, or --to "Pre-LN"')
    if to is None:
        print(json.dumps(pathway_record(subject, word), indent=2) if as_json else pathway_text(subject, word))
    elif start is not None:
        print(route_text(subject, start, to))
    else:
        print(json.dumps(way(subject, to, known), indent=2) if as_json else way_text(subject, to, known))
