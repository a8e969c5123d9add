"""The watcher against what a loop does, computed again in NumPy, and what it must not do to the loop."""

import json

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

import headway as hw
from headway.doctor.history_file import read_history
from headway.doctor.watcher import case_of, layers
from headway.spec.error import HeadwayError

X = np.random.default_rng(0).normal(size=(32, 6)).astype(np.float32)
Y = (X @ np.arange(6) / 6).astype(np.float32)


def init(dead=0):
    """Two layers of a small network; of the first so many units are off for every input."""
    w = np.random.default_rng(1).normal(size=(6, 8)).astype(np.float32) / 2
    bias = np.where(np.arange(8) < dead, -100.0, 0.0).astype(np.float32)
    return {
        "layer_10": {"w": jnp.ones((8, 1)) / 3, "b": jnp.zeros(1)},
        "layer_9": {"w": jnp.asarray(w), "b": jnp.asarray(bias)},
    }


@jax.jit
@jax.value_and_grad
def loss_fn(params):
    hidden = jax.nn.relu(X @ params["layer_9"]["w"] + params["layer_9"]["b"])
    return jnp.mean(((hidden @ params["layer_10"]["w"] + params["layer_10"]["b"])[:, 0] - Y) ** 2)


def looped(watcher, updates, *, rate=0.05, dead=0, gradients=True):
    """Plain gradient descent, watched; every state it was in."""
    params, states = init(dead), []
    for _ in range(updates):
        loss, g = loss_fn(params)
        watcher(loss, params, g if gradients else None)
        states.append((float(loss), jax.tree.map(np.asarray, params), jax.tree.map(np.asarray, g)))
        params = jax.tree.map(lambda p, g: p - rate * g, params, g)
    return [*states, (None, jax.tree.map(np.asarray, params), None)]


def norm(tree):
    return np.sqrt(sum((leaf.astype(np.float64) ** 2).sum() for leaf in jax.tree.leaves(tree)))


def test_sizes_of_layers_are_those_of_the_loop_in_numpy():
    watcher = hw.watch(every=3)
    states = looped(watcher, 8, dead=2)
    history = watcher.history
    np.testing.assert_allclose(history.columns()["loss"], [loss for loss, *_ in states[:-1]], rtol=1e-6)
    signals = history.signals
    assert (signals.addresses, signals.steps.tolist()) == (("layer_9", "layer_10"), [1, 4, 7])
    for i, step in enumerate((0, 3, 6)):
        _, params, g = states[step]
        for j, name in enumerate(signals.addresses):
            moved = jax.tree.map(np.subtract, states[step + 1][1][name], params[name])
            expected = [norm(params[name]), norm(g[name]), norm(moved)]
            found = [signals[s][i, j] for s in ("weight", "weight_gradient", "update")]
            np.testing.assert_allclose(found, expected, rtol=1e-3)
        np.testing.assert_allclose(signals["silent"][i], [2 / 8, 0])
        assert history.columns()["gradient_norm"][step] == pytest.approx(norm(g), rel=1e-5)
    np.testing.assert_allclose(history.columns()["alignment"][[0, 3, 6]], -1, atol=1e-4)
    assert np.isnan(history.columns()["alignment"][1])
    assert np.isnan(signals["spread"]).all()


def test_without_gradients_what_needs_them_is_not_seen():
    watcher = hw.watch(every=2)
    looped(watcher, 60, gradients=False)
    case = case_of(watcher.history)
    assert (case.measured("update"), case.measured("silent"), case.flow) == (True, False, None)
    assert watcher.diagnosis()["dying-relu"].verdict == "not seen"


def test_a_loop_that_hands_its_buffers_over_is_watched_all_the_same():
    @jax.jit
    def step(params):
        return loss_fn(params)[0], jax.tree.map(lambda p: p * 0.9, params)

    donating, params, watcher = jax.jit(step, donate_argnums=0), init(), hw.watch(every=1)
    for _ in range(4):
        kept = jax.tree.map(jnp.copy, params)
        loss, after = donating(params)
        watcher(loss, kept)
        del kept
        params = after
    signals = watcher.history.signals
    np.testing.assert_allclose(signals["update"] / signals["weight"], 0.1, rtol=1e-4)


def test_the_file_holds_what_was_watched_and_is_read_back(tmp_path):
    watcher = hw.watch(tmp_path / "history.jsonl", every=2)
    looped(watcher, 5)
    watcher.judged("validation", loss=0.5, accuracy=0.9)
    read, kept = read_history(tmp_path / "history.jsonl"), watcher.history
    np.testing.assert_array_equal(read.columns()["loss"], kept.columns()["loss"])
    np.testing.assert_array_equal(read.signals.values, kept.signals.values)
    assert read.evaluations == [{"step": 5, "split": "validation", "loss": 0.5, "accuracy": 0.9}]
    assert [json.loads(line)["step"] for line in (tmp_path / "history.jsonl").read_text().splitlines()] == [
        1,
        2,
        3,
        4,
        5,
        5,
    ]


def test_layers_are_those_with_a_matrix_in_the_order_of_the_numbers_in_their_names():
    tree = {"b10": {"w": jnp.ones((2, 2))}, "b9": {"w": jnp.ones((2, 2)), "b": jnp.ones(2)}, "norm": {"g": jnp.ones(2)}}
    assert list(layers(tree)) == ["b9", "b10"]
    assert list(layers({"a": jnp.ones(3), "step": 3})) == [""]


@pytest.mark.parametrize(
    ("losses", "step", "reason"),
    [
        ([1, 1, 1], 3, ""),
        ([1, 1, np.nan], 2, "non-finite"),
        ([1, np.inf, np.nan], 1, "non-finite"),
        ([1, np.nan, 1], 3, ""),
        ([np.inf], 0, "non-finite"),
    ],
)
def test_a_history_ends_where_no_loss_is_finite_any_more(losses, step, reason):
    watcher = hw.watch()
    for loss in losses:
        watcher(loss)
    standing = case_of(watcher.history).standing
    assert (standing.step, standing.reason) == (step, reason)


def test_a_history_alone_learns_where_its_loss_halves_or_goes_on_falling_and_else_nothing_is_known():
    def learns(losses):
        watcher = hw.watch()
        for loss in losses:
            watcher(loss)
        return case_of(watcher.history).learns

    assert learns(np.linspace(2, 0.5, 100)) is True
    assert learns([2.6] * 3 + [2.3] * 97) is None
    assert learns([2.6] * 3 + [1.2] * 97) is True
    assert case_of(hw.watch().history).learns is None


def test_bad_input_says_what_to_do(tmp_path):
    with pytest.raises(HeadwayError, match=r"every: must be at least 1 update; got 0"):
        hw.watch(every=0)
    (tmp_path / "old.jsonl").write_text("")
    with pytest.raises(HeadwayError, match=r"out: must be a new file"):
        hw.watch(tmp_path / "old.jsonl")
    with pytest.raises(HeadwayError, match=r"watcher: must be called outside jax.jit.*Return the loss"):
        jax.jit(lambda loss: hw.watch()(loss))(1.0)


def test_optax_and_its_state_are_left_alone():
    optimizer, watcher = optax.adam(1e-2), hw.watch(every=1)
    params, plain = init(), init()
    state, other = optimizer.init(params), optimizer.init(plain)
    for _ in range(5):
        loss, g = loss_fn(params)
        watcher(loss, params, g)
        updates, state = optimizer.update(g, state, params)
        params = optax.apply_updates(params, updates)
        updates, other = optimizer.update(loss_fn(plain)[1], other, plain)
        plain = optax.apply_updates(plain, updates)
    jax.tree.map(np.testing.assert_array_equal, params, plain)
