"""The commands sweep and rate from the outside."""

import json
import re
from pathlib import Path

import pytest

from headway.cli.sweep import axes_of
from headway.learning.optimizers.sgd import SGD
from headway.spec.error import HeadwayError
from headway.training.named import named
from headway.training.sweeps.rate import find_learning_rate
from tests.test_bad_input import headway

SHORT = ("iris", "--set", "length=10", "--set", "evaluation.every=10")


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize(
    ("texts", "axes"),
    [
        (["seed=0:4"], {"seed": (0, 1, 2, 3)}),
        (["seed=10:20:5"], {"seed": (10, 15)}),
        (["optimizer.learning_rate=1e-3,0.1", "seed=7"], {"optimizer/learning_rate": (1e-3, 0.1), "seed": (7,)}),
        (["evaluation.monitor=loss,accuracy"], {"evaluation/monitor": ("loss", "accuracy")}),
        (["seed,batch_size=[1,16],[2,32]"], {("seed", "batch_size"): ((1, 16), (2, 32))}),
        (['optimizer={"kind":"headway/SGD","learning_rate":0.5}'], {"optimizer": (SGD(0.5),)}),
    ],
)
def test_axes_are_read_as_they_are_written_in_python(texts, axes):
    assert axes_of(texts) == axes


@pytest.mark.parametrize(
    ("texts", "message"),
    [
        (["seed"], "--over: must be ADDRESS=VALUE,VALUE; got seed"),
        (["=1,2"], "--over: must be ADDRESS=VALUE,VALUE"),
        (["seed="], "--over: must be ADDRESS=VALUE,VALUE"),
        (["seed=1", "seed=2"], "--over: an axis must be given once; got seed"),
    ],
)
def test_what_is_no_axis_is_refused(texts, message):
    with pytest.raises(HeadwayError, match=message):
        axes_of(texts)


def test_a_sweep_prints_its_table_and_stores_its_rows(capsys, monkeypatch):
    axes = ("--over", "seed=0:2", "--over", "optimizer.learning_rate=1e-3,1e-1")
    code, out, _ = headway(capsys, monkeypatch, "sweep", *SHORT, *axes, "--out", "found")
    assert code == 0
    assert re.search(r"Best validation \w+: .* at optimizer/learning_rate = \S+ \(mean ± standard deviation", out)
    stored = json.loads(Path("found/sweep.json").read_text())
    code, out, _ = headway(capsys, monkeypatch, "sweep", *SHORT, *axes, "--json")
    printed = json.loads(out)
    assert printed["runs"] == stored["runs"]
    assert [run["seed"] for run in printed["runs"]] == [0, 0, 1, 1]
    assert printed["best"]["optimizer/learning_rate"] in ("0.001", "0.1")


def test_a_sweep_without_a_finite_cell_has_its_own_exit_code(capsys, monkeypatch):
    code, out, _ = headway(capsys, monkeypatch, "sweep", *SHORT, "--over", "optimizer.learning_rate=1e30,1e35")
    assert code == 3
    assert "no best one" in out


def test_the_range_test_is_that_of_python(capsys, monkeypatch):
    words = ("rate", "iris", "--updates", "80", "--seeds", "2", "--low", "1e-5")
    code, out, _ = headway(capsys, monkeypatch, *words, "--json", "--out", "rate.svg")
    assert code == 0
    expected = find_learning_rate(named("iris").recipe, updates=80, seeds=2, low=1e-5)
    assert json.loads(out) == json.loads(json.dumps(expected.record()))
    assert Path("rate.svg").exists()
    code, out, _ = headway(capsys, monkeypatch, *words)
    assert code == 0
    assert out.startswith(("Learning rate", "No suggestion"))


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("sweep", "iris", "--over", "seed=0:0"), "over: a sweep needs values"),
        (("sweep", "iris", "--over", "optimizer.lr=1,2"), "optimizer/lr: there is nothing at this address"),
        (("sweep", "iris", "--over", "optimizer.learning_rate=-1,2"), "learning_rate: must be greater than or equal"),
        (("sweep", "iris"), "--over"),
        (("rate", "iris", "--low", "2", "--high", "1"), "low: must be above 0 and below high"),
        (("rate", "iris", "--seeds", "1"), "seeds: an interval needs two seeds"),
    ],
)
def test_a_wrong_command_gets_one_message(words, message, capsys, monkeypatch):
    code, out, err = headway(capsys, monkeypatch, *words)
    assert (code, out) == (2, "")
    assert message in err
    assert "Traceback" not in err
    assert "a defect" not in err
