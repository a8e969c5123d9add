"""The landscape of a run on the command line: its numbers are those of the runs, its pictures lie where it says."""

import json
from pathlib import Path

import jax.numpy as jnp
import numpy as np
import pytest

from headway.learning.backpropagation.reverse import gradients as hw_gradients
from headway.report.wording import short
from headway.training.named import named
from headway.training.replay import replay
from headway.training.run import Run
from headway.training.step import Batch
from tests.test_bad_input import headway

SMALL = ("--set", "length.count=4", "--set", "data.validation=0.2")


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    return tmp_path_factory.mktemp("inspect")


@pytest.fixture(autouse=True)
def here(place, monkeypatch, capsys):
    """A folder with two runs of one network and one of another."""
    monkeypatch.chdir(place)
    for name, *more in (("one",), ("two", "--set", "seed=1"), ("wide", "--set", "network.1.units=3")):
        if not Path(name).exists():
            assert headway(capsys, monkeypatch, "train", "iris", *SMALL, *more, "--out", name)[0] == 0


def looked(capsys, monkeypatch, *words):
    code, out, err = headway(capsys, monkeypatch, "landscape", *words)
    assert code == 0, err
    return out


def test_a_line_has_the_loss_of_the_run_in_its_middle(capsys, monkeypatch):
    found = json.loads(looked(capsys, monkeypatch, "one", "--kind", "line", "--points", "5", "--json"))
    assert found["at"] == [-1, -0.5, 0, 0.5, 1]
    assert found["losses"][2] == pytest.approx(Run.load("one").evaluate("train")["loss"], rel=1e-5)
    assert Path(found["picture"]).read_text().startswith("<svg")


def test_a_plane_is_drawn_by_default_the_same_bytes_each_time(capsys, monkeypatch):
    text = looked(capsys, monkeypatch, "one", "--points", "5", "--seed", "3")
    first = Path("one/landscape-plane.svg").read_bytes()
    assert looked(capsys, monkeypatch, "one", "--points", "5", "--seed", "3") == text
    assert Path("one/landscape-plane.svg").read_bytes() == first
    assert "Picture: one/landscape-plane.svg" in text
    assert looked(capsys, monkeypatch, "one", "--points", "5", "--seed", "4") != text


def test_the_path_ends_at_the_last_weights(capsys, monkeypatch):
    found = json.loads(looked(capsys, monkeypatch, "one", "--kind", "path", "--points", "5", "--json"))
    np.testing.assert_allclose(found["path"][-1], 0, atol=1e-6)
    assert "41 points of the path" not in found["notes"][0]
    assert len(found["path"]) == Run.load("one").standing.step + 1
    assert len(found["notes"]) == 1, "made again, the weights are those of the run"


def test_between_two_runs_the_ends_have_their_losses(capsys, monkeypatch):
    found = json.loads(looked(capsys, monkeypatch, "one", "two", "--kind", "between", "--json", "--out", "between.png"))
    ends = [Run.load(name).evaluate("train")["loss"] for name in ("one", "two")]
    # The loss is that of the first run's training examples, and the second drew the same split.
    np.testing.assert_allclose([found["losses"][0], found["losses"][-1]], ends, rtol=1e-4)
    assert found["notes"][0].startswith("barrier ")
    assert Path("between.png").read_bytes().startswith(b"\x89PNG")


def test_with_hidden_units_matched_the_ends_keep_their_losses(capsys, monkeypatch):
    words = ("one", "two", "--kind", "between", "--json", "--points", "3")
    plain, matched = (json.loads(looked(capsys, monkeypatch, *words, *more)) for more in ((), ("--align",)))
    np.testing.assert_allclose(matched["losses"][::2], plain["losses"][::2], rtol=1e-5)
    assert matched["losses"][1] != plain["losses"][1]


def test_without_another_run_the_line_comes_from_the_first_weights(capsys, monkeypatch):
    text = looked(capsys, monkeypatch, "one", "--kind", "between", "--points", "3", "--examples", "10")
    assert "from the first weights (0) to the best ones (1) of one" in text
    assert "Loss on 10 of" in text


def test_the_curvature_is_told_on_request(capsys, monkeypatch):
    text = looked(capsys, monkeypatch, "one", "--kind", "line", "--points", "3", "--hessian")
    assert "Not a stationary point" in text
    assert "trace" in text
    found = json.loads(looked(capsys, monkeypatch, "one", "--kind", "line", "--points", "3", "--hessian", "--json"))
    assert found["hessian"]["kind"] == "not stationary"
    assert len(found["hessian"]["highest"]["values"]) == 5


def test_a_trace_of_a_recipe_is_of_its_first_weights(capsys, monkeypatch):
    code, out, err = headway(capsys, monkeypatch, "trace", "iris", "--example", "3", "--json")
    assert code == 0, err
    found, recipe = json.loads(out), named("iris").recipe
    examples = recipe.data.load().train[3:4]
    params = replay(recipe, [0])[0]["params"]
    gradient = hw_gradients(recipe, params, Batch(*map(jnp.asarray, (examples.x, examples.y))))
    np.testing.assert_allclose(found["gradients"]["1/w"], gradient.params["1"]["w"], rtol=1e-5, atol=1e-7)
    assert found["chain"]["total"] == pytest.approx(found["chain"]["by_jax"], rel=1e-4)


def test_a_trace_of_a_run_is_of_its_best_weights(capsys, monkeypatch):
    code, out, err = headway(capsys, monkeypatch, "trace", "one", "--units", "2", "--weight", "3/w[0, 1]")
    assert code == 0, err
    weight = float(Run.load("one").params["3"]["w"][0, 1])
    assert f"The gradient of 3/w[0, 1] = {short(weight)}, multiplied out" in out


WRONG = {
    "an unknown kind": (("one", "--kind", "plain"), "Did you mean 'plane'"),
    "two runs without between": (("one", "two"), "must be between for two runs"),
    "one run to align": (("one", "--kind", "between", "--align"), "--align: needs two runs"),
    "another network to align": (("one", "wide", "--kind", "between", "--align"), "to: must have the names and shapes"),
    "another network": (("one", "wide", "--kind", "between"), "end: must have the names and shapes"),
    "no run": (("nowhere",), "folder of a run"),
    "an unknown picture": (("one", "--out", "x.pdf"), "must be .svg or .png"),
    "too few points": (("one", "--points", "2"), "--points"),
    "no examples": (("one", "--examples", "0"), "--examples"),
    "an example too far": (("trace", "iris", "--example", "1000"), "--example: must be below 83"),
    "a weight that is none": (("trace", "one", "--weight", "3/v[0, 0]", "--json"), "must be that of a Dense layer"),
    "edits of a run": (("trace", "one", "--set", "seed=1"), "--set: must not be given with a run"),
    "an unknown recipe": (("trace", "iriss"), "Did you mean 'iris'"),
}


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_command_gets_one_message(name, capsys, monkeypatch):
    words, expected = WRONG[name]
    command = () if words[0] == "trace" else ("landscape",)
    code, out, err = headway(capsys, monkeypatch, *command, *words)
    assert (code, out) == (2, "")
    assert expected in err
    assert "Traceback" not in err
    assert "a defect" not in err
