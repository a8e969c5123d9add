"""The pictures of a cure as SVG: gradient flow by depth, the effect of every arm, held-out loss over the run."""

from typing import Any

import numpy as np

from headway.doctor.cure import Cure
from headway.doctor.proof import Proof
from headway.doctor.verdict import PROVEN, Verdict
from headway.report.picture import AFTER, BEFORE, QUIET, picture
from headway.report.story import LEAST, arm_order


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
