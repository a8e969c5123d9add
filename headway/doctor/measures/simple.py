"""What simple models make of the data: a linear one, neighbours and trees, on examples they were not fitted to."""

import hashlib
import importlib.metadata
import warnings
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from headway.data.bundled import cached
from headway.data.dataset import Dataset, Examples
from headway.data.schema import Array
from headway.doctor.measures.columns import thinned

MODELS = ("linear", "neighbours", "trees")
ROWS, FEATURES, FOLDS, LEAST = 1000, 256, 3, 60
"""At most so many rows and features, in so many folds; fewer rows than LEAST say nothing."""


@dataclass(frozen=True)
class Simple:
    """What models save of the squared error of the best constant, out of fold; labels count as rows of 0 and one 1.

    saved    model → [rows], the constant's error less the model's
    error    the constant's mean error
    right    model → [rows], whether it gives the label the largest number; empty for amounts
    margin   model → [rows], by how much that is above the second largest; empty for amounts
    """

    saved: dict[str, Array]
    error: float
    right: dict[str, Array] = field(default_factory=dict)
    margin: dict[str, Array] = field(default_factory=dict)

    @property
    def best(self) -> str:
        """The model that saves the most."""
        return max(self.saved, key=lambda name: float(self.saved[name].mean()))

    @property
    def share(self) -> float:
        """The share of the constant's error that the best model saves."""
        return float(self.saved[self.best].mean()) / max(self.error, 1e-30)

    @property
    def deviations(self) -> float:
        """What the best model saves in standard errors."""
        return deviations(self.saved[self.best])

    @property
    def doubt(self) -> float:
        """The standard error of `share`."""
        values = self.saved[self.best]
        return float(values.std(ddof=1)) / np.sqrt(len(values)) / max(self.error, 1e-30)

    def ahead(self, one: str, other: str) -> Array:
        """By how much of the constant's error one model is ahead of another [rows]; of labels, in those it gets right.

        The squared error of a linear model is large for labels that a line parts without a mistake.
        """
        if self.right:
            return self.right[one].astype(float) - self.right[other]
        return (self.saved[one] - self.saved[other]) / max(self.error, 1e-30)

    def surest(self) -> tuple[Array, Array]:
        """Whether the label is right in the quarter of the rows that the best such model is surest of; and in the next.

        It is the model that gets the most labels right.
        """
        best = max(self.right, key=lambda name: float(self.right[name].mean()))
        order = np.argsort(-self.margin[best], kind="stable")
        first, second, *_ = np.array_split(self.right[best][order], 4)
        return first, second

    def shares(self) -> str:
        """`linear 60%, neighbours 92%, trees 88%`."""
        return ", ".join(f"{name} {v.mean() / max(self.error, 1e-30):.0%}" for name, v in self.saved.items())


def deviations(values: Array) -> float:
    """A mean in its standard errors; 0 where all values are equal to 0."""
    spread = float(values.std(ddof=1)) / np.sqrt(len(values))
    mean = float(values.mean())
    return mean / spread if spread > 0 else float(np.inf * np.sign(mean)) if mean else 0.0


def as_targets(examples: Examples, classes: int | None) -> Array:
    """Targets [rows, …] that a squared error is taken of: labels as rows of 0 and one 1, amounts in spreads."""
    if classes is not None:
        return np.eye(classes)[examples.y]
    y = examples.y.reshape(len(examples.y), -1).astype(float)
    return (y - y.mean(axis=0)) / np.maximum(y.std(axis=0), 1e-30)


def features(x: Array) -> Array:
    """Inputs [rows, features] of mean 0 and spread 1; more than FEATURES are mixed at random into as many."""
    table = x.reshape(len(x), -1).astype(float)
    table = (table - table.mean(axis=0)) / np.where(table.std(axis=0) > 0, table.std(axis=0), 1)
    if table.shape[1] > FEATURES:
        table = table @ np.random.default_rng(0).normal(size=(table.shape[1], FEATURES)) / np.sqrt(table.shape[1])
    return table


def simple_of(data: Dataset, names: Sequence[str]) -> Simple | None:
    """What three models make of some parts of a data set together; None where there are none, and of tokens."""
    parts = [part for name, part in data.splits().items() if name in names]
    if not parts or data.schema.tokens is not None:
        return None
    together = Examples(*(np.concatenate([getattr(part, name) for part in parts]) for name in ("x", "y")))
    return simple(together, None if data.classes is None else len(data.classes))


def simple(examples: Examples, classes: int | None) -> Simple | None:
    """What three models make of examples, out of fold; None where they are too few, or targets are sequences.

    What was fitted once is read from `cache_folder()` from then on: scikit-learn alone takes a second to import.
    """
    if len(examples) < LEAST or (classes is not None and examples.y.ndim > 1):
        return None
    if not (np.isfinite(examples.x).all() and np.isfinite(examples.y).all()):
        return None
    few = examples[thinned(np.random.default_rng(0).permutation(len(examples)), ROWS)]
    known = cached(f"simple/{_digest(few, classes)}", lambda: _out_of_fold(few, classes))
    saved, right, margin = (dict(zip(MODELS, known[part], strict=False)) for part in ("saved", "right", "margin"))
    return Simple(saved, float(known["error"]), right, margin)


def _digest(examples: Examples, classes: int | None) -> str:
    """SHA-256 over all that the models' numbers depend on: another program, library or example has another."""
    parts = [Path(__file__).read_bytes(), importlib.metadata.version("scikit-learn").encode(), repr(classes).encode()]
    for array in (examples.x, examples.y):
        parts += [f"{array.dtype.str} {array.shape}".encode(), array.tobytes()]
    digest = hashlib.sha256()
    for part in parts:
        digest.update(part)
    return digest.hexdigest()[:32]


def _out_of_fold(examples: Examples, classes: int | None) -> dict[str, Array]:
    """The constant's mean error, and a row [models, rows] each of `Simple`'s numbers; no rows where it has none."""
    x, y = features(examples.x), as_targets(examples, classes)
    rows, judged = len(x), len(MODELS) if classes else 0
    saved, right, margin = np.empty((len(MODELS), rows)), np.empty((judged, rows), bool), np.zeros((judged, rows))
    place, errors = np.arange(rows) % FOLDS, np.empty(rows)
    for fold in range(FOLDS):
        here, there = place != fold, place == fold
        errors[there] = np.sum((y[there] - y[here].mean(axis=0)) ** 2, axis=1)
        for k, model in enumerate(_models(int(here.sum()))):
            if MODELS[k] == "linear" and classes and np.count_nonzero(y[here].any(axis=0)) > 1:
                made = _discriminated(x[here], y[here], x[there])
            else:
                made = model.fit(x[here], np.squeeze(y[here])).predict(x[there]).reshape(y[there].shape)
            saved[k][there] = errors[there] - np.sum((y[there] - made) ** 2, axis=1)
            if classes:
                right[k][there] = made.argmax(axis=1) == y[there].argmax(axis=1)
                margin[k][there] = np.subtract(*np.sort(made, axis=1).T[[-1, -2]]) if classes > 1 else 0
    return {"error": errors.mean(), "saved": saved, "right": right, "margin": margin}


def _discriminated(x: Array, y: Array, there: Array) -> Array:
    """Probabilities of classes by linear discriminants: least squares on rows of 0 and one 1 can mask a class."""
    from sklearn.discriminant_analysis import LinearDiscriminantAnalysis

    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Only one sample available")  # of a class, whose spread then counts as 0
        model = LinearDiscriminantAnalysis(solver="lsqr", shrinkage=0.1).fit(x, y.argmax(axis=1))
    made = np.zeros((len(there), y.shape[1]))
    made[:, model.classes_] = model.predict_proba(there)
    return made


def _models(rows: int) -> tuple[Any, ...]:
    """The three of MODELS, for so many rows."""
    from sklearn.ensemble import ExtraTreesRegressor
    from sklearn.linear_model import Ridge
    from sklearn.neighbors import KNeighborsRegressor

    return (
        Ridge(alpha=max(1.0, 0.05 * rows)),
        KNeighborsRegressor(min(10, max(1, rows // 6))),
        ExtraTreesRegressor(20, min_samples_leaf=3, max_features=0.5, random_state=0),
    )
