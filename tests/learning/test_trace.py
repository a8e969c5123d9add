"""A trace against NumPy written out and jax.grad; the paths of a weight against all of them, enumerated."""

import functools
import itertools
from types import SimpleNamespace

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import headway.learning.backpropagation.trace as traces
from headway.learning.backpropagation.trace import chain, trace
from headway.learning.losses import CrossEntropy, MeanSquaredError
from headway.network.activations import ReLU, Sigmoid, Softmax, Tanh
from headway.network.compose import Repeat, Sequential
from headway.network.convolution import Conv, Flatten
from headway.network.dense import Dense
from headway.network.layer import initialize
from headway.network.normalization import LayerNorm
from headway.network.residual import Residual
from headway.spec.error import HeadwayError
from headway.training.step import Batch

MLP = Sequential((Dense(3), Tanh(), Dense(4, name="middle"), ReLU(), Dense(2)))
NETWORKS = {
    "mlp": MLP,
    "residual": Sequential((Dense(3), Residual(Sequential((LayerNorm(), Dense(3), Tanh())), scale=0.5), Dense(2))),
    "repeat": Sequential((Dense(3), Repeat(Sequential((Dense(3), Sigmoid())), times=3), LayerNorm(), Dense(2))),
    "softmax": Sequential((Sequential((Dense(3), Softmax()), name="stem"), Flatten(), Dense(2))),
    "single": Dense(2),
}


@functools.cache
def traced(network, inputs=(5,), seed=0):
    """A trace in float64 of weights none of which is 0 or 1."""
    with jax.enable_x64(True):
        params, state = initialize(network, inputs, jax.random.key(seed), jnp.float64)
        rng = np.random.default_rng(seed)
        params = jax.tree.map(lambda p: p + 0.3 * rng.normal(size=p.shape), params)
        batch = Batch(jnp.asarray(rng.normal(size=(1, *inputs))), jnp.array([1]))
        return trace(network, CrossEntropy(), params, batch, state)


def test_every_number_of_both_passes_is_that_of_the_equations_written_out():
    found = traced(MLP)
    w = found.params
    x = found.stages[0].x
    z1 = x @ w["0/w"] + w["0/b"]
    a1 = np.tanh(z1)
    z2 = a1 @ w["middle/w"] + w["middle/b"]
    a2 = np.maximum(z2, 0)
    z3 = a2 @ w["4/w"] + w["4/b"]
    p = np.exp(z3) / np.exp(z3).sum()
    dz3 = p - [0, 1]
    da2 = w["4/w"] @ dz3
    dz2 = (z2 > 0) * da2
    da1 = w["middle/w"] @ dz2
    dz1 = (1 - a1**2) * da1
    assert found.loss == pytest.approx(-np.log(p[1]), rel=1e-12)
    by_hand = zip((z1, a1, z2, a2, z3), (dz1, da1, dz2, da2, dz3), (w["0/w"] @ dz1, dz1, da1, dz2, da2), strict=True)
    for stage, (h, dh, dx) in zip(found.stages, by_hand, strict=True):
        np.testing.assert_allclose(stage.h, h, rtol=1e-12)
        np.testing.assert_allclose(stage.dh, dh, rtol=1e-10)
        np.testing.assert_allclose(stage.dx, dx, rtol=1e-10)
    np.testing.assert_allclose(found.gradients["middle/w"], np.outer(a1, dz2), rtol=1e-10)
    np.testing.assert_array_equal(found.stages[2].J, w["middle/w"].T)
    np.testing.assert_allclose(found.stages[1].J, np.diag(1 - a1**2), rtol=1e-12)


@pytest.mark.parametrize("name", NETWORKS)
def test_gradients_are_those_of_jax_and_each_derivative_leads_from_dh_to_dx(name):
    found = traced(NETWORKS[name])
    assert found.gradients.keys() == found.by_jax.keys() == found.params.keys()
    assert found.largest_difference < 1e-12
    for stage in found.stages:
        np.testing.assert_allclose(stage.J.T @ stage.dh.ravel(), stage.dx.ravel(), rtol=1e-10, atol=1e-14)


@pytest.mark.parametrize("name", NETWORKS)
def test_the_paths_of_a_weight_add_up_to_its_gradient(name):
    found = traced(NETWORKS[name])
    for stage in found.stages:
        if isinstance(stage.layer, Dense):
            address = f"{stage.address}/w".strip("/")
            for i, j in itertools.product(range(stage.x.size), range(stage.h.size)):
                one = chain(found, f"{address}[{i}, {j}]")
                assert one.total == pytest.approx(found.by_jax[address][i, j], rel=1e-9, abs=1e-15)
                assert (one.by_jax, one.value) == (found.by_jax[address][i, j], found.params[address][i, j])


def test_the_paths_shown_are_the_largest_of_all():
    found = traced(MLP)
    x, w = found.stages[0].x, found.params
    slopes = [np.diag(found.stages[n].J) for n in (1, 3)]
    products = [
        x[2] * slopes[0][1] * w["middle/w"][1, b] * slopes[1][b] * w["4/w"][b, c] * found.stages[-1].dh[c]
        for b, c in itertools.product(range(4), range(2))
    ]
    alive = sorted((p for p in products if p), key=abs, reverse=True)
    one = chain(found, "0/w[2,1]", most=5)
    assert one.count == len(alive)
    np.testing.assert_allclose([np.prod([f.value for f in path]) for path in one.paths], alive[:5], rtol=1e-12)
    assert sum(products) == pytest.approx(one.total, rel=1e-12)
    names = [factor.what for factor in one.paths[0]]
    assert names[:2] == ["x[2]", "Tanh'(x[1])"]
    assert names[2].startswith("middle/w[1, ")
    assert names[-1].startswith("dL/dz[")


def test_without_a_name_it_is_the_weight_of_the_first_dense_layer_with_the_largest_gradient():
    found = traced(MLP)
    i, j = np.unravel_index(np.abs(found.gradients["0/w"]).argmax(), (5, 3))
    assert chain(found).weight == f"0/w[{i}, {j}]"


def test_one_path_is_one_product():
    with jax.enable_x64(True):
        network = Sequential((Dense(1), Tanh(), Dense(1)))
        params, _ = initialize(network, (1,), jax.random.key(0), jnp.float64)
        found = trace(network, MeanSquaredError(), params, Batch(jnp.array([[0.7]]), jnp.array([[2.0]])))
    one = chain(found)
    assert one.count == 1
    assert np.prod([factor.value for factor in one.paths[0]]) == pytest.approx(one.by_jax, rel=1e-12)


def test_a_unit_through_which_nothing_comes_back_has_no_path():
    network = Sequential((Dense(2), ReLU(), Dense(2)))
    params = {"0": {"w": -jnp.ones((3, 2)), "b": jnp.zeros(2)}, "2": {"w": jnp.ones((2, 2)), "b": jnp.zeros(2)}}
    found = trace(network, CrossEntropy(), params, Batch(jnp.ones((1, 3)), jnp.array([0])))
    one = chain(found, "0/w[0, 0]")
    assert (one.paths, one.count, one.total, one.by_jax) == ((), 0, 0, 0)


WRONG = {
    "weight: must be that of a Dense layer in the row.*; got 0/b": lambda: chain(traced(MLP), "0/b"),
    "weight: .*; got 1/w\\[0, 0\\]": lambda: chain(traced(MLP), "1/w[0, 0]"),
    "weight: must lie in 5 × 3; got 0/w\\[5, 0\\]": lambda: chain(traced(MLP), "0/w[5, 0]"),
    "network: a chain needs a Dense layer": lambda: chain(traced(Sequential((Conv(2), Flatten())), (4, 4, 1))),
    "batch: must be one example; got 2 examples": lambda: trace(
        MLP, CrossEntropy(), {}, SimpleNamespace(x=np.ones((2, 5)), y=np.zeros(2))),
}  # fmt: skip


@pytest.mark.parametrize("message", WRONG)
def test_a_wrong_request_is_refused(message):
    with pytest.raises(HeadwayError, match=message):
        WRONG[message]()


def test_a_derivative_too_large_to_write_out_ends_the_chain_before_it(monkeypatch):
    monkeypatch.setattr(traces, "LARGEST", 8)
    found = traced.__wrapped__(NETWORKS["repeat"])
    assert [stage.address for stage in found.stages if stage.J is None] == [
        stage.address for stage in found.stages if not isinstance(stage.layer, Dense)
    ]
    with pytest.raises(HeadwayError, match=r"1/0/1: a chain needs the derivative .* 3 × 3 numbers"):
        chain(found, "1/0/0/w[0, 0]")
    assert chain(found, "3/w[0, 0]").total == pytest.approx(found.by_jax["3/w"][0, 0], rel=1e-5)
