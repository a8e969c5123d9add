"""What is known of examples without the examples: shape, names, scale; and how raw values are read by it."""

import dataclasses
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from headway.spec.error import HeadwayError

Array = NDArray[Any]
Names = tuple[str, ...]
Task = Literal["classification", "regression"]


@dataclass(frozen=True)
class Scaling:
    """x → (x - mean) / spread along the last axis: one pair per feature, or a single pair for all entries."""

    mean: tuple[float, ...]
    spread: tuple[float, ...]

    def __call__(self, x: Array) -> Array:
        scaled: Array = (x - np.asarray(self.mean)) / np.asarray(self.spread)
        return scaled


@dataclass(frozen=True)
class Schema:
    """Enough to predict on new examples, and to name what is predicted.

    `classes` names the labels 0 … C-1 and is None for regression; `outputs` is C or the number of targets.
    `tokens` says that inputs are token ids 0 … tokens - 1, which are never scaled.
    """

    input_shape: tuple[int, ...]
    outputs: int
    classes: Names | None = None
    feature_names: Names | None = None
    scaling: Scaling | None = None
    tokens: int | None = None

    @property
    def task(self) -> Task:
        return "regression" if self.classes is None else "classification"

    def prepare(self, x: ArrayLike) -> Array:
        """New raw inputs as the network wants them: float32, scaled like the training part; int32 for token ids.

        Shapes: [n, *input_shape], or flat [n, features] with as many features as input_shape has entries.
        """
        raw = numeric(x, "x", self.feature_names)
        if raw.shape[1:] not in (self.input_shape, (math.prod(self.input_shape),)):
            raise HeadwayError("x", f"must have the shape {shown('n', *self.input_shape)}", shown(*raw.shape))
        raw = raw.reshape(-1, *self.input_shape)
        if self.tokens is not None:
            return token_ids(raw, self.tokens, "x")
        return (self.scaling(raw) if self.scaling else raw).astype(np.float32)

    def to_json(self) -> dict[str, Any]:
        """Plain values for `from_json`, exact: JSON keeps every digit of a float."""
        return dataclasses.asdict(self)

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> "Schema":
        """The inverse of `to_json`, also after JSON has made lists of the tuples."""
        fields: dict[str, Any] = {name: tuple(v) if isinstance(v, list) else v for name, v in values.items()}
        if scaling := fields["scaling"]:
            fields["scaling"] = Scaling(tuple(scaling["mean"]), tuple(scaling["spread"]))
        return cls(**fields)


def fit_scaling(x: Array, one_unit: bool = False) -> Scaling:
    """Mean and standard deviation of x [n, features] per feature; of any other x, or in one unit, as a whole."""
    table = x if x.ndim == 2 and not one_unit else x.reshape(-1, 1)
    spread = table.std(axis=0, dtype=np.float64)
    # Rounding gives a constant column a spread of 1e-17 in place of 0.
    spread[(table.min(axis=0) == table.max(axis=0)) | (spread == 0)] = 1.0
    return Scaling(tuple(table.mean(axis=0, dtype=np.float64).tolist()), tuple(spread.tolist()))


def as_array(values: ArrayLike, where: str) -> Array:
    """`values` as a NumPy array; text that pandas keeps as objects becomes text."""
    try:
        array = np.asarray(values)
    except ValueError:
        raise HeadwayError(where, "all entries must have one shape", "rows of different lengths") from None
    is_text = array.dtype.kind in "OS" and all(isinstance(v, str | bytes) for v in array.flat)
    return array.astype(str) if is_text else array


def numeric(values: ArrayLike, where: str, feature_names: Names | None = None) -> Array:
    """`values` as an array [n, …] of numbers that float32 can hold, n ≥ 1; the first other entry is named."""
    x = as_array(values, where)
    if x.dtype.kind not in "biuf":
        raise HeadwayError(where, "must be an array of real numbers", f"dtype {x.dtype}")
    if x.ndim == 0 or x.size == 0:
        raise HeadwayError(where, "needs at least one example", f"shape {shown(*x.shape)}")
    with np.errstate(over="ignore"):
        bad = ~np.isfinite(x.astype(np.float32, copy=False))
    if bad.any():
        at = first(bad)
        column = f" (feature {feature_names[at[1]]!r})" if feature_names and x.ndim == 2 else ""
        fix = "Fill in or leave out such entries first."
        raise HeadwayError(f"{where}{shown(*at)}{column}", "must be a finite number", x[at], fix)
    return x


def token_ids(x: Array, tokens: int, where: str) -> NDArray[np.int32]:
    """x as int32, every entry one of the ids 0 … tokens - 1; the first other entry is named."""
    bad = (x < 0) | (x >= tokens) | (x != np.trunc(x))
    if bad.any():
        at = first(bad)
        raise HeadwayError(f"{where}{shown(*at)}", f"must be one of the token ids 0 to {tokens - 1}", x[at])
    return x.astype(np.int32)


def detect_task(y: Array) -> Task:
    """Text, booleans and whole numbers are labels; other numbers are regression targets.

    Whole numbers of more than ten kinds, and fewer than ten examples of each, could be either: an error.
    """
    if y.dtype.kind == "f":
        return "regression"
    if y.dtype.kind in "iu" and (kinds := len(np.unique(y))) > max(10, y.size / 10):
        came = f"{kinds} different whole numbers in {y.size} targets"
        raise HeadwayError("y", "must be labels or amounts", came, "Set task='classification' or task='regression'.")
    return "classification"


def label_values(y: Array, classes: Names | None = None, *, places: bool = False) -> Array:
    """The values that stand for the labels 0 … C-1: the names in `classes`, or 0 … C-1, or what occurs, sorted.

    With `places`, labels are [n, time], one at every place.
    """
    if classes is not None and len(set(classes)) < len(classes):
        raise HeadwayError("classes", "must be different names", classes)
    y = _labels(y, "y", places)
    values = (
        np.unique(y) if classes is None else np.asarray(classes) if y.dtype.kind == "U" else np.arange(len(classes))
    )
    if len(values) < 2:
        raise HeadwayError("y", "must have two classes or more", f"only {values.tolist()}")
    return values


def encode(y: Array, values: Array | None, where: str, *, places: bool = False) -> Array:
    """Targets as the losses want them: the place of each label in `values`, or without values the amounts.

    Shapes: labels [n], or with `places` [n, time] → int32 of that shape; amounts [n] or [n, outputs]
    → [n, outputs] float32, like the outputs they are compared with.
    """
    if values is None:
        if y.ndim > 2:
            raise HeadwayError(where, "targets must be [n] or [n, outputs]", shown(*y.shape))
        return numeric(y, where).astype(np.float32).reshape(len(y), -1)
    kinds, kind = np.unique(_labels(y, where, places), return_inverse=True)
    place = {value: i for i, value in enumerate(values.tolist())}
    if strange := [v for v in kinds.tolist() if v not in place]:
        at = first(np.isin(y, strange))
        known = ", ".join(repr(v) for v in [*place][:10]) + " …" * (len(place) > 10)
        came = repr(y[at].tolist())
        raise HeadwayError(f"{where}{shown(*at)}", f"must be one of the {len(place)} classes", came, f"Known: {known}.")
    return np.array([place[v] for v in kinds.tolist()], np.int32)[kind].reshape(y.shape)


def _labels(y: Array, where: str, places: bool) -> Array:
    """Labels [n] or [n, time], checked; whole floats as integers."""
    if y.ndim != (2 if places else 1):
        raise HeadwayError(where, "must be one label per example", shown(*y.shape), "One-hot? Use y.argmax(1).")
    if y.dtype.kind == "f":
        if (broken := numeric(y, where) != np.trunc(y)).any():
            at = first(broken)
            raise HeadwayError(f"{where}{shown(*at)}", "labels must be text or whole numbers", y[at])
        return y.astype(np.int64)
    if y.dtype.kind not in "biuU":
        raise HeadwayError(where, "labels must be text or whole numbers", f"dtype {y.dtype}")
    return y


def first(bad: Array) -> tuple[int, ...]:
    """The place of the first True."""
    return tuple(int(i) for i in np.unravel_index(np.argmax(bad), bad.shape))


def shown(*shape: object) -> str:
    """A shape or place as text: `[n, 8, 8, 1]`."""
    return f"[{', '.join(str(n) for n in shape)}]"
