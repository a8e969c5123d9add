"""How arms are compared: tuned on seeds of their own, then run on ten seeds, the same for all; stored arm by arm."""

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from headway.claims.evidence import versions
from headway.data.dataset import Dataset
from headway.spec.json import from_dict, to_dict
from headway.training.recipe import Recipe
from headway.training.sweeps.grid import recipe_at
from headway.training.sweeps.sweep import Cell, sweep

RESULTS = Path(__file__).parents[1] / "results/comparisons"
SEEDS, TUNING_SEEDS, FAR = 10, 2, 500_000
"""Runs of every arm, runs that tune, and how far the seeds of these are from the others."""


@dataclass(frozen=True)
class Arm:
    """A recipe, the axes of a sweep over which it chooses by validation loss, and those of which every point is run."""

    recipe: Recipe
    tuned: Mapping[str, tuple[Any, ...]] = field(default_factory=dict)
    grid: Mapping[str, tuple[Any, ...]] = field(default_factory=dict)

    def record(self) -> dict[str, Any]:
        """The arm as plain values."""
        tuned, grid = ({at: list(values) for at, values in axes.items()} for axes in (self.tuned, self.grid))
        return {"recipe": to_dict(self.recipe), "tuned": tuned, "grid": grid}


@dataclass(frozen=True)
class Comparison:
    """A question that arms answer.

    question   what is asked, and what was settled before the runs
    measures   what is reported of a run, as `split/name`
    pairs      arms that are held against each other, seed by seed, in the first measure
    data       the data set, for recipes that name none
    """

    title: str
    question: str
    arms: Mapping[str, Arm]
    measures: tuple[str, ...]
    pairs: tuple[tuple[str, str], ...] = ()
    data: Callable[[], Dataset] | None = None


def measure(name: str, comparison: Comparison) -> dict[str, Any]:
    """Run the arms that are not stored yet, and store each as it is done."""
    path, record = RESULTS / f"{name}.json", stored(name) or {"arms": {}}
    data = comparison.data() if comparison.data else None
    for label, arm in comparison.arms.items():
        if not is_of(record["arms"].get(label), arm):
            record["arms"][label] = run(comparison, arm, data)
            record |= {"versions": versions(), "seeds": list(range(SEEDS))}
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(json.dumps(record, indent=1) + "\n")
            print(name, label, f"{record['arms'][label]['seconds']} s", flush=True)
    return record


def is_of(found: Mapping[str, Any] | None, arm: Arm) -> bool:
    """Whether a stored record is that of this arm as it is designed."""
    axes = ("tuned", "grid")
    return (
        found is not None
        and from_dict(found["recipe"]) == arm.recipe
        and all(found[name] == arm.record()[name] for name in axes)
    )


def stored(name: str) -> dict[str, Any] | None:
    """What is stored of a comparison."""
    path = RESULTS / f"{name}.json"
    return json.loads(path.read_text()) if path.exists() else None


def run(comparison: Comparison, arm: Arm, data: Dataset | None) -> dict[str, Any]:
    """One arm: the numbers it chose, all that it tried, and its measures over the seeds at every point of the grid."""
    started, recipe, chosen, tried = time.monotonic(), arm.recipe, {}, []
    if arm.tuned:
        tuning = sweep(recipe, {**arm.tuned, "seed": range(FAR, FAR + TUNING_SEEDS)}, data=data)
        best = tuning.best()
        assert best is not None, "no point of the grid is finite at every seed"
        chosen, recipe = dict(best.point), recipe_at(recipe, best.point)
        tried = [cell_record(cell, (f"{tuning.split}/loss",)) for cell in tuning.cells()]
    made = sweep(recipe, {**arm.grid, "seed": range(SEEDS)}, data=data)
    return arm.record() | {
        "chosen": chosen,
        "tried": tried,
        "cells": [cell_record(cell, comparison.measures) for cell in made.cells()],
        "seconds": round(time.monotonic() - started),
    }


def cell_record(cell: Cell, measures: tuple[str, ...]) -> dict[str, Any]:
    """A point of a sweep, and its measures seed by seed."""
    values = {measure: cell.measured(*measure.split("/")) for measure in measures}
    return {"point": dict(cell.point), "finite": cell.finite, "values": values}
