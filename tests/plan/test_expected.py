"""Collectives by formula: closed forms, and what compilers make of the same update."""

from dataclasses import replace

import pytest

from headway.data.dataset import Data
from headway.data.sequences import Zipf
from headway.learning.losses import CrossEntropy
from headway.learning.optimizers.adaptive import AdamW
from headway.models.transformer import language_model
from headway.network.recompute import RecomputeAll
from headway.plan.collectives import Collective
from headway.plan.compiled import compiled
from headway.plan.devices import DEVICES
from headway.plan.plan import plan
from headway.plan.vendor import expect_compiler
from headway.scale.mesh import Mesh
from headway.scale.precision import BFloat16
from headway.scale.strategy import REPLICATED, ZERO_1, ZERO_2
from headway.spec.error import HeadwayError
from headway.training.named import named
from headway.training.recipe import Recipe

MLP = named("digits-mlp").recipe
WEIGHTS = 4 * (64 * 128 + 128 + 128 * 10 + 10)
WIDTH, TIME, BLOCKS, BATCH = 32, 16, 3, 8
MODEL = Recipe(
    language_model(64, width=WIDTH, heads=4, blocks=BLOCKS), data=Data(Zipf(64, time=TIME, examples=16), test=None),
    loss=CrossEntropy(), optimizer=AdamW(1e-3), batch_size=BATCH, watch=None,
)  # fmt: skip


def by_kind(recipe, mesh):
    return {(one.kind, one.sides): one for one in plan(recipe, mesh, compile=False).expected}


def test_data_parallelism_reduces_every_gradient_once():
    found = plan(MLP, Mesh(4, strategy=REPLICATED), compile=False).expected
    assert found == (Collective("all-reduce", ("data",), 4, WEIGHTS),)


def test_where_nothing_is_divided_all_sides_of_examples_are_one():
    assert [one.sides for one in plan(MLP, Mesh(2, fsdp=2, strategy=REPLICATED), compile=False).expected] == [
        ("data", "fsdp")
    ]


def test_what_fsdp_divides_is_gathered_twice_and_scattered_once_a_micro_batch():
    whole, parts = (by_kind(replace(MLP, accumulate=n), Mesh(2, fsdp=2)) for n in (1, 4))
    assert whole["all-gather", ("fsdp",)].bytes == 2 * WEIGHTS
    assert whole["reduce-scatter", ("fsdp",)].bytes == WEIGHTS
    assert whole["all-reduce", ("data",)].bytes == WEIGHTS / 2
    assert {key: 4 * one.bytes for key, one in whole.items()} == {key: one.bytes for key, one in parts.items()}


def test_in_16_bits_half_as_much_goes_from_device_to_device():
    whole, half = (by_kind(replace(MLP, precision=kind), Mesh(1, fsdp=4)) for kind in (MLP.precision, BFloat16()))
    assert whole.keys() == half.keys()
    assert all(half[key].bytes == one.bytes // 2 for key, one in whole.items())


@pytest.mark.parametrize(
    ("strategy", "kinds"), [(ZERO_1, {"all-reduce", "all-gather"}), (ZERO_2, {"reduce-scatter", "all-gather"})]
)
def test_a_divided_optimizer_gives_parameters_back_once_an_update(strategy, kinds):
    found = by_kind(replace(MLP, accumulate=2), Mesh(1, fsdp=2, strategy=strategy))
    assert {kind for kind, _ in found} == kinds
    assert found["all-gather", ("fsdp",)].bytes == WEIGHTS


@pytest.mark.parametrize(("recompute", "each"), [(None, 4), (RecomputeAll(), 5)])
def test_a_block_divided_by_tensor_sums_four_activations_five_with_recompute(recompute, each):
    """And so do the tables at both ends together two."""
    found = by_kind(replace(MODEL, recompute=recompute, accumulate=2), Mesh(2, tensor=2))["all-reduce", ("tensor",)]
    one = BATCH // 2 // 2 * TIME * WIDTH * 4
    assert (found.count, found.bytes) == (2 * (each * BLOCKS + 2), 2 * (each * BLOCKS + 2) * one)


@pytest.mark.parametrize("mesh", [Mesh(2, fsdp=4), Mesh(1, fsdp=4, tensor=2)], ids=["data", "tensor"])
def test_the_compiler_for_gpus_says_about_the_same(mesh):
    """Of what is more than a few numbers; short networks without recompute it may write out, and gather but once."""
    try:
        expect_compiler(DEVICES["H100"], mesh.devices)
    except HeadwayError as error:
        pytest.skip(str(error))
    wide = replace(MODEL, network=language_model(64, width=128, heads=4, blocks=BLOCKS), recompute=RecomputeAll(),
                   precision=BFloat16())  # fmt: skip
    made = {(one.kind, one.sides): one.bytes for one in compiled(wide, mesh, DEVICES["H100"]).collectives}
    for key, one in by_kind(wide, mesh).items():
        assert one.bytes < 10_000 or one.bytes == pytest.approx(made[key], rel=0.3), key
