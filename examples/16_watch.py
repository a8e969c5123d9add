"""A loop of plain JAX and Optax, watched in two lines: the fault is named, and its healthy twin has none."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
from sklearn.datasets import load_digits

import headway as hw

x, y = load_digits(return_X_y=True)
x = (x / 16 - 0.3).astype(np.float32)


def initial(key, sizes):
    """Two numbers for each layer: its weights, and its biases."""
    keys = jax.random.split(key, len(sizes) - 1)
    return {f"layer_{i}": {"w": jax.random.normal(k, (a, b)) * a**-0.5, "b": jnp.zeros(b)}
            for i, (k, a, b) in enumerate(zip(keys, sizes, sizes[1:], strict=False))}  # fmt: skip


def trained(activation):
    """What the watcher says of twelve hidden layers."""

    @jax.jit
    @jax.value_and_grad
    def step(params, x, y):
        for i in range(13):
            x = x @ params[f"layer_{i}"]["w"] + params[f"layer_{i}"]["b"]
            x = activation(x) if i < 12 else x
        return optax.softmax_cross_entropy_with_integer_labels(x, y).mean()

    params, optimizer, rng = (
        initial(jax.random.key(0), (64, *[32] * 12, 10)),
        optax.adam(1e-3),
        np.random.default_rng(0),
    )
    state, watcher = optimizer.init(params), hw.watch()
    for _ in range(150):
        rows = rng.integers(0, len(x), 64)
        loss, gradients = step(params, x[rows], y[rows])
        watcher(loss, params, gradients)
        updates, state = optimizer.update(gradients, state, params)
        params = optax.apply_updates(params, updates)
    return watcher.diagnosis()


sick, healthy = trained(jax.nn.sigmoid), trained(jnp.tanh)
print(f"{sick.cause.cause} at {', '.join(sick.cause.where[:3])} …: {sick.cause.evidence[0]}")
assert sick.cause.id == "vanishing-gradient"
assert healthy.healthy
