"""The proof on planted truth, and one on a real network."""

import json
import math
from dataclasses import replace

import pytest

from benchmarks.placebo import Made
from headway.data.bundled import Iris
from headway.data.dataset import Data
from headway.doctor import proof as proofs
from headway.doctor.proof import CONTROL, ORIGINAL, SHAM, Proof, prove
from headway.doctor.remedies.remedy import RATE_ALONE, Remedy
from headway.doctor.trial import TUNING, Arm, Outcome, Trial
from headway.doctor.verdict import ELIMINATED, NO_EFFECT, NOT_PROVEN, PROVEN, interval, sign_p, verdicts
from headway.learning.losses import CrossEntropy
from headway.learning.optimizers.adaptive import Adam
from headway.models.mlp import mlp
from headway.network.dense import Dense
from headway.spec.edit import Replace, Set
from headway.spec.error import HeadwayError
from headway.training.recipe import Recipe
from tests.doctor.conftest import SICK, TRIAL

RECIPE = Recipe(
    mlp((6,), 3), data=Data(Iris()), loss=CrossEntropy(), optimizer=Adam(1e-2), batch_size=16, length=30, seed=40
)
GAINS = {"cure": 0.5, "slight": 0.02, "poison": -0.5}
SIZES = {"cure": 8, "slight": 4, "poison": 2}
REMEDIES = tuple(Remedy((Set("batch_size", value=size),), name=name) for name, size in SIZES.items())


class Planted:
    """A bench where an arm, known by its batch size, has a gain, and ten times the rate another 0.3."""

    constant, split = 1.0, "validation"

    def __init__(self):
        self.runs = []

    def outcomes(self, lanes, *, as_sham=False):
        return [self.run(*lane, as_sham=as_sham) for lane in lanes]

    def run(self, recipe, seed, *, as_sham=False):
        name = {size: name for name, size in SIZES.items()}.get(recipe.batch_size, "none")
        rate = math.log10(recipe.optimizer.learning_rate / 1e-2)
        noise = 0.01 * math.sin(7919 * seed + recipe.batch_size + 100 * as_sham)
        self.runs.append((name, round(10**rate, 2), seed, as_sham))
        return Outcome(2 - GAINS.get(name, 0.0) - 0.3 * rate + 0.6 * max(0.0, rate - 1) + noise, None)


@pytest.fixture
def planted(monkeypatch):
    bench = Planted()
    monkeypatch.setattr(proofs.Bench, "of", lambda recipe, data: bench)
    return bench


def test_what_was_planted_is_proven_and_nothing_else(planted):
    found = prove(RECIPE, (*REMEDIES, RATE_ALONE), trial=Trial(randoms=0))
    assert {name: v.word for name, v in found.verdicts.items()} == {
        "cure": PROVEN, RATE_ALONE.name: PROVEN, SHAM: NO_EFFECT, "slight": ELIMINATED, "poison": ELIMINATED,
    }  # fmt: skip
    assert found.smallest == pytest.approx(0.05)
    assert found.verdicts["cure"].effect == pytest.approx(0.5, abs=0.02)
    assert found.verdicts[RATE_ALONE.name].effect == pytest.approx(0.3, abs=0.02)
    assert {arm.factor for name, arm in found.arms.items() if name != ORIGINAL} == {10.0}
    assert found.arms[ORIGINAL].recipe == RECIPE
    assert Proof.of(json.loads(json.dumps(found.record()))) == found


def test_the_cure_is_chosen_by_its_loss_not_by_an_effect_on_another_arm(planted, monkeypatch):
    """The rate alone gains 0.3 on the recipe as it is; what gains 0.2 on top of that is the better cure."""
    monkeypatch.setitem(GAINS, "slight", 0.2)
    monkeypatch.setitem(GAINS, "cure", 0.1)
    found = prove(RECIPE, (RATE_ALONE, *REMEDIES), trial=Trial(randoms=0))
    assert found.verdicts[RATE_ALONE.name].effect > found.verdicts["slight"].effect
    assert found.proven == ["slight", "cure", RATE_ALONE.name]


def test_every_arm_runs_on_the_same_seeds_at_its_own_rate_and_an_eliminated_one_no_further(planted):
    found = prove(RECIPE, (*REMEDIES, RATE_ALONE), trial=Trial(12, looks=(4, 8), randoms=0))
    proving = [run for run in planted.runs if run[2] < TUNING]
    seeds = range(40, 52)
    assert [run[2] for run in proving if run[0] == "cure"] == list(seeds)
    assert [run[2] for run in proving if run[0] == "poison"] == list(range(40, 44))
    assert {run[1] for run in proving if run[0] == "cure"} == {10.0}
    assert [run[2] for run in proving if run[3]] == list(seeds)
    assert [run[2] for run in proving if run[:2] == ("none", 10.0) and not run[3]] == list(seeds)
    assert [run[2] for run in proving if run[:2] == ("none", 1.0)] == list(seeds)
    assert len(proving) == 4 * 12 + 2 * 4
    assert (len(found.verdicts["poison"].differences), len(found.verdicts["cure"].differences)) == (4, 12)
    assert found.arms[RATE_ALONE.name] is found.arms[CONTROL]


@pytest.mark.parametrize("looks", [(), (5,), (4, 6, 8)])
def test_the_looks_and_the_end_spend_alpha_together(planted, monkeypatch, looks):
    levels = []
    monkeypatch.setattr(proofs, "hopeless", lambda d, smallest, level: levels.append((len(d), level)) or False)
    monkeypatch.setattr(proofs, "verdicts", lambda *a: levels.append((10, a[2])) or verdicts(*a))
    prove(RECIPE, REMEDIES[:1], trial=Trial(looks=looks, randoms=0))
    assert [seeds for seeds, _ in levels] == [*looks, 10]
    assert sum(level for _, level in levels) == pytest.approx(0.05)


def test_holm_counts_every_arm_that_was_begun(planted):
    found = prove(RECIPE, (*REMEDIES, RATE_ALONE), trial=Trial(randoms=2))
    begun = 3 + 1 + 2 + 1  # remedies, the rate alone, random ones, the sham
    assert len(found.verdicts) == begun == len(found.arms) - 2
    assert min(v.level for v in found.verdicts.values()) == pytest.approx(0.0375 / begun)


def test_random_remedies_take_the_test_but_are_no_cure(planted, monkeypatch):
    """“half the batch” is what was planted as a cure."""
    found = prove(RECIPE, (), trial=Trial(randoms=100))
    assert found.verdicts["random: half the batch"].word == PROVEN
    assert found.proven == []


def test_an_arm_that_cannot_be_computed_is_refused_with_its_reason(planted):
    wide = Remedy((Replace("network", by=Dense(7)),), name="seven outputs")
    nowhere = Remedy((Set("optimizer/no_such", value=1.0),), name="nowhere")
    found = prove(RECIPE, (wide, nowhere, REMEDIES[0]), trial=Trial(randoms=0))
    assert set(found.refused) == {"seven outputs", "nowhere"}
    assert "must give 3 outputs" in found.refused["seven outputs"]
    assert set(found.verdicts) == {"cure", SHAM}


def test_a_data_set_without_held_out_examples_proves_nothing():
    with pytest.raises(HeadwayError, match="needs examples that were not trained on"):
        prove(replace(RECIPE, data=Data(Iris(), validation=None, test=None)), ())


def replayed(losses, control=1.0, trial=TRIAL):
    """The verdicts on arms of known losses, held against a control that is always the same."""
    made = {ORIGINAL: [control] * 10, CONTROL: [control] * 10} | losses
    arms = {name: Arm(name, Made(values)) for name, values in made.items()}
    return proofs.run_arms(arms, Made(constant=1.0), trial, lambda doing: None)


def test_only_a_look_that_leaves_no_hope_eliminates():
    spread = [0.96, 1.1, 0.9, 1.2, 0.8]
    found = replayed({"hopeless": [0.97] * 10, "open": spread * 2, "late": [1.05] * 5 + [0.2] * 5})
    assert {name: v.word for name, v in found.items()} == {
        "hopeless": ELIMINATED, "open": NOT_PROVEN, "late": ELIMINATED,
    }  # fmt: skip
    assert len(found["late"].differences) == 5
    assert replayed({SHAM: [0.97] * 10})[SHAM].word == NO_EFFECT  # the sham is run to its end


def test_a_proof_of_a_real_network_is_read_back_as_it_was(cured):
    proof = cured[0].proof
    assert Proof.of(json.loads(json.dumps(proof.record()))) == proof
    assert Proof.of(proof.record()) == proof


def test_its_verdicts_follow_from_its_losses(cured):
    proof = cured[0].proof
    assert (proof.recipe.network, proof.trial, proof.split) == (SICK.network, TRIAL, "validation")
    assert proof.smallest == pytest.approx(0.05 * proof.constant)
    for name, verdict in proof.verdicts.items():
        against = proof.arms[ORIGINAL if name == RATE_ALONE.name else CONTROL].losses
        done = len(verdict.differences)
        assert verdict.differences == tuple(a - b for a, b in zip(against[:done], proof.arms[name].losses, strict=True))
        assert verdict.p == sign_p(verdict.differences, proof.smallest)
        assert (verdict.low, verdict.high) == interval(verdict.differences, verdict.level)
        assert done == (5 if verdict.word == ELIMINATED else 10)
        if verdict.word == PROVEN:
            assert verdict.low > proof.smallest


def test_its_sham_is_not_proven_and_residual_connections_are(cured):
    proof = cured[0].proof
    sham = proof.verdicts[SHAM]
    assert sham.word != PROVEN
    assert min(map(abs, sham.differences)) > 0
    assert proof.arms[SHAM].recipe == proof.arms[CONTROL].recipe
    assert "residual" in proof.proven
    assert not {SHAM, ORIGINAL, CONTROL} & {*proof.proven}
    assert not any(name.startswith("random: ") for name in proof.proven)
