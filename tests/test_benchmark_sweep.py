"""The benchmark of sweeps: its work is the work it says, its page is made from what is stored."""

import json
from dataclasses import replace

import numpy as np
import pytest

from benchmarks import proof, sweep
from headway.data.bundled import Iris
from headway.data.dataset import Data
from headway.data.synthetic import Blobs
from headway.learning.losses import CrossEntropy
from headway.learning.optimizers.sgd import SGD
from headway.models.mlp import mlp
from headway.training.recipe import Recipe

RECIPE = Recipe(mlp((4,), 3), loss=CrossEntropy(), optimizer=SGD(0.1), batch_size=16, length=5)
SEEDS = 2


def result(faster=0.6):
    rounds = [1.0, 2.0, 3.0]
    seconds = {name: [factor * r for r in rounds] for name, factor in zip(sweep.SYSTEMS, (1, 4, 2), strict=True)}
    return {
        "single": {"recipe": "it", "seeds": 32, "seconds": {"sweep": [faster * r for r in rounds], "single": rounds}},
        "proof": {"epochs": 3, "seeds": 10, "seconds": seconds},
        "machine": {"cores": 2, "processor": "a processor"},
        "versions": {"headway": "1", "jax": "2", "torch": "3"},
    }


@pytest.fixture(scope="module")
def examples(tmp_path_factory):
    """Ten blobs in the form in which every system gets its data."""
    data = Data(Blobs(300, classes=10), validation=0.2, test=None).load()
    return dict(np.load(sweep.write_examples(data, tmp_path_factory.mktemp("examples"))))


def test_a_sweep_and_single_runs_are_timed_on_the_same_runs():
    work = sweep.lanes(RECIPE, Data(Iris()).load(), SEEDS)
    side, alone = work["sweep"](), work["single"]()
    assert [run.recipe for run in side.runs] == [run.recipe for run in alone]
    assert [run.results for run in side.runs] == [run.results for run in alone]
    seconds = sweep.timed(work, 2)
    assert {name: len(found) for name, found in seconds.items()} == {"sweep": 2, "single": 2}


def test_a_proof_with_headway_learns_in_both_arms(examples):
    losses = proof.proof(examples, 3, SEEDS)
    assert list(losses) == list(proof.ARMS)
    assert np.shape(list(losses.values())) == (2, SEEDS)
    assert max(map(max, losses.values())) < np.log(10)
    assert losses[proof.ARMS[0]] != losses[proof.ARMS[1]]


def test_a_proof_with_pytorch_is_of_the_same_networks_under_the_same_rates(examples):
    pytest.importorskip("torch")
    from benchmarks.peers import pytorch_proof as peer
    from headway.learning.schedules.compose import Warmup
    from headway.learning.schedules.decay import Cosine
    from headway.learning.schedules.schedule import Fraction

    losses = peer.proof(examples, 3, SEEDS)
    assert np.shape(list(losses.values())) == (2, SEEDS)
    assert max(map(max, losses.values())) < np.log(10)
    schedule = Warmup(Fraction(proof.WARM), then=Cosine(proof.PEAK)).resolved(200, 40)
    for step in (0, 5, 10, 100, 199):
        assert peer.rate(step, 200) == pytest.approx(float(schedule.value(step)), abs=1e-7)


def test_the_block_says_ratios_proofs_a_minute_and_whether_the_bar_is_met():
    text = sweep.block(result())
    assert "take 0.600 [0.600, 0.600] of the time of 32 single" in text
    assert "the bar of\n0.65 is met." in text
    assert "| Headway | 2.0 | 30.0 |  |" in text
    assert "| PyTorch, 2 threads | 4.0 | 15.0 | 0.500 [0.500, 0.500] |" in text
    assert "is missed." in sweep.block(result(faster=0.9))


def test_the_page_holds_what_is_stored():
    page = sweep.PAGE.read_text()
    if sweep.RESULT.exists():
        assert page == sweep.written(page, json.loads(sweep.RESULT.read_text()))
    else:
        assert "<!-- measured -->\nNot measured yet.\n<!-- /measured -->" in page
    assert sweep.block(result()) in sweep.written(page, result())


def test_held_out_examples_are_those_of_the_validation_set(tmp_path):
    data = replace(Data(Iris()), validation=0.2).load()
    stored = np.load(sweep.write_examples(data, tmp_path))
    np.testing.assert_array_equal(stored["held_x"], data.validation.x)
    np.testing.assert_array_equal(stored["y"], data.train.y)
