"""Verdicts on numbers whose verdict is plain; claims against the map that they are about."""

import pytest

from headway.claims.claim import Claim, Limit, points, verdict
from headway.claims.condition import Differs, Level
from headway.spec.error import HeadwayError

CONTROL = Level("loss", arm="control", low=1.0)
NEED = Differs("loss", arm="treated", than="control", by=-0.5)
SHAM = Level("gap", arm="control", low=-0.1, high=0.1)
LIMIT = Limit("it is deep", shown_by=Level("loss", arm="deep", low=1.0))


def claim(check="experiment", **changes):
    parts = {"needs": (NEED,), "control": (CONTROL,), "sham": (SHAM,)} | changes
    return Claim("R11", says="A —cures→ B", check=check, design="made.up", **parts)


def numbers(control=2.0, treated=0.0, gap=0.0, deep=0.0):
    return {"control": {"loss": [control] * 10, "gap": [gap] * 10}, "treated": {"loss": [treated] * 10}} | {
        "deep": {"loss": [deep] * 10}
    }


@pytest.mark.parametrize(("made", "measured", "word", "because"), [
    (claim(), numbers(), "supported", "loss of treated is below that of control by 0.5"),
    (claim(), numbers(treated=2.0), "refuted", "no effect"),
    (claim(), numbers(treated=3.0), "refuted", "wrong side"),
    (claim(), numbers(control=0.0, treated=-5.0), "not applicable", "mean loss of control ≥ 1"),
    (claim(), numbers(gap=1.0), "inconclusive", "the sham"),
    (claim(limits=(LIMIT,)), numbers(deep=2.0), "conditional", "it is deep"),
    (claim(limits=(LIMIT,)), numbers(), "supported", ""),
    (claim("convention"), numbers(), "convention", "the proxy holds"),
    (claim("convention"), numbers(treated=2.0), "convention", "the proxy fails"),
    (claim("ill-typed"), numbers(), "refuted", "as worded it is wrong"),
    (claim("ill-typed"), numbers(treated=2.0), "inconclusive", ""),
    (Claim("R44", says="A", check="identity", pending="needs two processes"), {}, "pending", "needs two processes"),
])  # fmt: skip
def test_a_verdict_follows_from_the_numbers_and_from_what_was_written_down_before(made, measured, word, because):
    found = verdict(made, measured)
    assert found.word == word
    assert because in found.because


def test_an_interval_that_reaches_both_sides_of_the_smallest_effect_decides_nothing():
    wavering = numbers() | {"treated": {"loss": [2.0, 1.0] * 5}}
    assert verdict(claim(), wavering).word == "inconclusive"


def test_a_quick_look_says_the_direction_alone():
    assert points(claim(), numbers(treated=1.9))
    assert not points(claim(), numbers(treated=2.1))
    assert not points(claim(), numbers(control=0.5, treated=0.0))


def test_a_claim_takes_the_arms_that_its_conditions_speak_of():
    assert claim(limits=(LIMIT,)).arms == ("treated", "control", "deep")


def test_a_claim_without_a_check_says_why():
    with pytest.raises(HeadwayError, match="R11 needs a design and a condition"):
        Claim("R11", says="A", check="experiment")
    with pytest.raises(HeadwayError, match="id"):
        Claim("Q1", says="A", check="experiment", pending="never")
