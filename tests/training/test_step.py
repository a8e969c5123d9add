"""One update by hand, and the batch as a function of seed and place."""

from dataclasses import replace

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from headway.data.batches import Place
from headway.data.dataset import Arrays
from headway.learning.clipping import ClipByNorm
from headway.learning.losses import CrossEntropy
from headway.learning.optimizers.adaptive import AdamW
from headway.learning.optimizers.sgd import SGD
from headway.learning.regularization import Dropout
from headway.network.activations import Tanh
from headway.network.compose import Sequential
from headway.network.dense import Dense
from headway.signals.probe import empty_slots
from headway.signals.statistics import STATISTICS
from headway.training.job import Update
from headway.training.step import Batch, draw_batch, initial_state, step, update_once

NETWORK = Sequential((Dense(6), Tanh(), Dense(3)))
UPDATE = Update(NETWORK, loss=CrossEntropy(), optimizer=SGD(0.5), clip=None, batch_size=4, seed=0)
X = np.random.default_rng(0).normal(size=(8, 5)).astype(np.float32)
Y = np.arange(8) % 3


def loss_by_hand(params, x, y):
    z = jnp.tanh(x @ params["0"]["w"] + params["0"]["b"]) @ params["2"]["w"] + params["2"]["b"]
    return optax.softmax_cross_entropy_with_integer_labels(z, y).mean()


@pytest.mark.parametrize("limit", [None, 0.1, 100.0])
def test_an_update_is_gradient_clip_and_rule_in_this_order(limit):
    update = replace(UPDATE, clip=None if limit is None else ClipByNorm(limit))
    state = initial_state(update, (5,))
    after, measures = step(update, state, Batch(jnp.asarray(X), jnp.asarray(Y)))
    loss, gradient = jax.value_and_grad(loss_by_hand)(state["params"], X, Y)
    norm = np.sqrt(sum(float((g**2).sum()) for g in jax.tree.leaves(gradient)))
    scale = 1.0 if limit is None else min(1.0, limit / norm)
    expected = jax.tree.map(lambda p, g: p - 0.5 * scale * g, state["params"], gradient)
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-6), after["params"], expected)
    assert measures["loss"] == pytest.approx(float(loss), rel=1e-6)
    assert measures["gradient_norm"] == pytest.approx(norm, rel=1e-5)
    assert measures["clipped_norm"] == pytest.approx(scale * norm, rel=1e-5)


def test_weight_decay_touches_weights_and_spares_biases():
    update = replace(UPDATE, optimizer=AdamW(0.1, weight_decay=0.5))
    state = initial_state(update, (5,))
    without, _ = step(
        replace(update, optimizer=AdamW(0.1, weight_decay=0.0)), state, Batch(jnp.asarray(X), jnp.asarray(Y))
    )
    with_decay, _ = step(update, state, Batch(jnp.asarray(X), jnp.asarray(Y)))
    for layer in ("0", "2"):
        np.testing.assert_array_equal(with_decay["params"][layer]["b"], without["params"][layer]["b"])
        shrunk = without["params"][layer]["w"] - 0.1 * 0.5 * state["params"][layer]["w"]
        np.testing.assert_allclose(with_decay["params"][layer]["w"], shrunk, rtol=1e-5, atol=1e-7)


def test_a_weight_of_zero_takes_an_example_out():
    state = initial_state(UPDATE, (5,))
    weighted, _ = step(UPDATE, state, Batch(jnp.asarray(X), jnp.asarray(Y), weights=jnp.array([1.0] * 4 + [0.0] * 4)))
    alone, _ = step(UPDATE, state, Batch(jnp.asarray(X[:4]), jnp.asarray(Y[:4])))
    jax.tree.map(
        lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-7), weighted["params"], alone["params"]
    )


def test_a_batch_is_a_function_of_seed_and_place_and_an_epoch_sees_all():
    x, y = jnp.asarray(X), jnp.asarray(Y)
    first, again = draw_batch(UPDATE, Arrays(x, y), Place(0, 0)), draw_batch(UPDATE, Arrays(x, y), Place(0, 0))
    np.testing.assert_array_equal(first.x, again.x)
    np.testing.assert_array_equal(jax.random.key_data(first.keys), jax.random.key_data(again.keys))
    rest = draw_batch(UPDATE, Arrays(x, y), Place(0, 4))
    seen = np.concatenate([first.x, rest.x])
    np.testing.assert_array_equal(np.sort(seen, axis=0), np.sort(X, axis=0))
    assert not np.array_equal(draw_batch(replace(UPDATE, seed=1), Arrays(x, y), Place(0, 0)).x, first.x)


def test_dropout_of_an_example_does_not_depend_on_the_batch_it_is_in():
    network = Sequential((Dropout(0.5), Dense(3)))
    update = replace(UPDATE, network=network, optimizer=SGD(0.0))
    state = initial_state(update, (5,))
    batch = draw_batch(update, Arrays(jnp.asarray(X), jnp.asarray(Y)), Place(0, 0))
    losses = [
        float(step(update, state, Batch(batch.x[i : i + 1], batch.y[i : i + 1], batch.keys[i : i + 1]))[1]["loss"])
        for i in range(4)
    ]
    assert float(step(update, state, batch)[1]["loss"]) == pytest.approx(np.mean(losses), rel=1e-5)


def test_inserting_a_layer_without_parameters_leaves_the_initial_weights_alone():
    wider = replace(UPDATE, network=Sequential((Dense(6), Tanh(), Dropout(0.1), Dense(3))))
    a, b = initial_state(UPDATE, (5,))["params"], initial_state(wider, (5,))["params"]
    np.testing.assert_array_equal(a["0"]["w"], b["0"]["w"])
    np.testing.assert_array_equal(a["2"]["w"], b["3"]["w"])


def test_signals_of_an_update_are_the_book_s_equations_of_backpropagation():
    state = initial_state(UPDATE, (5,))
    once = jax.jit(lambda state, slots: update_once(UPDATE, state, Batch(jnp.asarray(X), jnp.asarray(Y)), slots))
    after, measures = once(state, empty_slots(3))
    w, h = state["params"]["2"]["w"], np.tanh(X @ state["params"]["0"]["w"] + state["params"]["0"]["b"])
    dz = (np.asarray(jax.nn.softmax(h @ w + state["params"]["2"]["b"])) - np.eye(3)[Y]) / len(Y)  # (p − q) / batch
    dh = dz @ w.T
    gradients = [np.linalg.norm(d) for d in (dh * (1 - h**2), dh, dz)]
    found = dict(zip(STATISTICS, np.asarray(measures["signals"]).T, strict=True))
    np.testing.assert_allclose(found["gradient"], gradients, rtol=1e-5)
    np.testing.assert_allclose(found["largest"][1], np.abs(h).max(), rtol=1e-5)
    sizes = {
        address: np.linalg.norm([*map(np.linalg.norm, part.values())]) for address, part in state["params"].items()
    }
    np.testing.assert_allclose(found["weight"], [sizes["0"], 0, sizes["2"]], rtol=1e-5)
    dw, db = h.T @ dz, dz.sum(axis=0)
    assert found["weight_gradient"][2] == pytest.approx(np.sqrt((dw**2).sum() + (db**2).sum()), rel=1e-5)
    moved = jax.tree.map(lambda a, b: np.linalg.norm(a - b), after["params"]["2"], state["params"]["2"])
    assert found["update"][2] == pytest.approx(np.hypot(*moved.values()), rel=1e-3)
    plain, _ = once(state, ())
    jax.tree.map(np.testing.assert_array_equal, plain, after)
