"""Models against what the papers count."""

import jax
import pytest

from headway.models.convnet import pooled_convnet, strided_convnet
from headway.models.mlp import mlp
from headway.network.activations import Tanh
from headway.network.layer import initialize
from headway.network.summary import summary


@pytest.mark.parametrize(
    ("network", "inputs", "parameters"),
    [
        (mlp((), 10), (40, 1), 410),  # MNIST-1D's linear model
        (mlp((100, 100), 10), (40, 1), 15_210),  # its MLP
        (strided_convnet(25, 10), (40, 1), 5_210),  # its CNN
        (mlp((128,), 10), (64,), 64 * 128 + 128 + 128 * 10 + 10),
        (pooled_convnet((16, 32), 10), (8, 8, 1), (9 * 16 + 16) + (9 * 16 * 32 + 32) + (2 * 2 * 32 * 10 + 10)),
    ],
)
def test_a_model_has_the_parameters_its_paper_counts(network, inputs, parameters):
    params, _ = initialize(network, inputs, jax.random.key(0))
    assert sum(leaf.size for leaf in jax.tree.leaves(params)) == parameters
    assert f"{parameters:,}" in str(summary(network, inputs))


def test_an_mlp_has_the_activation_asked_for_between_its_layers():
    assert sum(isinstance(layer, Tanh) for layer in mlp((8, 8, 8), 2, activation=Tanh()).layers) == 3
