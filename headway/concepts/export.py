"""A map for other programs: Mermaid to draw, Markdown to read, JSON to edit and load again, GraphML to analyse."""

import json
from collections.abc import Callable
from io import BytesIO
from itertools import groupby

from headway.concepts.catalog import tables_of
from headway.concepts.centrality import network_of
from headway.concepts.graph import Concept, Map
from headway.concepts.mermaid import mermaid_of, write_mermaid
from headway.spec.error import HeadwayError, did_you_mean


def export(subject: Map, form: str) -> str:
    """The text of a map in one of FORMATS."""
    if form not in FORMATS:
        raise HeadwayError("format", "no such format", repr(form), did_you_mean(form, FORMATS))
    return FORMATS[form](subject)


def _mermaid(subject: Map) -> str:
    return write_mermaid(mermaid_of(subject))


def _json(subject: Map) -> str:
    return json.dumps(tables_of(subject), indent=2, ensure_ascii=False) + "\n"


def _graphml(subject: Map) -> str:
    import networkx

    file = BytesIO()
    networkx.write_graphml_xml(network_of(subject), file)
    return file.getvalue().decode() + "\n"


def _markdown(subject: Map) -> str:
    """A glossary: every group with its concepts, each with its definition and what the map says of it."""
    titles = {group.name: group.title for group in subject.groups}
    order = [*titles, None]
    lines = [f"# {_text(subject.title)}", "", _text(subject.subject), ""]
    concepts = sorted(subject.concepts, key=lambda concept: order.index(concept.group))
    for group, members in groupby(concepts, key=lambda concept: concept.group):
        lines += [f"## {_text(titles[group] if group else 'Outside the groups')}", ""]
        for concept in members:
            lines += [f"### {_text(concept.title)}", "", _text(concept.definition), "", *_statements(subject, concept)]
    return "\n".join(lines)


def _statements(subject: Map, concept: Concept) -> list[str]:
    titles = {each.name: each.title for each in subject.concepts}
    said = [f"{subject.word(edge)} **{_text(titles[edge.target])}**"
            for edge in subject.edges if edge.source == concept.name]  # fmt: skip
    needed = ", ".join(_text(titles[name]) for name in concept.requires)
    return [
        *(f"- {line}" for line in said),
        *([f"- requires {needed}"] if needed else []),
        *([""] if said or needed else []),
    ]


def _text(plain: str) -> str:
    """The text with what Markdown would take for its own made plain."""
    for mark in r"\`*_[]<>|#":
        plain = plain.replace(mark, f"\\{mark}")
    return plain


FORMATS: dict[str, Callable[[Map], str]] = {
    "mermaid": _mermaid,
    "markdown": _markdown,
    "json": _json,
    "graphml": _graphml,
}
