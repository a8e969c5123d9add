"""What the docs say was measured is what the stored results hold."""

import json
import re
import statistics
from dataclasses import replace

import numpy as np
import pytest

from benchmarks import accelerator, doctor, scale, signals, story
from benchmarks.comparisons import page as comparisons
from benchmarks.comparisons import protocol
from benchmarks.comparisons.designs import COMPARISONS
from benchmarks.comparisons.protocol import Arm, Comparison, stored
from benchmarks.mnist1d import MODELS, PAGE, RESULT, page
from headway.data.bundled import Iris
from headway.data.dataset import Data
from headway.learning.losses import CrossEntropy
from headway.learning.optimizers.sgd import SGD
from headway.models.mlp import mlp
from headway.training.recipe import Recipe
from headway.training.train import train

BANDS = {"linear": (0.31, 0.33), "mlp": (0.63, 0.69), "cnn": (0.92, 1.0)}


@pytest.fixture(scope="module")
def result():
    return json.loads(RESULT.read_text())


def mean(result, row):
    return statistics.mean(result["test_accuracy"][row])


def test_the_page_is_made_from_the_stored_result(result):
    assert PAGE.read_text() == page(result)


@pytest.mark.parametrize("model", MODELS)
def test_ten_seeds_reach_the_band_of_the_paper(result, model):
    low, high = BANDS[model]
    assert len(result["test_accuracy"][model]) >= 10
    assert low <= mean(result, model) <= high


def test_shuffling_leaves_the_linear_model_alone_and_takes_the_cnn_below_the_mlp(result):
    spread = statistics.stdev(result["test_accuracy"]["linear"])
    assert abs(mean(result, "linear") - mean(result, "linear shuffled")) < spread
    assert mean(result, "cnn shuffled") < mean(result, "mlp shuffled")


def test_the_first_page_says_what_the_doctors_one_look_came_to():
    """Every number of the sentence, in its order."""
    (said,) = re.findall(r"\[Tried once\].*?\. \[The map\]", doctor.ROOT.joinpath("README.md").read_text(), re.DOTALL)
    look, cures = (json.loads(doctor.path_of(name).read_text())["score"] for name in ("reporting", "outcome"))
    seen, cause, healthy = (look["all"][name] for name in ("recall", "first cause", "specificity"))
    own, random = (cures["restored"][name] for name in ("the doctor", "random remedies"))
    due = [seen["of"] + healthy["of"], seen["hits"], seen["of"], cause["hits"], healthy["hits"], healthy["of"],
           own["hits"], own["of"], random["hits"]]  # fmt: skip
    assert [int(number) for number in re.findall(r"\d+", said)] == due


def test_the_page_of_the_signals_is_made_from_the_stored_result():
    assert signals.PAGE.read_text() == signals.page(signals.stored())


def test_the_page_of_the_accelerator_is_made_from_the_stored_result_and_16_bits_and_recompute_pay_there():
    result = json.loads(accelerator.RESULT.read_text())
    assert accelerator.PAGE.read_text() == accelerator.page(result)
    time = {name: statistics.median(one["seconds"]) for name, one in result.items()}
    assert time["bfloat16, all"] < time["float32, all"]
    assert result["float32, inputs"]["peak"] < result["float32, all"]["peak"] / 2
    assert not any(one["trouble"] for one in result.values())


def test_the_page_of_depth_precision_and_recompute_is_made_from_the_stored_result():
    assert scale.PAGE.read_text() == scale.page(json.loads(scale.RESULT.read_text()))


def test_less_is_kept_in_16_bits_and_with_recompute_and_the_loss_stays():
    result = json.loads(scale.RESULT.read_text())["memory"]
    kept = {name: sum(scale.Residual(**array).bytes for array in found["arrays"]) for name, found in result.items()}
    assert kept["float32, inputs"] < kept["float32, attention"] < kept["float32, all"]
    assert kept["bfloat16, all"] < kept["float32, all"]
    plain = np.array(result[scale.PLAIN]["losses"])
    for name, found in result.items():
        assert np.allclose(found["losses"], plain, atol=1e-4 if name.startswith("float32") else 0.05), name


def test_the_first_screen_of_the_readme_tells_the_stored_cure():
    """Run it again and write it anew with `make story`."""
    record, readme = story.stored(story.NAME), story.README.read_text()
    assert story.written(readme, record) == readme
    assert all(record["versions"].values())


def test_the_page_of_comparisons_is_made_from_the_stored_results():
    assert comparisons.PAGE.read_text() == comparisons.page(comparisons.finished())


@pytest.mark.parametrize("name", comparisons.finished())
def test_every_stored_arm_is_the_one_designed_at_ten_seeds(name):
    record, designed = stored(name), COMPARISONS[name].arms
    assert all(protocol.is_of(record["arms"][label], arm) for label, arm in designed.items())
    for arm in record["arms"].values():
        assert {len(values) for cell in arm["cells"] for values in cell["values"].values()} == {10}


def test_an_arm_chooses_the_rate_with_the_least_validation_loss_and_reports_it_on_other_seeds(monkeypatch):
    recipe = Recipe(mlp((8,), 3), data=Data(Iris()), loss=CrossEntropy(), optimizer=SGD(0.1), length=20)
    rates, address = (1e-4, 0.3), "optimizer/learning_rate"
    monkeypatch.setattr(protocol, "SEEDS", 3)
    found = protocol.run(Comparison("", "", {}, measures=("test/loss",)), Arm(recipe, tuned={address: rates}), None)
    tuning = {cell["point"][address]: cell["values"]["validation/loss"] for cell in found["tried"]}
    by_hand = train(replace(recipe, seed=protocol.FAR, optimizer=SGD(0.3))).results["validation"]["loss"]
    assert tuning[0.3][0] == by_hand
    assert statistics.mean(tuning[0.3]) < statistics.mean(tuning[1e-4])
    assert found["chosen"] == {address: 0.3}
    alone = train(replace(recipe, seed=2, optimizer=SGD(0.3))).results["test"]["loss"]
    assert found["cells"][0]["values"]["test/loss"][2] == alone


def test_the_page_of_the_doctor_is_made_from_the_stored_results():
    text = doctor.PAGE.read_text()
    assert doctor.page(text) == text
