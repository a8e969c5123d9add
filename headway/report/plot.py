"""Pictures: curves of a run as an image, and a small curve in text."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from headway.training.run import Run

BARS = "▁▂▃▄▅▆▇█"


def curves(run: Run, path: Path) -> Path:
    """Loss, gradient norm and learning rate by update as an SVG or PNG; returns the path."""
    from matplotlib import rc_context
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    history = run.history.columns()
    figure = Figure(figsize=(9, 6), layout="constrained")
    FigureCanvasAgg(figure)
    top, middle, bottom = figure.subplots(3, 1, sharex=True, height_ratios=[3, 1, 1])
    top.plot(history["step"], history["loss"], color="#9ab", lw=0.6, label="training, each batch")
    points = [(e["step"], e["loss"]) for e in run.history.evaluations]
    if points:
        top.plot(*zip(*points, strict=True), color="#b3402a", label=run.history.evaluations[0]["split"])
    top.axvline(run.standing.best_step, color="#444", lw=0.8, ls=":", label="best weights")
    top.set(ylabel="loss", yscale="log")
    top.legend(frameon=False)
    middle.plot(history["step"], history["gradient_norm"], color="#486", lw=0.6, label="before clipping")
    if (history["clipped_norm"] < history["gradient_norm"]).any():
        middle.plot(history["step"], history["clipped_norm"], color="#b3402a", lw=0.6, label="after clipping")
        middle.legend(frameon=False)
    middle.set(ylabel="gradient norm", yscale="log")
    bottom.plot(history["step"], history["learning_rate"], color="#446")
    bottom.set(ylabel="learning rate", xlabel="update")
    for axes in (top, middle, bottom):
        axes.spines[["top", "right"]].set_visible(False)
    with rc_context({"svg.fonttype": "none"}):  # letters stay letters: small, and found by a search
        figure.savefig(path)
    return path


def text_curve(values: Sequence[float], width: int = 60) -> str:
    """Values as a line of bars, the largest the tallest; more values than `width` are averaged."""
    parts = np.array_split(np.asarray(values, float), min(width, len(values)))
    means = np.array([part.mean() for part in parts])
    top = means.max() or 1.0
    return "".join(BARS[round(max(0.0, m) / top * (len(BARS) - 1))] for m in means)


def text_levels(values: Sequence[float], low: float, high: float) -> str:
    """Values as a line of bars from the lowest for `low` to the tallest for `high`; what is not finite is a dot."""
    span = (high - low) or 1.0
    return "".join(BARS[round((v - low) / span * (len(BARS) - 1))] if np.isfinite(v) else "·" for v in values)
