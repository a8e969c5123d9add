"""A plot as a picture: an SVG element for a page, or a file, the same bytes each time."""

import re
from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack
from io import StringIO
from pathlib import Path
from typing import Any

from headway.spec.error import HeadwayError

BEFORE, AFTER, QUIET = "#c4553b", "#2f7fb8", "#8a8f98"
INK = "#010203"
"""Stands for the colour of the text around the picture, light or dark."""
OPENING = (
    r'<svg class="{}" role="img" \1 xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink">'
)
AXES = ("text.color", "axes.labelcolor", "axes.edgecolor", "xtick.color", "ytick.color")


def picture(name: str, draw: Callable[[Any], None], height: float, width: float = 7.6) -> str:
    """One plot as an SVG element to stand in a page: the same bytes each time, ids of its own, letters as letters."""
    from matplotlib.backends.backend_svg import FigureCanvasSVG
    from matplotlib.figure import Figure

    with _style():
        figure = Figure(figsize=(width, height), layout="constrained")
        FigureCanvasSVG(figure)
        _drawn(figure, draw)
        written = StringIO()
        nothing = dict.fromkeys(("Date", "Creator", "Format", "Type"))
        figure.savefig(written, format="svg", transparent=True, metadata=nothing)
    svg = written.getvalue()
    svg = svg[svg.index("<svg") :].replace(INK, "currentColor")
    svg = re.sub(r'(\bid="|href="#|url\(#)', rf"\g<1>{name}-", svg)
    svg = re.sub(r"<style.*?</style>", "", svg, flags=re.DOTALL)  # it would hold for the whole page
    return re.sub(r"<svg\b[^>]*?(viewBox=\S+ \S+ \S+ \S+\")[^>]*>", OPENING.format(name), svg, count=1)


def _drawn(figure: Any, draw: Callable[[Any], None]) -> None:
    axes = figure.subplots()
    axes.spines[["top", "right"]].set_visible(False)
    draw(axes)


def _style() -> AbstractContextManager[Any]:
    """Matplotlib's own defaults, whatever the user's are, with what makes an SVG small and the same each time."""
    from matplotlib import rc_context, style

    stack = ExitStack()
    stack.enter_context(style.context("default", after_reset=True))
    ours: Any = {"svg.fonttype": "none", "svg.hashsalt": "headway", "font.size": 9} | dict.fromkeys(AXES, INK)
    stack.enter_context(rc_context(ours))
    return stack


def on_white(svg: str) -> str:
    """A picture that stands alone, for a page that is not ours: black on white."""
    return re.sub(r"<svg\b", '<svg style="color:#1c1e21;background:#ffffff"', svg, count=1)


def save(path: Path, draw: Callable[[Any], None], height: float, width: float = 7.6) -> Path:
    """One plot as a file on white, SVG or PNG by its name; returns the path."""
    if path.suffix not in (".svg", ".png"):
        raise HeadwayError(str(path), "a picture must be .svg or .png", path.suffix or "no ending")
    if path.suffix == ".svg":
        path.write_text(on_white(picture("picture", draw, height, width)))
        return path
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    with _style():
        figure = Figure(figsize=(width, height), layout="constrained")
        FigureCanvasAgg(figure)
        _drawn(figure, draw)
        figure.savefig(path, dpi=150, metadata={"Software": None})
    return path
