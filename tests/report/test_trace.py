"""A trace as text: the numbers of the record, shortened where it is long, and the product beside jax.grad's number."""

import jax
import jax.numpy as jnp
import pytest

from headway.learning.backpropagation.trace import chain, trace
from headway.learning.losses import CrossEntropy, MeanSquaredError
from headway.network.activations import Sigmoid, Tanh
from headway.network.compose import Sequential
from headway.network.convolution import Conv, Flatten
from headway.network.dense import Dense
from headway.network.layer import initialize
from headway.report.trace import chain_or_reason, chain_text, numbers, trace_text
from headway.report.wording import short
from headway.spec.error import HeadwayError
from headway.training.step import Batch
from tests.learning.test_trace import MLP, traced

DEEP = Sequential((*(layer for _ in range(12) for layer in (Dense(6), Sigmoid())), Dense(2)))


def test_values_gradients_and_local_derivatives_of_every_layer_are_in_it():
    found = traced(MLP)
    text = trace_text(found, units=2)
    for stage in found.stages:
        assert numbers(stage.h, 2) in text
        assert numbers(stage.dh, 2) in text
    assert f"L = {short(found.loss)}, target 1" in text
    assert "wᵀ [4, 3], ‖w‖" in text
    assert "f'(x): " in text
    assert "Tanh: tanh(x)" in text
    assert "largest difference from jax.grad: " in text
    assert numbers(found.gradients["middle/w"], 2) in text


def test_a_long_network_is_shown_by_its_ends():
    text = trace_text(traced(DEEP))
    assert "… 11 more" in text
    assert text.count("Sigmoid()") < 2 * 12
    assert len(chain_text(chain(traced(DEEP))).splitlines()) < 35


def test_numbers_are_the_first_ones_and_how_many_there_are():
    assert numbers(jnp.array([1.0, -2.5, -0.0, 4.0]), 3) == "1  −2.5  0 … (4)"
    assert numbers(jnp.array([1.0, 2.0]), 3) == "1  2"


def test_the_sum_over_the_paths_stands_beside_the_gradient_of_jax():
    one = chain(traced(MLP), "0/w[2, 1]")
    text = chain_text(one)
    assert f"sum over all {one.count:.0f} paths {short(one.total)}, jax.grad {short(one.by_jax)}" in text
    assert all(factor.what in text for factor in one.paths[0])
    assert text.splitlines()[0].startswith("The gradient of 0/w[2, 1] = ")


def test_a_single_path_is_a_product():
    network = Sequential((Dense(1), Tanh(), Dense(1)))
    params, _ = initialize(network, (1,), jax.random.key(0))
    one = chain(trace(network, MeanSquaredError(), params, Batch(jnp.array([[0.7]]), jnp.array([[2.0]]))))
    assert chain_text(one).splitlines()[-1] == f"product {short(one.total)}, jax.grad {short(one.by_jax)}"


def test_a_network_that_has_no_such_weight_says_so_unless_one_was_asked_for():
    network = Sequential((Conv(2), Flatten()))
    params, _ = initialize(network, (3, 3, 1), jax.random.key(0))
    found = trace(network, CrossEntropy(), params, Batch(jnp.ones((1, 3, 3, 1)), jnp.array([0])))
    assert "∂h/∂x [18, 9], ‖·‖" in trace_text(found)
    assert chain_or_reason(found, None).startswith("No gradient is multiplied out: network: a chain needs a Dense")
    with pytest.raises(HeadwayError, match="a chain needs a Dense"):
        chain_or_reason(found, "0/w[0, 0]")
