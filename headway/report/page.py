"""A cure as one page of HTML that stands alone: the sections of the story, with pictures; it asks nothing of anyone."""

from collections.abc import Mapping, Sequence
from html import escape

from headway.concepts.graph import Map
from headway.doctor.cure import Cure
from headway.report.depth import BY_DEPTH
from headway.report.figures import effects, gradient_flow, loss_curves
from headway.report.neighbourhood import drawing, statements
from headway.report.section import Picture, Rows, Section
from headway.report.story import headline, sections

CAPTIONS = {
    "flow": "The size of the gradient behind each layer, the median of the watched updates.",
    "effects": "Every arm against its control: the mean and its interval above, every seed below.",
    "curves": "Held-out loss over the run, before and after.",
    **BY_DEPTH,
    "map": "✓ a remedy along this edge is proven here · ✗ none is · without a mark: not measured here.",
}

STYLE = """
:root { color-scheme: light dark; --ink: #1c1e21; --soft: #5c636d; --line: #d5d9df; --paper: #ffffff; --good: #2f7fb8; --bad: #c4553b; }
@media (prefers-color-scheme: dark) { :root { --ink: #e4e6ea; --soft: #9aa2ad; --line: #3a3f47; --paper: #16181c; } }
body { color: var(--ink); background: var(--paper); font: 16px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 60rem; padding: 0 1rem; }
h1 { font-size: 1.6rem; line-height: 1.25; } h2 { font-size: 1.15rem; margin-top: 2.5rem; border-top: 1px solid var(--line); padding-top: 1rem; }
div.wide { overflow-x: auto; } table { border-collapse: collapse; font-size: 0.9rem; font-variant-numeric: tabular-nums; }
th, td { text-align: left; vertical-align: top; padding: 0.25rem 1rem 0.25rem 0; border-bottom: 1px solid var(--line); }
th { font-weight: 600; } th[scope=row] { font-weight: 400; color: var(--soft); } .r { text-align: right; white-space: nowrap; }
td.proven { color: var(--good); font-weight: 600; } td.worse { color: var(--bad); }
figure { margin: 1rem 0; } figcaption { color: var(--soft); font-size: 0.85rem; } svg { width: 100%; height: auto; max-width: 48rem; }
svg.map { font: 13px system-ui, sans-serif; fill: var(--ink); } svg.map rect { fill: none; stroke: var(--line); } svg.map rect.cause { stroke: var(--ink); stroke-width: 2; }
svg.map .word { font-size: 12px; } svg.map line { stroke: var(--soft); stroke-width: 1.5; } svg.map path { fill: var(--soft); }
svg.map line.proven { stroke: var(--good); stroke-width: 2.5; } svg.map path.proven { fill: var(--good); }
svg.map line.not-proven { stroke: var(--bad); stroke-dasharray: 5 4; } svg.map path.not-proven { fill: var(--bad); }
"""  # noqa: E501 (a style sheet)


def page(cure: Cure, subject: Map, depth: Mapping[str, str] | None = None) -> str:
    """The report as HTML: the same bytes for the same cure, every value escaped, no address to load anything from.

    depth   pictures of the run's signals: see `by_depth`
    """
    pictures = {"flow": gradient_flow(cure), "curves": loss_curves(cure)} | dict(depth or {})
    if cure.proof is not None and cure.proof.verdicts:
        pictures["effects"] = effects(cure.proof)
    if cure.diagnosis.cause and (found := statements(cure, subject)):
        pictures["map"] = drawing(found, subject.concept(cure.diagnosis.cause.concept).title)
    title = escape(headline(cure))
    parts = sections(cure, subject)
    if depth:
        parts.insert(2, Section("Signals over the run", [Picture(name) for name in depth]))
    body = "\n".join(_section(section, i, pictures) for i, section in enumerate(parts))
    return (
        f'<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta name="viewport" content="width=device-width, initial-scale=1">\n<title>{title}</title>\n'
        f"<style>{STYLE}</style>\n</head>\n<body>\n<main>\n{body}\n</main>\n</body>\n</html>\n"
    )


def _section(section: Section, number: int, pictures: dict[str, str]) -> str:
    level = "h2" if number else "h1"
    parts = [_part(part, pictures) for part in section.parts]
    return "\n".join([f"<section>\n<{level}>{escape(section.title)}</{level}>", *parts, "</section>"])


def _part(part: str | Rows | Picture, pictures: dict[str, str]) -> str:
    match part:
        case str():
            return f"<p>{escape(part)}</p>"
        case Rows():
            return _table(part)
    if part.name not in pictures:
        return ""
    return f"<figure>\n{pictures[part.name]}\n<figcaption>{escape(CAPTIONS[part.name])}</figcaption>\n</figure>"


def _table(table: Rows) -> str:
    head = "".join(f'<th scope="col"{_right(table, i)}>{escape(name)}</th>' for i, name in enumerate(table.header))
    rows = "\n".join(_row(table, row) for row in table.rows)
    head = f"<thead><tr>{head}</tr></thead>\n" if head else ""
    return f'<div class="wide"><table>\n{head}<tbody>\n{rows}\n</tbody>\n</table></div>'


def _row(table: Rows, row: Sequence[str]) -> str:
    cells = [f"<td{_right(table, i) or _verdict(cell)}>{escape(cell)}</td>" for i, cell in enumerate(row) if i]
    return f'<tr><th scope="row">{escape(row[0])}</th>{"".join(cells)}</tr>'


def _right(table: Rows, column: int) -> str:
    return ' class="r"' if table.align[column : column + 1] == "r" else ""


def _verdict(cell: str) -> str:
    return f' class="{cell}"' if cell in ("proven", "worse") else ""
