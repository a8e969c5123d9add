"""A run that is over: its history, its best and final weights, and what they predict."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jax
import numpy as np

from headway.data.dataset import Dataset, Examples
from headway.data.schema import Schema
from headway.network.layer import initialize
from headway.network.values import flatten
from headway.spec.error import HeadwayError, did_you_mean
from headway.training.checkpoint import load_arrays, save_arrays, write_durably
from headway.training.compilation import use_compilation_cache
from headway.training.evaluate import judge, outputs
from headway.training.recipe import Recipe
from headway.training.record import History, RunFolder, Standing

PARTS = ("params", "network")
Values = Mapping[str, Any]


@dataclass(frozen=True)
class Run:
    """What `train` returns.

    values      parameters and network state at the best evaluation: {"params", "network"}, averaged as the recipe says
    final       the same after the last update
    standing    how many updates were made, which was best, why the run ended
    history     what was measured at every update and evaluation
    start       the values that it began from; None: those drawn by the recipe's seed
    """

    recipe: Recipe
    schema: Schema
    values: dict[str, Any]
    final: dict[str, Any]
    standing: Standing
    history: History
    results: dict[str, dict[str, float]]
    dataset: Dataset | None = None
    folder: Path | None = None
    start: dict[str, Any] | None = None

    @property
    def params(self) -> dict[str, Any]:
        """The best parameters, nested by address."""
        params: dict[str, Any] = self.values["params"]
        return params

    def outputs(self, x: Any) -> np.ndarray:
        """The network's outputs [examples, …] for raw inputs, scaled as in training."""
        return outputs(self.recipe.network, self.values, self.schema.prepare(x), precision=self.recipe.precision)

    def predict(self, x: Any) -> np.ndarray:
        """Class names [examples], or [examples, time] at every place, for a classifier; else values [examples, …]."""
        made, classes = self.outputs(x), self.schema.classes
        if classes is None:
            return made
        if made.shape[-1] == 1:
            even = 0.5 if self.recipe.loss.expects == "probabilities" else 0.0
            return np.asarray(classes)[(made[..., 0] > even).astype(int)]
        return np.asarray(classes)[made.argmax(axis=-1)]

    def evaluate(self, data: Examples | str = "test") -> dict[str, float]:
        """Loss and metrics on a split of the run's own data, or on examples prepared like them."""
        if isinstance(data, Examples):
            return judge(self.recipe, self.values, data)
        splits = self.data().splits()
        if data not in splits:
            raise HeadwayError("split", "must be a split of the run's data", data, did_you_mean(data, splits))
        return judge(self.recipe, self.values, splits[data])

    def data(self) -> Dataset:
        """The run's own data, loaded again if need be."""
        if self.dataset is not None:
            return self.dataset
        if self.recipe.data is None:
            raise HeadwayError("data", "this run was trained on data handed over", None, "Give data= to load.")
        data = self.recipe.data.load()
        if self.folder is not None and data.fingerprint != RunFolder(self.folder).manifest()["data"]:
            raise HeadwayError("data", "must be the data the run was trained on", "data that changed since")
        return data

    def save(self, folder: Path | str) -> Path:
        """Write weights, history, result, recipe into a folder (made if need be); returns it."""
        store = RunFolder(folder)
        if not (store.path / "recipe.json").exists():
            store = RunFolder.create(folder, self.recipe, self.data(), self.start)
        save_arrays(store.path / "weights.safetensors", self.values)
        save_arrays(store.path / "final.safetensors", self.final)
        write_durably(store.path / "schema.json", json.dumps(self.schema.to_json()).encode())
        store.finish(self.standing, self.history, self.results)
        return store.path

    @classmethod
    def load(cls, folder: Path | str, *, data: Dataset | None = None) -> "Run":
        """A finished run from its folder. Data are needed only to evaluate on their splits."""
        use_compilation_cache()
        store = RunFolder(folder)
        recipe, result = store.recipe(), store.result()
        if result is None:
            raise HeadwayError(str(folder), "must be a run that is over", "no result.json", "Go on with --resume.")
        schema = Schema.from_json(json.loads((store.path / "schema.json").read_text()))
        template = dict(
            zip(
                ("params", "network"),
                jax.eval_shape(lambda: initialize(recipe.network, schema.input_shape, jax.random.key(0))),
                strict=True,
            )
        )
        values = load_arrays(store.path / "weights.safetensors", template)
        final = load_arrays(store.path / "final.safetensors", template)
        results, start = result.pop("values"), store.start(template)
        return cls(recipe, schema, values, final, Standing(**result), store.history(), results, data, store.path, start)


def flat_values(source: Run | Values) -> dict[str, Any]:
    """Parameters and network state of a run or of values, by address."""
    values: Values = source.values if isinstance(source, Run) else source
    if values.keys() != set(PARTS):
        raise HeadwayError("values", f"must hold {' and '.join(PARTS)}", f"{', '.join(map(str, values)) or 'nothing'}",
                           'Write {"params": params, "network": state}.')  # fmt: skip
    return flatten(values["params"]) | flatten(values["network"])
