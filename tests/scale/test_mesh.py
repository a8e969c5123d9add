"""A mesh of devices computes what one device does; each of them holds its part."""

from dataclasses import replace

import jax
import numpy as np
import pytest

from headway.data.bundled import Iris
from headway.data.dataset import Data
from headway.learning.losses import CrossEntropy
from headway.learning.optimizers.adaptive import AdamW
from headway.network.activations import ReLU
from headway.network.compose import Repeat, Sequential
from headway.network.dense import Dense
from headway.network.normalization import LayerNorm
from headway.network.residual import Residual
from headway.scale.mesh import Mesh, made_of
from headway.scale.sharding import placements
from headway.spec.error import HeadwayError
from headway.training.recipe import Evaluation, Recipe
from headway.training.train import train
from tests.drills import printed

TOLERANCE = 1e-5
RECIPE = Recipe(Sequential((Dense(8), ReLU(), Dense(3))), data=Data(Iris()), loss=CrossEntropy(),
                optimizer=AdamW(1e-2), batch_size=16, length=6, evaluation=Evaluation(3))  # fmt: skip


@pytest.fixture(scope="module")
def drill():
    """What 4 updates came to on 8 virtual devices: the devices must be there before JAX starts, so in a process."""
    return printed("tests.scale.mesh_drill")


@pytest.mark.parametrize("name", ["mlp", "convnet", "transformer"])
def test_a_mesh_computes_what_one_device_does(drill, name):
    """Losses, gradient norms and all of the state; dropout of an example is the same wherever it falls."""
    came = drill[name]
    assert came["devices"] == 8
    assert came["initial"] == 0  # the first weights do not depend on the mesh
    assert came["measures"] < TOLERANCE
    assert came["state"] < TOLERANCE
    assert len(set(came["loss"])) == 4


@pytest.mark.parametrize("name", ["mlp", "convnet", "transformer"])
def test_a_device_holds_its_part_of_weights_and_moments_alike(drill, name):
    came = drill[name]
    for address, axes in came["axes"].items():
        part = [size // (2 if axis == "tensor" else 1) for size, axis in zip(came["whole"][address], axes, strict=True)]
        assert came["held"][address] == part
    assert all(came["alike"].values())
    assert (name == "mlp") == (came["held"] == came["whole"])  # over data alone every device holds all weights


def test_attention_feed_forward_and_embedding_are_divided_in_two(drill):
    axes, body = drill["transformer"]["axes"], "2/*/0/body/1"
    assert axes["0/table"] == ["tensor", None]
    assert (axes[f"{body}/wq"], axes[f"{body}/bq"]) == ([None, None, "tensor"], [None, "tensor"])
    assert (axes[f"{body}/wo"], axes[f"{body}/bo"]) == ([None, "tensor", None], [None, None])
    assert axes["2/*/1/body/1/w1"] == [None, None, "tensor"]
    assert axes["2/*/1/body/1/w2"] == [None, "tensor", None]


def test_a_batch_that_does_not_divide_and_a_mesh_too_large_are_refused_with_the_fix(drill):
    said = drill["refused"]
    assert said["batch"].startswith("mesh/data: data × fsdp must divide the 16 examples of a batch; got 3.")
    assert "needs 16 devices, stage × data × fsdp × context × tensor; got 8." in said["devices"]
    assert "XLA_FLAGS=--xla_force_host_platform_device_count=16" in said["devices"]


def test_matrices_in_a_row_are_divided_by_columns_then_by_rows():
    network = Sequential((Dense(4), ReLU(), LayerNorm(), Dense(6), Dense(5), Dense(8), Dense(2)))
    found = placements(network.declare((3,)), Mesh(tensor=2))
    assert {address: placed.axes for address, placed in found.items() if "tensor" in placed.axes} == {
        "0/w": (None, "tensor"), "0/b": ("tensor",),
        "3/w": ("tensor", None),
        "6/w": (None, "tensor"), "6/b": ("tensor",),
    }  # fmt: skip
    # 5 units are no two halves: the matrices in front of and behind them are whole.
    assert found["4/w"].dropped == found["5/w"].dropped == {"tensor": "hidden: 5 is no multiple of tensor=2"}


def test_the_copies_of_a_repeated_block_are_divided_inside_not_among_each_other():
    network = Repeat(Residual(Sequential((Dense(8), ReLU(), Dense(4)))), times=2)
    found = placements(network.declare((4,)), Mesh(tensor=2))
    assert found["*/body/0/w"].axes == (None, None, "tensor")
    assert found["*/body/2/w"].axes == (None, "tensor", None)


def test_a_mesh_of_one_device_trains_evaluates_and_predicts_as_none_does():
    one, mesh = train(RECIPE), train(RECIPE, mesh=Mesh(1))
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, atol=TOLERANCE), mesh.final, one.final)
    np.testing.assert_allclose(mesh.history.columns()["loss"], one.history.columns()["loss"], rtol=TOLERANCE)
    assert mesh.results["test"]["loss"] == pytest.approx(one.results["test"]["loss"], rel=TOLERANCE)
    x = np.ones((2, 4), np.float32)
    np.testing.assert_allclose(mesh.outputs(x), one.outputs(x), atol=TOLERANCE)


@pytest.mark.parametrize(
    ("recipe", "mesh", "said"),
    [
        (RECIPE, Mesh(2), r"^mesh: needs 2 devices, stage × data × fsdp × context × tensor; got 1\..*XLA_FLAGS"),
        (RECIPE, Mesh(tensor=2), r"^mesh: needs 2 devices"),
        (
            RECIPE,
            Mesh(tensor=5),
            r"^mesh/tensor: must divide a dimension of a parameter; got 5\. Choose .*hidden: 8 is",
        ),
    ],
)
def test_training_on_devices_that_are_not_there_is_refused_before_it_begins(recipe, mesh, said):
    with pytest.raises(HeadwayError, match=said):
        train(recipe, mesh=mesh)


@pytest.mark.parametrize(
    ("batch_size", "accumulate", "what"), [(16, 1, "16 examples of a batch"), (32, 4, "8 examples of a micro")]
)
def test_what_must_divide_is_the_batch_or_the_micro_batch(batch_size, accumulate, what):
    with pytest.raises(HeadwayError, match=f"mesh/data: data × fsdp must divide the {what}"):
        Mesh(3).expect(batch_size, accumulate)
    Mesh(3).expect(3 * batch_size, accumulate)


@pytest.mark.parametrize("fields", [{"data": 0}, {"fsdp": -1}, {"tensor": 0}, {"data": 2.0}])
def test_a_mesh_has_whole_numbers_of_devices(fields):
    with pytest.raises(HeadwayError, match=rf"^Mesh\.{next(iter(fields))}"):
        replace(Mesh(), **fields)


def test_a_mesh_is_made_of_the_devices_it_is_told_to_and_only_inside():
    own = jax.devices()[0]
    with made_of((own, own)), pytest.raises(HeadwayError, match=r"^mesh: needs 3 devices, .*; got 2"):
        Mesh(3).on_devices()
    with made_of((own,)):
        assert [*Mesh().on_devices().devices.flat] == [own]
    with pytest.raises(HeadwayError, match=r"^mesh: needs 2 devices, .*; got 1"):
        Mesh(2).on_devices()
