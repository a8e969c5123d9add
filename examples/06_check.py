"""A pre-flight of a plain JAX function before it is trained: no recipe, no change to anything."""

import jax
import jax.numpy as jnp
import numpy as np
from sklearn.datasets import load_digits

import headway as hw

x, y = load_digits(return_X_y=True)
batch = {"x": (x[:128] / 16).astype(np.float32), "y": y[:128]}


def initial(key, sizes=(64, 32, 10)):
    """He's initialization, biases at 0."""
    keys = jax.random.split(key, len(sizes) - 1)
    return [{"w": jax.random.normal(k, (a, b)) * (2 / a) ** 0.5, "b": jnp.zeros(b)}
            for k, a, b in zip(keys, sizes, sizes[1:], strict=False)]  # fmt: skip


def logits(params, x):
    for layer in params[:-1]:
        x = jax.nn.relu(x @ layer["w"] + layer["b"])
    return x @ params[-1]["w"] + params[-1]["b"]


def cross_entropy(z, y):
    return -jnp.mean(jnp.take_along_axis(jax.nn.log_softmax(z), y[:, None], axis=1))


def healthy(params, batch):
    return cross_entropy(logits(params, batch["x"]), batch["y"])


def softmax_twice(params, batch):
    return cross_entropy(jax.nn.softmax(logits(params, batch["x"])), batch["y"])


def first_layer_detached(params, batch):
    return healthy([jax.lax.stop_gradient(params[0]), *params[1:]], batch)


def mean_of_the_batch(params, batch):
    return cross_entropy(logits(params, batch["x"] - batch["x"].mean(axis=0)), batch["y"])


params = initial(jax.random.key(0))
print(hw.check(healthy, params, batch))
for function in (softmax_twice, first_layer_detached, mean_of_the_batch):
    print(f"\n{function.__name__}: {hw.check(function, params, batch).failed[0]}")

assert hw.check(healthy, params, batch).ok
assert [found.name for found in hw.check(softmax_twice, params, batch).failed] == ["overfit"]
assert hw.check(first_layer_detached, params, batch)["gradients"].where == ("0/b", "0/w")
assert hw.check(mean_of_the_batch, params, batch)["independent"].where == ("batch/x",)
