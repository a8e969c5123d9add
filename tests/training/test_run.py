"""A run saved and loaded predicts and judges as before."""

import numpy as np
import pyarrow.parquet
import pytest
from sklearn.datasets import load_iris

from headway.data.dataset import Examples, arrays
from headway.spec.error import HeadwayError
from headway.training.run import Run
from headway.training.train import train
from tests.training.test_loop import RECIPE

RAW = load_iris()


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    return train(RECIPE, out=tmp_path_factory.mktemp("runs") / "iris")


def test_predictions_are_class_names_of_raw_inputs(run):
    predicted = run.predict(RAW.data)
    assert set(predicted) <= set(run.schema.classes)
    assert (predicted == RAW.target_names[RAW.target]).mean() > 0.6
    np.testing.assert_array_equal(predicted[:3], run.predict(RAW.data[:3]))


def test_a_loaded_run_is_the_run(run):
    loaded = Run.load(run.folder)
    np.testing.assert_array_equal(loaded.outputs(RAW.data), run.outputs(RAW.data))
    assert loaded.results == run.results
    assert loaded.evaluate("test") == run.evaluate("test") == run.results["test"]
    assert loaded.history.evaluations == run.history.evaluations


def test_history_on_disk_is_the_history(run):
    table = pyarrow.parquet.read_table(run.folder / "history.parquet").to_pydict()
    np.testing.assert_array_equal(np.float32(table["loss"]), run.history.columns()["loss"])
    judged = {s: v for s, v in zip(table["step"], table["validation/accuracy"], strict=True) if v is not None}
    assert judged == {e["step"]: e["accuracy"] for e in run.history.evaluations}


def test_a_run_saves_into_another_folder(run, tmp_path):
    copy = Run.load(run.save(tmp_path / "copy"))
    np.testing.assert_array_equal(copy.outputs(RAW.data), run.outputs(RAW.data))


def test_inputs_of_another_shape_are_refused(run):
    with pytest.raises(HeadwayError, match="must have the shape"):
        run.predict(np.ones((2, 5)))


def test_an_unknown_split_is_refused(run):
    with pytest.raises(HeadwayError, match="Did you mean 'test'"):
        run.evaluate("tset")


def test_the_users_own_arrays_train_without_a_data_spec(tmp_path):
    from dataclasses import replace

    data = arrays(RAW.data, RAW.target_names[RAW.target])
    run = train(replace(RECIPE, data=None), data=data, out=tmp_path / "own")
    assert run.predict(RAW.data[:1]).dtype.kind == "U"
    loaded = Run.load(run.folder)
    assert loaded.evaluate(data.test) == run.results["test"]
    assert isinstance(data.test, Examples)
    with pytest.raises(HeadwayError, match="handed over"):
        loaded.evaluate("test")
    with pytest.raises(HeadwayError, match="needs a data set"):
        train(replace(RECIPE, data=None))
