"""The schedules' two tasks: the expected loss against many runs, and a search against what it did not try."""

import numpy as np
import pytest

from headway.labs.lab import hidden_seeds
from headway.labs.schedule import (
    GUESS,
    NEAR,
    SHARE,
    STEPS,
    best_copied,
    copied,
    expected_losses,
    peak_of,
    quadratic_of,
    searched,
    shapes,
    tried,
)
from headway.learning.schedules.decay import Cosine


def test_the_expected_loss_is_the_mean_over_many_runs():
    curvatures, noise = quadratic_of(4, 0)
    rates = 0.4 * (1 - np.arange(60) / 60)
    rng, w = np.random.default_rng(0), np.ones((4000, 10))
    for rate in rates:
        w -= rate * (curvatures * w + noise * rng.normal(size=w.shape))
    assert sum(expected_losses(rates, 4)) == pytest.approx((curvatures * w**2).sum(1).mean() / 2, rel=0.03)


def test_the_searched_schedule_is_better_than_any_constant_rate_by_more_than_is_near():
    for seed in range(5):
        hidden = hidden_seeds(seed)[0]
        best = sum(searched(seed, hidden)[0])
        constant = min(sum(expected_losses(np.full(STEPS, rate), seed, hidden)) for rate in np.geomspace(0.01, 1.9, 60))
        assert constant > NEAR * best


def test_shapes_are_parts_of_a_peak_that_they_come_near():
    for shape in shapes(STEPS).values():
        assert shape.shape == (STEPS,)
        assert shape.min() >= 0
        assert 0.9 < shape.max() <= 1


def test_a_schedule_is_tried_as_its_own_values():
    assert tried(Cosine(0.1))[[0, -1]] == pytest.approx([0.1, 0.0], abs=1e-6)
    assert tried(lambda step, steps: step / steps)[-1] == (STEPS - 1) / STEPS


@pytest.mark.accept
@pytest.mark.parametrize("seed", range(6))
def test_no_other_shape_is_better_than_those_searched_and_none_that_falls_at_once_is_near(seed):
    found = {name: copied(peak_of(seed) * shape / shape.max(), hidden_seeds(seed)).mean()
             for name, shape in shapes(STEPS).items()}  # fmt: skip
    best = best_copied(seed)
    assert min(found.values()) > best - 0.05
    assert min(found[name] for name in ("level", "cosine", "line", "1/t")) > best + SHARE * (GUESS - best)
