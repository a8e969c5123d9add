"""Conditions against numbers whose answer can be read off, and against the interval of Student's t."""

import numpy as np
import pytest
from scipy.stats import t

from headway.claims.condition import LEVEL, Alike, Bounded, Differs, Dose, Level, Some, taken
from headway.doctor.verdict import interval
from headway.spec.error import HeadwayError

SEEDS = np.random.default_rng(0).normal(0, 0.1, 10)


def numbers(**arms):
    return {arm: {"loss": (np.zeros(10) + values).tolist()} for arm, values in arms.items()}


@pytest.mark.parametrize(("shift", "answer", "reason"), [
    (1.0, "yes", ""), (0.5, "open", ""), (0.0, "no", "no effect"), (-1.0, "no", "wrong side"), (-0.5, "open", ""),
])  # fmt: skip
@pytest.mark.parametrize("sign", [1, -1])
def test_a_paired_difference_is_held_against_the_smallest_effect_of_interest(shift, answer, reason, sign):
    found = numbers(control=sign * SEEDS, treated=sign * (SEEDS[::-1] + shift))
    judged = Differs("loss", arm="treated", than="control", by=sign * 0.5).judge(found)
    assert (judged.answer, judged.reason) == (answer, reason)
    assert judged.low <= judged.value <= judged.high


def test_pairs_and_not_means_are_compared():
    noise = np.linspace(-100, 100, 10)
    found = numbers(control=noise, treated=noise + 1 + SEEDS / 10)
    assert Differs("loss", arm="treated", than="control", by=0.5).judge(found).answer == "yes"


def test_the_interval_of_a_level_is_near_student_s():
    judged = Level("loss", arm="a", low=-1.0).judge(numbers(a=SEEDS))
    half = t.ppf(0.975, 9) * SEEDS.std(ddof=1) / np.sqrt(10)
    assert judged.low == pytest.approx(SEEDS.mean() - half, abs=0.3 * half)
    assert judged.high == pytest.approx(SEEDS.mean() + half, abs=0.3 * half)
    assert judged.answer == "yes"
    assert Level("loss", arm="a", low=0.01).judge(numbers(a=SEEDS)).answer == "open"
    assert Level("loss", arm="a", high=-0.2).judge(numbers(a=SEEDS)).answer == "no"


def test_an_interval_of_ten_values_misses_on_one_side_in_about_four_of_a_hundred_draws():
    """Ten normal values of mean 0: how often the whole interval is above 0. Nominal is 2.5 %."""
    draws = np.random.default_rng(1).normal(size=(1000, 10))
    missed = np.mean([interval(draw.tolist(), LEVEL)[0] > 0 for draw in draws])
    assert 0.025 < missed < 0.055


def test_what_is_exact_holds_for_every_value():
    found = numbers(a=np.r_[np.zeros(9), 2e-6])
    assert Bounded("loss", arm="a", high=1e-6).judge(found).answer == "no"
    assert Bounded("loss", arm="a", low=0.0, high=2e-6).judge(found).answer == "yes"


def test_alike_is_shown_by_an_interval_inside_and_never_by_too_few_seeds():
    wide = np.where(np.arange(10) % 2, 1.0, -1.0)
    assert Alike("loss", arm="b", than="a", within=0.2).judge(numbers(a=0, b=SEEDS)).answer == "yes"
    assert Alike("loss", arm="b", than="a", within=0.2).judge(numbers(a=0, b=wide)).answer == "open"
    assert Alike("loss", arm="b", than="a", within=0.2).judge(numbers(a=0, b=1 + SEEDS)).answer == "no"


def test_a_dose_must_not_turn_back():
    along = ("a", "b", "c")
    assert Dose("loss", along=along, by=1.0).judge(numbers(a=0, b=1 + SEEDS, c=2)).answer == "yes"
    assert Dose("loss", along=along, by=-1.0).judge(numbers(a=2, b=1 + SEEDS, c=0)).answer == "yes"
    turned = Dose("loss", along=along, by=1.0).judge(numbers(a=0, b=3 + SEEDS, c=2))
    assert (turned.answer, turned.reason) == ("no", "wrong side")
    for back, answer in ((0.05, "yes"), (0.2, "no")):
        assert Dose("loss", along=along, by=1.0).judge(numbers(a=0, b=2, c=2 - back)).answer == answer


def test_some_of_several_count_the_sure_ones_and_those_that_may_be():
    yes, no, may = (Level("loss", arm=arm, low=0.0) for arm in "abc")
    found = numbers(a=1, b=-1, c=SEEDS)
    answers = {n: Some((yes, no, may), least=n).judge(found).answer for n in (1, 2, 3)}
    assert answers == {1: "yes", 2: "open", 3: "no"}
    assert Some((yes, no, may)).arms() == ("a", "b", "c")


def test_an_arm_or_a_metric_that_was_not_measured_is_named():
    with pytest.raises(HeadwayError, match=r"^arm: must be measured: control; got contral\. Did you mean 'control'"):
        taken(numbers(control=0), "contral", "loss")
    with pytest.raises(HeadwayError, match=r"^metric: must be measured: loss; got los"):
        taken(numbers(control=0), "control", "los")
    with pytest.raises(HeadwayError, match=r"by: must not be 0"):
        Differs("loss", arm="a", than="b", by=0.0)
