"""What the docs say was measured is what the stored results hold."""

import json
import statistics

import pytest

from benchmarks import signals, story
from benchmarks.mnist1d import MODELS, PAGE, RESULT, page
from headway.doctor.cure import Cure
from headway.doctor.trial import Trial
from headway.training.named import named

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


def test_the_page_of_the_signals_is_made_from_the_stored_result():
    assert signals.PAGE.read_text() == signals.page(json.loads(signals.RESULT.read_text()))


def test_the_first_screen_of_the_readme_tells_the_stored_cure():
    """Run it again and write it anew with `make story`."""
    record, readme = json.loads(story.RECORD.read_text()), story.README.read_text()
    assert story.written(readme, record) == readme
    assert story.PICTURE.read_text() == story.picture(record)
    assert all(record["versions"].values())


def test_the_stored_cure_is_that_of_the_demo():
    cure = Cure.of(json.loads(story.RECORD.read_text()))
    assert cure.recipe == named(story.NAME).recipe
    assert cure.proof is not None
    assert cure.proof.trial == Trial()
    assert cure.proof.proven
