"""The loss landscape for a person: a slice as a picture and as text, the spectrum of the Hessian in words."""

import textwrap
from collections.abc import Sequence
from typing import Any

import numpy as np

from headway.learning.landscape.hessian import Estimate
from headway.learning.landscape.slices import Line, Plane
from headway.learning.landscape.stationary import Point
from headway.report.picture import AFTER, BEFORE, QUIET
from headway.report.plot import text_levels
from headway.report.table import table
from headway.report.wording import short

PATH, EDGE = "#1c1e21", "#ffffff"
SHADES = ("#f7fafc", "#dbe8f1", "#b4cfe2", "#8ab3d0", "#6497bd")
"""Low to high: what is deep is light, so that a path can be seen in it."""
STEEP = 20
"""From this ratio of the highest to the lowest loss on, levels are powers."""


def draw_line(axes: Any, line: Line, *, along: str, ends: bool = False) -> None:
    """L along a line; with `ends`, the straight line between its ends and the barrier above it."""
    axes.plot(line.at, line.losses, color=AFTER, lw=1.8)
    low, high = _finite(line.losses).min(), _finite(line.losses).max()
    if steep(low, high):
        axes.set(yscale="log")
    axes.set(xlabel=along, ylabel="loss")
    axes.margins(x=0.02)
    if not ends:
        axes.axvline(0, color=QUIET, lw=0.8, ls=":")
        axes.annotate("the weights", (0, 1), (4, -2), xycoords=("data", "axes fraction"), textcoords="offset points",
                      va="top", fontsize=8)  # fmt: skip
        return
    axes.plot(line.at[[0, -1]], line.losses[[0, -1]], "o", ms=5, color=BEFORE, mew=0)
    straight = line.losses - line.above
    axes.plot(line.at, straight, color=QUIET, lw=1, ls="--")
    if line.barrier > 0:
        top = int(np.nanargmax(line.above))
        axes.plot([line.at[top]] * 2, [straight[top], line.losses[top]], color=BEFORE, lw=1.2)
        axes.annotate(f"barrier {short(line.barrier)}", (line.at[top], (straight[top] + line.losses[top]) / 2), (6, 0),
                      textcoords="offset points", va="center", color=BEFORE)  # fmt: skip


def draw_plane(axes: Any, plane: Plane, *, along: Sequence[str]) -> None:
    """L on a plane as contours with their values; a path over it from its start to its end."""
    from matplotlib.colors import LinearSegmentedColormap, Normalize

    found = levels(plane.losses)
    ranks = _ranks(plane.losses, found)
    shades = LinearSegmentedColormap.from_list("landscape", SHADES)
    every = np.arange(len(found) + 1)
    axes.contourf(plane.a, plane.b, ranks, every, cmap=shades, norm=Normalize(0, len(found)))
    lines = axes.contour(plane.a, plane.b, ranks, every[1:-1], colors=PATH, linewidths=0.6, alpha=0.75)
    for text in axes.clabel(lines, fmt=lambda rank: f"{found[round(rank)]:.2g}", fontsize=7, inline_spacing=3):
        text.set(color=PATH, alpha=1)
    if plane.path is None:
        axes.plot(0, 0, "*", ms=11, color=BEFORE, mec=EDGE, mew=0.8)
    else:
        a, b = plane.path.T
        axes.plot(a, b, "-", color=EDGE, lw=3.2, alpha=0.8)
        axes.plot(a, b, "o-", color=BEFORE, lw=1.5, ms=3, mew=0)
        axes.plot(a[0], b[0], "o", ms=8, color=EDGE, mec=BEFORE, mew=1.6)
        axes.plot(a[-1], b[-1], "*", ms=13, color=BEFORE, mec=EDGE, mew=0.8)
        white = {"boxstyle": "round,pad=0.15", "fc": EDGE, "ec": "none", "alpha": 0.6}
        for word, at, next_b in (("start", 0, b[1]), ("end", -1, b[-2])):
            below = next_b > b[at]
            axes.annotate(word, (a[at], b[at]), (0, -10 if below else 10), textcoords="offset points", color=PATH,
                          ha="center", va="top" if below else "bottom", weight="bold", bbox=white)  # fmt: skip
    axes.set(xlabel=along[0], ylabel=along[1], xlim=plane.a[[0, -1]], ylim=plane.b[[0, -1]])
    axes.set_aspect("equal")


def plane_size(plane: Plane) -> tuple[float, float]:
    """Height and width of a picture of a plane, on which both directions have one scale."""
    a, b = (float(np.ptp(part)) for part in (plane.a, plane.b))
    width = float(np.clip(5.4 * a / b, 2.5, 7))
    return min(width * b / a, 7) + 0.6, width + 0.6


def levels(losses: np.ndarray, count: int = 10) -> np.ndarray:
    """Loss levels from the lowest to the 0.9-quantile, as powers where they are far apart."""
    finite = _finite(losses)
    low, high = float(finite.min()), float(np.quantile(finite, 0.9))
    if not high > low:
        high = low + max(abs(low), 1.0) * 1e-3
    return np.geomspace(low, high, count) if steep(low, high) else np.linspace(low, high, count)


def steep(low: float, high: float) -> bool:
    """Whether losses lie so far apart that levels are powers."""
    return low > 0 and high / low > STEEP


def _ranks(losses: np.ndarray, found: np.ndarray) -> np.ndarray:
    """Where each loss stands among the levels: k at level k, between them by difference, or by ratio for powers."""
    powers = steep(found[0], found[-1])
    scaled, steps = (np.log(np.maximum(part, found[0])) if powers else part for part in (losses, found))
    ranks = (scaled - steps[0]) / (steps[-1] - steps[0]) * (len(found) - 1)
    return np.clip(np.nan_to_num(ranks, nan=np.inf), 0, len(found))


def line_text(line: Line) -> str:
    """A line as a row of bars, and a table of some of its points."""
    some = np.unique(np.linspace(0, len(line.at) - 1, 11).round().astype(int))
    return f"{_bars(line.losses)}\n\n{table(('a', 'loss'), [(float(line.at[i]), float(line.losses[i])) for i in some])}"


def plane_text(plane: Plane) -> str:
    """The lowest and the highest loss on a plane, and the two lines through its middle as bars."""
    finite = _finite(plane.losses)
    a, b = (int(np.argmin(np.abs(part))) for part in (plane.a, plane.b))
    return "\n".join(
        [
            f"loss on the plane: {short(finite.min())} to {short(finite.max())}",
            f"along a, b = {short(plane.b[b])}  {_bars(plane.losses[b])}",
            f"along b, a = {short(plane.a[a])}  {_bars(plane.losses[:, a])}",
        ]
    )


def curvature_text(point: Point, trace: Estimate) -> str:
    """Eigenvalues with their errors, the trace, and what kind of point it is."""
    rows = [(side, i + 1, float(value), f"± {error:.1g}")
            for side, part in (("highest", point.highest), ("lowest", point.lowest))
            for i, (value, error) in enumerate(zip(*part, strict=True))]  # fmt: skip
    return "\n".join(
        [
            "The Hessian at the weights",
            table(("eigenvalue", "place", "value", "error"), rows),
            f"trace {short(trace.value)} ± {trace.error:.2g} (standard error)",
            "",
            filled(point_in_words(point)),
        ]
    )


def filled(text: str) -> str:
    """A sentence in lines of at most 100 letters."""
    return textwrap.fill(text, 100)


def point_in_words(point: Point) -> str:
    """What kind of point it is, and why."""
    top, bottom = (f"{short(float(part.values[0]))} ± {part.errors[0]:.1g}" for part in (point.highest, point.lowest))
    wins = f"the best step along it wins {point.gain:.2g} of the loss"
    spread = f"curvatures found go from {bottom} to {top}"
    said: dict[str, str] = {
        "not stationary": f"Not a stationary point: ‖g‖ = {short(point.gradient_norm)}, {wins}; {spread}.",
        "minimum": f"A local minimum: {spread}, all above 0.",
        "maximum": f"A local maximum: {spread}, all below 0.",
        "saddle": f"A saddle point: {spread}.",
        "undecided": f"A stationary point, undecided of which kind: {spread}, 0 within the error of one.",
    }
    return said[point.kind]


def _bars(losses: Sequence[float] | np.ndarray) -> str:
    finite = _finite(np.asarray(losses))
    return text_levels(np.asarray(losses).tolist(), float(finite.min()), float(finite.max()))


def _finite(losses: np.ndarray) -> np.ndarray:
    """The losses that are finite; a 0 where none is."""
    finite = losses[np.isfinite(losses)]
    return finite if len(finite) else np.zeros(1)
