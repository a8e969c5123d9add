"""Sweeps: a row a run, cells over seeds, the best one, and what is stored."""

import json
import math
from dataclasses import replace

import jax
import numpy as np
import pyarrow.parquet
import pytest

from headway.data.bundled import Iris
from headway.data.dataset import Data
from headway.learning.losses import CrossEntropy
from headway.learning.metrics import Accuracy
from headway.learning.optimizers.adaptive import Adam
from headway.learning.optimizers.sgd import SGD
from headway.models.mlp import mlp
from headway.network.layer import apply
from headway.spec.error import HeadwayError
from headway.training.evaluate import judge, outputs
from headway.training.recipe import Evaluation, Recipe
from headway.training.sweeps.sweep import sweep
from headway.training.train import train

RECIPE = Recipe(
    mlp((6,), 3),
    data=Data(Iris()),
    loss=CrossEntropy(),
    optimizer=SGD(0.1),
    batch_size=16,
    length=30,
    evaluation=Evaluation(15, metrics=(Accuracy(),)),
)
RATES = (0.1, 1e-4, 1e30)


@pytest.fixture(scope="module")
def swept():
    return sweep(RECIPE, {"optimizer/learning_rate": RATES, "seed": range(3)})


def test_every_row_is_what_a_single_run_came_to(swept):
    assert [(row["optimizer/learning_rate"], row["seed"]) for row in swept.records()] == [
        (rate, seed) for rate in RATES for seed in range(3)
    ]
    for run, row in zip(swept.runs, swept.records(), strict=True):
        alone = train(run.recipe)
        for split, found in alone.results.items():
            for name, value in found.items():
                assert row[f"{split}/{name}"] == (value if math.isfinite(value) else None)
        assert (row["reason"], row["step"], row["best_step"]) == (
            alone.standing.reason, alone.standing.step, alone.standing.best_step)  # fmt: skip


def test_cells_gather_the_seeds(swept):
    cells = swept.cells()
    assert [cell.point for cell in cells] == [{"optimizer/learning_rate": rate} for rate in RATES]
    assert [[run.recipe.seed for run in cell.runs] for cell in cells] == 3 * [[0, 1, 2]]
    assert [cell.finite for cell in cells] == [True, True, False]


@pytest.mark.parametrize(("monitor", "pick"), [("loss", np.argmin), ("accuracy", np.argmax)])
def test_the_best_cell_has_the_best_mean_of_what_is_monitored(monitor, pick):
    recipe = replace(RECIPE, evaluation=Evaluation(15, metrics=(Accuracy(),), monitor=monitor))
    found = sweep(recipe, {"optimizer/learning_rate": (1e-4, 0.3, 1e-2), "seed": range(2)})
    means = [np.mean([judge(recipe, run.values, run.data().validation)[monitor] for run in cell.runs])
             for cell in found.cells()]  # fmt: skip
    assert found.best() == found.cells()[int(pick(means))]


def test_a_cell_with_a_run_that_is_not_finite_is_never_the_best(swept):
    assert swept.best().point == {"optimizer/learning_rate": 0.1}
    assert sweep(RECIPE, {"optimizer/learning_rate": (1e30,)}).best() is None


def test_without_a_validation_set_the_training_set_decides():
    recipe = replace(RECIPE, data=Data(Iris(), validation=None))
    found = sweep(recipe, {"optimizer/learning_rate": (1e-3, 0.3)})
    assert found.split == "train"
    assert found.best().point == {"optimizer/learning_rate": 0.3}


def test_stacked_weights_compute_all_runs_at_once(swept):
    x = swept.runs[0].data().test.x
    stacked = jax.vmap(lambda values: apply(RECIPE.network, values["params"], x)[0])(swept.stacked())
    for run, made in zip(swept.runs, stacked, strict=True):
        np.testing.assert_allclose(made, outputs(RECIPE.network, run.values, x), rtol=1e-5, atol=1e-6)


def test_kinds_are_swept_like_numbers_and_their_weights_are_not_stacked():
    found = sweep(RECIPE, {"optimizer": (SGD(0.1), Adam(0.01)), "seed": (1, 2)})
    assert found.programs == 2
    assert [cell.point["optimizer"] for cell in found.cells()] == [SGD(0.1), Adam(0.01)]
    for run in found.runs:
        jax.tree.map(np.testing.assert_array_equal, run.values, train(run.recipe).values)
    with pytest.raises(HeadwayError, match="stacked: the runs must share one structure; got 2 structures"):
        found.stacked()


def test_a_sweep_over_data_loads_each_set_once(monkeypatch):
    loads = []
    whole = Data.load
    monkeypatch.setattr(Data, "load", lambda data: loads.append(data.seed) or whole(data))
    found = sweep(RECIPE, {"data/seed": (0, 1), "seed": range(3)})
    assert loads == [0, 1]
    assert found.programs == 2
    assert len({run.data().fingerprint for run in found.runs}) == 2


def test_what_is_stored_is_what_was_found(swept, tmp_path):
    folder = swept.save(tmp_path / "sweep")
    stored = json.loads((folder / "sweep.json").read_text(), parse_constant=lambda text: pytest.fail(text))
    assert stored["runs"] == swept.records()
    assert stored["evaluations"] == [run.history.evaluations for run in swept.runs]
    assert stored["manifest"]["data"] == swept.runs[0].data().fingerprint
    assert pyarrow.parquet.read_table(folder / "rows.parquet").to_pylist() == swept.records()
    with pytest.raises(HeadwayError, match="must be a new or empty folder"):
        swept.save(folder)


def test_kinds_are_stored_as_json(tmp_path):
    found = sweep(replace(RECIPE, length=2), {"optimizer": (SGD(0.1), Adam(0.01))})
    rows = pyarrow.parquet.read_table(found.save(tmp_path / "sweep") / "rows.parquet").to_pylist()
    assert [json.loads(row["optimizer"])["kind"] for row in rows] == ["headway/SGD", "headway/Adam"]


def test_a_run_says_when_it_is_over():
    over = []
    sweep(replace(RECIPE, length=2), {"seed": range(4)}, tell=over.append)
    assert sorted(run.recipe.seed for run in over) == [0, 1, 2, 3]


@pytest.mark.parametrize(
    ("over", "message"),
    [
        (
            {"batch_size": (16, 1000)},
            "batch_size: must be at most .*; got 1000.*This is the run with batch_size = 1000",
        ),
        ({"optimizer/learning_rate": (0.1, 0.0)}, "learning_rate: must be above 0.*the run with .*= 0.0"),
        ({"network/3/units": (3, 5)}, "network: must give 3 outputs.*units = 5"),
    ],
)
def test_a_recipe_that_cannot_learn_is_refused_before_any_is_trained(over, message):
    with pytest.raises(HeadwayError, match=message):
        sweep(RECIPE, over, tell=lambda run: pytest.fail("a run was trained"))


def test_a_recipe_that_is_known_to_be_wrong_can_be_swept_anyway():
    found = sweep(RECIPE, {"optimizer/learning_rate": (0.0, 0.1)}, anyway=True)
    assert [run.standing.reason for run in found.runs] == ["finished", "finished"]


def test_data_handed_over_serve_every_run():
    dataset = RECIPE.data.load()
    found = sweep(replace(RECIPE, data=None), {"seed": range(2)}, data=dataset)
    assert all(run.dataset is dataset for run in found.runs)
