"""Trackers get the numbers that the run's own history holds, each at its update."""

import struct
import sys
from pathlib import Path

import numpy as np
import pytest
from tensorboardX.proto.event_pb2 import Event

from headway.data.bundled import Iris
from headway.data.dataset import Data
from headway.learning.losses import CrossEntropy
from headway.learning.metrics import Accuracy
from headway.learning.optimizers.adaptive import Adam
from headway.models.mlp import mlp
from headway.spec.error import HeadwayError
from headway.training.callbacks import Saved
from headway.training.recipe import Checkpoints, Evaluation, Recipe
from headway.training.trackers import TensorBoard, Track
from headway.training.train import resume, train

RECIPE = Recipe(mlp((4,), 3), data=Data(Iris()), loss=CrossEntropy(), optimizer=Adam(0.01), batch_size=16, length=21,
                evaluation=Evaluation(7, metrics=(Accuracy(),)), checkpoints=Checkpoints(7))  # fmt: skip


class Tracker:
    """As Weights & Biases has it: numbers by name, at a step that must not fall."""

    def __init__(self) -> None:
        self.found: dict[tuple[str, int], float] = {}
        self.last = 0

    def log(self, numbers: dict[str, float], step: int | None = None) -> None:
        assert step is not None
        assert step >= self.last
        self.last = step
        self.found |= {(name, step): value for name, value in numbers.items()}


def scalars(folder: Path) -> dict[tuple[str, int], float]:
    """What TensorBoard's files hold: records of a length, its checksum, an event, its checksum."""
    found = {}
    for path in folder.glob("events*"):
        data = path.read_bytes()
        while data:
            (length,) = struct.unpack("<Q", data[:8])
            event = Event.FromString(data[12 : 12 + length])
            found |= {(value.tag, event.step): value.simple_value for value in event.summary.value}
            data = data[16 + length :]
    return found


def test_every_update_and_evaluation_reaches_the_tracker():
    tracker = Tracker()
    run = train(RECIPE, callbacks=(Track(tracker.log),))
    for name in ("loss", "gradient_norm", "learning_rate"):
        seen = [tracker.found[f"train/{name}", step] for step in range(1, 22)]
        np.testing.assert_array_equal(seen, run.history.columns()[name])
    judged = {step: value for (name, step), value in tracker.found.items() if name == "validation/accuracy"}
    assert judged == {e["step"]: e["accuracy"] for e in run.history.evaluations}


def test_a_tracker_of_every_fourth_update_gets_those_alone():
    tracker = Tracker()
    train(RECIPE, callbacks=(Track(tracker.log, every=4),))
    assert [step for name, step in tracker.found if name == "train/loss"] == [4, 8, 12, 16, 20]


def test_a_resumed_run_goes_on_behind_its_checkpoint(tmp_path):
    def stop(event):
        if isinstance(event, Saved):
            raise KeyError

    whole, pieces = Tracker(), Tracker()
    train(RECIPE, callbacks=(Track(whole.log),))
    with pytest.raises(KeyError):
        train(RECIPE, out=tmp_path / "run", callbacks=(Track(pieces.log), stop))
    before = dict(pieces.found)
    resume(tmp_path / "run", callbacks=(Track(pieces.log),))
    assert 0 < len(before) < len(pieces.found)
    assert before.items() <= pieces.found.items()
    assert pieces.found == whole.found


def test_tensorboard_files_hold_what_the_history_holds(tmp_path):
    tracker = Tracker()
    train(RECIPE, callbacks=(Track(tracker.log), TensorBoard(tmp_path)))
    assert scalars(tmp_path) == {key: np.float32(value) for key, value in tracker.found.items()}


def test_without_a_writer_the_error_says_what_to_install(monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "tensorboardX", None)
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", None)
    with pytest.raises(HeadwayError, match=r"^TensorBoard: .*pip install tensorboardX"):
        TensorBoard(tmp_path)


def test_a_tracker_of_every_zeroth_update_is_refused():
    with pytest.raises(HeadwayError, match=r"^Track\.every: must be at least 1 update; got 0\."):
        Track(print, every=0)
