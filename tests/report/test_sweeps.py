"""Sweeps and range tests as people read them: rows a cell, the best one, and the curve with its suggestion."""

import re

import numpy as np
import pytest

from headway.data.bundled import Iris
from headway.data.dataset import Data
from headway.learning.losses import CrossEntropy
from headway.learning.metrics import Accuracy
from headway.learning.optimizers.adaptive import Adam
from headway.learning.optimizers.sgd import SGD
from headway.models.mlp import mlp
from headway.report.sweeps import WIDTH, rate_picture, rate_text, sweep_table
from headway.training.recipe import Evaluation, Recipe
from headway.training.sweeps.rate import read_curves
from headway.training.sweeps.sweep import sweep

RECIPE = Recipe(
    mlp((6,), 3),
    data=Data(Iris()),
    loss=CrossEntropy(),
    optimizer=SGD(0.1),
    batch_size=16,
    length=30,
    evaluation=Evaluation(15, metrics=(Accuracy(),)),
)
RATES = np.geomspace(1e-5, 10.0, 200)


@pytest.fixture(scope="module")
def swept():
    return sweep(RECIPE, {"optimizer/learning_rate": (0.1, 1e30), "seed": range(3)})


@pytest.fixture(scope="module")
def curves():
    """Three valleys of the loss, the least at 0.02, 0.03 and 0.05."""
    return read_curves(RATES, np.stack([2 - np.clip(1 - np.log10(RATES / least) ** 2, -5, 1) * (least / 10 < RATES)
                                        for least in (0.02, 0.03, 0.05)]))  # fmt: skip


def test_a_row_holds_mean_and_standard_deviation_over_the_seeds(swept):
    losses = [run.results["validation"]["loss"] for run in swept.runs[:3]]
    row = sweep_table(swept).splitlines()[2]
    assert row.split()[:2] == ["0.1", "3"]
    assert f"{np.mean(losses):.4f} ± {np.std(losses, ddof=1):.4f}" in row
    assert row.endswith("finished")


def test_what_was_not_finite_is_seen_and_the_best_cell_is_said(swept):
    lines = sweep_table(swept).splitlines()
    assert lines[3].endswith("non-finite")
    assert re.fullmatch(r"Best validation loss: \S+ ± \S+ at optimizer/learning_rate = 0.1 \(.* 3 seeds\)\.", lines[4])
    assert lines[5] == "6 runs, 1 compiled program."
    alone = sweep(RECIPE, {"optimizer/learning_rate": (1e30,)})
    assert "no best one" in sweep_table(alone)


def test_kinds_are_shown_as_they_are_written_and_seeds_alone_are_one_row():
    text = sweep_table(sweep(RECIPE, {"optimizer": (SGD(0.1), Adam(0.01))}))
    assert "SGD(0.1)" in text
    assert "Adam(0.01)" in text
    assert "2 compiled programs" in text
    lines = sweep_table(sweep(RECIPE, {"seed": (1, 2)})).splitlines()
    assert lines[0].startswith("runs")
    assert "at all seeds" in lines[3]


def test_the_mark_stands_below_the_suggested_rate(curves):
    said, curve, mark, ends, _ = rate_text(curves).splitlines()
    assert said.startswith(f"Learning rate {curves.suggestion:.2g}, 95 % interval {curves.interval[0]:.2g}")
    assert len(curve) == len(ends) == WIDTH
    at = RATES[round(mark.index("▲") * (len(RATES) - 1) / (WIDTH - 1))]
    assert np.log10(at) == pytest.approx(np.log10(curves.suggestion), abs=6 / WIDTH)
    assert (min(curve), max(curve), curve[-1]) == ("▁", "█", "█")


def test_without_a_suggestion_the_reason_is_said():
    lines = rate_text(read_curves(RATES, np.full((3, 200), 2.0))).splitlines()
    assert lines[0] == "No suggestion. 3 of 3 seeds: the loss never falls clearly."
    assert "▲" not in "".join(lines)


def test_losses_that_were_not_made_are_dots():
    losses = np.where(RATES < 1.0, 2 - np.clip(np.log10(RATES / 0.01), 0, 1), np.nan)
    assert rate_text(read_curves(RATES, np.stack([losses, losses]))).splitlines()[1].endswith("·········")


def test_the_picture_shows_the_suggestion_and_its_interval(curves, tmp_path):
    text = rate_picture(curves, tmp_path / "rate.svg").read_text()
    assert f"suggestion, {curves.suggestion:.2g}" in text
    assert "95 % interval over the seeds" in text
    flat = rate_picture(read_curves(RATES, np.full((2, 200), 2.0)), tmp_path / "flat.svg").read_text()
    assert "learning rate" in flat
    assert "suggestion" not in flat
