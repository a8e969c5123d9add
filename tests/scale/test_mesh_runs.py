"""A whole run on a mesh: trained, judged, stored, stopped, resumed and read back, it is that of one device."""

import shutil

import jax
import numpy as np
import pytest

from headway.data.bundled import Iris
from headway.data.dataset import Data
from headway.learning.losses import CrossEntropy
from headway.learning.metrics import Accuracy
from headway.learning.optimizers.sgd import SGD
from headway.learning.regularization import Dropout
from headway.learning.schedules.schedule import Epochs
from headway.network.activations import ReLU
from headway.network.compose import Sequential
from headway.network.dense import Dense
from headway.network.normalization import BatchNorm
from headway.scale.mesh import Mesh
from headway.training.recipe import Checkpoints, Evaluation, Recipe
from headway.training.run import Run
from headway.training.train import resume, train
from tests.drills import printed

TOLERANCE = 1e-5
SIXTEEN_BITS = {"bfloat16": 2**-6, "float16": 2**-9}
"""A sum over devices is one of parts, each rounded to 2^-9 (float16: 2^-12) of itself, in every layer and update."""
MESH = Mesh(4, tensor=2)
RECIPE = Recipe(Sequential((Dense(8), BatchNorm(), ReLU(), Dropout(0.2), Dense(3))), data=Data(Iris()),
                loss=CrossEntropy(), optimizer=SGD(0.1, momentum=0.9), batch_size=16, length=Epochs(4),
                evaluation=Evaluation(metrics=(Accuracy(),), monitor="accuracy"),
                checkpoints=Checkpoints(Epochs(1)))  # fmt: skip


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("mesh")


@pytest.fixture(scope="module")
def drill(folder):
    """What the runs on 8 virtual devices came to, in a process of its own; it leaves those of RECIPE in the folder."""
    return printed("tests.scale.mesh_run_drill", str(folder))


@pytest.fixture(scope="module")
def alone():
    """The run of RECIPE in this process, which has one device."""
    return train(RECIPE)


def measured(run: Run) -> list[dict[str, float]]:
    """The numbers of every evaluation."""
    return [{name: value for name, value in row.items() if name != "split"} for row in run.history.evaluations]


def assert_close(a: Run, b: Run) -> None:
    def close(x, y):
        np.testing.assert_allclose(x, y, rtol=TOLERANCE, atol=TOLERANCE)

    jax.tree.map(close, (a.values, a.final, a.results), (b.values, b.final, b.results))
    jax.tree.map(close, a.history.columns(), b.history.columns())
    jax.tree.map(close, measured(a), measured(b))
    assert (a.standing.step, a.standing.best_step) == (b.standing.step, b.standing.best_step)


def test_a_run_stored_on_a_mesh_is_read_back_and_judged_on_one_device(drill, folder, alone):
    """History, evaluations, best and last weights; the best are not the last."""
    run = Run.load(folder / "whole")
    assert_close(run, alone)
    assert 0 < run.standing.best_step < run.standing.step
    for split, values in run.results.items():
        assert run.evaluate(split) == pytest.approx(values, rel=TOLERANCE)


def test_a_run_stopped_on_a_mesh_goes_on_there_bit_for_bit(drill):
    """Bit-equality itself is asserted in the drill; here that the run was stopped, and lay on all devices."""
    stops = drill["stored"]["stops"]
    assert len(stops) == 4
    assert sorted(set(stops)) == stops
    assert 8 in drill["stored"]["devices"]


def test_a_run_stopped_on_a_mesh_goes_on_on_one_device_to_the_same_end(drill, folder, alone):
    shutil.copytree(folder / "stopped", folder / "moved")
    assert_close(resume(folder / "moved"), alone)


def test_a_replay_on_one_device_comes_to_the_weights_of_the_run_on_the_mesh(drill):
    assert drill["stored"]["replayed"] < TOLERANCE


@pytest.mark.parametrize("name", ["bfloat16", "float16", "accumulated", "averaged"])
def test_every_way_to_train_comes_to_the_same_on_a_mesh(drill, name):
    """The one that is averaged has BatchNorm too."""
    came = drill[name]
    assert came["updates"] == 5
    assert (came["signal"] > 0) == (name in ("accumulated", "averaged"))
    for part in ("history", "evaluations", "weights", "signals"):
        assert came[part] < SIXTEEN_BITS.get(name, TOLERANCE), part


def test_statistics_over_a_part_of_the_batch_would_be_seen(drill):
    """Four micro-batches are what four devices hold: normalized by themselves they are far from the whole batch."""
    assert drill["normalized in parts"]["weights"] > 1000 * TOLERANCE


def test_what_is_not_finite_leaves_the_state_before_it_on_a_mesh_too(drill):
    """There the chunk has given the memory of that state away: it comes back from a copy."""
    came = drill["spoiled"]
    assert came["reasons"] == ["non-finite"] * 2
    assert came["steps"][0] == came["steps"][1] > 0
    assert came["messages"][0] == came["messages"][1]
    assert came["relative"] < TOLERANCE
