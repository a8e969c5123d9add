"""Rules on signals that were planted, on both sides of every bound."""

from dataclasses import replace

import numpy as np
import pytest

from headway.concepts.catalog import deep_learning
from headway.doctor.case import LEARNED, Case
from headway.doctor.history_file import history_of
from headway.doctor.rules.catalog import RULES, rule_of
from headway.doctor.rules.gradient_flow import exploding, vanishing
from headway.doctor.rules.non_finite import non_finite
from headway.doctor.rules.order import data_order
from headway.doctor.rules.rule import STAGES
from headway.doctor.rules.units import dying_relu
from headway.signals.history import Signals
from headway.signals.statistics import STATISTICS
from headway.spec.error import HeadwayError
from headway.training.named import named
from headway.training.record import History, Standing

SAMPLES = 10
SICK, LEARNS = 1.0, 0.5


class Planted(Case):
    """A case whose best constant prediction has loss 1."""

    constant = 1.0


def case(gradient, *, loss=SICK, signal=1.0, silent=0.0, standing=None):
    """A case whose layers have these ‖dL/dh‖ [samples, layers], and this share of silent units."""
    gradient = np.atleast_2d(np.asarray(gradient, float))
    gradient = np.broadcast_to(gradient, (SAMPLES, gradient.shape[1])) if len(gradient) == 1 else gradient
    addresses = tuple(map(str, range(gradient.shape[1])))
    values = np.zeros((*gradient.shape, len(STATISTICS)))
    for name, planted in {"gradient": gradient, "signal": signal, "silent": silent}.items():
        values[..., STATISTICS.index(name)] = planted
    signals = Signals.of(range(1, 10 * len(gradient), 10), addresses, values)
    history = History()
    history.samples.append(signals)
    done = standing or Standing(100, reason="finished")
    return Planted(history=history, standing=done, results={"train": {"loss": loss}})


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
EXPLODES = [  # 1.5 in all and a quarter per 10 layers
    (20, 1.6, True),
    (20, 1.4, False),
    (81, 2.1, True),
    (81, 1.9, False),
    (3, 30.0, True),
    (20, 0.0, False),
]


@pytest.mark.parametrize(("layers", "decades", "passes"), BOUNDS)
def test_a_gradient_vanishes_past_both_bounds(layers, decades, passes):
    fall = case(falling(layers, decades))
    assert vanishing(fall).verdict == ("found" if passes else "ruled out")
    assert exploding(fall).verdict == ("found" if decades == -5 else "ruled out")


@pytest.mark.parametrize(("layers", "decades", "passes"), EXPLODES)
def test_a_gradient_explodes_past_both_of_its_own(layers, decades, passes):
    rise = case(falling(layers, decades)[::-1])
    assert exploding(rise).verdict == ("found" if passes else "ruled out")
    assert vanishing(rise).verdict == "ruled out"


@pytest.mark.parametrize("unit", [1e-12, 1.0, 1e12])
def test_the_unit_of_the_loss_does_not_matter(unit):
    assert vanishing(case(unit * falling(20, 4))).verdict == "found"
    assert vanishing(case(unit * falling(20, 0.5))).verdict == "ruled out"


@pytest.mark.parametrize(("showing", "verdict"), [(10, "found"), (8, "found"), (7, "ruled out"), (0, "ruled out")])
def test_most_samples_must_show_it_no_single_window(showing, verdict):
    rows = [falling(20, 4)] * showing + [falling(20, 0)] * (SAMPLES - showing)
    found = vanishing(case(rows))
    assert found.verdict == verdict
    assert found.confidence == pytest.approx(showing / 10 if verdict == "found" else 1 - showing / 10)
    assert found.steps == (1, 91)


def test_the_layers_concerned_are_those_two_decades_below_the_largest():
    found = vanishing(case(falling(5, 4.2)))  # −4.2, −3.15, −2.1, −1.05, 0
    assert found.where == ("0", "1", "2")
    assert exploding(case(falling(5, 4.2)[::-1])).where == ("0", "1", "2")
    assert vanishing(case(falling(5, 1))).where == ()


@pytest.mark.parametrize("rule", [vanishing, exploding, dying_relu])
def test_a_run_that_learns_in_spite_of_it_is_noticed_not_sick(rule):
    gradient = falling(20, 4) if rule is vanishing else falling(20, 4)[::-1]
    sick, learns = (case(gradient, loss=loss, silent=1.0) for loss in (SICK, LEARNS))
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
    judged = case(falling(3, 0), loss=loss)
    judged.__dict__["constant"] = constant
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
    ("silent", "dead"),
    [
        ([[0.5, 1.0, 0.5]], ("1",)),
        ([[0.5, 0.4, 0.5]], ()),
        ([[1.0, 0.6, 0.0]] * 8 + [[0.0, 0.6, 0.0]] * 2, ("0", "1")),
        ([[1.0, 0.0, 0.0]] * 7 + [[0.0, 0.0, 0.0]] * 3, ()),
    ],
)
def test_a_layer_is_dead_where_most_of_its_units_give_nothing_most_of_the_time(silent, dead):
    found = dying_relu(case(np.ones((SAMPLES, 3)), silent=np.asarray(silent)))
    assert (found.where, found.verdict) == (dead, "found" if dead else "ruled out")


def test_numbers_that_are_not_finite_are_named_by_the_run_s_own_message():
    good = non_finite(case([1.0, 1.0]))
    assert (good.verdict, good.steps) == ("ruled out", (1, 100))
    bad = non_finite(case([1.0, 1.0], standing=Standing(6, reason="non-finite", message="Update 7 was not made: …")))
    assert (bad.verdict, bad.steps, bad.evidence) == ("found", (1, 7), ("Update 7 was not made: …",))


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.id)
def test_where_nothing_was_measured_nothing_is_said(rule):
    found = rule(Case())
    assert (found.verdict, found.where) == ("not seen", ())
    assert found.evidence[0].startswith("Not measured: ")
    assert (found.id, found.cause, found.concept) == (rule.id, rule.cause, rule.concept)


def test_every_rule_belongs_to_a_concept_of_the_map_and_says_what_it_looks_at_and_where_from():
    subject, stages = deep_learning(), [STAGES.index(rule.stage) for rule in RULES]
    assert stages == sorted(stages)
    for rule in RULES:
        assert subject.concept(rule.concept).name == rule.concept
        assert rule.look.__doc__
        assert {rule_of(id).id for id in rule.follows} == set(rule.follows)
    assert len({rule.id for rule in RULES}) == len(RULES)


def test_an_unknown_rule_gets_the_nearest():
    with pytest.raises(HeadwayError, match=r"no rule of this id; got 'vanishing'. Did you mean 'vanishing-gradient'"):
        rule_of("vanishing")


def losses(values):
    """A history that tells losses alone."""
    return Case(history=history_of({"step": k, "loss": float(loss)} for k, loss in enumerate(values, 1)))


@pytest.mark.parametrize("spread", [0.3, 3.0])
@pytest.mark.parametrize("together", [1, 8])
def test_data_are_in_an_order_where_batches_near_each_other_are_alike_and_differ_much_from_others(spread, together):
    draw = np.random.default_rng(3).normal(size=400 // together)
    found = data_order(losses(np.exp(-np.arange(400) / 200 + spread * np.repeat(draw, together))))
    assert found.verdict == ("found" if spread == 3.0 and together == 8 else "ruled out")


def test_of_few_losses_or_a_recipe_of_headway_the_order_is_not_questioned():
    assert data_order(losses([1.0, 2.0, 3.0])).verdict == "not seen"
    assert data_order(losses(np.ones(100))).verdict == "not seen"
    swinging = losses(np.exp(3 * np.repeat(np.random.default_rng(3).normal(size=50), 8)))
    assert data_order(swinging).verdict == "found"
    assert data_order(replace(swinging, recipe=named("iris").recipe)).verdict == "ruled out"
