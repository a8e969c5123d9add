"""The folder of a run: recipe, manifest, event log, checkpoints, weights, history."""

import json
import os
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

import headway.spec.json as spec_json
from headway.data.dataset import Dataset
from headway.scale.precision import Float16
from headway.scale.processes import agreed, leads, met
from headway.scale.sharding import on_several
from headway.signals.history import Signals
from headway.spec.error import HeadwayError
from headway.training.callbacks import Advanced, Evaluated, Event
from headway.training.checkpoint import (
    checkpoints,
    load_arrays,
    load_checkpoint,
    prune,
    save_arrays,
    save_checkpoint,
    step_of,
    write_durably,
)
from headway.training.manifest import fingerprint, manifest
from headway.training.recipe import Recipe
from headway.training.sharded import ShardedCheckpoints
from headway.training.step import MEASURES

START = "start.safetensors"


@dataclass
class Standing:
    """Where a run stands: everything about it that is not an array.

    best, best_step    the monitored quantity at its best and the update it is from
    waited             evaluations since then
    reason, message    why the run is over; empty while it goes on
    """

    step: int = 0
    best: float | None = None
    best_step: int = 0
    waited: int = 0
    reason: str = ""
    message: str = ""


class History:
    """Everything measured: one row of `measures` an update, samples of the signals, and the evaluations by update."""

    def __init__(self) -> None:
        self.names: tuple[str, ...] = MEASURES
        self.chunks: list[np.ndarray] = []
        self.samples: list[Signals] = []
        self.evaluations: list[dict[str, Any]] = []

    def __call__(self, event: Event) -> None:
        match event:
            case Advanced():
                self.names = event.names
                self.chunks.append(event.measures)
                self.samples.append(event.signals)
            case Evaluated():
                self.evaluations.append({"step": event.step, "split": event.split} | event.values)

    def columns(self) -> dict[str, np.ndarray]:
        """`step`, the MEASURES of every update, and what its precision measures beside."""
        rows = np.concatenate([np.zeros((0, len(self.names)), np.float32), *self.chunks])
        return {"step": np.arange(1, len(rows) + 1)} | {name: rows[:, i] for i, name in enumerate(self.names)}

    @property
    def signals(self) -> Signals:
        """What was measured of every layer at the watched updates."""
        return Signals.joined(self.samples)


class RunFolder:
    """One run on disk. The log is append-only; a resumed run goes on where its checkpoint was written."""

    def __init__(self, path: Path | str) -> None:
        self.path = Path(path)
        self.log_path = self.path / "events.jsonl"
        self.checkpoints = self.path / "checkpoints"
        self.sharded = self.path / "sharded"
        self._writing: ShardedCheckpoints | None = None

    @classmethod
    def create(
        cls, path: Path | str, recipe: Recipe, dataset: Dataset, start: Mapping[str, Any] | None = None
    ) -> "RunFolder":
        """A new folder, with the recipe, the manifest and, where they were given, the first values in it.

        Of several processes the first one makes it, for all.
        """
        folder = cls(path)
        busy = folder.path.exists() and any(folder.path.iterdir())
        if any(agreed(int(busy))):  # all look before the first makes anything, and all refuse alike
            raise HeadwayError("out", "must be a new or empty folder", str(path), "Or go on with --resume.")
        if not leads():
            met("the folder is made")
            return folder
        folder.path.mkdir(parents=True, exist_ok=True)
        found = manifest(recipe, dataset)
        if start is not None:
            save_arrays(folder.path / START, start)
            found["start"] = fingerprint(folder.path / START)
        write_durably(folder.path / "manifest.json", json.dumps(found, indent=2).encode())
        write_durably(folder.path / "recipe.json", spec_json.dumps(recipe).encode())
        met("the folder is made")
        return folder

    def recipe(self) -> Recipe:
        """The recipe the run was started with."""
        if not (self.path / "recipe.json").exists():
            raise HeadwayError(str(self.path), "must be the folder of a run", "no recipe.json in it")
        recipe = spec_json.load(self.path / "recipe.json")
        if not isinstance(recipe, Recipe):
            raise HeadwayError(str(self.path / "recipe.json"), "must be a Recipe", type(recipe).__name__)
        return recipe

    def manifest(self) -> dict[str, Any]:
        """Versions, device, data and seed of the run."""
        found: dict[str, Any] = json.loads((self.path / "manifest.json").read_text())
        return found

    def start(self, template: Mapping[str, Any]) -> dict[str, Any] | None:
        """The values the run began from, where they were given and not drawn by its seed."""
        due = self.manifest().get("start")
        if due is None:
            return None
        if fingerprint(self.path / START) != due:
            raise HeadwayError(str(self.path / START), "must be the weights the run was started with", "other weights")
        return load_arrays(self.path / START, template)

    def __call__(self, event: Event) -> None:
        """Append an event to the log."""
        with open(self.log_path, "a") as log:
            log.write(json.dumps(event.record() | {"time": round(time.time(), 3)}) + "\n")

    def save(self, standing: Standing, arrays: Mapping[str, Any], keep: int) -> Path:
        """Write a checkpoint that remembers how long the log was, and remove the oldest.

        Of arrays on several devices that is only begun: see `wait`.
        """
        self.log_path.touch()
        with open(self.log_path, "rb") as log:
            os.fsync(log.fileno())
        progress = asdict(standing) | {"log_bytes": self.log_path.stat().st_size}
        if on_several(arrays):
            self._writing = self._writing or ShardedCheckpoints(self.sharded, keep)
            self._writing.save(standing.step, arrays, progress)
            return self.sharded
        saved = save_checkpoint(self.checkpoints, standing.step, arrays, progress)
        prune(self.checkpoints, keep, standing.best_step)
        return saved

    def restore(self, template: Mapping[str, Any]) -> tuple[dict[str, Any], Standing, History] | None:
        """The newest checkpoint, the log cut back to it; None (and an empty log) where there is none yet."""
        saved = checkpoints(self.checkpoints)
        sharded = ShardedCheckpoints(self.sharded) if self.sharded.exists() else None
        newest, parts = step_of(saved[-1]) if saved else -1, -1 if sharded is None else sharded.latest
        if max(newest, parts) < 0:
            if leads():
                self.log_path.write_bytes(b"")
            return None
        if sharded is not None and parts > newest:
            arrays, progress = sharded.load(template)
        else:
            arrays, progress = load_checkpoint(saved[-1], template)
        length = progress.pop("log_bytes")
        if leads():
            os.truncate(self.log_path, length)
        met("the log is cut back")
        return arrays, Standing(**progress), self.logged()

    def wait(self) -> None:
        """Until every checkpoint that was begun is on the disk."""
        if self._writing is not None:
            self._writing.wait()

    def logged(self) -> History:
        """What the log tells of updates and evaluations."""
        history = History()
        for line in self.log_path.read_text().splitlines():
            history(_event(json.loads(line)))
        return history

    def history(self) -> History:
        """The history of a run that is over, from its Parquet file."""
        import pyarrow.parquet

        columns = pyarrow.parquet.read_table(self.path / "history.parquet").to_pydict()
        history = History()
        history.names = _measured(columns)
        history.chunks.append(_measures(columns))
        judged = [name for name in columns if "/" in name]
        for step, *values in zip(columns["step"], *(columns[name] for name in judged), strict=True):
            if values and values[0] is not None:
                named = {name.partition("/")[2]: v for name, v in zip(judged, values, strict=True)}
                history.evaluations.append({"step": step, "split": judged[0].partition("/")[0]} | named)
        if (self.path / "signals.parquet").exists():
            watched = pyarrow.parquet.read_table(self.path / "signals.parquet").to_pydict()
            history.samples.append(Signals.from_columns(watched))
        return history

    def finish(self, standing: Standing, history: History, values: Mapping[str, Any]) -> None:
        """Write the history as Parquet, and the result."""
        import pyarrow
        import pyarrow.parquet

        table: dict[str, Any] = dict(history.columns())
        for evaluation in history.evaluations:
            for name, value in evaluation.items():
                if name not in ("step", "split"):
                    column = table.setdefault(f"{evaluation['split']}/{name}", [None] * len(table["step"]))
                    column[evaluation["step"] - 1] = value
        pyarrow.parquet.write_table(pyarrow.table(table), self.path / "history.parquet")
        if history.signals.addresses:
            pyarrow.parquet.write_table(pyarrow.table(history.signals.columns()), self.path / "signals.parquet")
        result = asdict(standing) | {"values": values}
        write_durably(self.path / "result.json", json.dumps(result, indent=2).encode())

    def result(self) -> dict[str, Any] | None:
        """What the run came to, or None while it is not over."""
        path = self.path / "result.json"
        return json.loads(path.read_text()) if path.exists() else None


def _event(record: dict[str, Any]) -> Event:
    """The events that history is made of, back from the log."""
    match record["event"]:
        case "advanced":
            signals = Signals.of(**record["signals"])
            return Advanced(record["step"], _measures(record), 0.0, signals, _measured(record))
        case "evaluated":
            return Evaluated(record["step"], record["split"], record["values"], record["best"])
    return Event(record["step"])


def _measured(columns: Mapping[str, Any]) -> tuple[str, ...]:
    """The names of what was measured, out of those of stored columns."""
    return (*MEASURES, *(name for name in Float16.measures if name in columns))


def _measures(columns: Mapping[str, Any]) -> np.ndarray:
    """One row an update, out of stored columns; NaN for what a run did not measure because its version did not yet."""
    unknown = np.full(len(columns["loss"]), np.nan)
    return np.stack([np.asarray(columns.get(name, unknown), np.float32) for name in _measured(columns)], axis=1)


def list_runs(folder: Path) -> list[dict[str, Any]]:
    """Every run below a folder, the latest last; one that cannot be read says so and hides no other."""
    found = []
    for recipe in sorted(folder.glob("**/recipe.json"), key=lambda path: path.stat().st_mtime):
        row: dict[str, Any] = {"folder": str(recipe.parent), "reason": "going on or killed", "step": None,
                               "best_step": None, "result": None}  # fmt: skip
        try:
            result = RunFolder(recipe.parent).result()
        except (OSError, ValueError):
            row["reason"] = "unreadable result.json"
        else:
            if result is not None:
                test = result["values"].get("test", {})
                row |= {key: result[key] for key in ("reason", "step", "best_step")}
                row["result"] = "  ".join(f"{name} {value:.4g}" for name, value in test.items()) or None
        found.append(row)
    return found
