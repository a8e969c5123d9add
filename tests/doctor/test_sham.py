"""A sham computes what its network computes, from other parameters, and goes another way."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from headway.data.bundled import Iris
from headway.data.dataset import Data
from headway.doctor.sham import permute_units, sham
from headway.doctor.trial import Bench
from headway.learning.losses import CrossEntropy
from headway.learning.optimizers.adaptive import Adam
from headway.learning.regularization import Dropout
from headway.models.mlp import mlp
from headway.network.activations import GELU, ReLU, Sigmoid, Softmax, Tanh
from headway.network.compose import Repeat, Sequential
from headway.network.convolution import Conv, Flatten
from headway.network.dense import Dense
from headway.network.initialization import Normal
from headway.network.layer import Activation, apply, initialize
from headway.network.normalization import LayerNorm
from headway.network.residual import Residual
from headway.network.values import flatten
from headway.spec.node import spec
from headway.training.recipe import Recipe

WIDE = Normal(0.5)
PERMUTED = {
    "one hidden layer": (mlp((8,), 3, activation=Tanh()), (5,), {"1/w", "1/b", "3/w"}),
    "four": (mlp((8, 4, 9, 6), 3, activation=GELU()), (5,), {f"{i}/{n}" for i in (1, 3, 5, 7) for n in "wb"} | {"9/w"}),
    "twelve": (mlp((7,) * 12, 3), (5,), {f"{i}/{n}" for i in range(1, 25, 2) for n in "wb"} | {"25/w"}),
    "linear": (Sequential((Dense(6, bias=False), Dense(4, bias=False))), (5,), {"0/w", "1/w"}),
    "softmax within": (Sequential((Dense(6), Softmax(), Dense(4))), (5,), {"0/w", "0/b", "2/w"}),
    "named, over time": (
        Sequential((Dense(6, name="a"), Tanh(name="t"), Dense(4, name="z"))), (3, 5), {"a/w", "a/b", "z/w"},
    ),
    "inside a body": (
        Sequential((Dense(5), Residual(Sequential((Dense(7), Tanh(), Dense(5)))), Dense(2))), (5,),
        {"1/body/0/w", "1/body/0/b", "1/body/2/w"},
    ),
    "in every copy of a repeated body": (
        Repeat(Residual(Sequential((Dense(7), Tanh(), Dense(5)))), times=3), (5,),
        {"*/body/0/w", "*/body/0/b", "*/body/2/w"},
    ),
    "behind convolutions": (
        Sequential((Conv(4, kernel=3), ReLU(), Flatten(), Dense(6), ReLU(), Dense(2))), (5, 5, 1),
        {"3/w", "3/b", "5/w"},
    ),
    "nothing to permute": (Dense(3), (5,), set()),
    "a norm between": (Sequential((Dense(6), LayerNorm(), Tanh(), Dense(3))), (5,), set()),
    "dropout between": (Sequential((Dense(6), Tanh(), Dropout(0.3), Dense(3))), (5,), set()),
    "a residual between": (Sequential((Dense(5), Residual(Tanh()), Dense(3))), (5,), set()),
}  # fmt: skip
every = pytest.mark.parametrize(("network", "inputs", "moved"), PERMUTED.values(), ids=PERMUTED.keys())


def made(network, inputs, key):
    params, _ = initialize(network, inputs, key)
    biased = jax.tree.map(lambda p: p + 0.1 * jnp.arange(p.size, dtype=p.dtype).reshape(p.shape) / p.size, params)
    return biased, jax.random.normal(key, (16, *inputs))


@every
def test_a_sham_computes_the_same_and_no_parameter_is_the_same(network, inputs, moved, key):
    params, x = made(network, inputs, key)
    other = sham(network, params, jax.random.key(7))
    y, z = apply(network, params, x)[0], apply(network, other, x)[0]
    np.testing.assert_allclose(z, y, rtol=1e-5, atol=1e-5 * float(jnp.abs(y).max()))
    assert jax.tree.structure(other) == jax.tree.structure(params)
    for address, value in flatten(other).items():
        before = flatten(params)[address]
        assert (value.dtype, value.shape) == (before.dtype, before.shape)
        assert not np.array_equal(value, before), address
        near = np.allclose(value, before, rtol=1e-5, atol=0)
        assert near == (address not in moved), address


@every
def test_permuting_moves_units_and_changes_no_number(network, inputs, moved, key):
    params, x = made(network, inputs, key)
    other = permute_units(network, params, jax.random.key(3))
    found = {a for a, value in flatten(other).items() if not np.array_equal(value, flatten(params)[a])}
    assert found == moved
    for address, value in flatten(other).items():
        np.testing.assert_array_equal(np.sort(value.ravel()), np.sort(flatten(params)[address].ravel()))
    np.testing.assert_allclose(apply(network, other, x)[0], apply(network, params, x)[0], rtol=1e-5, atol=1e-5)


def test_an_activation_that_knows_its_units_apart_is_not_permuted_across(key):
    @spec
    class Uneven(Activation):
        """The units one place on."""

        def function(self, x):
            return jnp.roll(x, 1, axis=-1)

    network = Sequential((Dense(6), Uneven(), Dense(3)))
    params, _ = made(network, (5,), key)
    jax.tree.map(np.testing.assert_array_equal, permute_units(network, params, key), params)


def test_the_same_key_makes_the_same_sham_and_another_key_another(key):
    network = mlp((8, 8), 3)
    params, _ = made(network, (5,), key)
    again = [sham(network, params, jax.random.key(seed)) for seed in (1, 1, 2)]
    jax.tree.map(np.testing.assert_array_equal, again[0], again[1])
    assert not np.allclose(again[0]["1"]["w"], again[2]["1"]["w"])


@pytest.mark.parametrize("network", [mlp((8,), 3, activation=Sigmoid()), mlp((6, 6), 3), Dense(3)], ids=repr)
def test_trained_beside_its_network_it_ends_elsewhere(network):
    recipe = Recipe(network, data=Data(Iris()), loss=CrossEntropy(), optimizer=Adam(1e-2), batch_size=16, length=20)
    bench = Bench.of(recipe, recipe.data.load())
    pairs = [(bench.run(recipe, seed).loss, bench.run(recipe, seed, as_sham=True).loss) for seed in range(4)]
    differences = [abs(a - b) for a, b in pairs]
    assert min(differences) > 1e-5
    assert max(differences) < 0.5
    assert bench.run(recipe, 0, as_sham=True).loss == pairs[0][1]
