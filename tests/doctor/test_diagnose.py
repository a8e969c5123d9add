"""The diagnosis of trained networks: the sick are named, their healthy twins are not."""

from dataclasses import replace

import pytest

from headway.data.bundled import Digits, Iris, Wine
from headway.data.dataset import Data
from headway.doctor.case import Case
from headway.doctor.diagnose import RULES, diagnose, first_causes, preflight
from headway.doctor.rules.rule import STAGES, Rule
from headway.learning.losses import CrossEntropy
from headway.learning.optimizers.adaptive import Adam
from headway.learning.optimizers.sgd import SGD
from headway.models.mlp import mlp
from headway.network.activations import ReLU, Sigmoid, Tanh
from headway.network.compose import Repeat, Sequential
from headway.network.convolution import Flatten
from headway.network.dense import Dense
from headway.network.initialization import Normal, Zeros
from headway.network.rescale import Rescale
from headway.network.residual import Residual
from headway.signals.probe import Watch
from headway.training.recipe import Evaluation, Recipe
from headway.training.run import Run
from headway.training.train import train

PLACES = {"digits": (Digits(), 10, 20, 32), "iris": (Iris(), 3, 10, 16), "wine": (Wine(), 3, 30, 16)}


def recipe(place, activation, seed=0, *, written_out=False):
    """A network of 10 to 30 layers with weights, watched at 20 updates; its blocks written out, or one repeated."""
    source, classes, depth, width = PLACES[place]
    block = (Dense(width), activation)
    inner = block * (depth - 2) if written_out else (Repeat(Sequential(block), times=depth - 2),)
    return Recipe(
        Sequential((Flatten(), *block, *inner, Dense(classes))),
        data=Data(source),
        loss=CrossEntropy(),
        optimizer=Adam(1e-3),
        batch_size=32,
        length=300,
        evaluation=Evaluation(30),
        watch=Watch(15),
        seed=seed,
    )


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_twenty_layers_of_sigmoid_on_digits_do_not_learn_because_the_gradient_vanishes(seed):
    found = diagnose(train(recipe("digits", Sigmoid(), seed, written_out=True)))
    assert not found.learns
    assert not found.healthy
    assert (found.cause.cause, found.cause.concept) == ("vanishing gradient", "vanishing-gradient")
    assert found.cause.confidence == 1
    assert {"2", "4", "20"} <= set(found.cause.where)
    assert found.causes == (found.cause,)


@pytest.mark.parametrize("seed", [0, 1, 2])
@pytest.mark.parametrize("activation", [ReLU(), Tanh()], ids=repr)
def test_their_twins_of_relu_and_tanh_are_healthy(activation, seed):
    found = diagnose(train(recipe("digits", activation, seed)))
    assert found.healthy
    assert found.cause is None
    noticed = {f.id for f in found.findings if f.verdict != "ruled out"}
    assert noticed <= {"data-faults", "too-few-steps", "overfitting"}  # pixels that are always 0, and short runs
    assert found.loss < 0.6 * found.constant


@pytest.mark.parametrize("place", ["iris", "wine"])
@pytest.mark.parametrize(
    ("activation", "verdict"), [(ReLU(), "ruled out"), (Tanh(), "ruled out"), (Sigmoid(), "found")]
)
def test_other_data_depths_and_widths(place, activation, verdict):
    found = diagnose(train(recipe(place, activation)))
    assert found["vanishing-gradient"].verdict == verdict
    assert found["exploding-gradient"].verdict == "ruled out"
    causes = [one.id for one in found.causes if one.id != "overfitting"]  # a hundred flowers are soon known by heart
    assert causes == ["vanishing-gradient"] * (verdict == "found")


SMALL = replace(recipe("iris", Tanh()), network=mlp((8,), 3), length=40, watch=Watch(4))


def test_a_run_that_stops_at_a_number_that_is_not_finite_is_named_so():
    found = diagnose(train(replace(SMALL, optimizer=SGD(1e20))))
    assert (found["non-finite"].verdict in ("found", "noticed"), found.learns, found.healthy) == (True, False, False)
    assert "is not finite" in found["non-finite"].evidence[0]


def test_a_run_whose_very_first_update_is_not_finite_is_named_so():
    huge = Sequential((Dense(8, init=Normal(1e30)), Dense(3, init=Normal(1e30))))
    found = diagnose(train(replace(SMALL, network=huge)))
    assert (found.cause.id, found["non-finite"].verdict) == ("initial-scale", "noticed")


def test_a_layer_that_begins_with_nothing_stays_dead():
    network = Sequential((Dense(8, init=Zeros()), ReLU(), Dense(3)))
    found = diagnose(train(replace(SMALL, network=network)))
    assert (found.cause.id, found.cause.where) == ("initial-symmetry", ("0/w",))
    assert (found["dying-relu"].verdict, found["dying-relu"].where) == ("found", ("1",))


def test_a_gradient_that_explodes_is_no_gradient_that_vanishes():
    network = Sequential((*(Dense(8, init=Normal(2.0)) for _ in range(8)), Dense(3)))
    found = diagnose(train(replace(SMALL, network=network, optimizer=SGD(1e-30))))
    assert (found["exploding-gradient"].verdict, found["vanishing-gradient"].verdict) == ("found", "ruled out")


def test_a_run_is_judged_on_what_it_was_not_trained_on():
    assert diagnose(train(SMALL)).split == "validation"
    data = replace(SMALL.data, validation=None)
    assert diagnose(train(replace(SMALL, data=data))).split == "test"
    assert diagnose(train(replace(SMALL, data=replace(data, test=None)))).split == "train"


def test_of_a_run_that_was_not_watched_the_rules_that_need_signals_say_so():
    found = diagnose(train(replace(SMALL, watch=None)))
    assert (found["vanishing-gradient"].verdict, found["non-finite"].verdict) == ("not seen", "ruled out")
    assert found["dying-relu"].evidence == ("Not measured: silent.",)
    assert [one.id for one in found.causes] == ["too-few-steps"]


def test_before_a_run_the_rules_that_need_none_are_asked():
    found = preflight(SMALL)
    assert (found.loss, found.learns, found.healthy) == (None, None, True)
    assert {f.id for f in found.findings} == {rule.id for rule in RULES if rule.preflight}


def test_a_stored_run_has_the_same_diagnosis(tmp_path):
    run = train(SMALL, out=tmp_path / "run")
    assert diagnose(Run.load(tmp_path / "run")) == diagnose(run)


def test_six_layers_of_sigmoid_that_learn_late_were_held_up_by_the_gradient_that_vanished():
    late, soon = (
        diagnose(train(replace(recipe("digits", Sigmoid()), network=mlp((32,) * 5, 10, activation=Sigmoid()),
                               optimizer=Adam(rate), length=400)))
        for rate in (1e-3, 1e-2)
    )  # fmt: skip
    assert late.learns
    assert (late.cause.id, soon.cause) == ("vanishing-gradient", None)
    assert "updates went by before the loss was a tenth below that of a constant" in " ".join(late.cause.evidence)


def test_residual_blocks_that_nothing_scales_explode_and_those_that_begin_at_0_do_not():
    def blocks(last):
        body = Sequential((Dense(16), ReLU(), Dense(16, init=last)))
        return Sequential((Dense(16), Repeat(Residual(body), times=20), Dense(3)))

    wild, calm = (
        diagnose(train(replace(recipe("wine", ReLU()), network=blocks(last), optimizer=Adam(rate), length=100)))
        for last, rate in ((None, 1e-3), (Zeros(), 1e-3))
    )
    assert wild["exploding-gradient"].verdict == "found"
    assert "Forward too: behind the last layer examples differ" in " ".join(wild["exploding-gradient"].evidence)
    assert calm.healthy
    assert calm["exploding-gradient"].verdict == "ruled out"


def test_units_that_a_batch_of_one_leaves_at_0_are_not_dead():
    run = train(replace(SMALL, network=mlp((8,), 3), batch_size=1, length=100))
    assert diagnose(run)["dying-relu"].verdict == "ruled out"
    foreign = Case(history=run.history)
    assert diagnose(foreign)["dying-relu"].verdict in ("not seen", "ruled out")


def test_units_that_a_high_rate_kills_are_dead_for_all_examples_and_the_rate_is_the_cause():
    sick = recipe("digits", ReLU())
    found = diagnose(train(replace(sick, network=mlp((32, 32), 10), optimizer=SGD(2.0), length=100)))
    assert (found.cause.id, found["dying-relu"].verdict, found.learns) == ("learning-rate-high", "noticed", False)
    assert "With the last weights 100% of the units" in found["dying-relu"].evidence[-2]
    assert found["dying-relu"].evidence[-1] == "It can follow from learning rate too high."


def test_units_that_are_dead_from_the_first_are_the_cause_and_the_weights_before_them_not_reached():
    network = Sequential((Dense(8), Rescale((1.0,), shift=(-20.0,)), ReLU(), Dense(3)))
    found = diagnose(train(replace(SMALL, network=network)))
    assert [one.id for one in found.causes] == ["dying-relu"]
    assert found["unreached-parameters"].verdict == "noticed"
    assert found["unreached-parameters"].evidence[-1] == "It can follow from dead units."
    assert preflight(replace(SMALL, network=network)).cause.id == "unreached-parameters"


def chain(**follows):
    """Rules by these ids that have found their causes, each with the ids that it follows."""
    return [Rule(id, f"cause {id}", "", STAGES[0], (), tuple(after), vars) for id, after in follows.items()]


@pytest.mark.parametrize(
    ("follows", "causes"),
    [
        ({"a": "", "b": "a"}, {"a": (), "b": ("cause a",)}),
        ({"a": "b", "b": ""}, {"a": ("cause b",), "b": ()}),  # whichever stands first
        ({"a": "b", "b": "c", "c": ""}, {"a": ("cause c",), "b": ("cause c",), "c": ()}),  # a chain
        ({"a": "", "b": "", "c": "ab"}, {"a": (), "b": (), "c": ("cause a", "cause b")}),
        ({"a": "bx", "b": "ax"}, {"a": (), "b": ("cause a",)}),  # a circle, and a rule that found nothing
    ],
)
def test_of_what_was_found_the_first_causes_are_those_that_follow_from_no_other(follows, causes):
    assert first_causes(chain(**follows)) == causes
