"""Diagnosis and cure on the command line."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

import headway.doctor.cure as doctor_cure
import headway.doctor.proof as doctor_proof
import headway.spec.json as spec_json
from headway.cli.doctor import budget_of
from headway.data.bundled import Iris
from headway.data.dataset import Data
from headway.doctor.cure import Cure
from headway.models.mlp import mlp
from headway.network.activations import Sigmoid
from headway.training.named import named
from tests.report.test_story import RECORD, not_proven, stored
from tests.test_bad_input import headway

SMALL = ("--set", "length.count=5", "--set", "data.validation=0.2")
WATCHED = ("--set", 'watch={"kind": "headway/Watch", "every": 1}')


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A folder with a recipe that does not learn."""
    folder = tmp_path_factory.mktemp("doctor")
    deep = replace(named("iris").recipe, network=mlp((8,) * 5, 3, activation=Sigmoid()), length=40)
    spec_json.save(folder / "deep.json", deep)
    return folder


@pytest.fixture(autouse=True)
def here(place, monkeypatch):
    monkeypatch.chdir(place)


@pytest.fixture
def one_remedy(monkeypatch):
    """A short trial: the first remedy alone, no random edits."""
    offered = doctor_cure.remedies
    monkeypatch.setattr(doctor_cure, "remedies", lambda *case: offered(*case)[:1])
    monkeypatch.setattr(doctor_proof, "random_remedies", lambda *case: ())


@pytest.fixture
def kept(place):
    """The folder of a stored cure."""
    folder = place / "kept"
    folder.mkdir(exist_ok=True)
    shutil.copy(RECORD, folder / "cure.json")
    return "kept"


def test_a_cure_is_run_told_and_stored_and_told_the_same_again(place, one_remedy, capsys, monkeypatch):
    code, out, err = headway(capsys, monkeypatch, "cure", "deep.json", "--out", "cured")
    assert code == 0, err
    assert out.startswith("Vanishing gradient found, and a remedy proven: relu-and-he")
    assert "Report with pictures: cured/report.html" in out
    assert "training the recipe as it is\ntuning the learning rate of" in err
    names = {path.name for path in (place / "cured").iterdir()}
    assert names == {"before", "after", "cure.json", "cured.json", "report.html"}
    record = json.loads((place / "cured" / "cure.json").read_text())
    assert record["versions"]["jax"]
    assert spec_json.load(place / "cured" / "cured.json") == Cure.of(record).cured
    page = (place / "cured" / "report.html").read_bytes()

    code, again, err = headway(capsys, monkeypatch, "cure", "--from", "cured")
    assert (code, again, err) == (0, out, "")
    assert (place / "cured" / "report.html").read_bytes() == page


def test_a_healthy_recipe_is_left_alone(place, capsys, monkeypatch):
    code, out, _ = headway(capsys, monkeypatch, "cure", "iris", "--set", "data.validation=0.2")
    assert code == 0
    assert out.startswith("Healthy: it learns")
    assert {path.name for path in (place / "runs" / "cure-iris-1").iterdir()} == {"before", "cure.json", "report.html"}


def test_the_doctor_looks_at_a_recipe_and_offers_the_cure(capsys, monkeypatch):
    code, out, _ = headway(capsys, monkeypatch, "doctor", "deep.json")
    assert code == 4
    assert out.startswith("Vanishing gradient found, nothing tried yet")
    assert "`headway cure`" in out


def test_the_doctor_looks_at_a_run_that_was_watched(place, capsys, monkeypatch):
    assert headway(capsys, monkeypatch, "train", "iris", *SMALL, *WATCHED, "--out", "watched")[0] == 0
    code, out, _ = headway(capsys, monkeypatch, "doctor", "watched", "--json")
    record = json.loads(out)
    result = json.loads((place / "watched" / "result.json").read_text())["values"]
    assert record["before"]["results"] == result
    assert record["diagnosis"]["loss"] == result["validation"]["loss"]
    assert code == (0 if record["diagnosis"]["learns"] else 4)


def test_a_stored_cure_is_printed_as_json_that_holds_it(kept, capsys, monkeypatch):
    code, out, _ = headway(capsys, monkeypatch, "cure", "--from", kept, "--json")
    assert code == 0
    assert Cure.of(json.loads(out)) == stored()


def test_nothing_proven_has_an_exit_code_of_its_own(place, capsys, monkeypatch):
    (place / "unproven").mkdir()
    (place / "unproven" / "cure.json").write_text(json.dumps(not_proven().record()))
    code, out, _ = headway(capsys, monkeypatch, "cure", "--from", "unproven")
    assert code == 4
    assert "no remedy proven" in out
    assert "Cured recipe" not in out


def test_a_cure_within_a_budget_says_what_there_was_no_time_for(place, capsys, monkeypatch):
    code, out, _ = headway(capsys, monkeypatch, "cure", "deep.json", "--budget", "0.01s", "--out", "hurried")
    assert code == 4
    assert out.startswith("Vanishing gradient found, no remedy proven")
    assert "Not proven: the budget" in out
    assert "does not fit into the budget" in out
    assert Cure.of(json.loads((place / "hurried" / "cure.json").read_text())).proof.budget.seconds == 0.01
    assert (place / "hurried" / "report.html").exists()
    assert headway(capsys, monkeypatch, "cure", "--from", "hurried")[1] == out


@pytest.mark.parametrize(("text", "seconds"), [("90", 90), ("90s", 90), ("2m", 120), ("1.5h", 5400), ("", None)])
def test_a_budget_has_a_unit(text, seconds):
    assert budget_of(text) == seconds


def test_two_recipes_are_bisected_told_and_written(place, capsys, monkeypatch):
    good = replace(named("iris").recipe, data=Data(Iris(), validation=0.2), length=40)
    spec_json.save(place / "good.json", good)
    spec_json.save(place / "bad.json", replace(good, optimizer=good.optimizer.times(1e-6), batch_size=20))
    code, out, err = headway(capsys, monkeypatch, "bisect", "good.json", "bad.json", "--seeds", "1", "--json")
    found = json.loads(out)
    assert code == 0
    assert len(found["edits"]) == 2
    assert [found["edits"][n]["at"] for n in found["breaks"]] == ["optimizer/learning_rate/then/peak"]
    assert found["cures"] == found["breaks"]
    assert "2 of 2 edits" in err


def test_a_recipe_is_checked_before_it_is_trained(capsys, monkeypatch):
    code, out, err = headway(capsys, monkeypatch, "check", "iris")
    assert code == 0, err
    assert out.startswith("Nothing found")
    assert "ruled out  data-faults, labels-shuffled" in out
    assert not Path("runs/iris-1").exists()


def test_what_would_keep_a_recipe_from_learning_is_told_first_and_has_its_exit_code(capsys, monkeypatch):
    last = ("--set", 'network.3={"kind": "headway/Sequential", "layers": [{"kind": "headway/Dense", "units": 3}, '
            '{"kind": "headway/Softmax"}]}')  # fmt: skip
    code, out, err = headway(capsys, monkeypatch, "check", "iris", *last)
    assert (code, err) == (4, "")
    assert out.startswith("Outputs that do not suit the loss (output-loss-mismatch)")
    assert "At network/3/1. CrossEntropy takes logits and squashes them" in out

    code, out, _ = headway(capsys, monkeypatch, "check", "iris", *last, "--json")
    found = json.loads(out)
    assert code == 4
    assert {one["id"]: one["verdict"] for one in found["findings"]}["output-loss-mismatch"] == "found"
    assert (found["loss"], found["learns"]) == (None, None)
    code, out, _ = headway(capsys, monkeypatch, "check", "iris", *last, "--accept", "output-loss-mismatch=a drill")
    assert code == 0
    assert "Accepted: a drill" in out


WRONG = {
    "a budget of no unit": (("cure", "iris", "--budget", "soon"), "120s, 2m or 1h"),
    "no time at all": (("cure", "iris", "--budget", "0s"), "120s, 2m or 1h"),
    "nothing to bisect": (("bisect", "iris", "iris"), "two recipes that differ"),
    "no recipe": (("cure",), "recipe or --from"),
    "both": (("cure", "iris", "--from", "."), "recipe or --from"),
    "an unknown recipe": (("cure", "digits-sigmoid"), "Did you mean 'digits-sigmoid20'"),
    "a folder that is taken": (("cure", "iris", "--out", "."), "new or empty folder"),
    "a file for a folder": (("cure", "iris", "--out", "deep.json"), "new or empty folder"),
    "too few seeds": (("cure", "iris", "--seeds", "3"), "--seeds"),
    "no stored cure": (("cure", "--from", "."), "no cure.json"),
    "a broken record": (("cure", "--from", "broken"), "broken/cure.json"),
    "the record of something else": (("cure", "--from", "other"), "must be the record of a cure"),
    "a folder that is no run": (("doctor", "."), "folder of a run"),
    "edits of a run": (("doctor", ".", "--set", "seed=1"), "--set"),
    "an unknown recipe to check": (("check", "iriss"), "Did you mean 'iris'"),
    "a recipe that cannot be computed": (("check", "iris", "--set", "network.3.units=4"), "must give 3 outputs"),
    "an unknown name": (("doctor", "iriss"), "Did you mean 'iris'"),
}


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_command_gets_one_message(name, place, capsys, monkeypatch):
    for folder, text in (("broken", "{"), ("other", "{}")):
        Path(folder).mkdir(exist_ok=True)
        (Path(folder) / "cure.json").write_text(text)
    words, expected = WRONG[name]
    code, out, err = headway(capsys, monkeypatch, *words)
    assert (code, out) == (2, "")
    assert expected in err
    assert "Traceback" not in err
    assert "a defect" not in err


def test_a_history_of_another_system_is_read(place, capsys, monkeypatch):
    rows = [{"step": k, "loss": 2.0 / k, "hidden:silent": 1.0, "out:silent": 0.0} for k in range(1, 41)]
    Path("history.jsonl").write_text("\n".join(map(json.dumps, rows)))
    code, out, err = headway(capsys, monkeypatch, "doctor", "history.jsonl", "--fail-on", "noticed")
    assert (code, err) == (4, "")
    assert "dying-relu" in out
    code, out, _ = headway(capsys, monkeypatch, "doctor", "history.jsonl", "--json")
    assert code == 0
    findings = {one["id"]: one for one in json.loads(out)["findings"]}
    assert (findings["dying-relu"]["verdict"], findings["dying-relu"]["where"]) == ("noticed", ["hidden"])
    assert findings["exploding-gradient"]["verdict"] == "not seen"


def test_what_is_meant_is_accepted_and_the_exit_code_is_for_what_one_asks(place, capsys, monkeypatch):
    assert headway(capsys, monkeypatch, "train", "deep.json", *WATCHED, "--out", "deep")[0] == 0
    assert headway(capsys, monkeypatch, "doctor", "deep", "--html", "deep.html")[0] == 4
    assert "Signals over the run" in Path("deep.html").read_text()
    assert headway(capsys, monkeypatch, "doctor", "deep", "--fail-on", "never")[0] == 0
    code, out, err = headway(capsys, monkeypatch, "doctor", "deep", "--accept", "vanishing-gradient")
    assert (code, out) == (2, "")
    assert "must be ID=REASON" in err
    code, out, _ = headway(capsys, monkeypatch, "doctor", "deep", "--accept", "vanishing-gradient=a lesson", "--json")
    found = {one["id"]: one for one in json.loads(out)["diagnosis"]["findings"]}
    assert found["vanishing-gradient"]["evidence"][-1] == "Accepted: a lesson"
