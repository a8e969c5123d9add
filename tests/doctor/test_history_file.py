"""Histories of other systems: what a file says is what the rules see, and a bad row is named by its place."""

import json

import numpy as np
import pyarrow
import pyarrow.parquet
import pytest

from headway.doctor.history_file import read_history
from headway.spec.error import HeadwayError
from headway.training.named import named
from headway.training.train import train

ROWS = [
    {"step": 1, "loss": 2.0, "learning_rate": 0.1, "temperature": 3},
    {"step": 3, "loss": 1.5, "dense:silent": 0.25, "dense:update": 0.1, "out:silent": 0.0},
    {"step": 3, "validation/loss": 1.7, "validation/accuracy": 0.4, "test/loss": 1.8},
    {"step": 4, "loss": 1.0, "note": "text is left out"},
]


@pytest.mark.parametrize("suffix", [".jsonl", ".parquet"])
def test_what_a_file_says_is_what_the_rules_see(tmp_path, suffix):
    path = tmp_path / f"history{suffix}"
    if suffix == ".jsonl":
        path.write_text("\n".join(map(json.dumps, ROWS)) + "\n\n")
    else:
        names = list(dict.fromkeys(name for row in ROWS for name in row))
        pyarrow.parquet.write_table(pyarrow.table({n: [row.get(n) for row in ROWS] for n in names}), path)
    history = read_history(path)
    columns = history.columns()
    np.testing.assert_array_equal(columns["loss"], [2.0, np.nan, 1.5, 1.0])
    np.testing.assert_array_equal(columns["temperature"], [3, np.nan, np.nan, np.nan])
    np.testing.assert_array_equal(columns["learning_rate"], np.float32([0.1, np.nan, np.nan, np.nan]))
    assert (history.signals.addresses, history.signals.steps.tolist()) == (("dense", "out"), [3])
    np.testing.assert_array_equal(history.signals["silent"], [[0.25, 0.0]])
    np.testing.assert_array_equal(history.signals["update"], np.float32([[0.1, np.nan]]))
    assert history.evaluations == [
        {"step": 3, "split": "validation", "loss": 1.7, "accuracy": 0.4},
        {"step": 3, "split": "test", "loss": 1.8},
    ]


def test_the_history_of_a_run_of_headway_is_one_too(tmp_path):
    from dataclasses import replace

    run = train(replace(named("iris").recipe, length=20), out=tmp_path / "run")
    history = read_history(tmp_path / "run" / "history.parquet")
    for name, values in run.history.columns().items():
        np.testing.assert_array_equal(history.columns()[name], values)
    assert [one["step"] for one in history.evaluations] == [one["step"] for one in run.history.evaluations]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{"loss": 1}', r":1: must hold a step of 1 or more; got \{'loss': 1\}"),
        ('{"step": 0}', r":1: must hold a step of 1 or more"),
        ('{"step": 1}\n[1, 2]', r":2: must hold a step of 1 or more; got list"),
        ('{"step": 1}\n{"step": 2', r":2: must be a line of JSON"),
        ('{"step": "one"}', r":1: must hold a step"),
    ],
)
def test_a_bad_row_is_named_by_its_place(tmp_path, text, message):
    (tmp_path / "bad.jsonl").write_text(text)
    with pytest.raises(HeadwayError, match=message):
        read_history(tmp_path / "bad.jsonl")


def test_a_file_of_another_kind_is_refused(tmp_path):
    with pytest.raises(HeadwayError, match=r"must be a .jsonl or .parquet file; got .csv"):
        read_history(tmp_path / "history.csv")
