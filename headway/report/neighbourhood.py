"""The neighbourhood of a cause on the map, with what a cure measured along its edges."""

from dataclasses import dataclass
from html import escape
from typing import Literal

import numpy as np

from headway.concepts.graph import Edge, Map
from headway.doctor.cure import Cure
from headway.doctor.proof import CONTROL, ORIGINAL, Proof
from headway.doctor.remedies.catalog import statement
from headway.doctor.remedies.remedy import RATE_ALONE
from headway.doctor.verdict import NOT_PROVEN, PROVEN
from headway.report.concept import neighbourhood, said
from headway.report.wording import fixed, places_for, signed

Standing = Literal["proven", "not proven", "not measured"]


@dataclass(frozen=True)
class Statement:
    """An edge of the map, and what was measured of it here.

    near     whether the edge is one of the cause's own
    notes    a sentence for each remedy that followed the edge; none where it was not measured
    """

    text: str
    source: str
    word: str
    target: str
    near: bool
    standing: Standing
    notes: tuple[str, ...]


def statements(cure: Cure, subject: Map) -> list[Statement]:
    """The edges at the first cause's concept, then those at the others' and those that remedies followed."""
    cause = cure.diagnosis.cause
    known = {concept.name for concept in subject.concepts}
    if cause is None or cause.concept not in known:
        return []
    near = neighbourhood(subject, subject.concept(cause.concept))
    followed = [statement(subject, remedy.edge) for remedy in cure.proof.remedies.values()] if cure.proof else []
    others = [edge for one in cure.diagnosis.causes[1:] if one.concept in known
              for edge in neighbourhood(subject, subject.concept(one.concept))]  # fmt: skip
    further = [edge for edge in subject.edges if edge in (*followed, *others) and edge not in near]
    return [_statement(edge, edge in near, cure.proof, subject) for edge in [*near, *further]]


def _statement(edge: Edge, near: bool, proof: Proof | None, subject: Map) -> Statement:
    told = {**proof.verdicts, **proof.refused} if proof else {}
    followed = (
        [name for name, remedy in proof.remedies.items() if statement(subject, remedy.edge) == edge] if proof else []
    )
    tried = [name for name in followed if name in told]
    standing: Standing = "not measured"
    if proof is not None and tried:
        standing = "proven" if any(name in proof.proven for name in tried) else "not proven"
    source, target = (subject.concept(name).title for name in edge.pair)
    word = subject.word(edge)
    notes = tuple(note(proof, name) for name in tried) if proof is not None else ()
    return Statement(said(subject, edge), source, word, target, near, standing, notes)


def note(proof: Proof, name: str) -> str:
    """What became of a remedy: `residual: proven here, loss 2.30 → 0.19, ‖dL/dh‖ −6.3 → +0.1`."""
    if name in proof.refused:
        return f"{name}: not tried here, {proof.refused[name]}"
    verdict, places = proof.verdicts[name], places_for(proof.smallest)
    count = len(verdict.differences)
    against, arm = proof.arms[ORIGINAL if name == RATE_ALONE.name else CONTROL], proof.arms[name]
    losses = " → ".join(fixed(float(np.mean(one.losses[:count])), places) for one in (against, arm))
    flows = " → ".join(decades(one.decades[:count]) for one in (against, arm))
    why = "" if verdict.word == NOT_PROVEN else f" ({verdict.word})"
    word = "proven here" if verdict.word == PROVEN else f"not proven here{why}"
    return f"{name}: {word}, loss {losses}, ‖dL/dh‖ {flows}"


def decades(lost: list[float | None]) -> str:
    """How ‖dL/dh‖ changes per 10 layers towards the input, in decades, the median; a dash where not watched."""
    seen = [value for value in lost if value is not None]
    return signed(-float(np.median(seen)), 1) if seen else "–"


BOX, GAP, ROW, TALL = 220, 140, 46, 32
MARKS = {"proven": "✓ ", "not proven": "✗ ", "not measured": ""}


def drawing(found: list[Statement], concept: str) -> str:
    """The edges as SVG: the cause once, its neighbours left and right, below them the further edges.

    An edge is marked and coloured by what was proven here of the remedies along it.
    """
    into = [one for one in found if one.near and one.target == concept]
    out = [one for one in found if one.near and one.target != concept]
    further = [one for one in found if not one.near]
    rows = max(len(into), len(out), 1)
    parts = [_box(concept, 1, 0, rows)] if into or out else []
    for i, one in enumerate(into):
        parts += [_box(one.source, 0, i), _arrow(one, 0, i)]
    for i, one in enumerate(out):
        parts += [_box(one.target, 2, i), _arrow(one, 1, i)]
    for i, one in enumerate(further, start=rows if parts else 0):
        parts += [_box(one.source, 0, i), _arrow(one, 0, i), _box(one.target, 1, i)]
    width = 8 + (3 if out else 2) * (BOX + GAP) - GAP
    height = 16 + ROW * (rows * bool(into or out) + len(further)) - (ROW - TALL)
    title = f"<title>The neighbourhood of {escape(concept)} on the map</title>"
    return (
        f'<svg class="map" role="img" viewBox="0 0 {width} {height}" xmlns="http://www.w3.org/2000/svg">'
        f"{title}{''.join(parts)}</svg>"
    )


def _box(title: str, column: int, row: int, rows: int = 0) -> str:
    """A concept; the cause is as tall as the rows beside it."""
    x, y, height = 4 + column * (BOX + GAP), 8 + row * ROW, max(rows, 1) * ROW - (ROW - TALL)
    shown = escape(title if len(title) <= 30 else f"{title[:29]}…")
    return (
        f'<rect class="{"cause" if rows else "concept"}" x="{x}" y="{y}" width="{BOX}" height="{height}" rx="6"/>'
        f'<text x="{x + BOX // 2}" y="{y + height // 2 + 5}" text-anchor="middle">{shown}</text>'
    )


def _arrow(one: Statement, column: int, row: int) -> str:
    """From a column to the next, with the edge's word above."""
    start, y, kind = 4 + column * (BOX + GAP) + BOX, 8 + row * ROW + TALL // 2, one.standing.replace(" ", "-")
    end = start + GAP - 10
    return (
        f'<line class="{kind}" x1="{start + 2}" y1="{y}" x2="{end}" y2="{y}"/>'
        f'<path class="{kind}" d="M{end},{y - 5} l9,5 l-9,5 z"/>'
        f'<text class="word" x="{start + GAP // 2 - 4}" y="{y - 6}" text-anchor="middle">'
        f"{MARKS[one.standing]}{escape(one.word)}</text>"
    )
