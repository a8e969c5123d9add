"""Training programs of other people's: plain JAX, Flax and Optax loops, each with a fault that can be switched on."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import optax
from flax import nnx
from sklearn.datasets import load_breast_cancer, load_digits

import headway as hw

DIGITS, LABELS = load_digits(return_X_y=True)
DIGITS, LABELS = (DIGITS / 16 - 0.3).astype(np.float32), LABELS.astype(np.int32)
UPDATES = 150


@dataclass
class Looked:
    """What the pre-flight and the watcher name, in this order."""

    check: Any
    watcher: hw.Watcher

    @property
    def named(self) -> list[str]:
        """Names of failed checks and ids of found rules."""
        return [f"check {one.name}" for one in self.check.failed] + [one.id for one in self.watcher.diagnosis().causes]


PROGRAMS: dict[str, tuple[Callable[[bool], Looked], set[str]]] = {}
"""Name → the program, called with whether its fault is switched on, and what names the fault rightly."""


def program(*named: str) -> Callable[[Callable[[bool], Looked]], Callable[[bool], Looked]]:
    """Register a program with what names its fault."""

    def register(run: Callable[[bool], Looked]) -> Callable[[bool], Looked]:
        PROGRAMS[run.__name__] = run, set(named)
        return run

    return register


def dense(sizes, seed=0, scale=2.0):
    """Parameters of a chain of dense layers, as a dict of dicts."""
    keys = jax.random.split(jax.random.key(seed), len(sizes) - 1)
    return {
        f"layer_{i}": {"w": jax.random.normal(k, (a, b)) * np.sqrt(scale / a), "b": jnp.zeros(b)}
        for i, (k, a, b) in enumerate(zip(keys, sizes, sizes[1:], strict=False))
    }


def forward(params, x, act=jax.nn.relu):
    for i in range(len(params)):
        x = x @ params[f"layer_{i}"]["w"] + params[f"layer_{i}"]["b"]
        x = act(x) if i < len(params) - 1 else x
    return x


def cross_entropy(logits, y):
    return optax.softmax_cross_entropy_with_integer_labels(logits, y).mean()


def draws(count, size=64, updates=UPDATES, seed=0):
    """Rows of the batch of each update."""
    rng = np.random.default_rng(seed)
    return [rng.integers(0, count, size) for _ in range(updates)]


def fit(loss_fn, params, optimizer, *, x=DIGITS, y=LABELS, rows=None, sign=1.0):
    """The usual Optax loop, watched in two lines."""
    rows = draws(len(x)) if rows is None else rows
    looked = hw.check(loss_fn, params, (x[rows[0]], y[rows[0]]))
    watcher = hw.watch()
    step = jax.jit(jax.value_and_grad(loss_fn))
    state = optimizer.init(params)
    for batch in rows:
        loss, gradients = step(params, (x[batch], y[batch]))
        watcher(loss, params, gradients)
        updates, state = optimizer.update(gradients, state, params)
        params = jax.tree.map(lambda p, u: p + sign * u, params, updates)
    return Looked(looked, watcher)


@program("check overfit")
def softmax_twice(faulty):
    def loss_fn(params, batch):
        logits = forward(params, batch[0])
        return cross_entropy(jax.nn.softmax(logits) if faulty else logits, batch[1])

    return fit(loss_fn, dense((64, 32, 10)), optax.adam(3e-3))


@program("check gradients")
def first_layer_behind_stop_gradient(faulty):
    def loss_fn(params, batch):
        first = jax.lax.stop_gradient(params["layer_0"]) if faulty else params["layer_0"]
        return cross_entropy(forward(params | {"layer_0": first}, batch[0]), batch[1])

    return fit(loss_fn, dense((64, 32, 10)), optax.adam(3e-3))


@program("check independent")
def inputs_centred_on_their_batch(faulty):
    def loss_fn(params, batch):
        x = batch[0] - (batch[0].mean(axis=0) if faulty else DIGITS.mean(axis=0))
        return cross_entropy(forward(params, x), batch[1])

    return fit(loss_fn, dense((64, 32, 10)), optax.adam(3e-3))


@program("check dead units", "dying-relu")
def biases_far_below_zero(faulty):
    params = dense((64, 32, 32, 10))
    params["layer_1"]["b"] = params["layer_1"]["b"] - (20.0 if faulty else 0.1)
    return fit(lambda p, batch: cross_entropy(forward(p, batch[0]), batch[1]), params, optax.adam(3e-3))


class Deep(nn.Module):
    """Twelve hidden layers in Flax, with sigmoid or with ReLU."""

    sigmoid: bool

    @nn.compact
    def __call__(self, x):
        act, init = (
            (nn.sigmoid, nn.initializers.lecun_normal()) if self.sigmoid else (nn.relu, nn.initializers.he_normal())
        )
        for _ in range(12):
            x = act(nn.Dense(24, kernel_init=init)(x))
        return nn.Dense(10)(x)


@program("vanishing-gradient")
def twelve_layers_of_sigmoid_in_flax(faulty):
    model = Deep(faulty)
    params = model.init(jax.random.key(0), DIGITS[:2])["params"]
    return fit(lambda p, batch: cross_entropy(model.apply({"params": p}, batch[0]), batch[1]), params, optax.adam(1e-3))


@program("exploding-gradient", "non-finite", "check chance", "check finite")
def weights_drawn_without_a_scale(faulty):
    params = dense((64, 48, 48, 48, 48, 10), scale=2.0 * (48 if faulty else 1))
    return fit(lambda p, batch: cross_entropy(forward(p, batch[0]), batch[1]), params, optax.sgd(0.05))


@program("learning-rate-high", "unstable-start", "non-finite")
def a_rate_of_ten(faulty):
    rate = 10.0 if faulty else 0.1
    return fit(lambda p, batch: cross_entropy(forward(p, batch[0]), batch[1]), dense((64, 32, 10)), optax.sgd(rate))


@program("learning-rate-low")
def a_rate_of_a_millionth(faulty):
    rate = 1e-6 if faulty else 3e-3
    return fit(lambda p, batch: cross_entropy(forward(p, batch[0]), batch[1]), dense((64, 32, 10)), optax.adam(rate))


@program("gradient-sign")
def updates_taken_away(faulty):
    sign = -1.0 if faulty else 1.0
    loss_fn = lambda p, batch: cross_entropy(forward(p, batch[0]), batch[1])  # noqa: E731
    return fit(loss_fn, dense((64, 32, 10)), optax.sgd(0.1), sign=sign)


@program("check chance", "unscaled-features")
def pixels_up_to_thousands_in_nnx(faulty):
    class Net(nnx.Module):
        def __init__(self, rngs):
            self.hidden, self.head = nnx.Linear(64, 32, rngs=rngs), nnx.Linear(32, 10, rngs=rngs)

        def __call__(self, x):
            return self.head(nnx.relu(self.hidden(x)))

    graph, params = nnx.split(Net(nnx.Rngs(0)))
    x = DIGITS * (4096 if faulty else 1)
    return fit(lambda p, batch: cross_entropy(nnx.merge(graph, p)(batch[0]), batch[1]), params, optax.adam(3e-3), x=x)


@program("overfitting")
def eighty_noisy_examples(faulty):
    rng = np.random.default_rng(1)
    count = 80 if faulty else 1200
    x, y = DIGITS[:count], LABELS[:count].copy()
    if faulty:
        wrong = rng.random(count) < 0.3
        y[wrong] = rng.integers(0, 10, int(wrong.sum()))
    loss_fn = jax.jit(lambda p, batch: cross_entropy(forward(p, batch[0]), batch[1]))
    params, optimizer = dense((64, 128, 10)), optax.adam(3e-3)
    watcher, state = hw.watch(every=5), optimizer.init(params)
    for k, batch in enumerate(draws(count, 32, 240)):
        loss, gradients = jax.value_and_grad(loss_fn)(params, (x[batch], y[batch]))
        watcher(loss, params, gradients)
        updates, state = optimizer.update(gradients, state, params)
        params = optax.apply_updates(params, updates)
        if k % 20 == 19:
            watcher.judged("validation", loss=loss_fn(params, (DIGITS[1200:], LABELS[1200:])))
    return Looked(hw.check(loss_fn, params, (x[:64], y[:64])), watcher)


@program("data-order", "oscillation")
def digits_sorted_by_class(faulty):
    order = np.argsort(LABELS, kind="stable") if faulty else np.random.default_rng(0).permutation(len(LABELS))
    rows = [order[(32 * k + np.arange(32)) % len(order)] for k in range(224)]
    return fit(lambda p, b: cross_entropy(forward(p, b[0]), b[1]), dense((64, 32, 10)), optax.sgd(0.3), rows=rows)


@program("non-finite", "check finite")
def the_logarithm_of_a_probability(faulty):
    x, y = load_breast_cancer(return_X_y=True)
    x = ((x - x.mean(0)) / x.std(0)).astype(np.float32)

    def loss_fn(params, batch):
        z = forward(params, batch[0])[:, 0]
        if not faulty:
            return optax.sigmoid_binary_cross_entropy(z, batch[1]).mean()
        p = jax.nn.sigmoid(40 * z)
        return -jnp.mean(batch[1] * jnp.log(p) + (1 - batch[1]) * jnp.log(1 - p))

    return fit(loss_fn, dense((30, 16, 1)), optax.sgd(0.05), x=x, y=y.astype(np.float32))


@program("learning-rate-low", "plateau", "check gradients")
def a_step_that_forgets_its_update(faulty):
    params, optimizer, watcher = dense((64, 32, 10)), optax.adam(3e-3), hw.watch()

    def loss_fn(params, batch):
        return cross_entropy(forward(params, batch[0]), batch[1])

    @jax.jit
    def train_step(params, state, batch):
        loss, gradients = jax.value_and_grad(loss_fn)(params, batch)
        updates, state = optimizer.update(gradients, state, params)
        return loss, params if faulty else optax.apply_updates(params, updates), state

    state = optimizer.init(params)
    for batch in draws(len(DIGITS)):
        loss, after, state = train_step(params, state, (DIGITS[batch], LABELS[batch]))
        watcher(loss, params)
        params = after
    return Looked(hw.check(loss_fn, params, (DIGITS[:64], LABELS[:64])), watcher)
