"""A run that begins from weights at hand, against the public step from those weights."""

import hashlib
import json
import re
from dataclasses import replace

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from headway.exchange.weights import load_weights, save_weights
from headway.learning.averaging import EMA
from headway.learning.optimizers.adaptive import AdamW
from headway.learning.optimizers.sgd import SGD
from headway.network.activations import ReLU
from headway.network.compose import Sequential
from headway.network.dense import Dense
from headway.network.normalization import BatchNorm
from headway.spec.error import HeadwayError
from headway.spec.json import dumps
from headway.training.checkpoint import checkpoints
from headway.training.job import prepare
from headway.training.recipe import Checkpoints
from headway.training.replay import replay
from headway.training.run import Run
from headway.training.step import batch, initial_state, step
from headway.training.train import fine_tune, resume, train
from tests.test_bad_input import headway
from tests.training.test_loop import RECIPE, same
from tests.training.test_resume import assert_bit_equal

SHORT = replace(RECIPE, network=Sequential((Dense(6), BatchNorm(), ReLU(), Dense(3))), length=20)
OTHER = replace(SHORT, seed=5, length=12, optimizer=AdamW(1e-2, weight_decay=0.1), checkpoints=Checkpoints(4))


@pytest.fixture(scope="module")
def trained():
    return train(SHORT)


@pytest.fixture
def file(trained, tmp_path):
    save_weights(trained, tmp_path / "w.safetensors")
    return tmp_path / "w.safetensors"


def test_it_goes_on_from_the_loaded_values_as_the_public_step_does(trained, file):
    """Parameters and running statistics, with moments of their own that begin at 0."""
    job = prepare(replace(OTHER, length=2))
    state = initial_state(job.update, job.dataset.input_shape)
    state |= jax.tree.map(jnp.array, trained.values)
    for k in range(2):
        state, _ = step(job.update, state, batch(job, k))
    run = fine_tune(job.recipe, load_weights(file, trained))
    due = {part: state[part] for part in ("params", "network")}
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-7), run.final, due)
    same(run.start, trained.values)


def test_what_begins_at_the_weights_begins_at_these(trained):
    """Where nothing is learned, the average of the weights is that of the given ones."""
    still = replace(OTHER, length=1, optimizer=SGD(0.0), average=EMA(0.9))
    run = fine_tune(still, trained, anyway=True)
    same(run.final["params"], trained.values["params"])
    same(replay(still, [0], start=trained.values)[0], trained.values)


def test_a_run_that_was_stopped_goes_on_bit_equal_from_a_checkpoint_and_from_none(trained, tmp_path):
    class StopError(Exception):
        pass

    def stop_at(update):
        def callback(event):
            if event.step >= update:
                raise StopError

        return callback

    whole = fine_tune(OTHER, trained, out=tmp_path / "whole")
    for update in (0, 5):
        folder = tmp_path / f"stopped-{update}"
        with pytest.raises(StopError):
            fine_tune(OTHER, trained, out=folder, callbacks=(stop_at(update),))
        assert bool(checkpoints(folder / "checkpoints")) == bool(update)
        assert_bit_equal(resume(folder), whole)
    same(Run.load(tmp_path / "whole").start, trained.values)
    assert np.abs(train(OTHER).params["0"]["w"] - whole.params["0"]["w"]).max() > 1e-2


def test_the_manifest_tells_the_hash_of_the_weights_and_others_are_refused(trained, tmp_path):
    fine_tune(OTHER, trained, out=tmp_path / "run")
    train(OTHER, out=tmp_path / "drawn")
    kept = tmp_path / "run" / "start.safetensors"
    found = [json.loads((tmp_path / name / "manifest.json").read_text())["start"] for name in ("run", "drawn")]
    assert found == [hashlib.sha256(kept.read_bytes()).hexdigest(), None]
    save_weights(train(OTHER), kept)
    with pytest.raises(HeadwayError, match=r"start\.safetensors: must be the weights the run was started with"):
        resume(tmp_path / "run")


def test_weights_of_another_network_are_refused_with_all_that_differs(trained):
    params = trained.params | {"3": {"w": np.zeros((6, 3), np.float32), "v": np.zeros(2, np.float32)}}
    params["0"] = {"w": np.zeros((4, 5), np.float32), "b": np.zeros(6, np.float16)}
    every = r"weights: must .*; got missing 3/b; unexpected 3/v; 0/w is \(4, 5\), not \(4, 6\); 0/b is float16, not"
    with pytest.raises(HeadwayError, match=every):
        fine_tune(OTHER, {"params": params, "network": trained.values["network"]})
    with pytest.raises(HeadwayError, match=r"values: must hold params and network; got 0, 1, 3\. Write"):
        fine_tune(OTHER, trained.params)


def test_the_command_line_begins_from_a_file(trained, file, tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "recipe.json").write_text(dumps(OTHER))
    code, _, _ = headway(capsys, monkeypatch, "train", "recipe.json", "--weights", str(file), "--out", "run")
    assert code == 0
    assert_bit_equal(Run.load("run"), fine_tune(OTHER, trained))
    for words, message in (
        (("recipe.json", "--set", "network.0.units=7"), r"must hold exactly .*0/w is \(4, 6\), not \(4, 7\)"),
        (("--resume", "run"), "--weights: must not be given with --resume"),
    ):
        code, _, err = headway(capsys, monkeypatch, "train", *words, "--weights", str(file))
        assert code == 2
        assert re.search(message, err), err
