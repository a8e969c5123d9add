"""Signals of a run as pictures: the gradient's way back and the spread of outputs by depth, and how far updates go."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from headway.network.initialization import Shape
from headway.network.layer import Layer
from headway.report.picture import picture
from headway.signals.flow import LEAST, flow
from headway.signals.history import Signals

LINES = 8
"""How many samples are shown by depth: from the first, pale, to the last, dark."""
PALE, DARK = (0.78, 0.87, 0.94), (0.10, 0.27, 0.45)


def by_depth(network: Layer, inputs: Shape, signals: Signals) -> dict[str, str]:
    """The pictures by name, as SVG: `flow over time`, `spread` and `ratios`; none of what was not measured."""
    ways = flow(network, inputs, signals)
    places = [signals.addresses.index(address) for address in ways.addresses]
    learned = np.flatnonzero((signals["weight"] > 0).any(axis=0))
    drawn: dict[str, Callable[[Any], None]] = {}
    if len(signals) and places:
        drawn["flow over time"] = lines(ways.gradient, signals.steps, "‖dL/dh‖")
        drawn["spread"] = lines(signals["spread"][:, places], signals.steps, "standard deviation of h")
    if len(signals) and len(learned):
        drawn["ratios"] = ratios(signals, learned)
    return {name: picture(name.replace(" ", "-"), draw, 3.2) for name, draw in drawn.items()}


BY_DEPTH: Mapping[str, str] = {
    "flow over time": "The size of the gradient behind each layer with weights: pale is early, dark is late.",
    "spread": "The spread of each layer's outputs over examples and units, by update: pale is early, dark is late.",
    "ratios": "‖Δθ‖ / ‖θ‖ of every layer by update: pale is near the input, dark near the output.",
}


def lines(values: np.ndarray, steps: np.ndarray, label: str) -> Callable[[Any], None]:
    """Values [samples, layers] by depth, a line for each of a few samples."""
    shown = np.unique(np.linspace(0, len(values) - 1, LINES).round().astype(int))

    def draw(axes: Any) -> None:
        for i, sample in enumerate(shown):
            row = np.where(np.isfinite(values[sample]), np.maximum(values[sample], LEAST), np.nan)
            told = f"update {steps[sample]}" if i in (0, len(shown) - 1) else None
            axes.plot(range(1, len(row) + 1), row, "-", lw=1.3, color=_shade(i, len(shown)), label=told)
        axes.set(yscale="log", xlabel="layer with weights, from the input to the output", ylabel=label)
        axes.locator_params(axis="x", integer=True)
        axes.legend(frameon=False)

    return draw


def ratios(signals: Signals, learned: np.ndarray) -> Callable[[Any], None]:
    """‖Δθ‖ / ‖θ‖ by update, a line a layer; where weights are 0 there is none."""

    def draw(axes: Any) -> None:
        for i, layer in enumerate(learned):
            weight, update = signals["weight"][:, layer], signals["update"][:, layer]
            ratio = np.divide(update, weight, out=np.full(len(weight), np.nan), where=(weight > 0) & (update > 0))
            named = i in (0, len(learned) - 1)
            axes.plot(signals.steps, ratio, "-", lw=1.3, color=_shade(i, len(learned)),
                      label=signals.addresses[layer] or "network" if named else None)  # fmt: skip
        axes.set(yscale="log", xlabel="update", ylabel="‖Δθ‖ / ‖θ‖")
        axes.legend(frameon=False)

    return draw


def _shade(place: int, count: int) -> tuple[float, ...]:
    part = place / max(1, count - 1)
    return tuple((1 - part) * pale + part * dark for pale, dark in zip(PALE, DARK, strict=True))
