"""Rules on signals that were planted, on both sides of every bound."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from headway.doctor.finding import LEARNED, Case
from headway.doctor.rules.dead_layers import dead_layers
from headway.doctor.rules.gradient_flow import exploding, vanishing
from headway.doctor.rules.non_finite import non_finite
from headway.signals.flow import Flow
from headway.signals.history import Signals
from headway.signals.statistics import STATISTICS
from headway.training.record import Standing

SAMPLES = 10
SICK, LEARNS = 1.0, 0.5


def case(gradient, *, loss=SICK, signal=None, zeros=0.0, standing=None):
    """A case whose layers have these ‖dL/dh‖ [samples, layers], and this share of zeros."""
    gradient = np.atleast_2d(np.asarray(gradient, float))
    gradient = np.broadcast_to(gradient, (SAMPLES, gradient.shape[1])) if len(gradient) == 1 else gradient
    addresses = tuple(map(str, range(gradient.shape[1])))
    values = np.zeros((*gradient.shape, len(STATISTICS)))
    values[..., STATISTICS.index("zeros")] = zeros
    signals = Signals.of(range(1, 10 * len(gradient), 10), addresses, values)
    run = SimpleNamespace(
        history=SimpleNamespace(signals=signals), standing=standing or Standing(100, reason="finished")
    )
    flow = Flow(
        addresses, gradient, np.ones_like(gradient) if signal is None else np.broadcast_to(signal, gradient.shape)
    )
    return Case(run, flow, "validation", loss, 1.0)


def falling(layers, decades):
    """‖dL/dh‖ that falls by so many decades in all from the last layer to the first."""
    return 10 ** (decades * (np.arange(layers) / (layers - 1) - 1))


BOUNDS = [  # layers, decades in all, whether both bounds are passed: 2 in all and 1 per 10 layers
    (20, 2.2, True),
    (20, 1.8, False),
    (5, 2.1, True),
    (5, 1.9, False),
    (41, 4.1, True),
    (41, 3.9, False),
    (3, 30.0, True),
    (20, 0.0, False),
    (20, -5.0, False),
]


@pytest.mark.parametrize(("layers", "decades", "passes"), BOUNDS)
def test_a_gradient_vanishes_or_explodes_past_both_bounds(layers, decades, passes):
    fall, rise = case(falling(layers, decades)), case(falling(layers, decades)[::-1])
    assert vanishing(fall).verdict == exploding(rise).verdict == ("found" if passes else "ruled out")
    for other in (exploding(fall), vanishing(rise)):
        assert other.verdict == ("found" if decades == -5 else "ruled out")


@pytest.mark.parametrize("unit", [1e-12, 1.0, 1e12])
def test_the_unit_of_the_loss_does_not_matter(unit):
    assert vanishing(case(unit * falling(20, 4))).verdict == "found"
    assert vanishing(case(unit * falling(20, 0.5))).verdict == "ruled out"


@pytest.mark.parametrize(("showing", "verdict"), [(10, "found"), (8, "found"), (7, "ruled out"), (0, "ruled out")])
def test_most_samples_must_show_it_no_single_window(showing, verdict):
    rows = [falling(20, 4)] * showing + [falling(20, 0)] * (SAMPLES - showing)
    found = vanishing(case(rows))
    assert found.verdict == verdict
    assert found.agreement == pytest.approx(showing / 10 if verdict == "found" else 1 - showing / 10)
    assert found.steps == (1, 91)


def test_the_layers_concerned_are_those_two_decades_below_the_largest():
    found = vanishing(case(falling(5, 4)))  # −4, −3, −2, −1, 0
    assert found.where == ("0", "1", "2")
    assert exploding(case(falling(5, 4)[::-1])).where == ("0", "1", "2")
    assert vanishing(case(falling(5, 1))).where == ()


@pytest.mark.parametrize("rule", [vanishing, exploding, dead_layers])
def test_a_run_that_learns_in_spite_of_it_is_noticed_not_sick(rule):
    gradient = falling(20, 4) if rule is vanishing else falling(20, 4)[::-1]
    sick, learns = (case(gradient, loss=loss, zeros=1.0) for loss in (SICK, LEARNS))
    assert (rule(sick).verdict, rule(learns).verdict) == ("found", "noticed")
    assert rule(sick).where == rule(learns).where != ()


@pytest.mark.parametrize(
    ("loss", "constant", "learns"),
    [
        (0.89, 1.0, True),
        (0.91, 1.0, False),
        (1.5, 1.0, False),
        (np.nan, 1.0, False),
        (0.0, 0.0, False),
        (80, 100, True),
    ],
)
def test_learning_is_to_save_a_tenth_of_the_best_constant_s_loss(loss, constant, learns):
    judged = replace(case(falling(3, 0)), loss=loss, constant=constant)
    assert judged.learns == learns
    if learns:
        assert judged.skill == pytest.approx(1 - loss / constant)
        assert judged.skill >= LEARNED


def test_where_the_signal_itself_is_lost_the_evidence_says_behind_which_layer():
    signal = np.array([1.0, 0.1, 0.01, 9e-4, 1e-4])
    said = " ".join(vanishing(case(falling(5, 4), signal=signal)).evidence)
    assert "behind layer 4 examples differ less than 1/1000" in said
    assert "Forward too" not in " ".join(vanishing(case(falling(5, 4))).evidence)
    assert "−4.0 (−4.0 to −4.0) decades, −10.0 (−10.0 to −10.0) per 10 layers, in 10 samples" in said


@pytest.mark.parametrize(
    ("zeros", "dead"),
    [
        ([[0.5, 1.0, 0.9]], ("1",)),
        ([[0.5, 0.999, 0.9]], ()),
        ([[1.0, 1.0, 0.0]] * 8 + [[0.0, 1.0, 0.0]] * 2, ("0", "1")),
        ([[1.0, 0.0, 0.0]] * 7 + [[0.0, 0.0, 0.0]] * 3, ()),
    ],
)
def test_a_layer_is_dead_where_all_its_outputs_are_zero_most_of_the_time(zeros, dead):
    found = dead_layers(case(np.ones(3), zeros=np.asarray(zeros)))
    assert (found.where, found.verdict) == (dead, "found" if dead else "ruled out")


def test_numbers_that_are_not_finite_are_named_by_the_run_s_own_message():
    good = non_finite(case([1.0, 1.0]))
    assert (good.verdict, good.steps) == ("ruled out", (1, 100))
    bad = non_finite(case([1.0, 1.0], standing=Standing(6, reason="non-finite", message="Update 7 was not made: …")))
    assert (bad.verdict, bad.steps, bad.evidence) == ("found", (1, 7), ("Update 7 was not made: …",))


@pytest.mark.parametrize("rule", [vanishing, exploding, dead_layers])
def test_where_nothing_was_measured_nothing_is_said(rule):
    empty = case([1.0])
    run = SimpleNamespace(history=SimpleNamespace(signals=Signals.of([], [], [])), standing=Standing())
    nothing = replace(empty, run=run, flow=Flow((), np.zeros((0, 0)), np.zeros((0, 0))))
    found = rule(nothing)
    assert (found.verdict, found.where, found.evidence) == ("not seen", (), ("No update was watched.",))
