import math

import jax.numpy as jnp
import numpy as np
import pytest

from headway.network.activations import GELU, SELU, ReLU, Tanh
from headway.network.compose import Sequential
from headway.network.dense import Dense
from headway.network.feedforward import FeedForward, SwiGLU
from headway.network.initialization import GlorotUniform, HeNormal, LeCunNormal, Orthogonal
from headway.network.layer import Context, apply, initialize
from headway.network.normalization import LayerNorm
from headway.network.residual import Residual
from headway.network.summary import summary
from headway.network.values import flatten
from headway.signals.probe import watched
from headway.spec.error import HeadwayError

GLOROT = GlorotUniform()


@pytest.mark.parametrize("activation", [GELU(), ReLU(), Tanh()])
@pytest.mark.parametrize("shape", [(4,), (3, 4), (2, 3, 4)])
def test_feed_forward_is_two_dense_layers_with_the_activation_between(activation, shape, key, rng):
    layer, x = FeedForward(10, activation=activation), jnp.array(rng.normal(size=(2, *shape)), jnp.float32)
    params, _ = initialize(layer, shape, key)
    dense = {"0": {"w": params["w1"], "b": params["b1"]}, "2": {"w": params["w2"], "b": params["b2"]}}
    expected = apply(Sequential((Dense(10), activation, Dense(4))), dense, x)[0]
    np.testing.assert_allclose(apply(layer, params, x)[0], expected, rtol=1e-6)
    assert layer.flops(shape) == Sequential((Dense(10), activation, Dense(4))).flops(shape)


def test_swiglu_follows_the_equation_unit_by_unit(key, rng):
    layer, x = SwiGLU(5), rng.normal(size=(2, 3, 4))
    params, _ = initialize(layer, (3, 4), key)
    gate, up, down = (np.asarray(params[name], float) for name in ("w_gate", "w_up", "w_down"))
    expected = np.zeros((2, 3, 4))
    for n, t in np.ndindex(2, 3):
        for j in range(5):
            g = x[n, t] @ gate[:, j]
            expected[n, t] += g / (1 + math.exp(-g)) * (x[n, t] @ up[:, j]) * down[j]
    np.testing.assert_allclose(apply(layer, params, jnp.array(x, jnp.float32))[0], expected, rtol=1e-4, atol=1e-6)
    assert layer.flops((3, 4)) == 3 * (3 * 2 * 4 * 5 + 2 * 5)


def test_every_position_is_transformed_alone_and_alike(key, rng):
    x, order = jnp.array(rng.normal(size=(2, 6, 4)), jnp.float32), rng.permutation(6)
    for layer in (FeedForward(8), SwiGLU(8)):
        params, _ = initialize(layer, (6, 4), key)
        y = apply(layer, params, x)[0]
        np.testing.assert_allclose(apply(layer, params, x[:, order])[0], y[:, order], rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(
    ("layer", "following", "expected"),
    [
        (FeedForward(8), None, {"w1": HeNormal(), "w2": GLOROT}),
        (FeedForward(8, activation=SELU()), ReLU(), {"w1": LeCunNormal(), "w2": HeNormal()}),
        (FeedForward(8, init=Orthogonal()), ReLU(), {"w1": Orthogonal(), "w2": Orthogonal()}),
        (SwiGLU(8), ReLU(), {"w_gate": GLOROT, "w_up": GLOROT, "w_down": HeNormal()}),
    ],
)
def test_each_weight_starts_as_the_activation_behind_it_wants(layer, following, expected):
    declared = layer.declare((3, 4), following)
    assert {name: p.init for name, p in declared.items() if p.decays} == expected
    assert {p.fans for name, p in declared.items() if p.decays} <= {(4, 8), (8, 4)}


def test_the_hidden_activation_is_tapped_counted_and_watched_at_its_address(key):
    block = Sequential((Residual(Sequential((LayerNorm(), FeedForward(16)))), SwiGLU(8)))
    params, _ = initialize(block, (3, 4), key)
    seen = {}
    apply(block, params, jnp.ones((2, 3, 4)), context=Context(tap=lambda a, y: seen.setdefault(a, y)))
    assert seen["0/body/1/activation"].shape == (2, 3, 16)
    assert "0/body/1/activation" in watched(block, (3, 4))
    rows = {row.address: row for row in summary(block, (3, 4)).rows}
    assert rows["0/body/1"].parameters == 4 * 16 + 16 + 16 * 4 + 4
    assert rows["0/body/1/activation"].output == (3, 16)
    assert rows["1"].parameters == 3 * 4 * 8
    assert sum(row.parameters for row in rows.values()) == sum(p.size for p in flatten(params).values())


@pytest.mark.parametrize("layer", [FeedForward(3), SwiGLU(3)])
def test_inputs_without_features_or_of_another_width_are_refused(layer, key):
    with pytest.raises(HeadwayError, match="needs a dimension of features; got shape"):
        layer.shape(())
    params, _ = initialize(layer, (4,), key)
    with pytest.raises(HeadwayError, match="the weights here take 4 features"):
        apply(layer, params, jnp.ones((2, 5)))
