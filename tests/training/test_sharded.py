"""Checkpoints of arrays on several devices: what was written is read back, by whatever layout, or refused."""

import sys
from types import SimpleNamespace

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from headway.network.values import flatten
from headway.scale.mesh import Mesh
from headway.spec.error import HeadwayError
from headway.training.sharded import ShardedCheckpoints
from headway.training.train import begun, expect_writable

STATE = {"params": {"0": {"w": jnp.arange(6.0).reshape(2, 3)}, "1": {}}, "optimizer": {"count": jnp.array(7)}}


@pytest.fixture
def written(tmp_path):
    store = ShardedCheckpoints(tmp_path, keep=2)
    for step in (10, 20, 30):
        store.save(step, STATE, {"step": step, "reason": ""})
    store.wait()
    return tmp_path


def test_the_newest_is_read_back_and_the_oldest_are_gone(written):
    store = ShardedCheckpoints(written)
    arrays, progress = store.load(STATE)
    assert store.latest == 30
    assert progress == {"step": 30, "reason": ""}
    assert jax.tree.structure(arrays) == jax.tree.structure(STATE)
    jax.tree.map(np.testing.assert_array_equal, arrays, STATE)
    assert sorted(path.name for path in written.iterdir()) == ["step_000000020", "step_000000030"]


def test_what_does_not_belong_to_the_recipe_is_listed_by_address(written):
    other = {
        "params": {"0": {"w": jnp.zeros((3, 3))}, "1": {"b": jnp.zeros(3)}},
        "optimizer": {"count": 0.5 * jnp.ones(())},
    }
    assert set(flatten(other)) - set(flatten(STATE)) == {"params/1/b"}
    said = (
        r"step 30 must hold the arrays of this recipe; got missing params/1/b; params/0/w is \(2, 3\), not \(3, 3\); "
    )
    with pytest.raises(HeadwayError, match=said + "optimizer/count is int32, not float32"):
        ShardedCheckpoints(written).load(other)


def test_a_folder_without_checkpoints_has_no_newest(tmp_path):
    assert ShardedCheckpoints(tmp_path / "none").latest == -1


def test_a_run_on_several_devices_asks_for_orbax_before_its_first_update(monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "orbax.checkpoint", None)
    job = SimpleNamespace(update=SimpleNamespace(mesh=Mesh(2)))
    with pytest.raises(HeadwayError, match=r"^mesh: needs Orbax .*pip install 'headway\[scale\]'"):
        begun(job, tmp_path / "run", ())
    assert not (tmp_path / "run").exists()
    expect_writable(SimpleNamespace(update=SimpleNamespace(mesh=Mesh(1))))
    expect_writable(SimpleNamespace(update=SimpleNamespace(mesh=None)))
