"""A sweep: one recipe at every point of a grid, side by side, and what its runs came to."""

import json
import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from headway.data.dataset import Data, Dataset
from headway.spec.error import HeadwayError
from headway.spec.json import to_dict, to_value
from headway.training.checkpoint import write_durably
from headway.training.compilation import use_compilation_cache
from headway.training.job import Job, prepare
from headway.training.manifest import manifest
from headway.training.recipe import Recipe
from headway.training.run import Run
from headway.training.sweeps.grid import Over, Point, points, recipe_at
from headway.training.sweeps.lanes import grouped, run_lanes


@dataclass(frozen=True)
class Cell:
    """The runs that differ in nothing but their seed."""

    point: Point
    runs: tuple[Run, ...]

    def measured(self, split: str, name: str) -> list[float]:
        """A measure of the best weights on a split, run by run."""
        return [run.results[split][name] for run in self.runs]

    @property
    def finite(self) -> bool:
        """Whether no run was cut short by a number that is not finite."""
        return all(run.standing.reason != "non-finite" for run in self.runs)


@dataclass(frozen=True)
class Sweep:
    """What `sweep` returns.

    points      what each run was given: address → value
    runs        the runs, in the order of the points; each is what `train` returns
    programs    how many structures there were: each was compiled once
    """

    recipe: Recipe
    points: tuple[Point, ...]
    runs: tuple[Run, ...]
    programs: int

    @property
    def split(self) -> str:
        """What the runs are held against each other on."""
        return "validation" if "validation" in self.runs[0].results else "train"

    def cells(self) -> tuple[Cell, ...]:
        """The runs by everything but their seed."""
        found: list[tuple[Point, list[Run]]] = []
        for point, run in zip(self.points, self.runs, strict=True):
            rest = {address: value for address, value in point.items() if address != "seed"}
            same = next((runs for known, runs in found if known == rest), None)
            if same is None:
                found.append((rest, same := []))
            same.append(run)
        return tuple(Cell(point, tuple(runs)) for point, runs in found)

    def best(self) -> Cell | None:
        """The cell with the best mean of the monitored measure; None where in every cell a run was not finite."""
        evaluation, best, value = self.recipe.evaluation, None, float("nan")
        for cell in self.cells():
            mean = float(np.mean(cell.measured(self.split, evaluation.monitor)))
            if cell.finite and evaluation.better(mean, value):
                best, value = cell, mean
        return best

    def stacked(self) -> Any:
        """The best weights of all runs, stacked: {"params", "network"} with a leading axis of runs."""
        if self.programs > 1:
            raise HeadwayError("stacked", "the runs must share one structure", f"{self.programs} structures",
                               "Take them from the runs: sweep.runs[0].params.")  # fmt: skip
        return jax.tree.map(lambda *leaves: jnp.stack(leaves), *(run.values for run in self.runs))

    def records(self) -> list[dict[str, Any]]:
        """One row a run, as plain values for JSON: its point, how it ended, and its measures as `split/name`.

        A measure that is not finite is None.
        """
        return [
            {address: to_value(value, address) for address, value in point.items()}
            | {name: getattr(run.standing, name) for name in ("reason", "step", "best", "best_step", "message")}
            | {f"{split}/{name}": value if math.isfinite(value) else None
               for split, found in run.results.items() for name, value in found.items()}
            for point, run in zip(self.points, self.runs, strict=True)
        ]  # fmt: skip

    def save(self, folder: Path | str) -> Path:
        """Write `sweep.json` (recipe, rows, evaluations, versions) and `rows.parquet` into a new folder."""
        import pyarrow
        import pyarrow.parquet

        path, rows = Path(folder), self.records()
        if path.exists() and any(path.iterdir()):
            raise HeadwayError("out", "must be a new or empty folder", str(folder))
        path.mkdir(parents=True, exist_ok=True)
        evaluations = [run.history.evaluations for run in self.runs]
        written = {"recipe": to_dict(self.recipe), "programs": self.programs, "runs": rows, "evaluations": evaluations,
                   "manifest": manifest(self.recipe, self.runs[0].data())}  # fmt: skip
        write_durably(path / "sweep.json", json.dumps(written, indent=2).encode())
        flat = [{k: json.dumps(v) if isinstance(v, dict | list) else v for k, v in row.items()} for row in rows]
        pyarrow.parquet.write_table(pyarrow.Table.from_pylist(flat), path / "rows.parquet")
        return path


def sweep(
    recipe: Recipe,
    over: Over,
    *,
    data: Dataset | None = None,
    anyway: bool = False,
    tell: Callable[[Run], object] = lambda run: None,
) -> Sweep:
    """Train the recipe at every point of a grid: `sweep(recipe, {"seed": range(8), "optimizer/learning_rate": rates})`.

    over    address → values, all combinations of them; several addresses as one axis: see `points`
    tell    called with each run when it is over

    Recipes that differ in numbers alone share one compiled program; those of another structure (a width, a
    kind) have one each. On a CPU every run is that of `train`, bit for bit. All recipes are checked before the
    first one is trained; a run that stops early or is not finite ends alone.
    """
    use_compilation_cache()
    places = points(over)
    loaded: dict[Data | None, Dataset | None] = {}
    jobs = [_prepared(recipe_at(recipe, point), point, loaded, data, anyway) for point in places]
    return Sweep(recipe, places, tuple(run_lanes(jobs, tell)), len(grouped(jobs)))


def _prepared(
    recipe: Recipe, point: Point, loaded: dict[Data | None, Dataset | None], data: Dataset | None, anyway: bool
) -> Job:
    """A job; every data set is loaded once. An error says at which point of the grid it is."""
    try:
        job = prepare(recipe, data or loaded.get(recipe.data), anyway=anyway)
    except HeadwayError as error:
        at = ", ".join(f"{address} = {value!r}" for address, value in point.items())
        fix = f"{error.fix} This is the run with {at}.".strip()
        raise HeadwayError(error.where, error.must, error.got, fix) from None
    loaded[recipe.data] = job.dataset
    return job
