"""A data set: where examples come from, and how they are split by a seed of their own and scaled."""

import hashlib
from dataclasses import KW_ONLY, dataclass, fields
from functools import cached_property
from typing import Annotated, Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike
from pydantic import Field

from headway.data.schema import (
    Array,
    Names,
    Scaling,
    Schema,
    Task,
    as_array,
    detect_task,
    encode,
    fit_scaling,
    label_values,
    numeric,
    shown,
)
from headway.data.splits import split, split_whole
from headway.spec.error import HeadwayError
from headway.spec.node import Spec, spec

Fraction = Annotated[float, Field(gt=0, lt=1)]
Seed = Annotated[int, Field(ge=0)]


class Arrays(NamedTuple):
    """Examples as plain arrays, on this machine or the device: the form in which they enter a compiled function."""

    x: Any
    y: Any
    weights: Any = None


@dataclass(frozen=True, eq=False)
class Examples:
    """Inputs x [n, *shape] with their targets y, one an example, or one at every place of a sequence.

    x is float32, token ids int32; y are labels [n] or [n, time] int32, or amounts [n, outputs] float32.
    weights   how much each counts, float32: [n] an example, [n, time] a place, 0 where there is nothing to predict;
              None: all 1
    """

    x: Array
    y: Array
    weights: Array | None = None

    def __len__(self) -> int:
        return len(self.x)

    def __getitem__(self, places: Any) -> "Examples":
        """The examples at these places."""
        return Examples(self.x[places], self.y[places], None if self.weights is None else self.weights[places])

    @property
    def arrays(self) -> Arrays:
        return Arrays(self.x, self.y, self.weights)


@dataclass(frozen=True, eq=False)
class Dataset:
    """Examples in disjoint parts, ready for training; `schema` says what they are."""

    train: Examples
    validation: Examples | None
    test: Examples | None
    schema: Schema

    @property
    def input_shape(self) -> tuple[int, ...]:
        return self.schema.input_shape

    @property
    def time(self) -> int | None:
        """The length of the inputs where they are sequences, of tokens or of rows of features; else None."""
        shape = self.input_shape
        return shape[0] if len(shape) == (2 if self.schema.tokens is None else 1) else None

    @property
    def classes(self) -> Names | None:
        return self.schema.classes

    @property
    def feature_names(self) -> Names | None:
        return self.schema.feature_names

    @property
    def scaling(self) -> Scaling | None:
        return self.schema.scaling

    def prepare(self, x: ArrayLike) -> Array:
        """New raw inputs, scaled like the training part: see `Schema.prepare`."""
        return self.schema.prepare(x)

    def splits(self) -> dict[str, Examples]:
        """The parts there are, by name."""
        parts = {"train": self.train, "validation": self.validation, "test": self.test}
        return {name: part for name, part in parts.items() if part is not None}

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256 over the dtypes, shapes and bytes of all parts: equal for equal arrays, whatever made them."""
        digest = hashlib.sha256()
        for name in ("train", "validation", "test"):
            if (part := getattr(self, name)) is not None:
                present = ((key, array) for key, array in part.arrays._asdict().items() if array is not None)
                for key, array in present:
                    digest.update(f"{name}.{key} {array.dtype.str} {array.shape};".encode())
                    digest.update(np.ascontiguousarray(array).data)
        return digest.hexdigest()


@dataclass(frozen=True, eq=False)
class Table:
    """What a source gives: raw inputs [n, …], targets as they came, and a test set if it brings one.

    With `classes`, y holds these names or the labels 0 … C-1; without, labels are whatever values occur. For a
    sequence, token ids [n, time] or inputs [n, time, …], labels may be [n, time]: one at every place.
    `weights` say how much each example [n] or place [n, time] counts, 0 where there is nothing to predict.
    `groups` [n] are examples that belong together, such as pieces of one file: no group is torn apart by a split.
    `one_unit` says that all features of a flat input are measured alike (pixels): one scale fits them all.
    `tokens` says that inputs are token ids 0 … tokens - 1, whole numbers that are never scaled.
    """

    x: ArrayLike
    y: ArrayLike
    _: KW_ONLY
    weights: ArrayLike | None = None
    groups: ArrayLike | None = None
    test_x: ArrayLike | None = None
    test_y: ArrayLike | None = None
    test_weights: ArrayLike | None = None
    classes: Names | None = None
    feature_names: Names | None = None
    one_unit: bool = False
    tokens: int | None = None


class Source(Spec):
    """Where examples come from: `load()` gives them raw."""

    def load(self) -> Table:
        raise NotImplementedError


@spec
class Given(Source):
    """Examples handed over as arrays in Python: a recipe can say so, but not load them."""

    def load(self) -> Table:
        raise HeadwayError("Given", "these examples were arrays in Python", None, "Pass them again: arrays(x, y).")


@spec
class Data(Spec):
    """A source, split into a training, validation and test part by its own seed, and scaled.

    Splits: fractions of all examples, disjoint and complete; every class has its share of every part. Where a source
    says which examples belong together, each such group is in one part. A source's own test set serves in place of
    the fraction `test`.
    Scaling: mean 0 and spread 1 over the training part; per feature for flat inputs [n, features], one pair
    for images, sequences and pixels. A constant feature is only centred. Targets keep their units.
    Task: text, booleans and whole numbers are labels, other numbers are amounts; `task` overrides this.
    """

    source: Source
    _: KW_ONLY
    validation: Fraction | None = 0.15
    test: Fraction | None = 0.15
    seed: Seed = 0
    standardize: bool = True
    task: Task | None = None

    def __post_init__(self) -> None:
        if (total := (self.validation or 0) + (self.test or 0)) >= 1:
            raise HeadwayError("validation", "validation + test must leave examples to train on", f"{total:g}")

    def load(self) -> Dataset:
        """The data set that this describes: the same arrays on every call."""
        return self.divide(self.source.load())

    def divide(self, table: Table) -> Dataset:
        """The data set made of these examples."""
        x, raw = _pair(table, table.x, table.y, "")
        places = _at_every_place(table, x, raw)
        task = self.task or ("classification" if table.classes else detect_task(raw))
        values = label_values(raw, table.classes, places=places) if task == "classification" else None
        y = encode(raw, values, "y", places=places)
        everything = Examples(x, y, _weights(table.weights, y, ""))
        fractions = (self.test if table.test_x is None else None, self.validation)
        if table.groups is not None:
            parts = split_whole(_groups(table.groups, len(y)), fractions, self.seed)
        else:
            parts = split(np.zeros(len(y)) if values is None or places else y, fractions, self.seed)
        fitted = parts[-1]
        if values is not None and not places and len(absent := np.setdiff1d(np.arange(len(values)), y[fitted])):
            raise HeadwayError("y", "every class needs an example to train on", f"none of {values[absent].tolist()}")
        schema = Schema(
            input_shape=x.shape[1:],
            outputs=y.shape[1] if values is None else len(values),
            classes=table.classes or (None if values is None else tuple(str(v) for v in values.tolist())),
            feature_names=table.feature_names,
            scaling=fit_scaling(x[fitted], table.one_unit) if self.standardize and table.tokens is None else None,
            tokens=table.tokens,
        )
        test, validation, train = (_prepared(schema, everything[at]) if len(at) else None for at in parts)
        if table.test_x is not None and table.test_y is not None:
            test_x, raw = _pair(table, table.test_x, table.test_y, "test_")
            test_y = encode(raw, values, "test_y", places=places)
            test = _prepared(schema, Examples(test_x, test_y, _weights(table.test_weights, test_y, "test_")))
        assert train is not None  # the splits see to it
        return Dataset(train, validation, test, schema)


def arrays(
    x: ArrayLike, y: ArrayLike, *, test: tuple[ArrayLike, ...] | float | None = 0.15, **settings: Any
) -> Dataset:
    """A data set of arrays: `arrays(x, y, validation=0.2, seed=1)`; `settings` are fields of `Data` or of `Table`.

    Shapes: x [n, …]; y [n] labels or amounts, [n, outputs] amounts, or for a sequence [n, time] labels. `test` is a
    fraction, None, or a test set of your own, (x, y) or (x, y, weights). With `tokens`, x holds token ids
    0 … tokens - 1 for an Embedding; `weights`, `groups`, `classes` and `feature_names` as for `Table`.
    """
    told = {f.name: settings.pop(f.name) for f in fields(Table) if f.name in settings}
    if isinstance(test, tuple):
        told |= dict(zip(("test_x", "test_y", "test_weights"), test, strict=False))
        test = None
    return Data(Given(), test=test, **settings).divide(Table(x, y, **told))


def _at_every_place(table: Table, x: Array, y: Array) -> bool:
    """True where inputs are sequences and there is one target at every place of them."""
    sequences = table.tokens is not None or x.ndim > 2
    return sequences and y.ndim == 2 and y.shape[1] == x.shape[1]


def _prepared(schema: Schema, raw: Examples) -> Examples:
    return Examples(schema.prepare(raw.x), raw.y, raw.weights)


def _weights(weights: ArrayLike | None, y: Array, prefix: str) -> Array | None:
    """Weights [n] or [n, time], none below 0 and not all 0, as float32."""
    if weights is None:
        return None
    where, found = prefix + "weights", numeric(weights, prefix + "weights")
    if found.shape not in (y.shape[:1], y.shape):
        shapes = " or ".join(dict.fromkeys((shown(*y.shape[:1]), shown(*y.shape))))
        raise HeadwayError(where, f"must be {shapes}, one an example or one a target", shown(*found.shape))
    if found.min() < 0 or found.max() == 0:
        raise HeadwayError(where, "must be 0 or more, and some of them more", f"{found.min():g} to {found.max():g}")
    return found.astype(np.float32)


def _groups(groups: ArrayLike, examples: int) -> Array:
    found = as_array(groups, "groups")
    if found.shape != (examples,):
        raise HeadwayError("groups", f"must be [{examples}], one an example", shown(*found.shape))
    return found


def _pair(table: Table, x: ArrayLike, y: ArrayLike, prefix: str) -> tuple[Array, Array]:
    """Inputs [n, …] and raw targets as arrays of equal length; targets [n, 1] as [n]."""
    names = table.feature_names
    inputs, targets = numeric(x, prefix + "x", names), as_array(y, prefix + "y")
    if inputs.ndim < 2:
        raise HeadwayError(prefix + "x", "must be [n, features] or more", shown(len(inputs)), "Use x[:, None].")
    if targets.ndim == 0 or len(targets) != len(inputs):
        came = f"{len(inputs)} inputs, targets of shape {shown(*targets.shape)}"
        raise HeadwayError(prefix + "y", "must be one target per input", came)
    if names is not None and inputs.shape[1:] != (len(names),):
        came = f"{len(names)} names for inputs {shown('n', *inputs.shape[1:])}"
        raise HeadwayError("feature_names", "must be one name per feature", came)
    return inputs, targets[:, 0] if targets.ndim == 2 and targets.shape[1] == 1 else targets
