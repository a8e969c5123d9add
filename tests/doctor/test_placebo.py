"""The drill of sham proofs: how often it is wrong on what is known to be nothing, and right on what was planted."""

import json

import pytest
from scipy.stats import binom

from benchmarks import placebo
from headway.doctor.verdict import PROVEN
from tests.drills import RESULTS, stored, workshop

PROOFS = 400
RESULT = RESULTS / "placebo.json"


def noise(number, gain=0.0):
    """The runs of a proof as the drill keeps them, all losses from a fixed sequence."""
    arms = [placebo.CONTROL, *placebo.SHAMS]
    losses = {name: [1 + 0.01 * ((7 * i + 5 * j + number) % 10) for i in range(10)] for j, name in enumerate(arms)}
    losses[placebo.SHAMS[1]] = [loss - gain for loss in losses[placebo.SHAMS[1]]]
    return {"proof": number, "factor": 1.0, "losses": losses, "constant": 1.0}


def test_a_drill_goes_on_where_it_was_broken_off(tmp_path, monkeypatch):
    made = []
    monkeypatch.setattr(placebo, "sham_proof", lambda bench, number: made.append(number) or noise(number))
    log = tmp_path / "proofs.jsonl"
    first = placebo.sham_proofs(3, log)
    log.write_text(log.read_text() + '{"proof": 3, "fac')
    again = placebo.sham_proofs(5, log)
    assert made == [0, 1, 2, 3, 4]
    assert again[:3] == first
    assert [proof["proof"] for proof in again] == made
    assert placebo.sham_proofs(2, log) == first[:2]


def test_shams_of_one_proof_go_ways_of_their_own():
    bench = placebo.Bench.of(placebo.RECIPE, placebo.RECIPE.data.load())
    proofs = [placebo.sham_proof(bench, number) for number in (0, 1)]
    runs = [loss for proof in proofs for losses in proof["losses"].values() for loss in losses]
    assert len(set(runs)) == len(runs) == 2 * 5 * 10
    assert max(sum(losses) / 10 for losses in proofs[0]["losses"].values()) < 0.5 * bench.constant
    assert placebo.sham_proof(bench, 1) == proofs[1]


def test_an_effect_is_counted_where_it_is_planted_and_nowhere_else():
    found = placebo.judged(noise(0), placebo.TRIAL, 10.0)
    assert [found[name].word == PROVEN for name in placebo.SHAMS] == [True, False, False, False]
    assert not any(v.word == PROVEN for v in placebo.judged(noise(0), placebo.TRIAL).values())
    result = placebo.summarized([noise(0), noise(1), noise(2, gain=0.5)])
    assert {name: row["proven"] for name, row in result["false"].items()} == {"as stated": 1, "smallest effect 0": 1}
    assert [row["proven"] for row in result["power"]][-1] == 3
    assert json.loads(json.dumps(result))["proofs"] == 3


@pytest.mark.parametrize(("k", "n"), [(0, 200), (3, 200), (10, 10), (200, 400)])
def test_the_bounds_are_those_of_clopper_and_pearson(k, n):
    """At its bounds a share gives what was seen, or more extreme, with just the stated probability."""
    low, high = placebo.clopper_pearson(k, n, 0.05)
    assert low == 0 if k == 0 else binom.sf(k - 1, n, low) == pytest.approx(0.05)
    assert high == 1 if k == n else binom.cdf(k, n, high) == pytest.approx(0.05)


def test_the_page_is_made_from_the_stored_result():
    result = json.loads(RESULT.read_text()) if RESULT.exists() else None
    assert placebo.BLOCK.search(placebo.PAGE.read_text())[0] == placebo.block(result)


@pytest.mark.accept
def test_shams_are_called_proven_no_more_often_than_is_stated():
    """400 proofs of four shams: about five minutes on two cores."""

    def drill():
        proofs = placebo.sham_proofs(PROOFS, workshop("placebo") / "proofs.jsonl")
        RESULTS.mkdir(parents=True, exist_ok=True)
        placebo.write_differences(proofs, RESULTS / "placebo.csv")
        return placebo.summarized(proofs)

    result = stored("placebo", drill)
    placebo.write_block(result)
    assert result["proofs"] >= 200
    for row in result["false"].values():
        assert row["upper"] <= placebo.allowed(result)
    shares = [row["proven"] / result["proofs"] for row in result["power"]]
    assert shares == sorted(shares)
    assert shares[placebo.PLANTED.index(1.0)] <= placebo.allowed(result)  # of just the smallest effect: not above it
