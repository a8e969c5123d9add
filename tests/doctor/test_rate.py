"""The learning rate: on losses that were planted, with reruns planted beside them, and on real runs."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from headway.data.bundled import Digits, Wine
from headway.data.dataset import Data
from headway.doctor.case import Case
from headway.doctor.diagnose import diagnose
from headway.doctor.measures.rerun import Rerun
from headway.doctor.rules.rate import learning_rate_high, learning_rate_low, oscillation
from headway.learning.losses import CrossEntropy
from headway.learning.optimizers.adaptive import Adam
from headway.learning.optimizers.sgd import SGD
from headway.models.mlp import mlp
from headway.signals.history import Signals
from headway.signals.probe import Watch
from headway.signals.statistics import STATISTICS
from headway.training.recipe import Evaluation, Recipe
from headway.training.record import History, Standing
from headway.training.train import train

UPDATES = 200


class Planted(Case):
    """A case whose best constant prediction has loss 1."""

    constant = 1.0


def flat(level, noise=0.02, seed=0):
    """Losses about a level."""
    return level + noise * np.random.default_rng(seed).standard_normal(UPDATES)


def case(
    losses,
    lower=None,
    higher=None,
    size=None,
    reason="finished",
    again=True,
    slower=1.0,
    judged=(),
    kept=0.0,
    larger=None,
):
    """A case with these losses of training, those of reruns, ‖Δθ‖ / ‖θ‖ of its updates, and held-out losses."""
    history = History()
    history.evaluations = [{"step": 20 * (i + 1), "split": "validation", "loss": loss} for i, loss in enumerate(judged)]
    history.chunks.append(np.stack([np.asarray(losses)] * 4, axis=1))
    if size is not None:
        values = np.zeros((10, 1, len(STATISTICS)))
        values[..., STATISTICS.index("weight")], values[..., STATISTICS.index("update")] = 1, size
        history.samples.append(Signals.of(range(1, 101, 10), ("0",), values))
    results = {"train": {"loss": float(np.median(losses[-20:]))}}
    made = Planted(history=history, standing=Standing(len(losses), reason=reason), results=results)
    same = Rerun(1.0, np.asarray(losses), 1.0)
    reruns = {"lower": same if lower is None else Rerun(0.1, lower, kept),
              "higher": same if higher is None else Rerun(10, higher, 0.0)}  # fmt: skip
    beside = {"slower": kept if judged else slower, "larger_batches": larger}
    made.__dict__["again"] = SimpleNamespace(updates=UPDATES, share=float, **beside, **reruns) if again else None
    return made


@pytest.mark.parametrize(
    ("own", "lower", "verdict"),
    [
        (1.0, 0.1, "found"),
        (1.0, 0.7, "found"),
        (1.0, 0.8, "noticed"),
        (1.0, 0.95, "ruled out"),
        (0.2, 0.0, "ruled out"),  # most is learned: no rerun is asked
        (0.3, 0.1, "noticed"),
        (50.0, 0.9, "noticed"),  # above the level nothing counts
        (50.0, 1.5, "ruled out"),
    ],
)
def test_a_rate_is_too_high_where_a_lower_one_saves_a_quarter_more(own, lower, verdict):
    assert learning_rate_high(case(flat(own), lower=flat(lower))).verdict == verdict


@pytest.mark.parametrize(("slower", "verdict"), [(0.09, "found"), (0.11, "ruled out")])
def test_or_a_tenth_more_of_what_is_held_out(slower, verdict):
    assert learning_rate_high(case(flat(0.2), slower=slower)).verdict == verdict


@pytest.mark.parametrize(
    ("own", "higher", "size", "verdict"),
    [
        (1.0, 0.1, 1e-5, "found"),
        (1.0, 0.1, 0.9e-3, "found"),
        (1.0, 0.1, 1.1e-3, "ruled out"),
        (1.0, 0.8, 2e-4, "ruled out"),
        (1.0, 0.8, 1e-5, "found"),  # too small to matter, whatever another rate does
        (0.2, 0.0, 1e-5, "ruled out"),
        (1.0, 0.1, None, "found"),
        (0.5, 0.1, None, "noticed"),  # it learns, and its updates are not known
    ],
)
def test_a_rate_is_too_low_where_updates_are_small_and_a_higher_one_saves_a_quarter_more(own, higher, size, verdict):
    assert learning_rate_low(case(flat(own), higher=flat(higher), size=size)).verdict == verdict


def test_a_run_that_is_not_finite_is_at_its_rate_s_charge_where_a_lower_one_learns():
    short = np.array([1.0, 9.0, 1e9])
    assert learning_rate_high(case(short, lower=flat(0.1), reason="non-finite")).verdict == "found"
    assert learning_rate_high(case(short, lower=flat(1.0), reason="non-finite")).verdict == "ruled out"


@pytest.mark.parametrize(
    ("own", "noise", "lower", "calm", "verdict"),
    [
        (0.3, 0.2, 0.1, 0.02, "found"),
        (0.3, 0.2, 0.28, 0.02, "ruled out"),  # swings that cost nothing
        (0.3, 0.02, 0.1, 0.02, "ruled out"),  # no swings: batches differ as much
    ],
)
def test_swings_do_harm_where_a_lower_rate_swings_less_and_ends_lower(own, noise, lower, calm, verdict):
    assert oscillation(case(flat(own, noise), lower=flat(lower, calm, 1))).verdict == verdict


WON_AND_LOST = [0.5, 0.2, 0.1, 0.1, 0.2, 0.3, 0.4, 0.4, 0.4, 0.4]


@pytest.mark.parametrize(
    ("judged", "losses", "kept", "verdict"),
    [
        (WON_AND_LOST, flat(0.05), 0.29, "found"),
        (WON_AND_LOST, flat(0.05), 0.31, "ruled out"),  # a lower rate loses it as well
        (WON_AND_LOST, flat(0.05, 1e-4) - np.linspace(0, 0.04, UPDATES), 0.1, "ruled out"),  # learned by heart
        ([0.5, 0.2, 0.1, 0.1, 0.1, 0.1, 0.19, 0.19, 0.19], flat(0.05), 0.0, "ruled out"),
        ([], flat(0.05), 0.0, "ruled out"),
    ],
)
def test_what_was_won_and_is_lost_again_does_harm_where_a_lower_rate_keeps_it(judged, losses, kept, verdict):
    assert oscillation(case(losses, lower=flat(0.05), judged=judged, kept=kept)).verdict == verdict


@pytest.mark.parametrize(("larger", "verdict"), [(0.29, "found"), (0.31, "ruled out"), (None, "ruled out")])
def test_or_larger_batches_keep_it(larger, verdict):
    one = case(flat(0.05), lower=flat(0.05), judged=WON_AND_LOST, kept=0.5, larger=larger)
    assert oscillation(one).verdict == verdict


def test_swings_with_net_progress_are_the_edge_of_stability():
    assert oscillation(case(flat(0.3, 0.1) + np.linspace(2, 0, UPDATES), lower=flat(0.1))).verdict == "ruled out"


@pytest.mark.parametrize(
    ("losses", "size", "verdict"),
    [
        ([1, 3, 2, 2, 2, 2], 0.1, "found"),
        ([1, 3, 2, 2, 2, 2], None, "found"),
        ([1, 3, 2, 2, 2, 2], 0.01, "ruled out"),
        ([1, 3, 2, 0.5, 0.5, 0.5], 0.1, "ruled out"),
        ([1, 1.2, 1, 1, 1.1, 1], 0.1, "ruled out"),
    ],
)
def test_a_history_of_another_system_is_judged_by_what_its_loss_does(losses, size, verdict):
    assert learning_rate_high(case(np.repeat(losses, 30), size=size, again=False)).verdict == verdict


@pytest.mark.parametrize(("size", "verdict"), [(0.9e-4, "found"), (1.1e-4, "ruled out"), (None, "ruled out")])
def test_and_by_its_updates_where_it_learned_nothing(size, verdict):
    assert learning_rate_low(case(flat(1.0), size=size, again=False)).verdict == verdict


DIGITS = Recipe(mlp((32,), 10), data=Data(Digits()), loss=CrossEntropy(), optimizer=Adam(1e-2), batch_size=32,
                length=200, evaluation=Evaluation(20), watch=Watch(10))  # fmt: skip
WINE = replace(DIGITS, network=mlp((16,), 3), data=Data(Wine()), batch_size=16)


@pytest.mark.parametrize(("rate", "id"), [(0.3, "learning-rate-high"), (1e-2, None), (1e-5, "learning-rate-low")])
def test_the_same_network_at_three_rates(rate, id):
    found = diagnose(train(replace(DIGITS, optimizer=Adam(rate))))
    assert (found.healthy, id is None or found[id].verdict) == (id is None, True if id is None else "found")


def test_of_a_run_that_blew_up_the_rate_is_the_cause_and_what_is_not_finite_follows():
    found = diagnose(train(replace(WINE, optimizer=SGD(100.0))))
    assert found["learning-rate-high"].verdict == "found"
    assert found["non-finite"].verdict in ("noticed", "ruled out")


@pytest.mark.parametrize(
    "change",
    [
        {"optimizer": SGD(1.0), "batch_size": 100},  # at the edge of stability
        {"optimizer": SGD(0.03), "batch_size": 1},
        {"loss": CrossEntropy(), "optimizer": Adam(3e-3), "length": 600},  # converged: tiny gradients
    ],
    ids=["edge of stability", "batch of one", "converged"],
)
def test_what_looks_suspicious_and_learns_is_healthy(change):
    assert diagnose(train(replace(WINE, **change))).healthy
