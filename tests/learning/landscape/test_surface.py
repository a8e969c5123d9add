"""L(θ) on whole data sets: what the loss itself gives, in batches of any size."""

from types import SimpleNamespace

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from headway.learning.landscape.hessian import hessian_vector_product
from headway.learning.landscape.slices import slice_line
from headway.learning.landscape.surface import Landscape, as_argument, landscape
from headway.learning.losses import CrossEntropy
from headway.learning.regularization import Dropout
from headway.network.activations import ReLU, Tanh
from headway.network.compose import Sequential
from headway.network.dense import Dense
from headway.network.layer import apply, initialize
from headway.network.normalization import BatchNorm
from headway.spec.error import HeadwayError
from headway.training.step import Batch

NETWORK = Sequential((Dense(6), Tanh(), Dense(3)))


def examples(n=7, features=4, seed=0):
    rng = np.random.default_rng(seed)
    return Batch(jnp.asarray(rng.normal(size=(n, features)), jnp.float32), jnp.asarray(rng.integers(0, 3, n)))


def start(network=NETWORK, features=4, seed=0):
    return initialize(network, (features,), jax.random.key(seed))


@pytest.mark.parametrize("reduction", ["mean", "sum"])
@pytest.mark.parametrize("size", [1, 3, 1000])
def test_the_loss_and_its_gradient_are_those_of_all_examples_at_once_whatever_the_batch_size(size, reduction):
    loss, batch, (params, _) = CrossEntropy(smoothing=0.1, reduction=reduction), examples(), start()
    weights = jnp.asarray([1, 0, 2, 0.5, 1, 1, 3])
    for w in (None, weights) if size == 3 else (weights,):
        whole = jax.value_and_grad(lambda p, w=w: loss(apply(NETWORK, p, batch.x)[0], batch.y, w))(params)
        f = landscape(NETWORK, loss, batch._replace(weights=w), batch_size=size)
        jax.tree.map(
            lambda a, b: np.testing.assert_allclose(a, b, rtol=2e-5, atol=1e-6), jax.value_and_grad(f)(params), whole
        )


def test_places_of_a_sequence_count_by_their_own_weights():
    rng = np.random.default_rng(1)
    x, y = jnp.asarray(rng.normal(size=(5, 2, 4)), jnp.float32), jnp.asarray(rng.integers(0, 3, (5, 2)))
    weights, (params, _) = jnp.asarray(rng.integers(0, 3, (5, 2)), jnp.float32), start()
    f = landscape(NETWORK, CrossEntropy(), Batch(x, y, weights=weights), batch_size=2)
    losses = -jnp.take_along_axis(jax.nn.log_softmax(apply(NETWORK, params, x)[0]), y[..., None], -1)[..., 0]
    np.testing.assert_allclose(f(params), jnp.sum(weights * losses) / jnp.sum(weights), rtol=1e-5)


def test_it_is_the_loss_of_evaluation_without_dropout_and_with_running_statistics():
    network = Sequential((Dense(6), BatchNorm(), ReLU(), Dropout(0.9), Dense(3)))
    params, _ = start(network)
    state = {"1": {"mean": jnp.arange(6.0), "variance": jnp.full(6, 4.0), "weight": jnp.ones(())}}
    batch = examples()
    h = (batch.x @ params["0"]["w"] + params["0"]["b"] - jnp.arange(6.0)) / jnp.sqrt(4 + network.layers[1].epsilon)
    z = jnp.maximum(h, 0) @ params["4"]["w"] + params["4"]["b"]
    expected = -jax.nn.log_softmax(z)[jnp.arange(7), batch.y].mean()
    found = landscape(network, CrossEntropy(), batch, state)
    np.testing.assert_allclose(found(params), expected, rtol=1e-5)
    other = {"1": state["1"] | {"mean": jnp.zeros(6)}}
    np.testing.assert_allclose(found(params, other), landscape(network, CrossEntropy(), batch, other)(params))


def test_what_is_compiled_for_one_landscape_serves_others_of_the_same_structure():
    traces = []

    @jax.jit
    def program(f, params):
        traces.append(f)
        return f(params)

    for seed, smoothing in ((0, 0.1), (1, 0.3)):
        f = landscape(NETWORK, CrossEntropy(smoothing=smoothing), examples(seed=seed))
        program(as_argument(f), start()[0])
    assert len(traces) == 1


def test_examples_of_a_data_set_will_do():
    batch = examples()
    plain = SimpleNamespace(x=np.asarray(batch.x), y=np.asarray(batch.y), weights=None)
    params = start()[0]
    assert landscape(NETWORK, CrossEntropy(), plain)(params) == landscape(NETWORK, CrossEntropy(), batch)(params)
    assert isinstance(landscape(NETWORK, CrossEntropy(), plain), Landscape)


@pytest.mark.parametrize(
    ("act", "message"),
    [
        (lambda: landscape(NETWORK, CrossEntropy(), examples(0)), "batch: needs examples"),
        (lambda: landscape(NETWORK, CrossEntropy(), Batch(jnp.ones((3, 4)), jnp.zeros(2))), "3 examples, 2 targets"),
        (lambda: landscape(NETWORK, CrossEntropy(), examples(), batch_size=0), "batch_size: must be at least 1"),
        (lambda: slice_line(lambda p: p, jnp.ones(2), jnp.ones(2)), "f: must give one number"),
        (lambda: hessian_vector_product(jnp.sum, jnp.arange(3), jnp.arange(3)), "params: must be arrays of floating"),
    ],
)
def test_what_is_no_landscape_is_refused(act, message):
    with pytest.raises(HeadwayError, match=message):
        act()
