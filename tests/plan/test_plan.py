"""A plan says what a device will hold, compute and exchange: held against the compiler and closed forms."""

import json
import subprocess
import sys
from dataclasses import replace

import pytest

from headway.plan.compiled import compiled
from headway.plan.devices import DEVICES, booked
from headway.plan.plan import operations_of, plan
from headway.report.planned import plan_text
from headway.scale.mesh import Mesh
from headway.scale.strategy import REPLICATED
from headway.spec.error import HeadwayError
from headway.training.job import prepare
from headway.training.named import named

RECIPE = named("digits-mlp").recipe
MESH = Mesh(2, fsdp=2)


@pytest.fixture(scope="module")
def made():
    return compiled(RECIPE, MESH)


def test_what_is_planned_for_the_state_is_what_the_compiled_program_takes(made):
    """To the byte: the state on a device, the data set, which lies on every device, and where the chunk begins."""
    found = plan(RECIPE, MESH, compile=False)
    data = sum(part.nbytes for part in prepare(RECIPE).dataset.train.arrays if part is not None)
    numbers = made.arguments - found.state - data
    assert 0 < numbers < 100
    assert made.results > found.state
    assert made.peak == made.arguments + made.results - made.shared + made.temporary


def test_the_collectives_of_the_update_lie_along_the_sides_that_divide(made):
    assert {one.kind for one in made.collectives} <= {"all-reduce", "all-gather"}
    assert {side for one in made.collectives for side in one.sides or ("none",)} <= {"data", "fsdp"}
    assert made.seconds > 0


def test_data_parallelism_reduces_a_gradient_of_every_parameter():
    found = compiled(RECIPE, Mesh(2, strategy=REPLICATED))
    reduced = sum(one.bytes for one in found.collectives if one.kind == "all-reduce")
    parameters = 4 * (64 * 128 + 128 + 128 * 10 + 10)
    assert parameters <= reduced <= parameters + 64  # and of the loss, and of the weights it is a mean by


def test_an_update_takes_six_operations_a_weight_and_example():
    """Forward, and back to weights and inputs (Kaplan et al. 2020); back to the network's inputs none."""
    found = operations_of(prepare(RECIPE))
    assert found == 2 * RECIPE.batch_size * (2 * 64 * 128 + 3 * 128 * 10)


def test_a_micro_batch_keeps_less_and_computes_the_same():
    whole, parts = (plan(replace(RECIPE, accumulate=n), MESH, compile=False) for n in (1, 4))
    assert parts.operations == whole.operations
    assert parts.activations < whole.activations / 2


def test_a_device_has_room_or_has_not():
    tiny = replace(DEVICES["H100"], memory=1e4)
    assert plan(RECIPE, MESH, DEVICES["H100"], compile=False).fits is True
    assert plan(RECIPE, MESH, tiny, compile=False).fits is False
    assert plan(RECIPE, MESH, compile=False).fits is None


def test_a_plan_is_told_as_tables(made):
    found = replace(plan(RECIPE, MESH, DEVICES["H100"], compile=False), made=made)
    said = plan_text(found)
    assert "4 H100 devices, data 2 × fsdp 2" in said
    assert "an update takes at least" in said
    assert "fits: " in said
    assert f"{made.temporary:,}" in said


@pytest.mark.parametrize(("text", "count", "kind"), [("8", 8, None), ("256xH100", 256, "H100"), ("4xv5e", 4, "v5e")])
def test_devices_are_booked_by_number_and_kind(text, count, kind):
    found = booked(text)
    assert (found[0], found[1] and found[1].name) == (count, kind)


@pytest.mark.parametrize(
    ("text", "said"), [("0xH100", "NUMBERxKIND"), ("x", "NUMBERxKIND"), ("8xH10", "Did you mean 'H100'")]
)
def test_what_cannot_be_booked_is_refused_with_the_fix(text, said):
    with pytest.raises(HeadwayError, match=said):
        booked(text)


def test_the_command_plans_for_devices_that_are_not_there():
    words = [sys.executable, "-m", "headway.cli", "plan", "digits-mlp", "--devices", "8xH100", "--trace", "--json"]
    done = subprocess.run(words, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["devices"] == 8
    assert found["fits"] is True
    assert found["compiled"] is None


def test_a_mesh_of_other_devices_than_booked_is_refused():
    words = [sys.executable, "-m", "headway.cli", "plan", "digits-mlp", "--devices", "8", "--mesh", "data=4"]
    done = subprocess.run(words, capture_output=True, text=True, timeout=120)
    assert done.returncode == 2
    assert "--mesh: must have the 8 devices of --devices; got 4 in data=4" in done.stderr
