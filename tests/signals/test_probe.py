"""Probes against the gradient of the network cut open at each layer by hand."""

import functools
from dataclasses import replace

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from headway.learning.losses import CrossEntropy
from headway.learning.optimizers.sgd import SGD
from headway.learning.regularization import Dropout
from headway.network.activations import Identity, ReLU, Tanh
from headway.network.compose import Sequential
from headway.network.convolution import Conv, Flatten
from headway.network.dense import Dense
from headway.network.layer import Context, apply, initialize, salts
from headway.network.normalization import LayerNorm
from headway.network.residual import Residual
from headway.signals.probe import Probes, Watch, before_parameters, empty_slots, observed, watched
from headway.signals.statistics import FORWARD, PROBED, STATISTICS, of_gradient, of_output
from headway.spec.error import HeadwayError
from headway.training.job import Update
from headway.training.step import Batch, initial_state, update_once

BODY = Sequential((Tanh(), Dense(6, name="inner")))
NETWORK = Sequential(
    (Conv(3, kernel=3), ReLU(), Flatten(), Dense(6), Residual(BODY, scale=0.5), Dropout(0.4), Dense(3))
)
WHERE = ("0", "1", "2", "3", "4/body/0", "4/body/inner", "4", "5", "6")
SHAPE = (5, 5, 2)
UPDATE = Update(NETWORK, loss=CrossEntropy(), optimizer=SGD(0.1), clip=None, batch_size=8, seed=0)


@pytest.fixture(scope="module")
def batch():
    rng = np.random.default_rng(3)
    x = jnp.asarray(rng.normal(size=(8, *SHAPE)), jnp.float32)
    return Batch(x, jnp.arange(8) % 3, jax.random.split(jax.random.key(5), 8))


@pytest.fixture(scope="module")
def measured(batch):
    """Address → statistic → value, from one update with probes."""
    state = initial_state(UPDATE, SHAPE)
    once = jax.jit(functools.partial(update_once, UPDATE))
    signals = once(state, batch, empty_slots(len(WHERE)))[1]["signals"]
    return {a: dict(zip(STATISTICS, map(float, row), strict=True)) for a, row in zip(WHERE, signals, strict=True)}


def stages(params, batch):
    """The network as functions (h, what the skip carries) → the same, one for each place where it can be cut."""
    masks = Context("train", batch.keys, address="5", salts=salts(NETWORK))

    def skip(h, _):
        return jnp.tanh(h), h

    def inner(h, x):
        w = params["4"]["body"]["inner"]
        return h @ w["w"] + w["b"], x

    return [
        lambda h, x: (NETWORK.layers[0].apply(params["0"], h, Context()), x),
        lambda h, x: (jnp.maximum(h, 0), x),
        lambda h, x: (h.reshape(8, -1), x),
        lambda h, x: (h @ params["3"]["w"] + params["3"]["b"], x),
        skip,
        inner,
        lambda h, x: (x + 0.5 * h, x),
        lambda h, x: (NETWORK.layers[5].apply({}, h, masks), x),
        lambda h, x: (h @ params["6"]["w"] + params["6"]["b"], x),
    ]


@pytest.mark.parametrize("place", range(len(WHERE)), ids=WHERE)
def test_what_a_probe_measures_is_the_gradient_of_the_network_cut_there(place, batch, measured):
    parts = stages(initial_state(UPDATE, SHAPE)["params"], batch)
    h, x = batch.x, None
    for part in parts[: place + 1]:
        h, x = part(h, x)

    def rest(h):
        carried = x
        for part in parts[place + 1 :]:
            h, carried = part(h, carried)
        return -jnp.mean(jax.nn.log_softmax(h)[jnp.arange(8), batch.y])

    here = measured[WHERE[place]]
    g = np.asarray(jax.grad(rest)(h), np.float64)
    assert here["gradient"] == pytest.approx(np.sqrt((g**2).sum()), rel=2e-5)
    np.testing.assert_allclose(
        [here[name] for name in FORWARD],
        of_output(h, (-1, 1) if WHERE[place] == "4/body/0" else None),
        rtol=1e-5,
        atol=1e-6,
    )


def test_all_layers_are_watched_in_the_order_of_computation_each_once():
    assert watched(NETWORK, SHAPE) == WHERE


@pytest.mark.parametrize(
    ("network", "addresses"),
    [
        (Dense(3), ("",)),
        (Sequential((Dense(3),)), ("0",)),
        (Sequential((Sequential((Dense(3), Tanh(name="t")), name="stem"), Dense(2))), ("stem/0", "stem/t", "1")),
        (Sequential((Dense(4), Residual(Dense(4)), LayerNorm())), ("0", "1/body", "1", "2")),
        (Sequential((Dense(4), Identity(), ReLU(), Identity())), ("0", "2")),
        (Sequential((Sequential((Sequential((Dense(4),)),)), Residual(Identity()))), ("0/0/0", "1")),
    ],
    ids=repr,
)
def test_a_value_handed_on_unchanged_is_measured_once_at_the_innermost_address(network, addresses, key):
    assert watched(network, (5,)) == addresses
    probes = Probes(empty_slots(len(addresses)))
    params, state = initialize(network, (5,), key)
    x = jnp.ones((2, 5))
    y, _ = apply(network, params, x, state, Context("train", jax.random.split(key, 2), probes))
    assert tuple(probes.addresses) == addresses
    np.testing.assert_array_equal(y, apply(network, params, x, state)[0])


def test_a_probe_is_the_identity_forward_and_backward(rng):
    h, slot = jnp.asarray(rng.normal(size=(4, 3)), jnp.bfloat16), jnp.ones(len(PROBED))
    y, back = jax.vjp(observed, h, slot)
    g = jnp.asarray(rng.normal(size=(4, 3)), jnp.bfloat16)
    dh, statistics = back(g)
    np.testing.assert_array_equal(y, h)
    np.testing.assert_array_equal(dh, g)
    assert (y.dtype, dh.dtype, statistics.dtype) == (jnp.bfloat16, jnp.bfloat16, jnp.float32)
    np.testing.assert_array_equal(statistics, jnp.concatenate([of_output(h), of_gradient(g)]))


def test_inside_a_scan_every_turn_is_measured_by_itself(rng):
    w = jnp.asarray(rng.normal(size=(3, 3)) / 2, jnp.float32)
    x = jnp.asarray(rng.normal(size=(4, 3)), jnp.float32)

    def loss(slots):
        return jnp.sum(jax.lax.scan(lambda h, slot: (observed(jnp.tanh(h @ w), slot), None), x, slots)[0] ** 2)

    scanned = jax.grad(loss)(jnp.zeros((5, len(PROBED))))
    h, unrolled = x, []
    for _ in range(5):
        h = jnp.tanh(h @ w)
        unrolled.append(h)
    for turn, h in enumerate(unrolled):

        def rest(h, turn=turn):
            for _ in range(4 - turn):
                h = jnp.tanh(h @ w)
            return jnp.sum(h**2)

        row = jnp.concatenate([of_output(h), of_gradient(jax.grad(rest)(h))])
        np.testing.assert_allclose(scanned[turn], row, rtol=1e-5, atol=1e-6)


def test_a_slot_for_every_layer_and_none_for_no_signals(batch):
    state = initial_state(UPDATE, SHAPE)
    assert "signals" not in update_once(UPDATE, state, batch)[1]
    plain = replace(UPDATE, network=Sequential((Flatten(), Dense(3))))
    signals = update_once(plain, initial_state(plain, SHAPE), batch, empty_slots(2))[1]["signals"]
    assert signals.shape == (2, len(STATISTICS))


def test_the_interval_is_at_least_one():
    with pytest.raises(HeadwayError, match=r"Watch.every: must be greater than or equal to 1; got 0"):
        Watch(0)


@pytest.mark.parametrize(
    ("network", "addresses"),
    [
        (Sequential((Flatten(), Dense(3))), ["0"]),
        (Sequential((Sequential((Flatten(), Identity())), Dropout(0.1), Dense(3), Tanh())), ["0/0", "0/1", "1"]),
        (Sequential((Residual(Dense(3)), Tanh())), []),
        (Sequential((Residual(Tanh()), Dense(3))), ["0/body"]),
        (Dense(3), []),
    ],
    ids=repr,
)
def test_what_comes_before_the_first_parameters_is_data(network, addresses):
    assert sorted(before_parameters(network)) == addresses


def test_in_front_of_the_first_parameters_no_gradient_is_computed():
    """It would cost as many operations as the first layer itself: 2 · batch · inputs · units."""
    update = replace(UPDATE, network=Sequential((Flatten(), Dense(64), ReLU(), Dense(3))))
    rng = np.random.default_rng(3)
    batch = Batch(jnp.asarray(rng.normal(size=(8, 100)), jnp.float32), jnp.arange(8) % 3, None)
    state = initial_state(update, (100,))
    plain, seen = (jax.jit(functools.partial(update_once, update, slots=empty_slots(count))) for count in (0, 4))
    (after, _), (same, measures) = plain(state, batch), seen(state, batch)
    jax.tree.map(np.testing.assert_array_equal, after["params"], same["params"])
    back = np.asarray(measures["signals"])[:, STATISTICS.index("gradient")]
    assert np.isnan(back).tolist() == [True, False, False, False]
    assert np.isfinite(np.asarray(measures["signals"])[:, : len(FORWARD)]).all()
    flops = [one.lower(state, batch).compile().cost_analysis()["flops"] for one in (plain, seen)]
    assert flops[1] - flops[0] < 2 * 8 * 100 * 64
