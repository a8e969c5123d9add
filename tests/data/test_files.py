"""The user's files: what is right is read exactly, what is wrong is named with its place."""

import datetime
import decimal
from pathlib import Path

import numpy as np
import pyarrow
import pyarrow.parquet
import pytest

from headway.data.dataset import Data
from headway.data.files import Csv, Npz, Parquet, read_features
from headway.spec.error import HeadwayError

X = np.random.default_rng(0).normal(size=(20, 2))
KIND = np.array(["cat", "dog"])[np.arange(20) % 2]


@pytest.fixture
def save(tmp_path):
    """Writes a file of the given content; returns its path."""

    def write(content, name="table.csv"):
        path = tmp_path / name
        if isinstance(content, dict) and name.endswith(".npz"):
            np.savez(path, **content)
        elif isinstance(content, dict):
            pyarrow.parquet.write_table(pyarrow.table(content), path)
        elif isinstance(content, bytes):
            path.write_bytes(content)
        else:
            path.write_text(content, encoding="utf-8")
        return str(path)

    return write


def lines(names="a,b,kind"):
    return "\n".join([names, *(f"{a!r},{b!r},{k}" for (a, b), k in zip(X.tolist(), KIND, strict=True))])


def test_csv_takes_the_last_column_as_target_and_all_others_as_features(save):
    table = Csv(save(lines())).load()
    np.testing.assert_array_equal(table.x, X)
    assert table.y.tolist() == KIND.tolist()
    assert table.feature_names == ("a", "b")
    data = Data(Csv(save(lines()))).load()
    assert (data.classes, data.feature_names) == (("cat", "dog"), ("a", "b"))


def test_csv_takes_the_columns_asked_for_in_their_order(save):
    table = Csv(save(lines()), target="a", features=("b",)).load()
    np.testing.assert_array_equal(table.x, X[:, 1:])
    np.testing.assert_array_equal(table.y, X[:, 0])


def test_csv_reads_marks_of_order_blanks_and_types_that_change_late(save):
    path = save("\ufeffa,b,y\n" + "1, 2,0\n" * 400_000 + "1.5,2,1\n")
    table = Csv(path).load()
    assert table.x[-1].tolist() == [1.5, 2]
    assert (table.y.dtype, table.y[-1]) == (np.int64, 1)


def test_parquet_reads_numbers_of_all_kinds_and_categories(save):
    path = save(
        {
            "whole": pyarrow.array([1, 2, 3], pyarrow.int8()),
            "half": pyarrow.array([0.5, 1, 2], pyarrow.float16()),
            "exact": [decimal.Decimal("1.25")] * 3,
            "flag": [True, False, True],
            "__index_level_0__": [7, 8, 9],
            "kind": pyarrow.array(["b", "a", "b"]).dictionary_encode(),
        },
        "t.parquet",
    )
    table = Parquet(path, target="kind").load()
    assert table.feature_names == ("whole", "half", "exact", "flag")
    np.testing.assert_array_equal(table.x, [[1, 0.5, 1.25, 1], [2, 1, 1.25, 0], [3, 2, 1.25, 1]])
    assert table.y.tolist() == ["b", "a", "b"]


def test_npz_reads_its_arrays_and_a_test_set_under_any_name(save):
    image = np.arange(20 * 9, dtype=np.uint8).reshape(20, 3, 3)
    path = save({"x_train": image, "y_train": KIND, "x_test": image[:4], "y_test": KIND[:4]}, "a.npz")
    data = Data(Npz(path, x="x_train", y="y_train", test_x="x_test", test_y="y_test"), standardize=False).load()
    np.testing.assert_array_equal(data.test.x, image[:4])
    assert (len(data.train) + len(data.validation), data.input_shape) == (20, (3, 3))
    assert Npz(save({"x": X, "y": KIND}, "b.npz")).load().test_x is None


def test_features_are_read_without_a_target_and_past_other_columns(save):
    for path in (save(lines()), save({"a": X[:, 0], "b": X[:, 1], "note": KIND}, "t.parquet")):
        np.testing.assert_array_equal(read_features(path, ("b", "a")), X[:, ::-1])
    np.testing.assert_array_equal(read_features(Path(save("a,b\n1,2\n3,4\n", "UPPER.CSV"))), [[1, 2], [3, 4]])
    np.testing.assert_array_equal(read_features(save({"x": X}, "x.npz"), ("a", "b")), X)


def test_a_features_file_goes_through_the_scaling_of_its_data_set(save):
    data = Data(Csv(save(lines())), validation=None, test=None).load()
    np.testing.assert_array_equal(data.prepare(read_features(save(lines()), data.feature_names)), data.train.x)


CSV_MISTAKES = [
    ("", {}, "the file is empty"),
    ("a,b\n", {}, "needs rows below the names"),
    ("a,b\n1,2\n3\n", {}, "must be comma-separated values; got CSV parse error: Expected 2 columns, got 1: 3"),
    ("a,a\n1,2\n", {}, "columns must have different names; got 'a' twice"),
    ("1.5,2\n3,4\n", {}, "the first line must name the columns; got 1.5, 2. Put a line of names on top"),
    ("a;b\n1;2\n", {}, "needs a target and at least one feature; got only 'a;b'. Separate values with commas"),
    ("a\n1\n", {}, "needs a target and at least one feature; got only 'a'"),
    ("age,b,y\n1,2,3\n", {"target": "agee"}, "has no 'agee'. Did you mean 'age'?"),
    ("age,b,y\n1,2,3\n", {"features": ("bb", "age")}, "has no 'bb'. Did you mean 'b'?"),
    ("a,b\n1,2\n", {"features": ("a", "b")}, "the target must not be a feature; got 'b'"),
    ("a,y\n1,0\n2,1\nx7,0\n", {}, "column 'a', row 3: a feature must be a number; got 'x7'. Leave the column out"),
    ("a,y\n1,0\n,1\n", {}, "column 'a', row 2: must not be empty"),
    ("a,y\n1,0\nNaN,1\n", {}, "column 'a', row 2: must not be empty"),
    ("a,y\n1,u\n2,\n", {}, "column 'y', row 2: must not be empty"),
    ("a,y\n1,0\n2,1\n-inf,1\n", {}, "column 'a', row 3: must be a finite number; got -inf"),
    ("a,y\n2020-01-01,1\n", {}, r"column 'a', row 1: must be a number or text; got date32"),
]


@pytest.mark.parametrize(("content", "fields", "message"), CSV_MISTAKES)
def test_mistakes_in_csv_files_are_named(save, content, fields, message):
    path = save(content)
    with pytest.raises(HeadwayError, match=message) as error:
        Csv(path, **fields).load()
    assert error.value.where.startswith(path)


def test_text_that_is_not_utf8_is_refused(save):
    with pytest.raises(HeadwayError, match="column 'y', row 1: must be a number or text; got binary"):
        Csv(save("a,y\n1,é\n".encode("latin1"))).load()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"not parquet at all", "must be a Parquet file"),
        ({"a": [1.0, None], "y": [0, 1]}, "column 'a', row 2: must not be empty"),
        ({"a": [1.0, float("nan")], "y": [0, 1]}, "column 'a', row 2: must be a finite number; got nan"),
        ({"a": [[1], [2]], "y": [0, 1]}, "column 'a', row 1: must be a number or text; got list"),
        (
            {"a": [1, 2], "y": [datetime.date(2020, 1, 1)] * 2},
            "column 'y', row 1: must be a number or text; got date32",
        ),
        ({"a": pyarrow.array([], pyarrow.int8()), "y": pyarrow.array([], pyarrow.int8())}, "needs rows below"),
    ],
)
def test_mistakes_in_parquet_files_are_named(save, content, message):
    with pytest.raises(HeadwayError, match=message):
        Parquet(save(content, "t.parquet")).load()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "the file is empty"),
        (b"not an archive", "must be an .npz file of plain arrays; .* Write it with numpy.savez"),
        ({"x": X, "target": KIND}, "has no 'y'"),
        ({"X": X, "y": KIND}, "has no 'x'. Did you mean 'X'?"),
        (
            {"x": np.array([{}, []], object), "y": KIND},
            "must be an .npz file of plain arrays; got Object arrays cannot",
        ),
        ({"x": X, "y": KIND[:-1]}, r"y: must be one target per input; got 20 inputs, targets of shape \[19\]"),
        ({"x": np.where(X > 1, np.nan, X), "y": KIND}, r"x\[\d+, \d\]: must be a finite number; got nan"),
        ({"x": X, "y": KIND[np.zeros(20, int)]}, r"y: must have two classes or more; got only \['cat'\]"),
        ({"x": X[:2], "y": KIND[:2]}, "Data: the splits must leave examples to train on"),
    ],
)
def test_mistakes_in_npz_files_are_named(save, content, message):
    with pytest.raises(HeadwayError, match=message):
        Data(Npz(save(content, "a.npz"))).load()


def test_an_npy_file_is_no_archive(tmp_path):
    np.save(tmp_path / "a.npy", X)
    with pytest.raises(HeadwayError, match=r"must be an .npz file of plain arrays"):
        Npz(str(tmp_path / "a.npy")).load()


def test_files_that_are_not_there_or_of_no_known_kind_are_named(save, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for source in (Csv("no.csv"), Parquet("no.parquet"), Npz("no.npz")):
        with pytest.raises(HeadwayError, match=f"{source.path}: no such file. Looked in {tmp_path}"):
            source.load()
    with pytest.raises(HeadwayError, match=r"must be a .csv, .parquet or .npz file; got '.txt'"):
        read_features(save("a,b\n1,2\n", "t.txt"))
    with pytest.raises(HeadwayError, match="has no 'c'"):
        read_features(save(lines()), ("a", "c"))
    with pytest.raises(HeadwayError, match="a test set needs both test_x and test_y"):
        Npz("a.npz", test_x="x_test")
    with pytest.raises(HeadwayError, match="features"):
        Csv("a.csv", features=())
