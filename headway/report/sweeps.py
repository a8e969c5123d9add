"""Sweeps and range tests for a person: a table of cells, and the loss against the rate as a picture and in text."""

from pathlib import Path
from typing import Any

import numpy as np

from headway.report.plot import text_levels
from headway.report.table import mean_and_spread, table
from headway.spec.node import Spec
from headway.training.sweeps.rate import RateTest
from headway.training.sweeps.sweep import Cell, Sweep

WIDTH = 60


def sweep_table(sweep: Sweep) -> str:
    """A row a cell: mean ± standard deviation over its seeds; then the best cell."""
    cells, splits = sweep.cells(), [split for split in (sweep.split, "test") if split in sweep.runs[0].results]
    columns = [(split, name) for split in splits for name in sweep.runs[0].results[split]]
    header = [*cells[0].point, "runs", *(f"{split} {name}" for split, name in columns), "ended"]
    rows: list[list[str | int]] = [
        [*map(_shown, cell.point.values()), len(cell.runs),
         *(mean_and_spread(cell.measured(*column)) for column in columns), _ended(cell)]
        for cell in cells
    ]  # fmt: skip
    best, what = sweep.best(), f"{sweep.split} {sweep.recipe.evaluation.monitor}"
    if best is None:
        said = "No cell without a number that is not finite: no best one."
    else:
        at = ", ".join(f"{address} = {_shown(value)}" for address, value in best.point.items()) or "all seeds"
        value = mean_and_spread(best.measured(sweep.split, sweep.recipe.evaluation.monitor))
        said = f"Best {what}: {value} at {at} (mean ± standard deviation over {len(best.runs)} seeds)."
    programs = f"{sweep.programs} compiled program{'s' if sweep.programs > 1 else ''}"
    return f"{table(header, rows)}\n{said}\n{len(sweep.runs)} runs, {programs}."


def _shown(value: Any) -> str:
    return f"{value:g}" if isinstance(value, float) else repr(value) if isinstance(value, Spec) else str(value)


def _ended(cell: Cell) -> str:
    """How the runs of a cell ended: `finished`, or how many in which way."""
    reasons = [run.standing.reason for run in cell.runs]
    if len(set(reasons)) == 1:
        return reasons[0]
    return ", ".join(f"{reasons.count(reason)} {reason}" for reason in sorted(set(reasons)))


def rate_text(found: RateTest) -> str:
    """The range test in a few lines: suggestion and interval, or why there is none, and the curve."""
    low, high = found.rates[0], found.rates[-1]
    if found.suggestion is None or found.interval is None:
        said = f"No suggestion. {found.reason}."
    else:
        lower, upper = found.interval
        seeds = sum(curve.suggestion is not None for curve in found.curves)
        said = (f"Learning rate {found.suggestion:.2g}, 95 % interval {lower:.2g} to {upper:.2g} "
                f"over {seeds} of {len(found.curves)} seeds.")  # fmt: skip
    places = np.linspace(0, len(found.rates) - 1, min(WIDTH, len(found.rates))).round().astype(int)
    middle = _middle(found)[places]
    bottom, start = float(np.nanmin(middle)), float(middle[0])
    top = start + 0.3 * (start - bottom)
    lines = [said, text_levels(np.minimum(middle, top).tolist(), bottom, top)]
    if found.suggestion is not None:
        lines.append(" " * int(np.searchsorted(found.rates[places], found.suggestion)) + "▲")
    ends = f"{high:.2g}".rjust(len(places) - len(f"{low:.2g}"))
    return "\n".join([*lines, f"{low:.2g}{ends}", "smoothed loss by learning rate, median over the seeds"])


def rate_picture(found: RateTest, path: Path) -> Path:
    """Loss against rate, a line a seed, the suggestion and its interval, as an SVG or PNG; returns the path."""
    from matplotlib import rc_context
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7, 4), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots()
    for losses, curve in zip(found.losses, found.curves, strict=True):
        axes.plot(found.rates, losses, color="#9ab", lw=0.4)
        axes.plot(found.rates, curve.smoothed, color="#446", lw=1)
    middle = _middle(found)
    bottom, start = float(np.nanmin(middle)), float(middle[0])
    span = (start - bottom) or abs(start) or 1.0
    axes.set_ylim(bottom - 0.2 * span, start + 0.8 * span)
    if found.suggestion is not None and found.interval is not None:
        axes.axvspan(*found.interval, color="#b3402a", alpha=0.15, lw=0, label="95 % interval over the seeds")
        axes.axvline(found.suggestion, color="#b3402a", lw=1.2, label=f"suggestion, {found.suggestion:.2g}")
        axes.legend(frameon=False)
    axes.set(xscale="log", xlabel="learning rate", ylabel="loss of the next batch")
    axes.spines[["top", "right"]].set_visible(False)
    with rc_context({"svg.fonttype": "none"}):
        figure.savefig(path)
    return path


def _middle(found: RateTest) -> np.ndarray:
    """The median over the seeds of the smoothed loss; not a number where none has one."""
    rows = np.stack([curve.smoothed for curve in found.curves])
    some = np.isfinite(rows).any(axis=0)
    middle = np.full(rows.shape[1], np.nan)
    middle[some] = np.nanmedian(rows[:, some], axis=0)
    return middle
