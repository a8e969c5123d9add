"""Where the first NaN or infinity arises: planted in each place in turn."""

from dataclasses import replace

import jax
import jax.numpy as jnp
import pytest

from headway.learning.losses import CrossEntropy
from headway.learning.optimizers.sgd import SGD
from headway.network.activations import ReLU
from headway.network.compose import Sequential
from headway.network.dense import Dense
from headway.training.finite import all_finite, first_non_finite
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
