import jax
import jax.numpy as jnp
import numpy as np
import pytest

from headway.learning.regularization import Dropout
from headway.network.activations import SELU, Identity, ReLU, Softmax, Tanh
from headway.network.compose import Sequential
from headway.network.convolution import Conv, Flatten, GlobalAveragePool, MaxPool
from headway.network.dense import Dense
from headway.network.initialization import Constant, GlorotUniform, HeNormal, LeCunNormal
from headway.network.layer import Context, apply, initialize
from headway.network.values import flatten
from headway.spec.error import HeadwayError

GLOROT = GlorotUniform()


def test_sequential_is_the_composition_of_its_layers(key, rng):
    net = Sequential((Dense(5), Tanh(), Sequential((Dense(4, name="inner"), ReLU()), name="body"), Dense(2)))
    params, _ = initialize(net, (3,), key)
    x = rng.normal(size=(6, 3)).astype(np.float32)
    w = {address: np.asarray(value) for address, value in flatten(params).items()}
    h = np.tanh(x @ w["0/w"] + w["0/b"])
    h = np.maximum(h @ w["body/inner/w"] + w["body/inner/b"], 0)
    np.testing.assert_allclose(apply(net, params, x)[0], h @ w["3/w"] + w["3/b"], rtol=1e-5, atol=1e-6)
    assert list(w) == ["0/w", "0/b", "body/inner/w", "body/inner/b", "3/w", "3/b"]


@pytest.mark.parametrize(
    ("layers", "expected"),
    [
        ((Dense(4), ReLU()), {"0": HeNormal()}),
        ((Dense(4), SELU()), {"0": LeCunNormal()}),
        ((Dense(4), Identity(), ReLU()), {"0": GLOROT}),
        ((Dense(4),), {"0": GLOROT}),
        ((Dense(4), Dense(4), ReLU()), {"0": GLOROT, "1": HeNormal()}),
        ((Dense(4, init=Constant(1.0)), ReLU()), {"0": Constant(1.0)}),
        ((Dense(4), Dropout(0.5), ReLU()), {"0": HeNormal()}),
        ((Conv(4), MaxPool(), Dropout(0.1), Flatten(), SELU()), {"0": LeCunNormal()}),
        ((Conv(4), GlobalAveragePool(), Softmax()), {"0": GLOROT}),
        ((Sequential((Dense(4),)), ReLU()), {"0/0": HeNormal()}),
        ((Dense(4), Sequential((Sequential((Flatten(), SELU())), Dense(3)))), {"0": LeCunNormal(), "1/1": GLOROT}),
        ((Dense(4), Sequential((Dropout(0.1),)), SELU()), {"0": LeCunNormal()}),
        ((Dense(4), Sequential((Dense(3),)), ReLU()), {"0": GLOROT, "1/0": HeNormal()}),
    ],
)  # fmt: skip
def test_weights_start_as_the_activation_that_follows_wants(layers, expected):
    inputs = (4, 4, 2) if isinstance(layers[0], Conv) else (6,)
    declared = flatten(Sequential(layers).declare(inputs))
    assert {address.removesuffix("/w"): p.init for address, p in declared.items() if p.decays} == expected


def test_parts_are_the_children_with_the_shapes_they_receive():
    net = Sequential((Conv(4, name="stem"), MaxPool(), Flatten(), Dense(3)))
    assert [(key, received) for key, _, received in net.parts((8, 8, 1))] == [
        ("stem", (8, 8, 1)), ("1", (8, 8, 4)), ("2", (4, 4, 4)), ("3", (64,)),
    ]  # fmt: skip
    assert net.flops((8, 8, 1)) == 8 * 8 * 4 * (2 * 9 + 1) + 4 * 4 * 4 * 3 + 3 * (2 * 64 + 1)


@pytest.mark.parametrize(
    ("network", "inputs", "message"),
    [
        (Sequential((Dense(3), Sequential((MaxPool(),), name="body"))), (6,), r"^body/0: MaxPool takes \(length"),
        (Sequential((Conv(4), MaxPool(), MaxPool(3))), (4, 4, 1), r"^2/window: must fit into the 2 positions"),
        (Sequential((ReLU(), Sequential((ReLU(), Conv(4, groups=2))))), (8, 3), r"^1/1/groups: must divide the 3"),
    ],
)  # fmt: skip
def test_shapes_that_do_not_fit_are_refused_by_address(network, inputs, message, key):
    def applied(inputs):
        return apply(network, {}, jnp.ones((2, *inputs)))

    for ask in (
        network.shape,
        network.declare,
        network.flops,
        lambda inputs: initialize(network, inputs, key),
        applied,
    ):
        with pytest.raises(HeadwayError, match=message):
            ask(inputs)


def test_the_tap_sees_every_output_by_its_address_and_may_change_it(key):
    net = Sequential((Dense(3, name="first"), Sequential((ReLU(), Dense(2))), Softmax()))
    params, _ = initialize(net, (4,), key)
    seen = {}

    def tap(address, value):
        seen[address] = value.shape
        return value * 0 if address == "1/1" else value

    y, _ = apply(net, params, jnp.ones((5, 4)), context=Context(tap=tap))
    assert seen == {"first": (5, 3), "1/0": (5, 3), "1/1": (5, 2), "1": (5, 2), "2": (5, 2), "": (5, 2)}
    np.testing.assert_array_equal(y, np.full((5, 2), 0.5))


def test_sequential_needs_layers_and_different_names():
    with pytest.raises(HeadwayError, match="needs at least one layer"):
        Sequential(())
    with pytest.raises(HeadwayError, match=r"must not share a name; got a"):
        Sequential((Dense(3, name="a"), ReLU(name="a")))
    with pytest.raises(HeadwayError, match=r"Sequential\.layers"):
        Sequential((Dense(3), "ReLU"))


def test_a_network_compiles_once_whatever_its_numbers(key):
    net = Sequential((Dense(3), ReLU()))
    assert hash(net) == hash(Sequential((Dense(3), ReLU())))
    program = jax.jit(lambda n, p, x: apply(n, p, x)[0], static_argnums=0)
    params, _ = initialize(net, (2,), key)
    program(net, params, jnp.ones((1, 2)))
    program(Sequential((Dense(3), ReLU())), params, jnp.ones((1, 2)))
    assert program._cache_size() == 1
