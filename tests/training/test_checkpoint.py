"""Checkpoints come back as they were, or not at all."""

import jax.numpy as jnp
import numpy as np
import pytest

from headway.spec.error import HeadwayError
from headway.training.checkpoint import (
    checkpoints,
    load_arrays,
    load_checkpoint,
    prune,
    save_arrays,
    save_checkpoint,
    write_durably,
)

ARRAYS = {
    "params": {"0": {"w": jnp.arange(6.0).reshape(2, 3), "b": jnp.zeros(3)}},
    "network": {},
    "count": jnp.int32(7),
}


def test_arrays_come_back_bit_equal_in_their_structure(tmp_path):
    saved = save_checkpoint(tmp_path, 12, ARRAYS, {"waited": 3})
    arrays, progress = load_checkpoint(saved, ARRAYS)
    assert progress == {"waited": 3}
    assert arrays.keys() == ARRAYS.keys()
    assert arrays["network"] == {}
    assert arrays["count"].dtype == jnp.int32
    np.testing.assert_array_equal(arrays["params"]["0"]["w"], ARRAYS["params"]["0"]["w"])


@pytest.mark.parametrize(
    ("template", "said"),
    [
        ({"params": {"0": {"w": jnp.zeros((2, 3))}}}, "unexpected params/0/b"),
        (ARRAYS | {"extra": jnp.zeros(1)}, "missing extra"),
        (ARRAYS | {"count": jnp.zeros(2, jnp.int32)}, r"count is \(\), not \(2,\)"),
        (ARRAYS | {"count": jnp.float32(0)}, "count is int32, not float32"),
    ],
)
def test_arrays_of_another_recipe_are_refused_with_the_difference(tmp_path, template, said):
    save_arrays(tmp_path / "a.safetensors", ARRAYS)
    with pytest.raises(HeadwayError, match=said):
        load_arrays(tmp_path / "a.safetensors", template)


def test_a_damaged_file_is_an_error_that_names_it(tmp_path):
    (tmp_path / "a.safetensors").write_bytes(b"not tensors")
    with pytest.raises(HeadwayError, match=r"a\.safetensors: must be a readable"):
        load_arrays(tmp_path / "a.safetensors", ARRAYS)


def test_pruning_keeps_the_last_and_the_best_and_clears_drafts(tmp_path):
    for step in (10, 20, 30, 40, 50):
        save_checkpoint(tmp_path, step, ARRAYS, {})
    (tmp_path / ".draft-000000060").mkdir()
    prune(tmp_path, keep=2, best_step=20)
    assert [path.name for path in checkpoints(tmp_path)] == ["step-000000020", "step-000000040", "step-000000050"]
    assert not list(tmp_path.glob(".draft-*"))


def test_a_failed_write_leaves_the_checkpoint_before_it(tmp_path, monkeypatch):
    save_checkpoint(tmp_path, 10, ARRAYS, {})
    monkeypatch.setattr("os.replace", lambda *_: (_ for _ in ()).throw(OSError("disk full")))
    with pytest.raises(OSError, match="disk full"):
        save_checkpoint(tmp_path, 20, ARRAYS, {})
    assert [path.name for path in checkpoints(tmp_path)] == ["step-000000010"]


def test_a_file_that_cannot_be_written_is_named_by_its_own_name(tmp_path):
    with pytest.raises(FileNotFoundError) as caught:
        write_durably(tmp_path / "none" / "found.json", b"")
    assert caught.value.filename == str(tmp_path / "none" / "found.json")
