"""The statistics of a proof against sums of binomials, closed testing, and simulation."""

import math
from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import headway.doctor.verdict
from headway.doctor.verdict import NO_EFFECT, NOT_PROVEN, PROVEN, WORSE, hopeless, interval, sign_p, spent, verdicts

values = st.floats(-10, 10, width=32)


def tail(above, n):
    """P(at least `above` of n fair coins show heads)."""
    return sum(math.comb(n, k) for k in range(above, n + 1)) / 2**n


@given(st.lists(values, min_size=1, max_size=40), st.floats(0, 5))
def test_the_sign_test_is_a_sum_of_binomials(differences, smallest):
    assert sign_p(differences, smallest) == pytest.approx(
        tail(sum(d > smallest for d in differences), len(differences))
    )


def test_a_difference_of_just_the_smallest_effect_is_not_above_it():
    assert sign_p([0.5] * 10, 0.5) == 1


@pytest.mark.parametrize("n", [10, 20])
def test_all_above_has_the_least_p(n):
    assert sign_p([1.0] * n, 0.5) == pytest.approx(0.5**n)


def mostly(above, n, smallest):
    """So many of n differences well above the smallest effect, the rest just below: the interval is above it too."""
    return [smallest + 1 + i / n for i in range(above)] + [smallest - 1e-9] * (n - above)


@settings(max_examples=15)
@given(st.lists(st.integers(12, 20), min_size=1, max_size=4), st.integers(0, 3), st.sampled_from([0.02, 0.05, 0.2]))
def test_holm_is_closed_testing_over_all_arms_begun(above, dropped, alpha):
    """An arm is proven where every family with it in has a p of at most alpha over the family's size, halved."""
    ps = [tail(k, 20) for k in above] + [1.0] * dropped
    families = [f for size in range(1, len(ps) + 1) for f in combinations(range(len(ps)), size)]
    fails = [f for f in families if min(ps[i] for i in f) > alpha / len(f) / 2]
    expected = [not any(arm in f for f in fails) for arm in range(len(above))]
    arms = {str(i): mostly(k, 20, 0.5) for i, k in enumerate(above)}
    found = verdicts(arms, 0.5, alpha, len(ps))
    assert [found[str(i)].word == PROVEN for i in range(len(above))] == expected


def test_holm_by_hand():
    """At alpha 0.05 with four arms begun: 10/10 at 0.05/4, then 9/10 at 0.05/3, which fails and ends the test."""
    arms = {"nine": mostly(9, 10, 0.1), "ten": mostly(10, 10, 0.1), "also nine": mostly(9, 10, 0.1)}
    found = verdicts(arms, 0.1, 0.05, 4)
    assert [(v.word, v.p) for v in found.values()] == [
        (PROVEN, tail(10, 10)), (NOT_PROVEN, tail(9, 10)), (NOT_PROVEN, tail(9, 10)),
    ]  # fmt: skip
    np.testing.assert_allclose([v.level for v in found.values()], [0.05 / 4, 0.05 / 3, 0.05 / 2])
    assert found["ten"].effect == pytest.approx(np.mean(arms["ten"]))
    assert [v.word for v in verdicts({"nine": arms["nine"]}, 0.1, 0.05, 1).values()] == [PROVEN]


def test_many_small_gains_do_not_make_up_for_one_great_loss():
    """The sign test alone would call it proven; the interval of the mean does not."""
    differences = [0.2] * 15 + [-10.0]
    assert sign_p(differences, 0.1) < 0.001
    assert verdicts({"risky": differences}, 0.1, 0.05, 1)["risky"].word == NOT_PROVEN


@pytest.mark.parametrize(
    ("centre", "word"), [(2.0, PROVEN), (1.0, NOT_PROVEN), (0.0, NO_EFFECT), (-1.0, NOT_PROVEN), (-2.0, WORSE)]
)
def test_the_words(centre, word):
    differences = centre + 0.3 * np.random.default_rng(1).normal(size=10)
    assert verdicts({"arm": differences}, 1.0, 0.05, 1)["arm"].word == word
    assert hopeless(differences, 1.0, 0.05) == (centre <= 0)


def test_the_interval_covers_the_mean_about_as_often_as_it_says():
    rng = np.random.default_rng(0)
    drawn = [interval(rng.normal(3, 2, 20), 0.1, resamples=499) for _ in range(400)]
    coverage = np.mean([low <= 3 <= high for low, high in drawn])
    assert 0.83 <= coverage <= 0.94  # 90 %, less what a bootstrap of 20 misses


def test_the_interval_of_many_is_the_normal_one(rng):
    sample = rng.normal(size=400)
    expected = sample.mean() + np.array([-1.96, 1.96]) * sample.std() / 20
    np.testing.assert_allclose(interval(sample, 0.05), expected, atol=0.012)


@settings(max_examples=15)
@given(st.lists(values, min_size=4, max_size=12), st.sampled_from([0.25, 2.0, 8.0]), st.integers(-3, 3))
def test_the_interval_moves_and_stretches_with_the_differences(sample, times, shift):
    low, high = interval(sample, 0.05, resamples=199)
    assert low <= high
    moved = interval(np.float64(times) * np.array(sample) + shift, 0.05, resamples=199)
    np.testing.assert_allclose(moved, [times * low + shift, times * high + shift], rtol=1e-6, atol=1e-5)


def test_differences_that_are_all_the_same_have_an_interval_of_no_width():
    assert interval([0.25] * 10, 0.05) == (0.25, 0.25)
    assert verdicts({"arm": [0.0] * 10}, 0.1, 0.05, 1)["arm"].word == NO_EFFECT


@given(st.lists(st.integers(1, 49), max_size=5, unique=True).map(sorted), st.floats(0.001, 0.5))
def test_what_the_looks_spend_is_alpha_in_all(looks, alpha):
    totals = [spent(alpha, stage / 50) for stage in (0, *looks, 50)]
    increments = np.diff(totals)
    assert (increments > 0).all()
    assert increments.sum() == pytest.approx(alpha)
    assert totals[-1] == alpha
    assert spent(alpha, 0.5) == pytest.approx(alpha / 4)


@pytest.mark.parametrize("noise", ["normal", "exponential", "heavy"])
def test_noise_is_called_proven_no_more_often_than_alpha(noise, monkeypatch):
    """The hard null: smallest effect nearly 0, four arms held against one control, the sign test to itself."""
    monkeypatch.setattr(headway.doctor.verdict, "interval", lambda differences, level: (math.inf, math.inf))
    rng, alpha, trials = np.random.default_rng(7), 0.2, 1500
    draw = {"normal": rng.standard_normal, "exponential": rng.standard_exponential, "heavy": rng.standard_cauchy}[noise]
    runs = draw(size=(trials, 5, 10))
    p = {above: sign_p([1.0] * above + [-1.0] * (10 - above), 0) for above in range(11)}
    monkeypatch.setattr(headway.doctor.verdict, "sign_p", lambda d, smallest: p[int(np.sum(np.asarray(d) > smallest))])
    differences = runs[:, :1] - runs[:, 1:]
    proven = sum(
        any(v.word == PROVEN for v in verdicts(dict(enumerate(arms)), 1e-9, alpha, 4).values()) for arms in differences
    )
    assert 0 < proven / trials <= alpha + 1.645 * math.sqrt(alpha * (1 - alpha) / trials)


def test_noise_by_all_rules_is_hardly_ever_proven_and_a_planted_effect_is_found():
    rng, smallest = np.random.default_rng(3), 0.1
    false = right = 0
    for _ in range(60):
        noise = dict(zip("abc", rng.normal(0, 0.1, (3, 10)), strict=True))
        found = verdicts(noise | {"planted": 0.5 + rng.normal(0, 0.1, 10)}, smallest, 0.05, 4)
        false += any(found[name].word == PROVEN for name in "abc")
        right += found["planted"].word == PROVEN
    assert false <= 1
    assert right >= 59
