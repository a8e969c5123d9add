"""Paired runs: a learning rate that suits each arm, and runs that are those of `train`."""

import math
from dataclasses import replace

import numpy as np
import pytest

from headway.data.bundled import Iris
from headway.data.dataset import Data
from headway.doctor import trial as trials
from headway.doctor.sham import SHIFT
from headway.doctor.trial import TUNING, Arm, Bench, Outcome, Trial, prove_on, trained, tune, with_rate, yardstick
from headway.learning.averaging import EMA
from headway.learning.losses import CrossEntropy, Hinge, Huber, MeanSquaredError, ProbabilityCrossEntropy
from headway.learning.optimizers.adaptive import Adam
from headway.learning.optimizers.sgd import SGD
from headway.learning.schedules.compose import Warmup
from headway.learning.schedules.cycles import OneCycle
from headway.learning.schedules.decay import Cosine
from headway.learning.schedules.schedule import Fraction
from headway.models.mlp import mlp
from headway.signals.flow import flow
from headway.signals.probe import Watch
from headway.spec.error import HeadwayError
from headway.training.evaluate import judge
from headway.training.recipe import EarlyStopping, Evaluation, Recipe
from headway.training.train import train

RECIPE = Recipe(
    mlp((6, 6), 3),
    data=Data(Iris()),
    loss=CrossEntropy(),
    optimizer=Adam(1e-2),
    batch_size=16,
    length=30,
    watch=Watch(7),
    seed=4,
)
GRID = Trial()


class Bowl:
    """A bench on which the held-out loss is a quadratic of log10 of the learning rate, least at `best`."""

    def __init__(self, best, noise=0.0):
        self.best, self.noise, self.seen = best, noise, []

    def outcomes(self, lanes, *, as_sham=False):
        return [self.run(*lane, as_sham=as_sham) for lane in lanes]

    def run(self, recipe, seed, *, as_sham=False):
        self.seen.append((recipe.optimizer.learning_rate, seed))
        off = math.log10(recipe.optimizer.learning_rate / self.best)
        return Outcome(1 + off**2 + self.noise * (-1) ** seed, None)


def tuned(best, trial=GRID, noise=0.0):
    arm, bench = Arm("arm", RECIPE), Bowl(best, noise)
    tune(arm, bench, trial)
    assert arm.recipe.optimizer.learning_rate == pytest.approx(1e-2 * arm.factor)
    assert arm.losses == []
    return arm, bench


@pytest.mark.parametrize("factor", [0.32, 1.0, 3.2])
def test_tuning_finds_a_best_rate_inside_the_grid_and_tries_no_more(factor):
    arm, bench = tuned(1e-2 * factor * 1.1)
    assert arm.factor == factor
    assert sorted(arm.tried) == list(GRID.factors)
    for tried, loss in arm.tried.items():
        assert loss == pytest.approx(1 + math.log10(tried / factor / 1.1) ** 2)
    assert len(bench.seen) == len(GRID.factors) * GRID.tuning_seeds


@pytest.mark.parametrize(
    ("best", "factor", "tried"),
    [
        (0.1, 10.0, (0.1, 0.32, 1, 3.2, 10, 32)),
        (0.3, 32.0, (0.1, 0.32, 1, 3.2, 10, 32, 102)),
        (1e9, 102.0, (0.1, 0.32, 1, 3.2, 10, 32, 102)),
        (1e-3, 0.1, (0.0312, 0.1, 0.32, 1, 3.2, 10)),
        (1e-9, 0.00975, (0.00975, 0.0312, 0.1, 0.32, 1, 3.2, 10)),
    ],
)
def test_a_best_at_an_end_is_followed_two_steps_at_most(best, factor, tried):
    arm, _ = tuned(best)
    assert sorted(arm.tried) == pytest.approx(list(tried), rel=1e-2)
    assert arm.factor == pytest.approx(factor, rel=1e-2)


def test_tuning_averages_over_seeds_that_prove_nothing():
    trial = replace(GRID, tuning_seeds=4)
    arm, bench = tuned(1e-2, trial, noise=100.0)
    assert arm.factor == 1.0
    seeds = {seed for _, seed in bench.seen}
    assert seeds == set(range(RECIPE.seed + TUNING, RECIPE.seed + TUNING + 4))
    proving = range(RECIPE.seed, RECIPE.seed + 100)
    assert not seeds & {*proving, *(seed + SHIFT for seed in proving)}


@pytest.mark.parametrize(
    ("rate", "expected"),
    [
        (0.01, 0.032),
        (Cosine(0.01), Cosine(0.032)),
        (Warmup(Fraction(0.1), then=OneCycle(0.01)), Warmup(Fraction(0.1), then=OneCycle(0.032))),
    ],
    ids=repr,
)
def test_the_rate_is_multiplied_whatever_it_is_and_nothing_else_changes(rate, expected):
    recipe = replace(RECIPE, optimizer=SGD(rate, momentum=0.9))
    assert with_rate(recipe, 3.2) == replace(recipe, optimizer=SGD(expected, momentum=0.9))


@pytest.fixture(scope="module")
def bench():
    return Bench.of(RECIPE, RECIPE.data.load())


@pytest.mark.parametrize("seed", [4, 11])
def test_a_run_on_the_bench_is_a_run_of_train_judged_at_the_end(bench, seed):
    """Not at its best evaluation, which would look at the held-out examples more than once."""
    run = train(replace(RECIPE, seed=seed, evaluation=Evaluation(10)))
    outcome = bench.run(RECIPE, seed)
    assert outcome.loss == pytest.approx(judge(RECIPE, run.final, run.data().validation)["loss"], rel=1e-6)
    decades = flow(RECIPE.network, (4,), run.history.signals).decades_per_ten_layers
    assert len(decades) == 5
    assert outcome.decades == pytest.approx(np.median(decades))


@pytest.mark.parametrize("as_sham", [False, True])
def test_runs_side_by_side_are_runs_alone_bit_for_bit(bench, as_sham):
    lanes = [(with_rate(RECIPE, factor), seed) for factor in (0.5, 2.0) for seed in (4, 9)]
    assert bench.outcomes(lanes, as_sham=as_sham) == [bench.run(*lane, as_sham=as_sham) for lane in lanes]


@pytest.mark.parametrize(
    "change", [{"stopping": EarlyStopping(1, least=10.0), "evaluation": Evaluation(5)}, {"average": EMA(0.9)}], ids=repr
)
def test_a_recipe_that_stops_early_does_so_and_one_that_averages_is_judged_by_its_average(bench, change):
    recipe = replace(RECIPE, seed=3, **change)
    run = train(recipe)
    assert (run.standing.step == 10) == ("stopping" in change)
    assert bench.run(recipe, 3).loss == pytest.approx(judge(RECIPE, run.final, run.data().validation)["loss"], rel=1e-6)
    assert bench.run(recipe, 3).loss != bench.run(RECIPE, 3).loss


def test_a_run_that_nobody_watched_has_no_decades(bench):
    outcome = bench.run(replace(RECIPE, watch=None), 4)
    assert outcome.decades is None
    assert outcome.loss == bench.run(RECIPE, 4).loss


def test_an_arm_goes_on_where_it_was(bench):
    whole, parts = Arm("whole", RECIPE), Arm("parts", RECIPE)
    prove_on(whole, bench, range(4, 8))
    prove_on(parts, bench, range(4, 6))
    prove_on(parts, bench, range(6, 8))
    assert (whole.losses, whole.decades) == (parts.losses, parts.decades)
    assert len(set(whole.losses)) == 4


def test_a_run_cut_short_counts_as_no_better_than_the_best_constant(bench, monkeypatch):
    good = bench.run(RECIPE, 4).loss
    assert good < bench.constant
    monkeypatch.setattr(trials, "trained", lambda job, state: (*trained(job, state)[:2], "an overflow"))
    assert bench.run(RECIPE, 4).loss == bench.constant
    monkeypatch.setattr(trials, "judge", lambda *_: {"loss": 7.0})
    assert bench.run(RECIPE, 4).loss == 7.0


@pytest.mark.parametrize("rate", [1e20, 1e37])
def test_a_run_that_overflows_has_a_loss_that_is_a_number(bench, rate):
    recipe = replace(RECIPE, optimizer=SGD(rate))
    assert train(recipe).standing.reason == "non-finite"
    outcome = bench.run(recipe, 4)
    assert math.isfinite(outcome.loss)
    assert outcome.loss >= bench.constant


def test_the_bench_judges_on_what_was_not_trained_on():
    data = RECIPE.data
    assert Bench.of(RECIPE, data.load()).split == "validation"
    only_test = Bench.of(RECIPE, replace(data, validation=None).load())
    assert only_test.split == "test"
    shares = np.bincount(only_test.data.train.y) / len(only_test.data.train)
    expected = -np.mean(np.log(shares[only_test.data.test.y]))
    assert only_test.constant == pytest.approx(expected, rel=1e-4)
    with pytest.raises(HeadwayError, match=r"needs examples that were not trained on.*Set data.validation"):
        Bench.of(RECIPE, replace(data, validation=None, test=None).load())


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Trial(9), "Trial.seeds: must be greater than or equal to 10; got 9"),
        (lambda: Trial(looks=(10,)), r"looks: must increase, below the 10 seeds; got \(10,\)"),
        (lambda: Trial(20, looks=(8, 8)), r"looks: must increase, below the 20 seeds; got \(8, 8\)"),
        (lambda: Trial(looks=(3,)), "must be greater than or equal to 4; got 3"),
        (lambda: Trial(factors=(1.0, 1.0)), r"factors: must increase; got \(1.0, 1.0\)"),
        (lambda: Trial(smallest=0.0), "must be greater than 0; got 0.0"),
    ],
)
def test_rules_that_prove_nothing_are_refused(make, message):
    with pytest.raises(HeadwayError, match=message):
        make()
    assert Trial(looks=()).looks == ()


def test_every_arm_is_judged_by_the_mean_loss_of_labels_as_they_are_whatever_it_descends():
    smooth, total = CrossEntropy(smoothing=0.3), CrossEntropy(reduction="sum")
    assert yardstick(smooth, total) == yardstick(total, smooth) == CrossEntropy()
    assert yardstick(ProbabilityCrossEntropy(), total) == ProbabilityCrossEntropy()
    assert yardstick(Huber(), MeanSquaredError(reduction="sum")) == MeanSquaredError()
    assert yardstick(Hinge(), CrossEntropy()) == CrossEntropy()


def test_a_sum_and_a_mean_of_the_same_updates_are_judged_alike():
    """A rate that is as many times lower as a batch has examples makes the same updates of the sum."""
    recipe = replace(RECIPE, optimizer=SGD(0.16), batch_size=16, clip=None, penalties=())
    total = replace(recipe, loss=CrossEntropy(reduction="sum"), optimizer=SGD(0.01))
    bench = Bench.of(total, total.data.load())
    mean, summed = (outcome.loss for outcome in bench.outcomes([(recipe, 0), (total, 0)]))
    assert summed == pytest.approx(mean, rel=1e-2)
    assert bench.constant == pytest.approx(Bench.of(recipe, recipe.data.load()).constant)


def test_an_arm_of_other_scale_is_trained_and_judged_on_the_same_examples_scaled_alike():
    raw = replace(RECIPE, data=replace(RECIPE.data, standardize=False))
    bench = Bench.of(raw, raw.data.load())
    scaled, _ = bench.examples(RECIPE)
    np.testing.assert_array_equal(scaled.validation.y, bench.data.validation.y)
    np.testing.assert_allclose(scaled.train.x, scaled.scaling(bench.data.train.x), rtol=1e-4, atol=1e-5)
    assert bench.examples(replace(raw, batch_size=7))[0] is bench.data
    assert bench.outcomes([(RECIPE, 3)])[0] == Bench.of(RECIPE, scaled).outcomes([(RECIPE, 3)])[0]


def test_what_was_run_once_is_not_run_again(monkeypatch):
    bench, ran = Bench.of(RECIPE, RECIPE.data.load()), []
    run = Bench.run

    def counted(self, recipe, seed, *, as_sham=False):
        ran.append((seed, as_sham))
        return run(self, recipe, seed, as_sham=as_sham)

    monkeypatch.setattr(Bench, "run", counted)
    first = bench.outcomes([(RECIPE, 0), (RECIPE, 1)])
    assert bench.outcomes([(RECIPE, 1), (RECIPE, 0)]) == first[::-1]
    bench.outcomes([(RECIPE, 1)], as_sham=True)
    assert sorted(ran) == [(0, False), (1, False), (1, True)]
