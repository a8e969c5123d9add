# ruff: noqa: E501 (a table of cases)
"""Some forty wrong recipes and files: each gets the standard message, a non-zero exit and no traceback."""

import json
import re
import sys
from pathlib import Path

import numpy as np
import pytest

from headway.cli import command
from headway.cli.__main__ import main

CSV = "length,width,kind\n1.0,2.0,a\n2.0,1.0,b\n" + "1.5,2.5,a\n2.5,0.5,b\n" * 20


def headway(capsys, monkeypatch, *words: str) -> tuple[int, str, str]:
    """Run the command line in this process: exit code, standard output, standard error."""
    monkeypatch.setattr(sys, "argv", ["headway", *words])
    with pytest.raises(SystemExit) as end:
        main()
    printed = capsys.readouterr()
    return int(end.value.code or 0), printed.out, printed.err


def dense(units: int) -> dict[str, object]:
    return {"kind": "headway/Dense", "units": units}


def recipe(**changes: object) -> dict[str, object]:
    """A small recipe on iris as JSON, with top-level fields changed."""
    return {
        "kind": "headway/Recipe",
        "network": {"kind": "headway/Sequential", "layers": [dense(4), {"kind": "headway/ReLU"}, dense(3)]},
        "data": {"kind": "headway/Data", "source": {"kind": "headway/Iris"}},
        "loss": {"kind": "headway/CrossEntropy"},
        "optimizer": {"kind": "headway/SGD", "learning_rate": 0.1},
        "batch_size": 16,
        "length": 5,
    } | changes


def network(*layers: dict[str, object]) -> dict[str, object]:
    return {"kind": "headway/Sequential", "layers": list(layers)}


def data(source: str, path: str, **fields: object) -> dict[str, object]:
    return {"kind": "headway/Data", "source": {"kind": f"headway/{source}", "path": path} | fields}


def groups(*rules: dict[str, object]) -> dict[str, object]:
    sgd = {"kind": "headway/SGD", "learning_rate": 0.1}
    return {"kind": "headway/Groups", "optimizer": sgd, "rules": list(rules)}


WARMUP = {"kind": "headway/Warmup", "steps": 50, "then": {"kind": "headway/ConstantRate", "rate": 0.1}}
RECIPES = {
    "unknown field": (recipe(batchsize=3), "batchsize.*Did you mean 'batch_size'"),
    "unknown kind": (recipe(loss={"kind": "headway/CrossEntrop"}), "loss.*Did you mean 'headway/CrossEntropy'"),
    "a kind that is a path": (recipe(loss={"kind": "os.system"}), "loss.*unknown kind"),
    "a part without a kind": (recipe(loss={"smoothing": 0.1}), "loss.*kind"),
    "a layer where a loss belongs": (recipe(loss={"kind": "headway/ReLU"}), "loss.*Loss"),
    "a missing required field": (recipe(network={"kind": "headway/Dense"}), "network.*units.*required"),
    "text for a number": (recipe(batch_size="16"), "batch_size.*integer.*'16'"),
    "a truth value for a number": (recipe(batch_size=True), "batch_size.*integer.*True"),
    "an infinite number": (recipe(optimizer={"kind": "headway/SGD", "learning_rate": float("inf")}), "finite"),
    "a negative width": (recipe(network=network(dense(-4), dense(3))), "network/0.*units.*greater"),
    "a rate above one": (recipe(network=network({"kind": "headway/Dropout", "rate": 1.5}, dense(3))), "network/0.*rate.*less"),
    "no layers": (recipe(network=network()), "network.*at least one layer"),
    "two layers of one name": (
        recipe(network=network({"name": "a"} | dense(4), {"name": "a"} | dense(3))), "network.*share a name"),
    "a convolution of a flat input": (
        recipe(network=network({"kind": "headway/Conv", "channels": 4}, dense(3))), "network/0.*got"),
    "too few outputs": (recipe(network=network(dense(2))), "network.*3 outputs.*Dense\\(3\\)"),
    "outputs left as an image": (
        recipe(data={"kind": "headway/Data", "source": {"kind": "headway/Digits", "shape": "image"}}, network=network(dense(10))),
        "network.*10 outputs"),
    "a softmax before a loss from logits": (
        recipe(network=network(dense(3), {"kind": "headway/Softmax"})), "network.*logits.*Remove the last layer.*--anyway"),
    "logits into a loss on probabilities": (
        recipe(loss={"kind": "headway/ProbabilityCrossEntropy"}), "network.*probabilities.*Softmax"),
    "squared error on labels": (recipe(loss={"kind": "headway/MeanSquaredError"}), "loss.*labels"),
    "cross-entropy on amounts": (
        recipe(data={"kind": "headway/Data", "source": {"kind": "headway/Diabetes"}}), "loss.*class labels.*regression"),
    "a batch larger than the data": (recipe(batch_size=1000), "batch_size.*training examples.*1000"),
    "a warm-up longer than the run": (
        recipe(optimizer={"kind": "headway/SGD", "learning_rate": WARMUP}), "optimizer/learning_rate.*50"),
    "a learning rate of zero": (recipe(optimizer={"kind": "headway/SGD", "learning_rate": 0.0}), "learning_rate.*above 0"),
    "a precision that is not there": (recipe(precision={"kind": "headway/BFloat"}), "precision.*Did you mean 'headway/BFloat16'"),
    "a precision by its name": (recipe(precision="bfloat16"), "precision.*bfloat16"),
    "a layer in float32 that is not there": (
        recipe(precision={"kind": "headway/BFloat16", "exceptions": ["**/norm*"]}), r"precision/exceptions.*\*\*/norm\*.*0, 1, 2"),
    "a loss scale of zero": (recipe(precision={"kind": "headway/Float16", "scale": 0.0}), "precision/scale.*greater than 0"),
    "a loss scale beyond the largest": (recipe(precision={"kind": "headway/Float16", "scale": 1e9}), "precision/scale.*less than"),
    "a loss scale below its smallest": (
        recipe(precision={"kind": "headway/Float16", "scale": 2.0, "smallest": 4.0}), "precision/scale.*at least the smallest, 4"),
    "exceptions to float32": (
        recipe(precision={"kind": "headway/Float32", "exceptions": ["0"]}), "precision.*exceptions.*no such field"),
    "a decay pattern that matches nothing": (
        recipe(optimizer={"kind": "headway/AdamW", "learning_rate": 0.1, "decay_only": ["5/w"]}), "decay_only.*5/w.*Close to it: 2/w"),
    "an augmentation of images for flat rows": (recipe(augment=[{"kind": "headway/Rotate", "degrees": 10.0}]), "augment/0.*Rotate takes images"),
    "an augmentation after one that suits": (
        recipe(augment=[{"kind": "headway/Scale", "spread": 0.1}, {"kind": "headway/Shift", "pixels": 1}]), "augment/1.*Shift takes"),
    "an augmentation that is a layer": (recipe(augment=[{"kind": "headway/Noise", "scale": 0.1}]), "augment/0.*Augmentation"),
    "a flip more often than always": (recipe(augment=[{"kind": "headway/Flip", "rate": 1.5}]), "augment/0.*rate.*less"),
    "a shift by half a pixel": (recipe(augment=[{"kind": "headway/Shift", "pixels": 0.5}]), "augment/0.*pixels.*integer"),
    "a mix of no amount": (recipe(augment=[{"kind": "headway/Mixup", "alpha": 0.0}]), "augment/0.*alpha.*greater"),
    "a mix of labels for a loss that takes none": (
        recipe(augment=[{"kind": "headway/Mixup"}], loss={"kind": "headway/Hinge"}), "augment/0.*distributions.*Hinge"),
    "a frozen pattern that matches nothing": (
        recipe(optimizer=groups({"kind": "headway/Frozen", "patterns": "1/w"})), "optimizer/rules/0/patterns.*1/w.*Close to it: 2/w"),
    "a rule that earlier ones leave nothing": (
        recipe(optimizer=groups({"kind": "headway/Frozen", "patterns": "0/*"}, {"kind": "headway/Frozen", "patterns": "0/b"})),
        "optimizer/rules/1/patterns.*earlier rules"),
    "everything frozen": (
        recipe(optimizer=groups({"kind": "headway/Frozen", "patterns": "**"})), "optimizer/rules.*every parameter is frozen"),
    "a rate factor of zero": (
        recipe(optimizer=groups({"kind": "headway/Adjusted", "patterns": "0/*", "rate_factor": 0.0})),
        "optimizer/rules/0/rate_factor.*greater than 0"),
    "no such optimizer of Optax": (
        recipe(optimizer={"kind": "headway/Optax", "factory": "lam"}), "optimizer/factory.*lam.*Did you mean 'lamb'"),
    "a setting that Optax's adam does not have": (
        recipe(optimizer={"kind": "headway/Optax", "factory": "adam", "learning_rate": 0.1, "settings": [["beta1", 0.9]]}),
        "optimizer/settings.*beta1.*b1"),
    "stopping without a validation set": (
        recipe(stopping={"kind": "headway/EarlyStopping"},
               data={"kind": "headway/Data", "source": {"kind": "headway/Iris"}, "validation": None}), "stopping.*validation"),
    "an unknown metric to monitor": (
        recipe(evaluation={"kind": "headway/Evaluation", "monitor": "acuracy"}), "monitor.*acuracy"),
    "splits that leave nothing": (
        recipe(data={"kind": "headway/Data", "source": {"kind": "headway/Iris"}, "validation": 0.5, "test": 0.5}), "validation"),
    "a missing data file": (recipe(data=data("Csv", "absent.csv")), "absent.csv"),
    "an empty data file": (recipe(data=data("Csv", "empty.csv")), "empty.csv"),
    "a missing column": (recipe(data=data("Csv", "good.csv", target="knid")), "knid.*kind"),
    "text in a column of numbers": (recipe(data=data("Csv", "text.csv")), "width"),
    "a value that is not a number": (recipe(data=data("Csv", "nan.csv")), "width"),
    "inputs and labels of different length": (recipe(data=data("Npz", "lengths.npz")), "30|20"),
    "an array that is not there": (recipe(data=data("Npz", "lengths.npz", y="labels")), "labels"),
    "objects in an array": (recipe(data=data("Npz", "objects.npz")), "x"),
    "an infinity in an array": (recipe(data=data("Npz", "inf.npz")), "finite"),
    "one class only": (recipe(data=data("Npz", "single.npz")), "two classes"),
}  # fmt: skip


@pytest.fixture
def files(tmp_path, monkeypatch):
    """A folder with good and broken data files, as the current folder."""
    monkeypatch.chdir(tmp_path)
    Path("good.csv").write_text(CSV)
    Path("empty.csv").write_text("")
    Path("text.csv").write_text(CSV + "1.0,wide,a\n")
    Path("nan.csv").write_text(CSV + "1.0,nan,a\n")
    x, y = np.ones((30, 4), np.float32), np.arange(30) % 3
    np.savez("lengths.npz", x=x, y=y[:20])
    np.savez("objects.npz", x=np.array([{}] * 30), y=y)
    np.savez("inf.npz", x=np.where(np.arange(120).reshape(30, 4) == 7, np.inf, x), y=y)
    np.savez("single.npz", x=x, y=0 * y)
    return tmp_path


@pytest.mark.parametrize("name", RECIPES)
def test_a_wrong_recipe_gets_one_message_that_says_where_and_how_to_fix_it(name, files, capsys, monkeypatch):
    document, expected = RECIPES[name]
    Path("wrong.json").write_text(json.dumps(document))
    code, out, err = headway(capsys, monkeypatch, "train", "wrong.json", "--out", "run")
    assert (code, out) == (2, "")
    assert err.startswith("headway: ")
    assert "Traceback" not in err
    assert "a defect" not in err

    assert re.search(expected, err, re.DOTALL), err
    assert not (files / "run" / "result.json").exists()


COMMANDS = {
    "unknown recipe": (("train", "digits-mpl"), "Did you mean 'digits-mlp'"),
    "no recipe": (("train",), "recipe or --resume"),
    "a file that is not there": (("train", "absent.json"), "absent.json"),
    "broken JSON": (("train", "broken.json"), "line 2"),
    "broken TOML": (("train", "broken.toml"), "broken.toml"),
    "another format version": (("train", "future.json"), "format"),
    "a field that is not there": (("train", "iris", "--set", "optimizer.lr=1"), "lr"),
    "a value out of range": (("train", "iris", "--set", "batch_size=0"), "batch_size.*greater"),
    "a set without a value": (("train", "iris", "--set", "batch_size"), "ADDRESS=VALUE"),
    "resuming what is no run": (("train", "--resume", "."), "folder of a run"),
    "evaluating what is no run": (("evaluate", "."), "folder of a run"),
    "a folder that is taken": (("train", "iris", "--out", "."), "new or empty folder"),
    "a module that is not there": (("train", "iris", "--import", "no_such_module"), "no_such_module"),
    "an unknown command": (("trian",), "trian"),
    "an unknown option": (("train", "iris", "--sed", "3"), "--sed"),
}


@pytest.mark.parametrize("name", COMMANDS)
def test_a_wrong_command_gets_one_message(name, files, capsys, monkeypatch):
    Path("broken.json").write_text('{"kind": "headway/Recipe",\n "network": }')
    Path("broken.toml").write_text("kind = ")
    Path("future.json").write_text(json.dumps({"format": 99, "spec": recipe()}))
    words, expected = COMMANDS[name]
    code, out, err = headway(capsys, monkeypatch, *words)
    assert (code, out) == (2, "")
    assert "Traceback" not in err
    assert "a defect" not in err

    assert re.search(expected, err, re.DOTALL), err


def test_debug_shows_the_traceback(files, monkeypatch):
    monkeypatch.setattr(sys, "argv", ["headway", "--debug", "train", "digits-mpl"])
    with pytest.raises(ValueError, match="Did you mean"):
        main()
    monkeypatch.setattr(command, "debugging", False)
