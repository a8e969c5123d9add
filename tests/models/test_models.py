"""Models against what the papers count."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from headway.models.convnet import plain_convnet, pooled_convnet, residual_convnet, strided_convnet
from headway.models.mlp import mlp, plain_mlp
from headway.network.activations import Tanh
from headway.network.convolution import Conv
from headway.network.initialization import HeNormal
from headway.network.layer import apply, initialize
from headway.network.normalization import GroupNorm
from headway.network.summary import summary
from headway.network.values import flatten, nest
from headway.spec.error import HeadwayError
from headway.spec.node import walk


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


@pytest.mark.parametrize(("depth", "width"), [(1, 9), (2, 3), (20, 32)])
def test_depth_and_width_are_knobs_of_an_mlp(depth, width):
    found = summary(plain_mlp(depth, 4, width=width, activation=Tanh()), (5, 5))
    assert (found.depth, found.shortest, found.width) == (depth, depth, max(width, 4) if depth > 1 else 4)
    assert [row.units for row in found.rows if row.units] == [width] * (depth - 1) + [4]
    with pytest.raises(HeadwayError, match=r"^depth: must be at least 1, the layer that makes the outputs; got 0"):
        plain_mlp(0, 4, width=width)


def test_an_mlp_has_the_activation_asked_for_between_its_layers():
    assert sum(isinstance(layer, Tanh) for layer in mlp((8, 8, 8), 2, activation=Tanh()).layers) == 3


PROJECTIONS = 16 * 32 + 2 * 32 + 32 * 64 + 2 * 64


@pytest.mark.parametrize(("depth", "parameters"), [(20, 269_722), (32, 464_154), (44, 658_586), (56, 853_018)])
def test_deep_convnets_have_the_parameters_of_he_et_al(depth, parameters):
    """0.27, 0.46, 0.66 and 0.85 million (their table 6); the projections of option B come on top."""
    found = summary(plain_convnet(depth, 10), (32, 32, 3))
    assert (found.parameters, found.depth) == (parameters, depth)
    found = summary(residual_convnet(depth, 10), (32, 32, 3))
    assert found.parameters == parameters + PROJECTIONS
    assert (found.depth, found.shortest) == (depth, 4), "the first convolution, two projections, the readout"
    assert f"depth {depth} (shortest path 4), width 64" in str(found)


def test_residual_and_plain_convnets_differ_in_their_skips_alone():
    plain, residual = (model(14, 10, channels=4) for model in (plain_convnet, residual_convnet))
    ours = {a.replace("/body/", "/"): (p.shape, p.init) for a, p in flatten(residual.declare((16, 16, 1))).items()}
    theirs = {a: (p.shape, p.init) for a, p in flatten(plain.declare((16, 16, 1))).items()}
    assert theirs.items() <= ours.items()
    assert {a for a in ours.keys() - theirs.keys() if "/skip/" not in a} == set()
    assert {init for a, (shape, init) in ours.items() if len(shape) == 4} == {HeNormal()}


def test_blocks_whose_bodies_say_nothing_add_nothing_to_depth(rng):
    """With the last g and b of every body 0, 14 layers compute what 8 do: ReLU(x + 0) = x behind a ReLU."""
    x, outputs = jnp.array(rng.normal(size=(2, 8, 8, 1)), jnp.float32), []
    deep, shallow = (residual_convnet(depth, 3, channels=2) for depth in (14, 8))
    place = {"0": "0", "1": "1", "3": "3", "7": "5", "11": "7", "16": "10"}
    declared = flatten(deep.declare((8, 8, 1)))
    params = nest({a: jnp.array(0.5 * rng.normal(size=p.shape), jnp.float32) for a, p in declared.items()})
    state = deep.state((8, 8, 1))
    for block in (p for p in params.values() if "body" in p):
        block["body"]["4"] = jax.tree.map(jnp.zeros_like, block["body"]["4"])
    outputs.append(jax.jit(lambda *values: apply(deep, *values)[0])(params, x, state))
    params, state = ({place[k]: v for k, v in values.items() if k in place} for values in (params, state))
    outputs.append(jax.jit(lambda *values: apply(shallow, *values)[0])(params, x, state))
    np.testing.assert_allclose(*outputs, rtol=1e-5, atol=1e-6)
    assert np.abs(outputs[0]).max() > 0


def test_a_convnet_has_the_normalization_asked_for_or_biases():
    grouped = [node for _, node in walk(plain_convnet(8, 10, normalization=GroupNorm(4)))]
    convolutions = [node for node in grouped if isinstance(node, Conv)]
    assert sum(isinstance(node, GroupNorm) for node in grouped) == len(convolutions) == 7
    assert not any(conv.bias for conv in convolutions)
    bare = residual_convnet(8, 10, normalization=None)
    assert all(node.bias for _, node in walk(bare) if isinstance(node, Conv))
    assert bare.shape((28, 28, 1)) == (10,)


@pytest.mark.parametrize(("depth", "advice"), [(21, "20 or 26"), (2, "8 or 14"), (-5, "8 or 14"), (55, "50 or 56")])
@pytest.mark.parametrize("model", [plain_convnet, residual_convnet])
def test_a_depth_that_stages_cannot_share_is_refused(model, depth, advice):
    with pytest.raises(HeadwayError, match=rf"^depth: must be 6 n \+ 2: .*; got {depth}\. Write {advice}\.$"):
        model(depth, 10)
