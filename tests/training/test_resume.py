"""A run that was killed goes on and ends bit-equal to one that was not."""

import contextlib
import json
import random
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import jax
import numpy as np
import pytest

import headway.spec.json as spec_json
from headway.signals.probe import Watch
from headway.spec.error import HeadwayError
from headway.training.checkpoint import checkpoints
from headway.training.recipe import Checkpoints, EarlyStopping, Recipe
from headway.training.run import Run
from headway.training.train import resume, train
from tests.drills import stored, workshop
from tests.training.test_loop import RECIPE

LONG = replace(RECIPE, length=20_000, checkpoints=Checkpoints(200), stopping=EarlyStopping(100_000))
KILLS = {"SIGKILL": 5, "SIGTERM": 2, "SIGINT": 2}
EXIT_CODES = {"SIGKILL": -signal.SIGKILL, "SIGTERM": 143, "SIGINT": 130}


def command(*words: str) -> list[str]:
    return [sys.executable, "-m", "headway.cli", "train", *words]


def killed_and_resumed(folder: Path, recipe: Recipe, number: signal.Signals, kills: int) -> list[int]:
    """Run a recipe, sending a signal at random moments, until it has hit `kills` times, then to its end.

    A run that ends between two kills begins anew. Returns the exit codes; they are also kept in the folder
    above, so that a drill that was broken off goes on.
    """
    note, document = folder.parent / "codes.json", folder.parent / "recipe.json"
    codes: list[int] = json.loads(note.read_text()) if note.exists() else []
    spec_json.save(document, recipe)
    dice, log = random.Random(len(codes)), folder / "events.jsonl"
    while sum(code != 0 for code in codes) < kills:
        if codes and codes[-1] == 0:
            shutil.rmtree(folder)
        begun, before = (folder / "recipe.json").exists(), written(log)
        words = ("--resume", str(folder)) if begun else (str(document), "--out", str(folder))
        process = subprocess.Popen(command(*words), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        while written(log) == before and process.poll() is None:
            time.sleep(0.01)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(dice.uniform(0, 1.5))
        process.send_signal(number)
        codes.append(process.wait())
        note.write_text(json.dumps(codes))
    return [*codes, subprocess.run(command("--resume", str(folder)), capture_output=True).returncode]


def written(path: Path) -> int:
    """When a file was last written, in nanoseconds; 0 where there is none."""
    return path.stat().st_mtime_ns if path.exists() else 0


def assert_bit_equal(a: Run, b: Run) -> None:
    jax.tree.map(np.testing.assert_array_equal, (a.values, a.final), (b.values, b.final))
    jax.tree.map(np.testing.assert_array_equal, a.history.columns(), b.history.columns())
    assert a.history.evaluations == b.history.evaluations
    assert a.standing == b.standing
    assert a.results == b.results
    assert a.history.signals.addresses == b.history.signals.addresses
    np.testing.assert_array_equal(a.history.signals.steps, b.history.signals.steps)
    np.testing.assert_array_equal(a.history.signals.values, b.history.signals.values)


@pytest.fixture(scope="module")
def uninterrupted(tmp_path_factory):
    return train(LONG, out=tmp_path_factory.mktemp("run") / "whole")


@pytest.mark.parametrize("name", KILLS)
def test_a_run_killed_at_random_moments_ends_bit_equal(name, tmp_path, uninterrupted):
    codes = killed_and_resumed(tmp_path / "run", LONG, signal.Signals[name], KILLS[name])
    assert codes[-1] == 0
    assert EXIT_CODES[name] in codes
    assert_bit_equal(Run.load(tmp_path / "run"), uninterrupted)


@pytest.mark.parametrize("name", ["SIGTERM", "SIGINT"])
def test_a_signal_stops_the_program_even_where_an_import_would_swallow_its_exception(name, tmp_path):
    swallowing = f"""
import os, signal, time
try:
    os.kill(os.getpid(), signal.{name})
    time.sleep(1)
except BaseException:
    pass
"""
    (tmp_path / "swallowing.py").write_text(swallowing)
    done = subprocess.run(command("iris", "--import", "swallowing", "--out", "run"), cwd=tmp_path, capture_output=True)
    assert done.returncode == EXIT_CODES[name]
    assert not (tmp_path / "run").exists()


@pytest.mark.accept
@pytest.mark.parametrize("name", KILLS)
def test_a_run_killed_many_times_ends_bit_equal(name, request):
    """20 kills by default; `make accept KILLS=1000` for more."""
    kills, recipe = request.config.getoption("--kills"), replace(LONG, length=400_000)
    folder = workshop(f"{name}-{kills}") / "run"

    def drill():
        codes = killed_and_resumed(folder, recipe, signal.Signals[name], kills)
        assert codes[-1] == 0
        assert_bit_equal(Run.load(folder), train(recipe))
        return {"kills": sum(code != 0 for code in codes), "codes": codes}

    assert stored(f"{name}-{kills}", drill)["kills"] == kills


@pytest.mark.parametrize("watch", [None, Watch(1), Watch(3), Watch(50)], ids=str)
def test_resuming_many_times_equals_not_stopping(tmp_path, watch):
    class StopError(Exception):
        pass

    recipe = replace(RECIPE, checkpoints=Checkpoints(7), watch=watch)
    whole = train(recipe, out=tmp_path / "whole")

    def stop_after(events):
        def callback(event):
            nonlocal events
            events -= 1
            if events == 0:
                raise StopError

        return callback

    pieces = tmp_path / "pieces"
    with pytest.raises(StopError):
        train(recipe, out=pieces, callbacks=(stop_after(2),))
    for events in (3, 4, 5, 9, 6):
        try:
            resume(pieces, callbacks=(stop_after(events),))
        except StopError:
            continue
    assert_bit_equal(resume(pieces), whole)


def test_half_a_checkpoint_and_half_a_line_are_left_out(tmp_path):
    recipe = replace(RECIPE, checkpoints=Checkpoints(10))
    whole = train(recipe, out=tmp_path / "run")
    (tmp_path / "run" / "result.json").unlink()
    (tmp_path / "run" / "checkpoints" / ".draft-000000055").mkdir()
    with open(tmp_path / "run" / "events.jsonl", "a") as log:
        log.write('{"event": "advanced", "step": 6')
    assert_bit_equal(resume(tmp_path / "run"), whole)


def test_the_last_checkpoints_and_the_best_are_kept(tmp_path):
    hot = replace(RECIPE.optimizer, learning_rate=0.5)
    recipe = replace(RECIPE, checkpoints=Checkpoints(10, keep=2), optimizer=hot, clip=None)
    run = train(recipe, out=tmp_path / "run")
    kept = {int(path.name[5:]) for path in checkpoints(tmp_path / "run" / "checkpoints")}
    assert {40, 50} <= kept | {60}
    assert len(kept) <= 3
    assert kept - {run.standing.best_step} <= {40, 50}


def test_a_run_that_is_over_is_loaded_not_trained_again(tmp_path):
    whole = train(RECIPE, out=tmp_path / "run")
    assert_bit_equal(resume(tmp_path / "run"), whole)


def test_other_data_than_the_run_was_started_with_are_refused(tmp_path):
    train(RECIPE, out=tmp_path / "run")
    manifest = json.loads((tmp_path / "run" / "manifest.json").read_text())
    (tmp_path / "run" / "manifest.json").write_text(json.dumps(manifest | {"data": "other"}))
    with pytest.raises(HeadwayError, match="must be the data the run was started with"):
        resume(tmp_path / "run")


def test_a_folder_that_is_no_run_is_refused(tmp_path):
    with pytest.raises(HeadwayError, match=r"no recipe\.json"):
        resume(tmp_path)
