"""Measurements on the command line: those of Python, as text and JSON, and stored only where that was asked for."""

import json
from pathlib import Path

import pytest

from headway.cli.measure import plain
from headway.doctor.on_demand.measure import measure
from headway.doctor.on_demand.measured import COSTS
from headway.training.run import Run
from tests.test_bad_input import headway

SMALL = ("--set", "length=4", "--set", "batch_size=32")


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    return tmp_path_factory.mktemp("measure")


@pytest.fixture(autouse=True)
def here(place, monkeypatch, capsys):
    """A folder with a run."""
    monkeypatch.chdir(place)
    if not Path("run").exists():
        assert headway(capsys, monkeypatch, "train", "iris", *SMALL, "--out", "run")[0] == 0


def asked(capsys, monkeypatch, *words):
    code, out, err = headway(capsys, monkeypatch, "measure", *words)
    assert code == 0, err
    return out


def test_a_run_is_measured_as_in_python_and_nothing_is_left_in_its_folder(capsys, monkeypatch):
    before = sorted(Path("run").iterdir())
    found = json.loads(asked(capsys, monkeypatch, "run", "--of", "gradient-noise-scale", "--of", "sharpness", "--json"))
    assert sorted(Path("run").iterdir()) == before
    for name, one in measure(Run.load("run"), "gradient-noise-scale", "sharpness").items():
        assert found[name]["numbers"] == pytest.approx(plain(one.numbers), rel=1e-5)
        assert (found[name]["evidence"], found[name]["advice"]) == (list(one.evidence), one.advice)


def test_a_recipe_is_measured_at_its_initial_weights_with_fields_changed(capsys, monkeypatch):
    text = asked(capsys, monkeypatch, "iris", "--of", "jacobian-norms", "--set", "seed=3")
    again = asked(capsys, monkeypatch, "iris", "--of", "jacobian-norms", "--set", "seed=4")
    assert text.startswith("jacobian-norms\n──────────────\nA change of 1 in every input is one of ")
    assert "from the input to the output" in text
    assert text != again
    assert max(map(len, text.splitlines())) <= 100


def test_results_are_stored_where_that_is_asked_for(capsys, monkeypatch):
    asked(capsys, monkeypatch, "run", "--of", "tiny-batch", "--weights", "best", "--out", "measured.json")
    stored = json.loads(Path("measured.json").read_text())
    assert stored["tiny-batch"]["numbers"]["examples"] == 16


def test_the_help_says_what_each_costs(capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "200")
    words = " ".join(asked(capsys, monkeypatch, "--help").replace("│", " ").split())
    for name, cost in COSTS.items():
        assert f"{name} ({cost})" in words


def test_wrong_names_and_fields_of_a_run_are_refused(capsys, monkeypatch):
    assert headway(capsys, monkeypatch, "measure", "iris", "--of", "sharpnes")[0] == 2
    code, _, err = headway(capsys, monkeypatch, "measure", "run", "--set", "seed=1")
    assert code == 2
    assert "must not be given with a run that is over" in err


def test_what_is_not_finite_is_null():
    assert plain({"a": float("inf"), "b": {"c": float("nan"), "d": 2.0}}) == {"a": None, "b": {"c": None, "d": 2.0}}
