"""Pictures of signals show the numbers of the run, and none of what was not measured."""

import numpy as np
import pytest

from headway.network.activations import ReLU
from headway.network.compose import Sequential
from headway.network.dense import Dense
from headway.report.depth import BY_DEPTH, LINES, by_depth, lines, ratios
from headway.signals.history import Signals
from headway.signals.probe import watched
from headway.signals.statistics import STATISTICS

NETWORK = Sequential((Dense(4), ReLU(), Dense(3), ReLU(), Dense(2)))


def planted(samples=12, **statistics):
    """Signals of the network with these statistics, [samples, layers] or what broadcasts to it."""
    addresses = watched(NETWORK, (5,))
    values = np.zeros((samples, len(addresses), len(STATISTICS)))
    for name, value in statistics.items():
        values[..., STATISTICS.index(name)] = value
    return Signals.of(range(1, 10 * samples, 10), addresses, values)


def shown(draw):
    """What was drawn: the lines' data by x."""
    from matplotlib.figure import Figure

    axes = Figure().subplots()
    draw(axes)
    return axes, [line.get_xydata() for line in axes.get_lines()]


def test_by_depth_a_line_is_a_sample_from_the_first_to_the_last(rng):
    values, steps = rng.uniform(1, 2, size=(40, 5)), np.arange(1, 41)
    values[0, 2] = np.nan
    axes, drawn = shown(lines(values, steps, "size"))
    assert len(drawn) == LINES
    np.testing.assert_allclose(drawn[0][:, 1], values[0])
    np.testing.assert_allclose(drawn[-1], np.column_stack([range(1, 6), values[-1]]))
    assert [text.get_text() for text in axes.get_legend().get_texts()] == ["update 1", "update 40"]


def test_ratios_are_those_of_update_and_weight_and_none_where_weights_are_zero():
    weight = np.array([2.0, 0, 0, 0, 4.0])
    weights = np.tile(weight, (12, 1))
    weights[0, 4] = 0
    signals = planted(weight=weights, update=0.1)
    _, drawn = shown(ratios(signals, np.array([0, 4])))
    np.testing.assert_allclose(drawn[0], np.column_stack([signals.steps, np.full(12, 0.05)]))
    np.testing.assert_allclose(drawn[1][:, 1], [np.nan, *[0.025] * 11], rtol=1e-6)


@pytest.mark.parametrize(
    ("statistics", "names"),
    [
        ({"gradient": 1.0, "spread": 1.0, "weight": 1.0, "update": 0.1}, {"flow over time", "spread", "ratios"}),
        ({"gradient": 1.0, "spread": 1.0}, {"flow over time", "spread"}),
    ],
)
def test_there_is_a_picture_of_what_was_measured_with_a_caption(statistics, names):
    made = by_depth(NETWORK, (5,), planted(**statistics))
    assert set(made) == names <= set(BY_DEPTH)
    assert all(svg.startswith("<svg") for svg in made.values())
    assert by_depth(NETWORK, (5,), Signals.of([], [], [])) == {}
    assert made == by_depth(NETWORK, (5,), planted(**statistics))
