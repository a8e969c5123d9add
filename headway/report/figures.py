"""The pictures of a cure as SVG: gradient flow by depth, the effect of every arm, held-out loss over the run."""

import re
from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack
from io import StringIO
from typing import Any

import numpy as np

from headway.doctor.cure import Cure
from headway.doctor.proof import Proof
from headway.doctor.verdict import PROVEN, Verdict
from headway.report.story import LEAST, arm_order

BEFORE, AFTER, QUIET = "#c4553b", "#2f7fb8", "#8a8f98"
INK = "#010203"
"""Stands for the colour of the text around the picture, light or dark."""
OPENING = (
    r'<svg class="{}" role="img" \1 xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink">'
)
AXES = ("text.color", "axes.labelcolor", "axes.edgecolor", "xtick.color", "ytick.color")


def gradient_flow(cure: Cure) -> str:
    """‖dL/dh‖ behind each layer with weights, before and after."""

    def draw(axes: Any) -> None:
        for name, portrait, colour in _portraits(cure):
            sizes = [max(size, LEAST) if np.isfinite(size) else np.nan for _, size, _ in portrait.flow]
            axes.plot(range(1, len(sizes) + 1), sizes, "o-", ms=3.5, lw=1.4, color=colour, label=name)
        axes.set(yscale="log", xlabel="layer with weights, from the input to the output", ylabel="‖dL/dh‖")
        axes.locator_params(axis="x", integer=True)
        axes.legend(frameon=False, loc="lower right")

    return picture("flow", draw, 3.2)


def loss_curves(cure: Cure) -> str:
    """Held-out loss by update, before and after, and that of the best constant prediction."""

    def draw(axes: Any) -> None:
        for name, portrait, colour in _portraits(cure):
            points = [(step, loss) for step, loss in portrait.curve if np.isfinite(loss) and loss > 0]
            if points:
                axes.plot(*zip(*points, strict=True), "o-", ms=3.5, lw=1.4, color=colour, label=name)
        axes.axhline(cure.diagnosis.constant, color=QUIET, ls="--", lw=1, label="best constant prediction")
        axes.set(yscale="log", xlabel="update", ylabel=f"{cure.diagnosis.split} loss")
        axes.legend(frameon=False)

    return picture("curves", draw, 3.2)


def effects(proof: Proof) -> str:
    """A forest plot: of each arm every seed's difference, the mean and its interval; what is too small is grey."""
    shown = [(name, proof.verdicts[name]) for name in arm_order(proof)]

    def draw(axes: Any) -> None:
        axes.axvspan(-proof.smallest, proof.smallest, color=QUIET, alpha=0.25, lw=0)
        axes.axvline(0, color=QUIET, lw=0.8)
        for row, (_, verdict) in enumerate(shown):
            _arm(axes, row, verdict)
        every = [value for _, verdict in shown for value in (*verdict.differences, verdict.low, verdict.high)]
        span = 1.5 * proof.constant  # one run that diverged must not flatten the rest
        low, high = max(min(every), -span), min(max(every), span)
        margin = 0.05 * (high - low) + 1.5 * proof.smallest
        axes.set(xlim=(low - margin, high + margin), ylim=(len(shown) - 0.5, -0.5), yticks=range(len(shown)))
        axes.set(yticklabels=[f"{name} · {verdict.word}" for name, verdict in shown])
        axes.set(xlabel=f"better by ({proof.split} loss); grey: too small to matter")
        axes.spines["left"].set_visible(False)
        axes.tick_params(axis="y", length=0)

    return picture("effects", draw, 1.1 + 0.34 * len(shown))


def _arm(axes: Any, row: int, verdict: Verdict) -> None:
    colour = AFTER if verdict.word == PROVEN else QUIET
    spread = row + 0.22 + 0.08 * np.linspace(-1, 1, len(verdict.differences))
    axes.plot(verdict.differences, spread, "o", ms=2.6, color=colour, alpha=0.6, mew=0)
    axes.plot([verdict.low, verdict.high], [row - 0.12] * 2, "-", lw=2.4, color=colour, solid_capstyle="butt")
    axes.plot([verdict.effect], [row - 0.12], "D", ms=5, color=colour, mew=0)


def _portraits(cure: Cure) -> list[tuple[str, Any, str]]:
    after = [("after", cure.after, AFTER)] if cure.after else []
    return [("before", cure.before, BEFORE), *after]


def picture(name: str, draw: Callable[[Any], None], height: float, width: float = 7.6) -> str:
    """One plot as an SVG element to stand in a page: the same bytes each time, ids of its own, letters as letters."""
    from matplotlib.backends.backend_svg import FigureCanvasSVG
    from matplotlib.figure import Figure

    with _style():
        figure = Figure(figsize=(width, height), layout="constrained")
        FigureCanvasSVG(figure)
        axes = figure.subplots()
        axes.spines[["top", "right"]].set_visible(False)
        draw(axes)
        written = StringIO()
        nothing = dict.fromkeys(("Date", "Creator", "Format", "Type"))
        figure.savefig(written, format="svg", transparent=True, metadata=nothing)
    svg = written.getvalue()
    svg = svg[svg.index("<svg") :].replace(INK, "currentColor")
    svg = re.sub(r'(\bid="|href="#|url\(#)', rf"\g<1>{name}-", svg)
    svg = re.sub(r"<style.*?</style>", "", svg, flags=re.DOTALL)  # it would hold for the whole page
    return re.sub(r"<svg\b[^>]*?(viewBox=\S+ \S+ \S+ \S+\")[^>]*>", OPENING.format(name), svg, count=1)


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
