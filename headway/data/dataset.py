"""A data set: where examples come from, and how they are split by a seed of their own and scaled."""

import hashlib
from dataclasses import KW_ONLY, dataclass
from functools import cached_property
from typing import Annotated, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
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
from headway.spec.error import HeadwayError
from headway.spec.node import Spec, spec

Fraction = Annotated[float, Field(gt=0, lt=1)]
Seed = Annotated[int, Field(ge=0)]


@dataclass(frozen=True, eq=False)
class Examples:
    """Inputs x [n, *shape] with their targets y, one an example.

    x is float32, token ids int32; y are labels [n] int32, or amounts [n, outputs] float32.
    """

    x: Array
    y: Array

    def __len__(self) -> int:
        return len(self.x)


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
                for key, array in (("x", part.x), ("y", part.y)):
                    digest.update(f"{name}.{key} {array.dtype.str} {array.shape};".encode())
                    digest.update(np.ascontiguousarray(array).data)
        return digest.hexdigest()


@dataclass(frozen=True, eq=False)
class Table:
    """What a source gives: raw inputs [n, …], targets as they came, and a test set if it brings one.

    With `classes`, y holds these names or the labels 0 … C-1; without, labels are whatever values occur.
    `one_unit` says that all features of a flat input are measured alike (pixels): one scale fits them all.
    `tokens` says that inputs are token ids 0 … tokens - 1, whole numbers that are never scaled.
    """

    x: ArrayLike
    y: ArrayLike
    _: KW_ONLY
    test_x: ArrayLike | None = None
    test_y: ArrayLike | None = None
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

    Splits: fractions of all examples, disjoint and complete; every class has its share of every part.
    A source's own test set serves in place of the fraction `test`.
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
        task = self.task or ("classification" if table.classes else detect_task(raw))
        values = label_values(raw, table.classes) if task == "classification" else None
        y = encode(raw, values, "y")
        fractions = (self.test if table.test_x is None else None, self.validation)
        places = split(np.zeros(len(y)) if values is None else y, fractions, self.seed)
        fitted = places[-1]
        if values is not None and len(absent := np.setdiff1d(np.arange(len(values)), y[fitted])):
            raise HeadwayError("y", "every class needs an example to train on", f"none of {values[absent].tolist()}")
        schema = Schema(
            input_shape=x.shape[1:],
            outputs=y.shape[1] if values is None else len(values),
            classes=table.classes or (None if values is None else tuple(str(v) for v in values.tolist())),
            feature_names=table.feature_names,
            scaling=fit_scaling(x[fitted], table.one_unit) if self.standardize and table.tokens is None else None,
            tokens=table.tokens,
        )
        test, validation = (Examples(schema.prepare(x[at]), y[at]) if len(at) else None for at in places[:-1])
        if table.test_x is not None and table.test_y is not None:
            test_x, raw = _pair(table, table.test_x, table.test_y, "test_")
            test = Examples(schema.prepare(test_x), encode(raw, values, "test_y"))
        return Dataset(Examples(schema.prepare(x[fitted]), y[fitted]), validation, test, schema)


def arrays(
    x: ArrayLike,
    y: ArrayLike,
    *,
    test: tuple[ArrayLike, ArrayLike] | float | None = 0.15,
    classes: Names | None = None,
    feature_names: Names | None = None,
    tokens: int | None = None,
    **settings: Any,
) -> Dataset:
    """A data set of arrays: `arrays(x, y, validation=0.2, seed=1)`; `settings` are fields of `Data`.

    Shapes: x [n, …]; y [n] labels or amounts, or [n, outputs] amounts. `test` is a fraction, None, or a test
    set (x, y) of your own. With `tokens`, x holds token ids 0 … tokens - 1 for an Embedding.
    """
    test_x, test_y = test if isinstance(test, tuple) else (None, None)
    data = Data(Given(), test=None if isinstance(test, tuple) else test, **settings)
    return data.divide(
        Table(x, y, test_x=test_x, test_y=test_y, classes=classes, feature_names=feature_names, tokens=tokens)
    )


def split(groups: Array, fractions: tuple[float | None, ...], seed: int) -> list[NDArray[np.intp]]:
    """The places (sorted) of the examples in each fraction, and of the rest; every group shared out evenly.

    Member j of a group of m, in random order, gets the number (j + u) / m with one u ~ U(0, 1) a group. In the
    order of these numbers every stretch holds nearly its share of each group.
    """
    n, rng = len(groups), np.random.default_rng(seed)
    sizes = [0 if fraction is None else max(1, round(fraction * n)) for fraction in fractions]
    if sum(sizes) >= n:
        fix = "Give more examples, or set validation=None or test=None."
        raise HeadwayError("Data", "the splits must leave examples to train on", f"{sum(sizes)} of {n} set aside", fix)
    order, share = rng.permutation(n), np.empty(n)
    for group in np.unique(groups):
        members = order[groups[order] == group]
        share[members] = (np.arange(len(members)) + rng.random()) / len(members)
    order = order[np.argsort(share[order], kind="stable")]
    return [np.sort(part) for part in np.split(order, np.cumsum(sizes))]


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
