"""Several processes train one network: they agree, stop together, fail together, and any number goes on."""

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from headway.data.bundled import Digits
from headway.data.dataset import Data
from headway.learning.clipping import ClipByNorm
from headway.learning.losses import CrossEntropy
from headway.learning.optimizers.sgd import SGD
from headway.learning.regularization import Dropout
from headway.network.activations import ReLU
from headway.network.compose import Sequential
from headway.network.convolution import Flatten
from headway.network.dense import Dense
from headway.network.normalization import BatchNorm
from headway.network.values import flatten
from headway.scale.processes import agreed, leads, lost, met, whole
from headway.spec.json import dumps
from headway.training.recipe import Checkpoints, Evaluation, Recipe
from headway.training.run import Run
from headway.training.train import train
from tests.drills import stored, workshop
from tests.training.test_resume import assert_bit_equal, written

ROOT = Path(__file__).parents[2]
ENVIRONMENT = os.environ | {"PYTHONPATH": str(ROOT)}
TOLERANCE = 1e-5
# Not Adam: see docs/decisions/0012-a-mesh.md.
NETWORK = Sequential((Flatten(), Dense(32), BatchNorm(), ReLU(), Dropout(0.2), Dense(16), ReLU(), Dense(10)))
RECIPE = Recipe(NETWORK, data=Data(Digits()), loss=CrossEntropy(), optimizer=SGD(0.05, momentum=0.9),
                clip=ClipByNorm(1.0), batch_size=64, length=60, evaluation=Evaluation(20),
                checkpoints=Checkpoints(20))  # fmt: skip
LONG = ["train", "LONG.json", "--set", "length=1000000", "--mesh", "fsdp=2"]


def launched(processes, devices, *words) -> list[str]:
    return [sys.executable, "-m", "headway.cli", "launch", f"--processes={processes}", f"--devices={devices}", *words]


def run(folder: Path, processes: int, devices: int, sides: str, stop: int = 0) -> str:
    """The job drill in so many processes; returns what the first one said of the run."""
    words = launched(processes, devices, "tests/scale/job_drill.py", str(folder), sides, str(stop))
    done = subprocess.run(words, cwd=ROOT, env=ENVIRONMENT, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()[-1]


@pytest.fixture(scope="module")
def alone():
    return train(RECIPE)


def assert_close(found: Run, due: Run) -> None:
    assert found.standing.step == due.standing.step
    pairs = [(flatten(getattr(found, name)), flatten(getattr(due, name))) for name in ("values", "final", "results")]
    for a, b in [*pairs, (found.history.columns(), due.history.columns())]:
        assert a.keys() == b.keys()
        for name in a:
            np.testing.assert_allclose(a[name], b[name], rtol=TOLERANCE, atol=TOLERANCE, err_msg=name)


JOBS = {
    "two processes, data": (2, 1, "data=2"),
    "four processes, data": (4, 1, "data=4"),
    "two processes, fsdp": (2, 2, "fsdp=4"),
    "two processes, tensor": (2, 1, "tensor=2"),
    "four processes, fsdp and tensor": (4, 1, "fsdp=2,tensor=2"),
}


@pytest.mark.parametrize("name", JOBS)
def test_a_run_of_several_processes_is_that_of_one(name, tmp_path, alone):
    """Every batch, loss, weight and result: which examples fall to which process does not matter."""
    assert run(tmp_path / "run", *JOBS[name]) == "finished 60"
    assert_close(Run.load(tmp_path / "run"), alone)


def test_a_run_moves_from_two_processes_to_one_of_four_devices_to_one_device(tmp_path, alone):
    """One process is told to stop, and all stop at the same update, with a checkpoint that any mesh reads."""
    folder = tmp_path / "run"
    first = run(folder, 2, 2, "fsdp=4", stop=1)
    second = run(folder, 1, 4, "fsdp=2,tensor=2", stop=int(first.split()[1]) + 1)
    last = run(folder, 1, 1, "-")
    steps = [int(said.split()[1]) for said in (first, second, last)]
    assert [said.split()[0] for said in (first, second, last)] == ["terminated", "terminated", "finished"]
    assert steps == sorted(set(steps))
    assert_close(Run.load(folder), alone)


def children(parent: subprocess.Popen) -> list[int]:
    """The processes that another one has started, in order."""
    return [int(pid) for pid in Path(f"/proc/{parent.pid}/task/{parent.pid}/children").read_text().split()]


@pytest.fixture
def job(tmp_path):
    """Two processes in the midst of a run that would not end by itself, and the pids of both."""
    (tmp_path / "LONG.json").write_text(dumps(RECIPE))
    words = launched(2, 1, *LONG, "--out", "run")
    with subprocess.Popen(words, cwd=tmp_path, env=ENVIRONMENT, stderr=subprocess.PIPE, text=True) as parent:
        log = tmp_path / "run" / "events.jsonl"
        deadline = time.monotonic() + 120
        while not (log.exists() and "advanced" in log.read_text()) and time.monotonic() < deadline:
            time.sleep(0.1)
        yield parent, children(parent), tmp_path / "run"
        parent.kill()


def test_sigterm_to_one_process_stops_all_at_the_same_update_with_a_checkpoint(job):
    parent, pids, folder = job
    os.kill(pids[1], signal.SIGTERM)
    parent.communicate(timeout=60)
    assert parent.returncode == 143
    stopped = Run.load(folder)
    assert stopped.standing.reason == "terminated"
    assert f"step_{stopped.standing.step:09d}" in [path.name for path in (folder / "sharded").iterdir()]


@pytest.mark.parametrize("which", [0, 1])
def test_a_process_that_is_killed_makes_the_others_fail_at_once(job, which):
    parent, pids, _ = job
    begun = time.monotonic()
    os.kill(pids[which], signal.SIGKILL)
    _, said = parent.communicate(timeout=60)
    assert time.monotonic() - begun < 15
    assert parent.returncode in (6, 128 + signal.SIGKILL)
    assert "another process of this job is gone" in said or which == 0  # the first holds the place where they meet


def killed_and_resumed(folder: Path, length: int, kills: int) -> list[int]:
    """A job of two processes, one or the other of which is killed at random moments, resumed until it ends.

    A run that ends before it was killed so often begins anew. Returns the exit codes; they are also kept beside the
    folder, so that a drill that was broken off goes on.
    """
    note, log = folder.parent / "codes.json", folder / "events.jsonl"
    codes: list[int] = json.loads(note.read_text()) if note.exists() else []
    (folder.parent / "recipe.json").write_text(dumps(replace(RECIPE, length=length)))
    dice = random.Random(len(codes))
    while not codes or codes[-1] or sum(map(bool, codes)) < kills:
        if codes and not codes[-1]:
            shutil.rmtree(folder)
        words = ["--resume", "run"] if (folder / "recipe.json").exists() else ["recipe.json", "--out", "run"]
        before = written(log)
        with subprocess.Popen(launched(2, 1, "train", *words, "--mesh=fsdp=2"), cwd=folder.parent, env=ENVIRONMENT,
                              stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as parent:  # fmt: skip
            if sum(map(bool, codes)) < kills:
                while written(log) == before and parent.poll() is None:
                    time.sleep(0.01)
                time.sleep(dice.uniform(0, 2))
                if parent.poll() is None:
                    os.kill(dice.choice(children(parent)), signal.SIGKILL)
            codes.append(parent.wait(600))
        note.write_text(json.dumps(codes))
    return codes


def folder_of(place: Path) -> Path:
    """A folder for a run in a place of its own, which is made."""
    place.mkdir(exist_ok=True)
    return place / "run"


def test_a_job_killed_at_random_moments_ends_as_if_it_had_not_been(tmp_path):
    codes = killed_and_resumed(tmp_path / "run", 400, kills=2)
    assert sum(map(bool, codes)) == 2
    assert killed_and_resumed(folder_of(tmp_path / "whole"), 400, kills=0) == [0]
    assert_bit_equal(Run.load(tmp_path / "run"), Run.load(tmp_path / "whole" / "run"))


@pytest.mark.accept
def test_a_job_killed_many_times_ends_as_if_it_had_not_been(request):
    """20 kills by default; `make accept KILLS=50` for more."""
    kills = request.config.getoption("--kills")
    folder = workshop(f"job-{kills}") / "run"

    def drill():
        codes, whole = killed_and_resumed(folder, 6000, kills), folder_of(folder.parent / "whole")
        killed_and_resumed(whole, 6000, kills=0)
        assert_bit_equal(Run.load(folder), Run.load(whole))
        return {"kills": sum(map(bool, codes)), "codes": codes}

    assert stored(f"job-{kills}", drill)["kills"] == kills


def test_a_process_that_is_alone_leads_agrees_with_itself_and_waits_for_nobody():
    values = {"w": np.ones(2)}
    met("nobody")
    assert leads()
    assert agreed(3, 0) == (3, 0)
    assert whole(values) is values
    assert not lost(RuntimeError("Gloo all-reduce failed"))
