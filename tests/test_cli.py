"""The command line from the outside."""

import json
import re
import subprocess
import sys
import time

import numpy as np
import pytest

from tests.test_bad_input import headway

IRIS = ("train", "iris", "--set", "length.count=3", "--set", "evaluation.every.count=1")


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    return tmp_path_factory.mktemp("cli")


@pytest.fixture(autouse=True)
def here(place, monkeypatch):
    monkeypatch.chdir(place)


@pytest.fixture
def run(place, capsys, monkeypatch):
    """The folder of a trained run."""
    if not (place / "trained").exists():
        code, _, _ = headway(capsys, monkeypatch, *IRIS, "--out", "trained")
        assert code == 0
    return "trained"


def test_help_is_quick_and_needs_no_jax():
    script = "import sys\nfrom headway.cli.__main__ import main\nsys.argv = ['headway', '--help']\n"
    script += "try: main()\nexcept SystemExit: pass\n"
    script += "heavy = {'jax', 'numpy', 'matplotlib', 'sklearn', 'pyarrow'} & set(sys.modules); assert not heavy, heavy"
    best = 9.0
    for _ in range(3):
        started = time.perf_counter()
        done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
        best = min(best, time.perf_counter() - started)
        assert done.returncode == 0, done.stderr
        assert "train" in done.stdout
    print(f"headway --help: {best:.2f} s")


def test_training_prints_the_results_and_where_the_run_lies(place, capsys, monkeypatch):
    code, out, _ = headway(capsys, monkeypatch, *IRIS)
    assert code == 0
    assert "runs/iris-1" in out
    assert (place / "runs" / "iris-1" / "curves.svg").exists()
    code, out, _ = headway(capsys, monkeypatch, *IRIS)
    assert "runs/iris-2" in out


def test_a_language_model_is_told_beside_counting_and_writes_text(place, capsys, monkeypatch):
    small = ("--set", "length=20", "--set", 'data.source.modules=["heapq","bisect","keyword"]', "--set", "batch_size=4")
    code, out, _ = headway(capsys, monkeypatch, "train", "stdlib-lm", *small, "--out", "lm")
    assert code == 0
    counted = re.findall(r"test (\d\.\d{3}) bits per byte of a Markov model of order (\d)", out)
    assert [order for _, order in counted] == ["0", "2"]
    assert float(counted[1][0]) < float(counted[0][0])
    said = ("generate", "lm", "--prompt", "def ", "--length", "20", "--temperature", "0.8", "--seed", "0")
    code, out, _ = headway(capsys, monkeypatch, *said)
    assert code == 0
    assert out.startswith("def ")
    assert headway(capsys, monkeypatch, *said)[1] == out
    assert headway(capsys, monkeypatch, *said[:-1], "1")[1] != out
    code, _, err = headway(capsys, monkeypatch, *said[:-3], "0")
    assert code == 2
    assert "--temperature" in err


def test_seeds_are_trained_one_after_the_other_and_summed_up(place, capsys, monkeypatch):
    code, out, _ = headway(capsys, monkeypatch, *IRIS, "--seeds", "3", "--json", "--out", "seeds")
    runs = json.loads(out)
    assert code == 0
    assert [run["seed"] for run in runs] == [0, 1, 2]
    code, table, _ = headway(capsys, monkeypatch, *IRIS, "--seeds", "2", "--out", "seeds2")
    assert "±" in table


def test_evaluate_and_predict_a_run(run, place, capsys, monkeypatch):
    code, out, _ = headway(capsys, monkeypatch, "evaluate", run, "--json")
    assert code == 0
    assert json.loads(out) == json.loads((place / run / "result.json").read_text())["values"]["test"]
    np.savez(place / "new.npz", x=np.ones((2, 4)))
    code, out, _ = headway(capsys, monkeypatch, "predict", run, "new.npz")
    assert code == 0
    assert len(out.split()) == 2


def test_runs_are_listed_and_a_broken_one_hides_no_other(run, place, capsys, monkeypatch):
    (place / "broken").mkdir(exist_ok=True)
    (place / "broken" / "recipe.json").write_text("{}")
    (place / "broken" / "result.json").write_text("{")
    code, out, _ = headway(capsys, monkeypatch, "runs", ".")
    assert code == 0
    assert "unreadable" in out
    assert "finished" in out


def test_show_prints_layers_schedule_and_what_decays(capsys, monkeypatch):
    code, out, _ = headway(capsys, monkeypatch, "show", "mnist1d-cnn")
    assert code == 0
    assert "5,210" in out
    assert "█" in out
    assert "0/w" in out
    assert "\nupdates of 100 examples\n" in out
    assert f"\ntraining state: optimizer {2 * 4 * 5210 + 4:,} bytes, params {4 * 5210:,} bytes\n" in out  # and a count


def test_recipes_are_listed(capsys, monkeypatch):
    code, out, _ = headway(capsys, monkeypatch, "recipes")
    assert code == 0
    assert "mnist1d-cnn" in out


def test_a_recipe_file_in_toml_trains(place, capsys, monkeypatch):
    (place / "own.toml").write_text(
        'kind = "headway/Recipe"\nlength = 10\nbatch_size = 16\n'
        '[network]\nkind = "headway/Dense"\nunits = 3\n'
        '[data]\nkind = "headway/Data"\n[data.source]\nkind = "headway/Iris"\n'
        '[loss]\nkind = "headway/CrossEntropy"\n[optimizer]\nkind = "headway/SGD"\nlearning_rate = 0.1\n'
    )
    code, _, _ = headway(capsys, monkeypatch, "train", "own.toml", "--out", "own")
    assert code == 0


def test_a_kind_of_the_users_own_trains_from_json(place, capsys, monkeypatch):
    (place / "mykinds.py").write_text(
        "from headway.network.layer import Activation\nfrom headway.spec.node import spec\n"
        '@spec\nclass Cube(Activation):\n    """x³."""\n    def function(self, x):\n        return x**3\n'
    )
    words = ("--import", "mykinds", "--set", 'network.1={"kind": "mykinds/Cube"}', "--out", "cubed")
    code, _, err = headway(capsys, monkeypatch, *IRIS, *words)
    assert code == 0, err
    assert "mykinds/Cube" in (place / "cubed" / "recipe.json").read_text()


def test_a_run_that_overflows_ends_with_its_own_code(place, capsys, monkeypatch):
    words = ("--set", "optimizer.learning_rate=1e30", "--out", "overflow")
    code, _, err = headway(capsys, monkeypatch, "train", "diabetes", *words)
    assert code == 3
    assert "is not finite" in err
    assert json.loads((place / "overflow" / "result.json").read_text())["reason"] == "non-finite"
