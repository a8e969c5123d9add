"""The user's own files, read strictly: NumPy archives, comma-separated text and Parquet."""

import re
import zipfile
from dataclasses import KW_ONLY
from numbers import Number
from pathlib import Path
from typing import Annotated, Any

import numpy as np
from pydantic import Field

from headway.data.dataset import Source, Table
from headway.data.schema import Array, Names
from headway.spec.error import HeadwayError, did_you_mean
from headway.spec.node import spec

Features = Annotated[tuple[str, ...], Field(min_length=1)]
Columns = dict[str, Any]
"""Name → column, as PyArrow holds it."""


@spec
class Npz(Source):
    """Arrays of an .npz file: inputs under the name `x`, targets under `y`, a test set where it has names too."""

    path: str
    _: KW_ONLY
    x: str = "x"
    y: str = "y"
    test_x: str | None = None
    test_y: str | None = None

    def __post_init__(self) -> None:
        if (self.test_x is None) != (self.test_y is None):
            raise HeadwayError("test_x", "a test set needs both test_x and test_y", f"{self.test_x}, {self.test_y}")

    def load(self) -> Table:
        if self.test_x is None or self.test_y is None:
            x, y = read_npz(self.path, (self.x, self.y))
            return Table(x, y)
        x, y, test_x, test_y = read_npz(self.path, (self.x, self.y, self.test_x, self.test_y))
        return Table(x, y, test_x=test_x, test_y=test_y)


@spec
class Csv(Source):
    """Columns of a file of comma-separated values whose first line names them.

    `target=None` takes the last column, `features=None` all others. A target of text is a label.
    """

    path: str
    _: KW_ONLY
    target: str | None = None
    features: Features | None = None

    def load(self) -> Table:
        return _table(self.path, read_csv(self.path), self.target, self.features)


@spec
class Parquet(Source):
    """Columns of a Parquet file, chosen as for `Csv`."""

    path: str
    _: KW_ONLY
    target: str | None = None
    features: Features | None = None

    def load(self) -> Table:
        return _table(self.path, read_parquet(self.path), self.target, self.features)


def read_features(path: str | Path, feature_names: Names | None = None) -> Array:
    """Raw inputs to predict from, [n, …]: the named columns of a .csv or .parquet file, or `x` of an .npz file.

    Without names all columns serve, in their order. No target is needed; other columns are left alone.
    """
    path = str(path)
    readers = {".csv": read_csv, ".parquet": read_parquet}
    suffix = Path(path).suffix.lower()
    if suffix == ".npz":
        return read_npz(path, ("x",))[0]
    if suffix not in readers:
        raise HeadwayError(path, "must be a .csv, .parquet or .npz file", repr(suffix))
    columns = readers[suffix](path)
    return _matrix(path, columns, feature_names or tuple(columns))


def read_npz(path: str, names: Names) -> list[Array]:
    """Arrays of an .npz file. Objects are refused: reading them would run code from the file."""
    _refuse_absent(path)
    try:
        with open(path, "rb") as file, np.load(file, allow_pickle=False) as archive:
            found = {name: archive[name] if name in names else None for name in archive}
    except (ValueError, TypeError, OSError, EOFError, zipfile.BadZipFile) as error:
        fix = "Write it with numpy.savez(path, x=…, y=…), without objects."
        raise HeadwayError(path, "must be an .npz file of plain arrays", _first_line(error), fix) from None
    return [_member(found, name, path) for name in names]


def read_csv(path: str) -> Columns:
    """The columns of a file of comma-separated values by name."""
    import pyarrow
    from pyarrow import csv

    # One block: the type of a column is inferred from the first block alone.
    block = min(_refuse_absent(path) + 1, 2**31 - 1)
    try:
        table = csv.read_csv(path, read_options=csv.ReadOptions(block_size=block))
    except pyarrow.ArrowInvalid as error:
        raise HeadwayError(path, "must be comma-separated values", _first_line(error)) from None
    if all(_is_number(name) for name in table.column_names):
        came = ", ".join(table.column_names[:5])
        raise HeadwayError(path, "the first line must name the columns", came, "Put a line of names on top.")
    return _columns(path, table)


def read_parquet(path: str) -> Columns:
    """The columns of a Parquet file by name, without the row numbers that pandas may have added."""
    import pyarrow
    from pyarrow import parquet

    _refuse_absent(path)
    try:
        table = parquet.read_table(path)
    except pyarrow.ArrowException as error:
        raise HeadwayError(path, "must be a Parquet file", _first_line(error)) from None
    columns = _columns(path, table)
    return {name: column for name, column in columns.items() if not re.fullmatch(r"__index_level_\d+__", name)}


def _columns(path: str, table: Any) -> Columns:
    names = table.column_names
    if len(set(names)) < len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise HeadwayError(path, "columns must have different names", f"{twice!r} twice")
    if table.num_rows == 0:
        raise HeadwayError(path, "needs rows below the names of its columns", "none")
    return {name: table.column(name) for name in names}


def _table(path: str, columns: Columns, target: str | None, features: Names | None) -> Table:
    """Chosen columns as inputs [n, features] and targets [n]."""
    if len(columns) < 2:
        fix = "Separate values with commas." if re.search(r"[;\t|]", "".join(columns)) else ""
        raise HeadwayError(path, "needs a target and at least one feature", f"only {next(iter(columns))!r}", fix)
    target = target or [*columns][-1]
    features = features or tuple(name for name in columns if name != target)
    if target in features:
        raise HeadwayError(path, "the target must not be a feature", repr(target))
    y = _numbers_or_text(path, target, _member(columns, target, path))
    return Table(_matrix(path, columns, features), y, feature_names=features)


def _matrix(path: str, columns: Columns, names: Names) -> Array:
    """The columns of these names side by side, [n, names], all numbers."""
    found = []
    for name in names:
        column = _numbers_or_text(path, name, _member(columns, name, path))
        if column.dtype.kind == "U":
            row = next((i for i, value in enumerate(column.tolist()) if not _is_number(value)), 0)
            fix = "Leave the column out, or put numbers in its place."
            raise HeadwayError(_place(path, name, row), "a feature must be a number", repr(column[row].item()), fix)
        found.append(column.astype(np.float64))
    return np.stack(found, axis=1)


def _numbers_or_text(path: str, name: str, column: Any) -> Array:
    """A column [n] of finite numbers or of text, nothing missing; the first other entry is named."""
    values: Array = column.to_numpy()
    is_text = values.dtype.kind == "O" and all(isinstance(value, str | None) for value in values)
    missing = values == "" if is_text else np.zeros(len(values), bool)
    missing |= column.is_null().to_numpy()
    if missing.any():
        fix = "Fill in or leave out such rows first."
        raise HeadwayError(_place(path, name, missing.argmax()), "must not be empty", None, fix)
    if values.dtype.kind == "O" and all(isinstance(value, Number) for value in values):
        values = values.astype(np.float64)
    if values.dtype.kind == "f" and not (finite := np.isfinite(values)).all():
        row = finite.argmin()
        raise HeadwayError(_place(path, name, row), "must be a finite number", values[row])
    if is_text:
        return values.astype(str)
    if values.dtype.kind not in "biuf":
        raise HeadwayError(_place(path, name, 0), "must be a number or text", f"{column.type}")
    return values


def _place(path: str, name: str, row: int | np.intp) -> str:
    """Where an entry stands; row 1 is the first below the names."""
    return f"{path}: column {name!r}, row {row + 1}"


def _member(members: dict[str, Any], name: str, path: str) -> Any:
    if name not in members:
        raise HeadwayError(path, f"has no {name!r}", None, did_you_mean(name, members))
    return members[name]


def _refuse_absent(path: str) -> int:
    """The size of a file that is there and not empty."""
    file = Path(path)
    if not file.is_file():
        raise HeadwayError(path, "no such file", None, "" if file.is_absolute() else f"Looked in {Path.cwd()}.")
    if not (size := file.stat().st_size):
        raise HeadwayError(path, "the file is empty")
    return size


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _first_line(error: Exception) -> str:
    return str(error).partition("\n")[0]
