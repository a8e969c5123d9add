"""The folder of a run."""

import json
import math
import shutil
from dataclasses import replace

import numpy as np
import pyarrow.parquet
import pytest

from headway.learning.metrics import Accuracy
from headway.signals.history import Signals
from headway.signals.probe import Watch
from headway.signals.statistics import STATISTICS
from headway.spec.error import HeadwayError
from headway.training.recipe import Checkpoints, Evaluation
from headway.training.record import RunFolder, list_runs
from headway.training.run import Run
from headway.training.train import train
from tests.training.test_loop import RECIPE


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    return train(replace(RECIPE, checkpoints=Checkpoints(20), watch=None), out=tmp_path_factory.mktemp("runs") / "one")


def test_the_folder_holds_everything_that_the_run_was(run):
    names = {path.name for path in run.folder.iterdir()}
    assert names == {"recipe.json", "manifest.json", "events.jsonl", "checkpoints", "weights.safetensors",
                     "final.safetensors", "schema.json", "history.parquet", "result.json"}  # fmt: skip
    assert RunFolder(run.folder).recipe() == run.recipe


def test_the_manifest_says_what_the_run_depended_on(run):
    manifest = RunFolder(run.folder).manifest()
    assert manifest["data"] == run.dataset.fingerprint
    assert manifest["device"]["platform"] == "cpu"
    assert {"python", "headway", "jax", "jaxlib", "numpy"} <= manifest["versions"].keys()
    assert manifest["seed"] == 0


def test_the_log_is_one_json_object_a_line_with_every_update(run):
    events = [json.loads(line) for line in (run.folder / "events.jsonl").read_text().splitlines()]
    losses = [loss for e in events if e["event"] == "advanced" for loss in e["loss"]]
    assert losses == run.history.columns()["loss"].tolist()
    assert [e["step"] for e in events if e["event"] == "saved"] == [20, 40]
    assert events[0]["event"] == "started"
    assert events[-1]["event"] == "ended"


def test_a_run_stored_before_a_measure_was_taken_has_no_number_for_it(run, tmp_path):
    shutil.copytree(run.folder, tmp_path / "old")
    old, new = RunFolder(tmp_path / "old"), run.history.columns()
    table = pyarrow.parquet.read_table(old.path / "history.parquet").drop_columns(["clipped_norm"])
    pyarrow.parquet.write_table(table, old.path / "history.parquet")
    lines = [json.loads(line) for line in old.log_path.read_text().splitlines()]
    old.log_path.write_text("\n".join(json.dumps({k: v for k, v in e.items() if k != "clipped_norm"}) for e in lines))
    for history in (old.history(), old.logged()):
        columns = history.columns()
        assert np.isnan(columns.pop("clipped_norm")).all()
        for name, values in columns.items():
            np.testing.assert_array_equal(values, new[name])


def test_a_folder_with_something_in_it_is_not_written_over(run):
    with pytest.raises(HeadwayError, match="new or empty folder"):
        train(RECIPE, out=run.folder)


def test_runs_are_listed_with_those_that_go_on_and_those_that_broke(run, tmp_path):
    for name, result in (("going", None), ("broken", "{")):
        (tmp_path / name).mkdir()
        (tmp_path / name / "recipe.json").write_text("{}")
        if result:
            (tmp_path / name / "result.json").write_text(result)
    found = {row["folder"].rpartition("/")[2]: row for row in list_runs(tmp_path) + list_runs(run.folder.parent)}
    assert found["going"]["reason"] == "going on or killed"
    assert found["broken"]["reason"] == "unreadable result.json"
    assert found["one"]["reason"] == "finished"
    assert "accuracy" in found["one"]["result"]


def test_a_run_without_evaluation_of_its_own_is_judged_at_the_end(tmp_path):
    run = train(replace(RECIPE, evaluation=Evaluation(1000, metrics=(Accuracy(),))), out=tmp_path / "late")
    assert [e["step"] for e in run.history.evaluations] == [60]
    assert math.isfinite(run.results["test"]["loss"])


@pytest.mark.parametrize("every", [7, 1000])
def test_the_folder_of_a_watched_run_holds_its_signals_in_the_log_and_as_a_table(every, tmp_path):
    run = train(replace(RECIPE, watch=Watch(every)), out=tmp_path / "seen")
    signals = run.history.signals
    assert signals.steps.tolist() == list(range(1, 61, every))
    for stored in (Run.load(run.folder).history.signals, RunFolder(run.folder).logged().signals):
        assert stored.addresses == signals.addresses == ("0", "1", "2", "3")
        assert (stored.steps.dtype, stored.values.dtype) == (signals.steps.dtype, signals.values.dtype)
        np.testing.assert_array_equal(stored.steps, signals.steps)
        np.testing.assert_array_equal(stored.values, signals.values)
    table = pyarrow.parquet.read_table(run.folder / "signals.parquet")
    assert table.column_names == ["step", *(f"{a}:{name}" for a in signals.addresses for name in STATISTICS)]
    assert table["3:gradient"].to_pylist() == signals["gradient"][:, 3].tolist()


def test_a_run_that_nobody_watched_has_no_signals(run):
    signals = Run.load(run.folder).history.signals
    assert (len(signals), signals.addresses) == (0, Signals.of([], [], []).addresses)
