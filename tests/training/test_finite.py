"""Where the first NaN or infinity arises: planted in each place in turn."""

from dataclasses import replace

import jax
import jax.numpy as jnp
import pytest

from headway.learning.losses import CrossEntropy, MeanSquaredError
from headway.learning.optimizers.sgd import SGD
from headway.network.activations import ReLU
from headway.network.compose import Repeat, Sequential
from headway.network.dense import Dense
from headway.scale.precision import all_finite
from headway.training.finite import first_non_finite
from headway.training.job import Update
from headway.training.step import Batch, initial_state

NETWORK = Sequential((Dense(4), ReLU(), Dense(3, name="head")))
UPDATE = Update(NETWORK, loss=CrossEntropy(), optimizer=SGD(0.1), clip=None, batch_size=2, seed=0)
BATCH = Batch(jnp.ones((2, 5)), jnp.array([0, 2]))


def state_with(address: str, name: str, value: float) -> dict:
    state = initial_state(UPDATE, (5,))
    state["params"][address][name] = state["params"][address][name].at[:].set(value)
    return state


@pytest.mark.parametrize(
    ("address", "value", "said"),
    [("0", jnp.nan, "layer '0', Dense"), ("0", 3e38, "layer '0', Dense"), ("head", jnp.inf, "layer 'head', Dense")],
)
def test_a_bad_weight_is_found_at_the_first_layer_whose_output_is_bad(address, value, said):
    assert said in first_non_finite(UPDATE, state_with(address, "w", value), BATCH)


def test_in_a_repeated_layer_the_copy_is_named():
    """Forward by a weight that is NaN; backward by a weight of 1e-37 whose gradient, 1e37 · 2e6, is no float32."""
    network = Sequential((Dense(1, bias=False), Repeat(Dense(1, bias=False), times=3)))
    update = replace(UPDATE, network=network, loss=MeanSquaredError())
    batch = BATCH._replace(x=jnp.ones((2, 1)), y=jnp.zeros((2, 1)))
    for weights, said in [
        ([1e37, 1e-37, 1e3], "the gradient of '1/1/w'"),
        ([1, 1, jnp.nan], "the output of layer '1/2', Dense"),
    ]:
        state = initial_state(update, (1,))
        state["params"] = {"0": {"w": jnp.ones((1, 1))}, "1": {"*": {"w": jnp.array(weights)[:, None, None]}}}
        assert said in first_non_finite(update, state, batch)


def test_a_label_out_of_range_is_found_in_the_loss():
    assert "the loss, CrossEntropy" in first_non_finite(
        UPDATE, initial_state(UPDATE, (5,)), BATCH._replace(y=jnp.array([0, 7]))
    )


def test_a_step_too_large_is_found_in_the_update():
    state = initial_state(UPDATE, (5,))
    assert "the update of 'params/" in first_non_finite(
        replace(UPDATE, optimizer=SGD(3e38)), state, BATCH._replace(x=1e3 * BATCH.x)
    )


def test_all_finite_looks_at_every_floating_leaf_and_only_at_those():
    assert all_finite({"a": jnp.ones(3), "n": jnp.array(2**31 - 1)})
    assert not all_finite({"a": jnp.ones(3), "b": {"c": jnp.array([0.0, jnp.inf])}})
    assert not all_finite(jax.tree.map(lambda x: x * jnp.nan, {"h": jnp.ones(2, jnp.bfloat16)}))
