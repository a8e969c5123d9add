"""Whatever a strategy divides, an update is that of one device; what a device holds is what was said before."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from headway.data.dataset import arrays
from headway.learning.clipping import ClipByNorm
from headway.learning.losses import CrossEntropy
from headway.learning.optimizers.sgd import SGD
from headway.learning.regularization import Dropout
from headway.models.mlp import mlp
from headway.models.transformer import language_model, pre_ln
from headway.network.attention import BY_HEADS, MultiHeadAttention
from headway.network.compose import Repeat, Sequential
from headway.network.dense import Dense
from headway.network.embedding import Embedding
from headway.network.feedforward import FeedForward
from headway.network.normalization import BatchNorm
from headway.network.recompute import RecomputeAll
from headway.network.tokens import Masked
from headway.network.values import flatten
from headway.plan.held import held, totals
from headway.scale.mesh import Mesh
from headway.scale.sharding import placement, sides_along
from headway.scale.strategy import CONTEXT, FSDP, STRATEGIES, TENSOR, ZERO_1, ZERO_2, ZERO_3, Strategy
from headway.signals.probe import Watch
from headway.spec.error import HeadwayError
from headway.spec.json import dumps, loads
from headway.training.job import prepare
from headway.training.recipe import Recipe
from tests.drills import printed

TOLERANCE = 1e-5
ODD = "features: 7 is no multiple of fsdp=4"
MESHES = {
    "replicated": Mesh(8, strategy=STRATEGIES["replicated"]),
    "zero-1": Mesh(fsdp=8, strategy=STRATEGIES["zero-1"]),
    "zero-2": Mesh(fsdp=8, strategy=STRATEGIES["zero-2"]),
    "zero-3": Mesh(fsdp=8),
    "tensor": Mesh(tensor=8),
    "tensor and fsdp": Mesh(fsdp=4, tensor=2),
    "all sides": Mesh(2, fsdp=2, tensor=2),
    "sequence": Mesh(2, fsdp=2, tensor=2, strategy=STRATEGIES["sequence"]),
    "context": Mesh(2, context=4),
    "context and tensor": Mesh(fsdp=2, context=2, tensor=2),
    "context and sequence": Mesh(fsdp=2, context=2, tensor=2, strategy=STRATEGIES["sequence"]),
    "pipeline": Mesh(2, stage=4, parts_in_flight=4),
    "pipeline of masked, dropped out and recomputed": Mesh(2, stage=2, tensor=2, parts_in_flight=4),
    "pipeline in parts": Mesh(2, stage=2, context=2, parts_in_flight=2),
    "all five sides": Mesh(1, stage=2, fsdp=2, tensor=2, parts_in_flight=4),
    "accumulated": Mesh(2, fsdp=2, tensor=2),
}
BLOCK = Sequential((
    pre_ln(MultiHeadAttention(4, causal=True)), pre_ln(Sequential((FeedForward(32), Dropout(0.3))))
))  # fmt: skip
CHANGES: dict[str, dict[str, Any]] = {
    "pipeline": {"network": language_model(32, width=16, heads=8, blocks=4)},
    "accumulated": {"accumulate": 2},
    "pipeline of masked, dropped out and recomputed": {
        "network": Masked(Sequential((Embedding(32, width=16), Repeat(BLOCK, times=4), Dense(32))), padding=3),
        "recompute": RecomputeAll(),
    },
    "pipeline in parts": {"loss_parts": 4},
}
"""What of the recipe is another for a mesh."""
TOKENS = np.random.default_rng(0).integers(0, 32, (48, 17))
DATA = arrays(TOKENS[:, :-1], TOKENS[:, 1:], tokens=32, validation=None, test=None)
# Not Adam: see docs/decisions/0012-a-mesh.md.
RECIPE = Recipe(language_model(32, width=16, heads=8, blocks=2), loss=CrossEntropy(), optimizer=SGD(0.5, momentum=0.9),
                clip=ClipByNorm(0.5), batch_size=16, watch=None)  # fmt: skip


@pytest.fixture(scope="module")
def drill():
    """What the updates came to: the devices must be there before JAX starts, so in a process."""
    return printed("tests.scale.strategy_drill")


@pytest.mark.parametrize("name", MESHES)
def test_ten_updates_are_those_of_one_device(drill, name):
    came = drill[name]
    assert came["initial"] == 0  # bit for bit: weights are drawn in parts, and do not depend on the mesh
    for part in ("losses", "measures", "state"):
        assert came[part] < TOLERANCE, part


@pytest.mark.parametrize("name", MESHES)
def test_a_device_holds_what_was_said_before_to_the_byte(drill, name):
    came = drill[name]
    assert came["bytes"] == came["told"]
    assert came["adam"] == came["adam told"]


def test_every_stage_of_zero_divides_one_part_more():
    """Rajbhandari et al. 2020, figure 1, with one moment in place of two; the scalar count is whole."""
    job = prepare(RECIPE, DATA)
    n = sum(one.whole for one in held(job, MESHES["zero-3"]) if one.part == "params")
    for name, shares in {
        "replicated": (1, 1, 1),
        "zero-1": (1, 1, 8),
        "zero-2": (1, 8, 8),
        "zero-3": (8, 8, 8),
    }.items():
        found = totals(held(job, MESHES[name]))
        parts = (found["params"][0], found["gradients"][0], found["optimizer"][0] - 4)
        assert parts == tuple(n // share for share in shares)


def test_data_parallelism_sums_and_does_nothing_else(drill):
    assert {kind.removesuffix(" of a lookup") for kind in drill["replicated"]["collectives"]} == {"all-reduce"}


@pytest.mark.parametrize("name", ["zero-1", "zero-2", "zero-3"])
def test_what_is_divided_is_gathered_and_nothing_is_exchanged_otherwise(drill, name):
    """On a CPU XLA makes of every reduce-scatter an all-reduce, of which each device keeps a slice.

    A table that is divided by columns stays where it is: what was looked up in it is exchanged.
    """
    found = {kind for kind in drill[name]["collectives"] if not kind.endswith("of a lookup")}
    assert found == {"all-gather", "all-reduce"}


def test_tensor_parallelism_sums_behind_every_second_matrix(drill):
    assert "all-reduce" in drill["tensor"]["collectives"]
    assert "all-to-all" not in drill["tensor"]["collectives"]


def test_where_sequences_are_divided_places_are_exchanged_for_heads_and_never_gathered(drill):
    """Four times forward in each of two blocks: queries, keys, values, and heads back; and as often backward."""
    found = drill["context"]["collectives"]
    assert {kind.removesuffix(" of a lookup") for kind in found} == {"all-reduce", "all-to-all"}
    assert found["all-to-all"] % 16 == 0


@pytest.mark.parametrize(
    ("mesh", "shape", "names", "sides"),
    [
        (Mesh(context=2, tensor=2), (16, 8, 4), BY_HEADS, [(), ("tensor", "context"), ()]),
        (Mesh(context=2, tensor=2), (16, 6, 4), BY_HEADS, [(), ("tensor",), ()]),
        (Mesh(context=2, tensor=2), (16, 3, 4), BY_HEADS, [(), (), ()]),
        (Mesh(context=2, tensor=2), (16, 32), ("time", "heads"), [("context",), ("tensor",)]),
        (Mesh(2, strategy=STRATEGIES["sequence"]), (16, 32), ("time", "features"), [(), ()]),
        (Mesh(context=2, tensor=4, strategy=STRATEGIES["sequence"]), (16, 9), ("time", "features"),
         [("context", "tensor"), ()]),
    ],
)  # fmt: skip
def test_a_dimension_of_an_activation_may_be_divided_along_several_sides(mesh, shape, names, sides):
    assert sides_along(shape, names, mesh) == sides


def test_sequences_cannot_be_divided_where_there_are_none():
    given = arrays(np.ones((16, 4)), np.arange(16) % 2, validation=None, test=None)
    with pytest.raises(HeadwayError, match="mesh/context: divides sequences; got inputs that are none"):
        held(prepare(replace(RECIPE, network=mlp((8,), 2)), given), Mesh(context=2))


def test_a_pipeline_hands_on_from_stage_to_stage(drill):
    found = drill["pipeline"]["collectives"]
    assert found["collective-permute"] > 0
    assert "collective-permute" not in drill["replicated"]["collectives"]


def test_a_stage_holds_its_own_copies_alone():
    found = {one.address: one for one in held(prepare(RECIPE, DATA), Mesh(stage=2)) if one.part == "params"}
    assert found["2/*/0/body/0/g"].own == (1, 16)
    assert found["0/table"].own == (32, 16)


@pytest.mark.parametrize(
    ("changes", "mesh", "needle"),
    [
        ({}, Mesh(stage=3), r"mesh/stage: must divide the 2 copies at '2'; got 3"),
        ({"network": Sequential((Embedding(32, width=16), Dense(32)))}, Mesh(stage=2, fsdp=2),
         "mesh/stage: divides the copies of a Repeat; got a network without one"),
        ({"watch": Watch()}, Mesh(stage=2), "measures no signals of layers yet"),
        ({}, Mesh(2, stage=2, parts_in_flight=3), r"data × fsdp × parts_in_flight must divide the 16 examples"),
        ({"network": Sequential((Embedding(32, width=16), Repeat(BatchNorm(), times=2), Dense(32)))},
         Mesh(stage=2), "a network with running statistics"),
    ],
)  # fmt: skip
def test_stages_that_cannot_be_are_refused_before_anything_is_traced(changes, mesh, needle):
    with pytest.raises(HeadwayError, match=needle):
        held(prepare(replace(RECIPE, **changes), DATA), mesh)


def test_more_is_gathered_the_more_is_divided(drill):
    counts = [drill[name]["collectives"].get("all-gather", 0) for name in ("replicated", "zero-2", "zero-3")]
    assert counts == sorted(counts)
    assert counts[0] == 0


@pytest.mark.parametrize(
    ("shape", "names", "rules", "axes", "dropped"),
    [
        ((8, 6), ("features", "hidden"), TENSOR + FSDP, ("fsdp", "tensor"), {}),
        ((7, 8), ("features", "hidden"), FSDP, (None, "fsdp"), {}),
        ((7, 6), ("features", "hidden"), TENSOR + FSDP, (None, "tensor"), {"fsdp": ODD}),
        ((3, 8), ("unnamed", "unnamed"), FSDP, (None, "fsdp"), {}),
        ((5, 8, 6), ("features", "hidden"), TENSOR, (None, None, "tensor"), {}),
        ((8,), (), TENSOR + FSDP, (None,), {}),
    ],
)  # fmt: skip
def test_the_first_rule_that_fits_takes_its_dimension_and_its_side(shape, names, rules, axes, dropped):
    assert placement(shape, names, Mesh(fsdp=4, tensor=2), rules) == (axes, dropped)


def test_arrays_without_names_are_divided_too_but_copies_of_a_block_only_in_stages():
    found = {one.address: one for one in held(prepare(RECIPE, DATA), Mesh(fsdp=2)) if one.part == "params"}
    assert found["2/*/0/body/0/g"].own == (2, 8)
    assert all(one.own[0] == one.shape[0] for address, one in found.items() if "*" in address)
    assert list(found) == list(flatten(RECIPE.network.declare((16,))))


def test_a_strategy_of_ones_own_is_a_few_pairs_of_names():
    own = Strategy((("vocabulary", "fsdp"),))
    found = {
        one.address: one for one in held(prepare(RECIPE, DATA), Mesh(fsdp=4, strategy=own)) if one.part == "params"
    }
    assert found["0/table"].own == (8, 16)
    assert found["4/w"].own == found["4/w"].shape
    assert loads(dumps(own)) == own


def test_a_rule_that_names_no_side_of_a_mesh_is_refused():
    with pytest.raises(
        HeadwayError,
        match=r"^Strategy\.parameters\.0\.1: must be 'stage', 'data', .* or 'tensor'; got 'fdsp'",
    ):
        Strategy((("vocabulary", "fdsp"),))  # type: ignore[arg-type]


def test_a_side_that_no_rule_divides_by_is_refused():
    with pytest.raises(HeadwayError, match=r"^mesh/tensor: must divide a dimension of a parameter; got 3\."):
        held(prepare(replace(RECIPE, batch_size=12), DATA), Mesh(tensor=3))


def test_places_of_a_sequence_that_do_not_divide_are_refused_where_they_are_to_be_divided():
    mesh = Mesh(tensor=3, strategy=STRATEGIES["sequence"])
    with pytest.raises(HeadwayError, match=r"^mesh/tensor: must divide the 16 places of a sequence; got 3\."):
        held(prepare(RECIPE, DATA), mesh)


def test_the_stages_differ_in_what_they_divide_alone():
    assert [s.optimizer for s in (ZERO_1, ZERO_2, ZERO_3)] == [TENSOR + FSDP] * 3
    assert STRATEGIES["sequence"] == replace(ZERO_3, activations=(*CONTEXT, ("time", "tensor")))
