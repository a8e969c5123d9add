"""Gradient flow on gradients that are known: planted ones, and those of a linear network of orthogonal weights."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from headway.learning.losses import MeanSquaredError
from headway.learning.optimizers.sgd import SGD
from headway.learning.regularization import Dropout
from headway.network.activations import Identity, ReLU, Sigmoid, Tanh
from headway.network.branch import Branch, Concatenate, Product
from headway.network.compose import Sequential
from headway.network.convolution import Conv, Flatten
from headway.network.dense import Dense
from headway.network.initialization import Orthogonal
from headway.network.normalization import LayerNorm
from headway.network.residual import Residual
from headway.network.summary import summary
from headway.signals.flow import LEAST, flow
from headway.signals.history import Signals
from headway.signals.probe import empty_slots, watched
from headway.signals.statistics import STATISTICS
from headway.training.job import Update
from headway.training.step import Batch, initial_state, update_once


def planted(network, inputs, gradients):
    """Signals with these ‖dL/dh‖, a row a sample, at the addresses in the order of computation."""
    addresses = watched(network, inputs)
    values = np.zeros((len(gradients), len(addresses), len(STATISTICS)))
    values[..., STATISTICS.index("gradient")] = gradients
    return Signals.of(range(1, len(gradients) + 1), addresses, values)


def stack(layers, activation=None):
    parts = [part for _ in range(layers) for part in (Dense(3), *((activation,) if activation else ()))]
    return Sequential(tuple(parts))


@given(st.integers(2, 30), st.floats(-1.2, 1.2), st.floats(-2, 2))
def test_a_geometric_gradient_has_its_exponent_as_decades(layers, decades, scale):
    rows = [10 ** (scale + decades * np.arange(layers)), 10 ** (-decades * np.arange(layers))]
    found = flow(stack(layers), (3,), planted(stack(layers), (3,), rows))
    np.testing.assert_allclose(found.decades_lost, [decades * (layers - 1), -decades * (layers - 1)], atol=1e-4)
    np.testing.assert_allclose(found.decades_per_ten_layers, [10 * decades, -10 * decades], atol=1e-4)


def test_the_slope_is_that_of_least_squares(rng):
    rows = 10 ** rng.normal(size=(4, 9))
    found = flow(stack(9), (3,), planted(stack(9), (3,), rows))
    expected = [10 * np.polyfit(np.arange(9), np.log10(row), 1)[0] for row in rows]
    np.testing.assert_allclose(found.decades_per_ten_layers, expected, rtol=1e-4)


def test_a_single_layer_loses_nothing_and_no_sample_says_nothing():
    one = flow(Dense(3), (3,), planted(Dense(3), (3,), [[0.5], [0.1]]))
    np.testing.assert_array_equal([one.decades_lost, one.decades_per_ten_layers], np.zeros((2, 2)))
    for none in (Signals.of([], [], []), Signals.of([], watched(stack(3), (3,)), [])):
        found = flow(stack(3), (3,), none)
        assert (len(found.decades_lost), len(found.decades_per_ten_layers)) == (0, 0)


def test_a_gradient_of_zero_counts_as_the_least_number_there_is():
    found = flow(stack(3), (3,), planted(stack(3), (3,), [[0.0, 0.0, 1.0]]))
    np.testing.assert_allclose(found.decades_lost, [-np.log10(LEAST)], rtol=1e-6)


@pytest.mark.parametrize("s", [0.25, 1.0, 3.0])
@pytest.mark.parametrize("layers", [3, 12])
def test_weights_of_s_times_orthogonal_lose_the_logarithm_of_s_a_layer(s, layers, rng):
    network = Sequential(tuple(Dense(6, bias=False, init=Orthogonal(s)) for _ in range(layers)))
    update = Update(network, loss=MeanSquaredError(), optimizer=SGD(0.1), clip=None, batch_size=4, seed=1)
    x, y = (jnp.asarray(rng.normal(size=(4, 6)), jnp.float32) for _ in range(2))
    state = initial_state(update, (6,))
    signals = jax.jit(lambda state: update_once(update, state, Batch(x, y), empty_slots(layers)))(state)[1]["signals"]
    found = flow(network, (6,), Signals.of([1], watched(network, (6,)), signals[None]))
    np.testing.assert_allclose(found.decades_lost, -np.log10(s) * (layers - 1), atol=1e-5 * layers)
    np.testing.assert_allclose(found.decades_per_ten_layers, -10 * np.log10(s), atol=1e-4)
    sizes = s ** np.arange(1, layers + 1) * found.signal[0, 0] / s
    np.testing.assert_allclose(found.signal[0], sizes, rtol=1e-5)


@pytest.mark.parametrize(
    ("network", "inputs", "boundaries"),
    [
        (stack(3, Sigmoid()), (3,), ("1", "3", "5")),
        (Sequential((Flatten(), *stack(2, Tanh()).layers, Dense(2))), (2, 2), ("2", "4", "5")),
        (Sequential((Dense(3), LayerNorm(), ReLU(), Dropout(0.1), Dense(2))), (3,), ("3", "4")),
        (Sequential((Conv(2, kernel=3), ReLU(), Flatten(), Dense(2))), (4, 4, 1), ("2", "3")),
        (
            Sequential((Dense(3), Residual(Sequential((Dense(3), Identity(), Tanh()))), Dense(2, name="out"))),
            (3,),
            ("0", "1", "out"),
        ),
        (Sequential((Sequential((Dense(3), Tanh()), name="stem"), Dense(2))), (3,), ("stem/1", "1")),
        (
            Sequential((Dense(3), Residual(stack(2, Tanh()), skip=Dense(3), name="block"), ReLU(), Dense(2))),
            (3,),
            ("0", "block/body/1", "2", "3"),
        ),
        (
            Sequential((Dense(3), Branch((Dense(3), stack(2, Tanh()), Dense(3)), join=Product()), Dense(2))),
            (3,),
            ("0", "1/1/1", "1", "2"),
        ),
        (Sequential((Concatenate(Dense(3)), Branch((Tanh(), Identity())), Dense(2))), (3,), ("1", "2")),
    ],
    ids=repr,
)
def test_a_boundary_is_the_last_value_before_the_next_layer_with_weights(network, inputs, boundaries):
    addresses = watched(network, inputs)
    rows = [[float(i) for i in range(len(addresses))]]
    found = flow(network, inputs, planted(network, inputs, rows))
    assert found.addresses == boundaries
    assert found.gradient.tolist() == [[float(addresses.index(a)) for a in boundaries]]
    assert len(found.addresses) == summary(network, inputs).depth
