"""The map of a subject on the command line: show, export, audit, build."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperGroup

from headway.cli.command import AsJson, app
from headway.spec.error import HeadwayError

if TYPE_CHECKING:
    from headway.concepts.checks.finding import Inconsistency
    from headway.concepts.document import Document
    from headway.concepts.graph import Map

MapFile = Annotated[Path | None, typer.Option("--map", help="Another map: a .toml or .json file, or a folder.")]
Out = Annotated[Path | None, typer.Option(help="Write to this file, not to standard output.")]


class ShowByDefault(TyperGroup):
    """Commands of which `show` is meant where none is named: `headway map relu` is `headway map show relu`."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        named = next((word for word in args if not word.startswith("-")), None)
        return super().parse_args(ctx, args if named in self.commands or "--help" in args else ["show", *args])


maps = typer.Typer(
    cls=ShowByDefault, help="The map of the subject: `map` for an overview, `map CONCEPT` for a concept."
)
app.add_typer(maps, name="map")


@maps.command()
def show(
    concept: Annotated[list[str] | None, typer.Argument(help="A concept by name, title or alias.")] = None,
    *,
    map_file: MapFile = None,
    as_json: AsJson = False,
) -> None:
    """Show the map, or a concept with its definition, code and neighbours. This is what `map` alone does."""
    from headway.report.concept import described, described_text, overview, overview_text

    subject, word = map_from(map_file), " ".join(concept or [])
    if as_json:
        print(json.dumps(described(subject, word) if word else overview(subject), indent=2, ensure_ascii=False))
    else:
        print(described_text(subject, word) if word else overview_text(subject))


@maps.command()
def export(
    *,
    form: Annotated[str, typer.Option("--format", help="mermaid, markdown, json or graphml.")] = "mermaid",
    out: Out = None,
    map_file: MapFile = None,
) -> None:
    """Write the map for other programs; what --format json writes is a map file too."""
    from headway.concepts.export import export

    given(export(map_from(map_file), form), out)


@maps.command()
def audit(
    file: Annotated[Path, typer.Argument(help="A concept map as a Markdown document.")],
    *,
    map_file: MapFile = None,
    as_json: AsJson = False,
) -> None:
    """Count what a document says, and list where it disagrees with itself or with a map."""
    from dataclasses import asdict

    from headway.concepts.audit import audit, counts
    from headway.concepts.document import parse
    from headway.report.table import table
    from headway.spec.json import text_of

    text = text_of(file)
    try:
        document = parse(text)
    except HeadwayError as error:
        raise HeadwayError(f"{file}, {error.where}", error.must, error.got, error.fix) from None
    known = map_from(map_file) if map_file else map_that_knows(document)
    found, numbers = audit(document, known), counts(document, known)
    if as_json:
        findings = [finding.to_dict() for finding in found]
        print(json.dumps({"counts": asdict(numbers), "findings": findings}, indent=2, ensure_ascii=False))
    else:
        print(table(("counted", "number"), numbers.rows_of_table()), end="\n\n")
        print("\n".join([*map(told, found), f"{len(found)} inconsistencies in {file}."]))


@maps.command()
def build(
    file: Annotated[Path | None, typer.Argument(help="A map: a .toml or .json file, or a folder.")] = None,
    *,
    out: Out = None,
) -> None:
    """Write the whole document of a map, its totals counted; that of deep learning with what was measured of it."""
    from headway.concepts.writing import document_of, write

    if file is None:
        from headway.report.measured import measured_map
        from headway.report.verdicts import seen

        given(write(measured_map(map_from(None), seen())), out)
    else:
        given(write(document_of(map_from(file))), out)


def map_from(path: Path | None) -> "Map":
    """The map in a file, or that of deep learning."""
    from headway.concepts.catalog import deep_learning, load_map

    return load_map(path) if path else deep_learning()


def map_that_knows(document: "Document") -> "Map | None":
    """The map of deep learning if a document is about it: if it has most of the concepts that are drawn."""
    ours = map_from(None)
    words = {word for concept in ours.concepts for word in concept.words}
    titles = [node.title.casefold() for node in document.drawing.nodes] if document.drawing else []
    return ours if sum(title in words for title in titles) > len(titles) / 2 else None


def told(finding: "Inconsistency") -> str:
    """A finding as a line, and below it where it is."""
    import textwrap

    pairs = (("stated", finding.stated), ("counted", finding.counted))
    numbers = ", ".join(f"{name} {value}" for name, value in pairs if value is not None)
    line = f"line {finding.line}: " if finding.line else ""
    head = f"{finding.section}: {line}{finding.what}{f' ({numbers})' if numbers else ''}"
    return "\n".join(
        [head, *textwrap.wrap(", ".join(finding.where), 112, initial_indent="    ", subsequent_indent="    ")]
    )


def given(text: str, out: Path | None) -> None:
    """The text in a file, or on standard output."""
    if out is None:
        print(text, end="")
        return
    try:
        out.write_text(text, encoding="utf-8")
    except OSError as error:
        raise HeadwayError("--out", "must be a file that can be written", error) from None
