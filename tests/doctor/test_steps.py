"""The course of training: on losses that were planted, with reruns planted beside them, and on real runs."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from headway.claims.designs.transformers import copier
from headway.data.bundled import Digits
from headway.data.dataset import Data
from headway.data.synthetic import XOR
from headway.doctor.case import Case
from headway.doctor.diagnose import diagnose
from headway.doctor.measures.rerun import Rerun
from headway.doctor.rules.steps import plateau, too_few_steps, unstable_start
from headway.doctor.rules.units import saturation
from headway.learning.losses import CrossEntropy
from headway.learning.optimizers.adaptive import Adam, AdamW
from headway.learning.optimizers.sgd import SGD
from headway.learning.regularization import Dropout
from headway.learning.schedules.compose import Warmup
from headway.learning.schedules.decay import ConstantRate
from headway.models.mlp import mlp
from headway.models.transformer import post_ln
from headway.network.activations import ReLU, Tanh
from headway.network.compose import Sequential
from headway.network.dense import Dense
from headway.network.initialization import Normal
from headway.signals.history import Signals
from headway.signals.probe import Watch
from headway.signals.statistics import STATISTICS
from headway.training.recipe import EarlyStopping, Evaluation, Recipe
from headway.training.record import History, Standing
from headway.training.train import train

UPDATES = 200


class Planted(Case):
    """A case whose best constant prediction has loss 1."""

    constant = 1.0
    job = True


def course(*levels, noise=0.01):
    """Losses through these levels."""
    rng, at = np.random.default_rng(0), np.linspace(0, len(levels) - 1, UPDATES)
    return np.interp(at, np.arange(len(levels)), levels) + noise * rng.standard_normal(UPDATES)


def ends(loss):
    """A rerun that ends with this loss, in training and held out."""
    return Rerun(1.0, np.full(UPDATES, float(loss)), float(loss))


def case(losses, *, rates=1e-2, size=0.02, again=None, saturated=0.0, updates=UPDATES):
    """A case with these losses of training, rates, ‖Δθ‖ / ‖θ‖, share of saturated outputs, and reruns."""
    history, columns = History(), np.stack([np.asarray(losses)[:: UPDATES // updates]] * 4, axis=1)
    columns[:, 3] = rates
    history.chunks.append(columns)
    values = np.zeros((10, 1, len(STATISTICS)))
    for name, planted in {"weight": 1, "update": size, "saturated": saturated}.items():
        values[:, 0, STATISTICS.index(name)] = planted
    history.samples.append(Signals.of(range(1, 101, 10), ("0",), values))
    last = float(np.median(losses[-20:]))
    made = Planted(history=history, standing=Standing(UPDATES, reason="finished"), results={"train": {"loss": last}})
    reruns = {name: ends(loss) for name, loss in (again or {}).items()}
    made.__dict__["again"] = (
        SimpleNamespace(updates=UPDATES, made=UPDATES, job=SimpleNamespace(updates=UPDATES), share=float, **reruns)
        if again
        else None
    )
    return made


@pytest.mark.parametrize(
    ("warmed", "lower", "verdict"),
    [
        (0.2, 0.2, "found"),
        (0.2, 0.5, "found"),
        (0.7, 0.7, "found"),
        (0.8, 0.8, "ruled out"),  # a warm-up saves too little
        (0.4, 0.1, "ruled out"),  # a lower rate does better: it is the rate
    ],
)
def test_a_start_is_unstable_where_a_warm_up_does_as_much_as_any_lower_rate(warmed, lower, verdict):
    sick = case(course(1, 1), again={"warmed": warmed, "lower": lower})
    assert unstable_start(sick).verdict == verdict


@pytest.mark.parametrize(
    "change", [{"rates": np.linspace(0, 1, UPDATES)}, {"size": 4e-3}, {"losses": course(1, 0.1)}, {"again": None}]
)
def test_where_the_rate_rises_the_first_update_is_small_or_the_run_learns_no_warm_up_is_asked_for(change):
    sick = {"losses": course(1, 1), "again": {"warmed": 0.1, "lower": 0.1}}
    assert unstable_start(case(**sick)).verdict == "found"
    assert unstable_start(case(**sick | change)).verdict == "ruled out"


@pytest.mark.parametrize(
    ("losses", "longer", "verdict"),
    [
        (course(1.2, 0.6), 0.1, "found"),
        (course(1.2, 0.6), 0.5, "ruled out"),  # four times the updates do not help
        (course(1.2, 0.4), 0.1, "noticed"),  # more than half is learned
        (course(1, 0.4, 0.4, 0.4), 0.1, "ruled out"),
        (course(1.2, 0.6), None, "found"),  # too dear to try: the trend says it
        (course(1, 0.6, 0.6, 0.6), None, "ruled out"),
    ],
)
def test_steps_are_too_few_where_more_of_them_save_a_quarter_more(losses, longer, verdict):
    assert too_few_steps(case(losses, again=longer and {"longer": longer})).verdict == verdict


@pytest.mark.parametrize(
    ("updates", "end", "longer", "verdict"),
    [(200, 0.4, 0.1, "noticed"), (40, 0.4, 0.1, "found"), (40, 0.4, 0.2, "ruled out"), (40, 0.2, 0.0, "noticed")],
)
def test_of_less_than_50_updates_a_quarter_left_is_enough(updates, end, longer, verdict):
    losses = course(1, end, noise=0)
    losses[-60:] = end
    assert too_few_steps(case(losses, again={"longer": longer}, updates=updates)).verdict == verdict


@pytest.mark.parametrize(
    ("levels", "verdict"),
    [
        ((1, 1, 1, 1, 0.1), "found"),
        ((1, 1, 1, 1, 1), "found"),
        ((1, 0.1, 0.1, 0.1, 0.1), "ruled out"),  # a floor
        ((5, 4, 3, 2, 1), "ruled out"),  # it comes from far above
    ],
)
def test_a_plateau_is_flat_and_before_anything_is_learned(levels, verdict):
    assert plateau(case(course(*levels))).verdict == verdict


@pytest.mark.parametrize(
    ("saturated", "verdict"),
    [(0.6, "found"), (0.4, "ruled out"), (np.linspace(0, 1, 10), "ruled out")],  # the last as the network learns
)
def test_units_are_saturated_where_half_of_their_outputs_are_at_a_limit_from_the_first(saturated, verdict):
    assert saturation(case(course(1, 1), saturated=saturated)).verdict == verdict


def test_saturated_units_of_a_network_that_learns_are_noticed():
    assert saturation(case(course(1, 0.1, 0.1, 0.1), saturated=0.9)).verdict == "noticed"


DIGITS = Recipe(mlp((32,), 10), data=Data(Digits()), loss=CrossEntropy(), optimizer=Adam(1e-2), batch_size=32,
                length=200, evaluation=Evaluation(20), watch=Watch(10))  # fmt: skip
DROPPED = Sequential((Dense(64), ReLU(), Dropout(0.97), Dense(64), ReLU(), Dropout(0.97), Dense(10)))
DROPPED_LESS = Sequential((Dense(64), ReLU(), Dropout(0.5), Dense(10)))
WIDE = Sequential((Dense(32, init=Normal(3.0)), Tanh(), Dense(32, init=Normal(3.0)), Tanh(), Dense(10)))
REAL = {  # what changes, and the rule that names it
    "few": ({"length": 10, "optimizer": Adam(2e-3), "evaluation": Evaluation(5), "watch": Watch(2)}, "too-few-steps"),
    "dropout": ({"network": DROPPED, "optimizer": Adam(1e-3)}, "over-regularised"),
    "decay": ({"optimizer": AdamW(1e-2, weight_decay=10.0)}, "over-regularised"),
    "two units": ({"network": mlp((2,), 10), "length": 400}, "underfitting"),
    "healthy": ({}, None),
    "half dropped": ({"network": DROPPED_LESS}, None),
    "some decay": ({"optimizer": AdamW(1e-2, weight_decay=0.01)}, None),
    "impatient": (
        {"network": mlp((64, 64), 10), "data": Data(Digits(), validation=0.3, test=None), "optimizer": AdamW(3e-3),
         "batch_size": 64, "evaluation": Evaluation(2), "stopping": EarlyStopping(1, least=10.0)},
        "too-few-steps",
    ),
    "saturated": ({"network": WIDE, "optimizer": SGD(0.01)}, "saturation"),
}  # fmt: skip


@pytest.mark.parametrize("name", REAL)
def test_digits_with_one_thing_wrong_and_their_healthy_twins(name):
    change, id = REAL[name]
    found = diagnose(train(replace(DIGITS, **change)))
    assert found.healthy == (id is None), found.causes
    assert id is None or found[id].verdict in ("found", "noticed")
    assert id in (None, "saturation") or found.cause.id == id


def test_a_line_underfits_crossed_classes_and_a_hidden_layer_does_not():
    crossed = replace(DIGITS, data=Data(XOR()), optimizer=Adam(3e-2))
    line, curve = (diagnose(train(replace(crossed, network=mlp(widths, 2)))) for widths in ((), (16,)))
    assert line["underfitting"].verdict == "found"
    assert curve["underfitting"].verdict == "ruled out"


def test_six_post_ln_blocks_need_a_warm_up():
    def watched(warm):
        recipe = copier(post_ln, post_ln, last_norm=False, blocks=6)
        optimizer = Adam(Warmup(warm, then=ConstantRate(0.01)))
        return replace(recipe, optimizer=optimizer, length=120, evaluation=Evaluation(40), watch=Watch(10))

    cold, warm = (unstable_start(Case.of(train(watched(steps)))) for steps in (0, 24))
    assert (cold.verdict, warm.verdict) == ("found", "ruled out")
    assert "with a warm-up" in cold.evidence[-1]
