"""The range test: known curves give known rates, what gives none says why, and a run is the same before and after."""

from dataclasses import replace

import jax
import numpy as np
import pytest
import scipy.stats

from headway.data.bundled import Iris
from headway.data.dataset import Data, arrays
from headway.learning.losses import CrossEntropy, MeanSquaredError
from headway.learning.optimizers.adaptive import Adam
from headway.learning.optimizers.groups import Frozen, Groups
from headway.learning.optimizers.sgd import SGD
from headway.learning.schedules.decay import Cosine, Exponential
from headway.models.mlp import mlp
from headway.network.dense import Dense
from headway.signals.probe import Watch
from headway.spec.error import HeadwayError
from headway.training.recipe import EarlyStopping, Recipe
from headway.training.sweeps.rate import BELOW, find_learning_rate, read_curve, read_curves, running_median
from headway.training.train import train

RATES = np.geomspace(1e-5, 10.0, 200)
RECIPE = Recipe(mlp((6,), 3), data=Data(Iris()), loss=CrossEntropy(), optimizer=Adam(1e-2), batch_size=16, length=30)


def valley(least, depth=1.0, width=1.0):
    """A loss of 2 that falls to 2 − depth at the rate `least` and rises beyond 2 behind it: a parabola in log10 η."""
    return 2 - depth * np.clip(1 - (np.log10(RATES / least) / width) ** 2, -9, None) * (
        np.log10(RATES / least) > -width
    )


@pytest.mark.parametrize("least", [1e-3, 1e-2, 0.3])
def test_the_suggestion_is_a_tenth_of_the_rate_with_the_least_loss(least):
    """To half a window of the smoothing, within which the medians of a parabola are equal."""
    half = np.log(RATES[1] / RATES[0]) * (len(RATES) // 20) / 2
    assert np.log(read_curve(RATES, valley(least)).suggestion) == pytest.approx(np.log(least / BELOW), abs=half)


def test_noise_moves_the_suggestion_by_less_than_a_third_of_a_decade(rng):
    found = read_curves(RATES, valley(0.03) + rng.normal(0, 0.15, (12, len(RATES))))
    assert abs(np.log10(found.suggestion / 0.003)) < 0.33
    assert found.interval[0] < found.suggestion < found.interval[1]


def test_the_interval_is_that_of_a_t_test_of_the_logarithms():
    least = (0.01, 0.02, 0.05, 0.1)
    found = read_curves(RATES, np.stack([valley(rate) for rate in least]))
    logs = np.log([curve.suggestion for curve in found.curves])
    expected = scipy.stats.ttest_1samp(logs, 0.0).confidence_interval(0.95)
    assert np.log(found.interval) == pytest.approx((expected.low, expected.high))
    assert found.suggestion == pytest.approx(scipy.stats.gmean(np.exp(logs)))


@pytest.mark.parametrize("curvature", [0.1, 1.0, 10.0])
def test_on_a_quadratic_the_suggestion_is_a_tenth_of_the_largest_stable_rate(curvature):
    """Gradient descent on ½ λ θ², θ ← (1 − η λ) θ, falls as long as η < 2 / λ."""
    rates = np.geomspace(1.1e-5, 100 / curvature, 400)  # none is 1 / λ, which would end it at once
    theta = np.cumprod(1 - rates * curvature)
    suggestion = read_curve(rates, 0.5 * curvature * theta**2).suggestion
    half = np.log(rates[1] / rates[0]) * 10
    assert np.log(suggestion) == pytest.approx(np.log(2 / curvature / BELOW), abs=half)


def test_on_a_linear_model_trained_here_it_is_below_the_largest_stable_rate(rng):
    """Gradient descent on the mean of (x·w + b − y)² is stable below 2 / λ, λ the largest eigenvalue of its Hessian."""
    x = rng.normal(size=(64, 3)) * (1, 2, 4)
    data = arrays(x, x @ [[1.0], [2.0], [3.0]], validation=None, test=None, standardize=False)
    ones = np.hstack([x, np.ones((64, 1))])
    stable = 2 / np.linalg.eigvalsh(2 * ones.T @ ones / 64).max()
    recipe = Recipe(Dense(1), loss=MeanSquaredError(), optimizer=SGD(1.0), batch_size=64)
    found = find_learning_rate(recipe, data=data, seeds=2)
    assert 0.02 * stable < found.suggestion < 0.5 * stable


@pytest.mark.parametrize(
    ("losses", "reason"),
    [
        (np.full(200, 2.0), "never falls clearly"),
        (2 + 0 * RATES + (RATES > 1) * RATES, "never falls clearly before it rises"),
        (2 - np.clip(np.log10(RATES / 1e-2), 0, None) / 3, "has not risen at the highest rate: test higher ones"),
        (valley(9e-5), "falls from the lowest rate on: test lower ones"),
        (np.exp(np.arange(200.0)), "diverges at once: test lower rates"),
        (np.where(np.arange(200) < 5, 2.0, np.nan), "diverges at once: test lower rates"),
    ],
)
def test_a_curve_without_a_clear_valley_gives_no_suggestion_and_says_why(losses, reason):
    curve = read_curve(RATES, losses)
    assert curve.suggestion is None
    assert curve.reason == f"the loss {reason}"


def test_noise_alone_gives_no_suggestion(rng):
    for scale in (0.01, 0.3, 1.0):
        found = read_curves(RATES, 2 + rng.normal(0, scale, (40, len(RATES))))
        assert found.suggestion is None
        assert found.reason.endswith("seeds: the loss never falls clearly")


def test_most_seeds_must_agree_that_there_is_a_valley():
    flat = np.full(200, 2.0)
    assert read_curves(RATES, np.stack([valley(0.01), valley(0.01), flat, flat])).suggestion is None
    found = read_curves(RATES, np.stack([valley(0.01), valley(0.01), valley(0.01), flat]))
    assert found.suggestion == pytest.approx(1e-3, rel=0.2)
    assert [bool(curve.reason) for curve in found.curves] == [False, False, False, True]


def test_the_running_median_is_that_of_scipy_inside_and_ends_at_the_first_number_that_is_not_finite(rng):
    values = rng.normal(size=50)
    smoothed = running_median(values, 5)
    np.testing.assert_array_equal(smoothed[2:-2], scipy.ndimage.median_filter(values, 5)[2:-2])
    assert smoothed[0] == np.median(values[:3])
    values[30] = np.inf
    cut = running_median(values, 5)
    np.testing.assert_array_equal(np.isfinite(cut), np.arange(50) < 30)


def test_it_leaves_no_trace():
    """Neither the recipe nor a run of it is another after the test (fastai#2892, lightning#4846)."""
    before, copy = train(RECIPE), replace(RECIPE)
    first = find_learning_rate(RECIPE, seeds=2, updates=60)
    after = train(RECIPE)
    assert copy == RECIPE
    jax.tree.map(np.testing.assert_array_equal, (before.values, before.final), (after.values, after.final))
    assert before.history.evaluations == after.history.evaluations
    again = find_learning_rate(RECIPE, seeds=2, updates=60)
    np.testing.assert_array_equal(first.losses, again.losses)


def test_what_the_recipe_schedules_watches_or_stops_has_no_part_in_it():
    plain = find_learning_rate(RECIPE, seeds=2, updates=60)
    busy = replace(RECIPE, optimizer=Adam(Cosine(0.5)), watch=Watch(2), stopping=EarlyStopping(1), length=7)
    np.testing.assert_array_equal(find_learning_rate(busy, seeds=2, updates=60).losses, plain.losses)


def test_the_losses_are_those_of_the_updates_that_follow_the_rates():
    found = find_learning_rate(RECIPE, seeds=2, updates=60, low=1e-4, high=1e-1)
    history = train(replace(RECIPE, optimizer=Adam(Exponential(1e-4, final=1e-1)), length=60)).history.columns()
    np.testing.assert_allclose(found.rates, history["learning_rate"][:-1], rtol=1e-5)
    np.testing.assert_array_equal(found.losses[0], history["loss"][1:])


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"low": 0.0}, "low: must be above 0 and below high; got 0 and 10"),
        ({"low": 1.0, "high": 0.1}, "low: must be above 0 and below high; got 1 and 0.1"),
        ({"updates": 10}, "updates: a curve needs 60 updates or more; got 10"),
        ({"seeds": 1}, "seeds: an interval needs two seeds or more; got 1"),
    ],
)
def test_a_test_that_can_tell_nothing_is_refused(settings, message):
    with pytest.raises(HeadwayError, match=message):
        find_learning_rate(RECIPE, **settings)


def test_an_optimizer_without_a_rate_of_its_own_is_refused():
    recipe = replace(RECIPE, optimizer=Groups(Adam(1e-2), rules=(Frozen("1/w"),)))
    with pytest.raises(HeadwayError, match=r"optimizer: must have one learning rate.*Test that of its default"):
        find_learning_rate(recipe)
