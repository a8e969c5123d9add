"""Operations of a traced function: closed forms, loops counted through, and the network's own count."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from headway.models.mlp import mlp
from headway.models.transformer import language_model
from headway.network.layer import apply, initialize
from headway.plan.operations import operations

A, B = np.ones((4, 8), np.float32), np.ones((8, 16), np.float32)
ONE = 2 * 4 * 8 * 16


@pytest.mark.parametrize(
    ("function", "count"),
    [
        (lambda: A @ B, 0),  # NumPy's own
        (lambda: jnp.dot(A, B), ONE),
        (lambda: jax.lax.scan(lambda c, _: (c, jnp.dot(A, B)), 0, None, 5)[1], 5 * ONE),
        (lambda: jax.lax.cond(True, lambda: jnp.dot(A, B), lambda: jnp.zeros((4, 16))), ONE),
        (lambda: jax.jit(lambda a: jax.checkpoint(lambda a: jnp.dot(a, B))(a))(A), ONE),
        (lambda: jax.vmap(lambda a: jnp.dot(a, B))(A), ONE),
        (lambda: jnp.tanh(A) + 1, 0),
    ],
)
def test_products_are_counted_wherever_they_stand(function, count):
    assert operations(function) == count


def test_a_convolution_is_a_product_at_every_place():
    x, w = jnp.ones((2, 8, 8, 3)), jnp.ones((3, 3, 3, 5))
    layout = ("NHWC", "HWIO", "NHWC")
    count = operations(lambda: jax.lax.conv_general_dilated(x, w, (1, 1), "SAME", dimension_numbers=layout))
    assert count == 2 * (2 * 8 * 8 * 5) * (3 * 3 * 3)


def test_groups_of_channels_see_their_own_alone():
    x, w = jnp.ones((1, 8, 4)), jnp.ones((3, 2, 6))
    layout = ("NWC", "WIO", "NWC")
    count = operations(lambda: jax.lax.conv_general_dilated(
        x, w, (1,), "SAME", dimension_numbers=layout, feature_group_count=2))  # fmt: skip
    assert count == 2 * (8 * 6) * (3 * 2)


def test_the_backward_pass_of_a_product_is_two():
    count = operations(jax.grad(lambda w, a: jnp.sum(jnp.dot(a, w) ** 2)), B, A)
    assert count == 2 * ONE  # forward, and of the weights alone


@pytest.mark.parametrize(
    ("network", "inputs"), [(mlp((32,), 10), (64,)), (language_model(16, width=8, heads=2), (12,))]
)
def test_a_network_multiplies_what_its_layers_say_less_what_is_no_product(network, inputs):
    params, _ = initialize(network, inputs, jax.random.key(0))
    x = jnp.zeros((3, *inputs), int if len(inputs) == 1 and inputs[0] == 12 else float)
    count = operations(lambda params: apply(network, params, x)[0], params)
    assert 0.8 * 3 * network.flops(inputs) <= count <= 3 * network.flops(inputs)
