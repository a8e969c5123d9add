"""Alignment against all permutations tried one by one, against known ones undone, and against what networks compute."""

import itertools

import jax
import numpy as np
import pytest

from headway.learning.landscape.alignment import align
from headway.models.convnet import plain_convnet, residual_convnet
from headway.models.mlp import mlp
from headway.models.transformer import encoder_decoder, language_model, sequence_classifier, tied_language_model
from headway.network.activations import Tanh
from headway.network.branch import Branch, Concatenation, Product
from headway.network.compose import Repeat, Sequential
from headway.network.convolution import Conv, Flatten
from headway.network.dense import Dense
from headway.network.feedforward import SwiGLU
from headway.network.layer import apply, initialize
from headway.network.normalization import BatchNorm, GroupNorm, RMSNorm
from headway.network.recurrent import GRU, Last
from headway.network.residual import Residual
from headway.network.values import flatten
from headway.spec.error import HeadwayError


def drawn(network, shape, seed):
    """Values of a network as after some training: none of them 0 or 1, variances above 0."""
    params, state = initialize(network, shape, jax.random.key(seed))
    draws = np.random.default_rng(seed)
    params = jax.tree.map(lambda p: p + draws.normal(0, 0.3, p.shape).astype(p.dtype), params)
    return {"params": params, "network": jax.tree.map(lambda s: s + draws.uniform(0.1, 1, s.shape).astype("f"), state)}


def closeness(one, other):
    one, other = (flatten(values["params"]) for values in (one, other))
    return sum(float(np.vdot(one[a], other[a])) for a in one)


def test_with_one_hidden_layer_no_other_order_of_its_units_is_closer():
    network = mlp((5,), 2)
    ours, theirs = (drawn(network, (3,), seed) for seed in (0, 1))
    (w1, b1), (w2, b2) = ((p["w"], p["b"]) for p in ours["params"].values())
    first, last = ours["params"]
    best = max(
        closeness({"params": {first: {"w": w1[:, order], "b": b1[order]}, last: {"w": w2[order], "b": b2}}}, theirs)
        for order in map(np.array, itertools.permutations(range(5)))
    )
    assert closeness(align(network, (3,), ours, theirs), theirs) == pytest.approx(best, rel=1e-6)


def test_units_that_were_put_in_another_order_are_put_back():
    network = Sequential((Conv(4, kernel=2), BatchNorm(), Tanh(), Flatten(), Dense(6), Tanh(), Dense(3)))
    start = drawn(network, (5, 2), 0)
    conv, dense = np.array([2, 0, 3, 1]), np.array([4, 1, 0, 5, 3, 2])
    p, s = start["params"], start["network"]["1"]
    behind = p["4"]["w"].reshape(5, 4, 6)[:, conv][:, :, dense].reshape(20, 6)
    moved = {
        "params": {
            "0": {"w": p["0"]["w"][..., conv], "b": p["0"]["b"][conv]},
            "1": {"g": p["1"]["g"][conv], "b": p["1"]["b"][conv]},
            "4": {"w": behind, "b": p["4"]["b"][dense]},
            "6": {"w": p["6"]["w"][dense], "b": p["6"]["b"]},
        },
        "network": {"1": s | {"mean": s["mean"][conv], "variance": s["variance"][conv]}},
    }
    jax.tree.map(np.testing.assert_array_equal, align(network, (5, 2), moved, start), start)


IMAGE, ROW, TOKENS = (8, 8, 1), (4,), (6,)
NETWORKS = {
    "mlp": (mlp((7, 5), 3), ROW),
    "plain": (plain_convnet(8, 3, channels=2), IMAGE),
    "residual": (residual_convnet(8, 3, channels=2), IMAGE),
    "classifier": (sequence_classifier(7, 3, width=8, heads=2, blocks=2), TOKENS),
    "tied": (tied_language_model(7, width=8, heads=2, blocks=2), TOKENS),
    "language model": (language_model(7, width=8, heads=2, blocks=2), TOKENS),
    "sequence to sequence": (encoder_decoder(7, source=3, width=8, heads=2, blocks=1), TOKENS),
    "gates": (
        Sequential((Dense(6), SwiGLU(5), RMSNorm(), Branch((Dense(4), Dense(4)), join=Product()), Dense(2))),
        ROW,
    ),
    "side by side": (Sequential((Dense(6), Branch((Dense(4), Dense(3)), join=Concatenation()), Dense(2))), ROW),
    "groups": (Sequential((Conv(4), GroupNorm(2), Conv(4, groups=2), Flatten(), Dense(2))), (5, 2)),
    "flat skip": (
        Sequential((Conv(2), Flatten(), Residual(Sequential((Dense(5), Tanh(), Dense(10)))), Dense(2))),
        (5, 2),
    ),
    "copies": (
        Sequential((Dense(5), Repeat(Residual(Sequential((Dense(4), Tanh(), Dense(5)))), times=3), Dense(2))),
        ROW,
    ),
    "recurrence": (Sequential((Dense(5), GRU(4), Last(), Dense(2))), (5, 3)),
}

KEPT = ("side by side", "groups", "recurrence")
"""Where every hidden unit goes into a layer that knows them by their order, or comes out of one."""


@pytest.mark.parametrize("name", NETWORKS)
def test_the_network_computes_what_it_did_and_its_weights_are_closer(name):
    network, shape = NETWORKS[name]
    ours, theirs = (drawn(network, shape, seed) for seed in (0, 1))
    found = align(network, shape, ours, theirs)
    draws = np.random.default_rng(2)
    x = draws.integers(0, 7, (4, *shape)) if shape is TOKENS else draws.normal(size=(4, *shape))
    before, after = (apply(network, v["params"], x, v["network"])[0] for v in (ours, found))
    np.testing.assert_allclose(after, before, rtol=2e-4, atol=2e-5)
    if name in KEPT:
        jax.tree.map(np.testing.assert_array_equal, found, ours)
    else:
        assert closeness(found, theirs) > closeness(ours, theirs)
    assert jax.tree.structure(found) == jax.tree.structure(ours)


def test_runs_of_different_networks_are_refused():
    ours, theirs = drawn(mlp((4,), 2), (3,), 0), drawn(mlp((5,), 2), (3,), 0)
    with pytest.raises(HeadwayError, match=r"^to: must have the names and shapes of the values"):
        align(mlp((4,), 2), (3,), ours, theirs)
