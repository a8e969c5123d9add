"""Modules of Flax and Equinox and a plain function: what a user brings along."""

from typing import Any

import equinox
import flax.linen as nn
import jax
import jax.numpy as jnp


class Perceptron(nn.Module):
    """Two dense layers with tanh between them."""

    width: int
    outputs: int = 3

    @nn.compact
    def __call__(self, x: jax.Array) -> jax.Array:
        return nn.Dense(self.outputs)(jnp.tanh(nn.Dense(self.width, name="hidden")(x)))


class Normalized(nn.Module):
    """A dense layer, batch normalization, dropout and a dense layer, told whether they train in Flax's two ways."""

    @nn.compact
    def __call__(self, x: jax.Array, train: bool, deterministic: bool = True) -> jax.Array:
        x = nn.BatchNorm(momentum=0.8)(nn.Dense(6)(x), use_running_average=not train)
        return nn.Dense(3)(nn.Dropout(0.5)(x, deterministic=deterministic))


def perceptron(key: jax.Array, inputs: int, width: int) -> equinox.nn.MLP:
    """One hidden layer, tanh."""
    return equinox.nn.MLP(inputs, 3, width, 1, activation=jnp.tanh, key=key)


class Dropping(equinox.Module):
    """A linear layer whose inputs are dropped by a key."""

    linear: equinox.nn.Linear
    dropout: equinox.nn.Dropout

    def __init__(self, key: jax.Array) -> None:
        self.linear, self.dropout = equinox.nn.Linear(4, 3, key=key), equinox.nn.Dropout(0.5)

    def __call__(self, x: jax.Array, key: jax.Array | None = None) -> jax.Array:
        return self.linear(self.dropout(x, key=key))


def affine(params: Any, x: jax.Array) -> jax.Array:
    """x w + b over the last dimension."""
    return x @ params["w"] + params["b"]


def first_affine(key: jax.Array, x: jax.Array) -> dict[str, jax.Array]:
    """Normal weights, no bias."""
    return {"w": 0.5 * jax.random.normal(key, (x.shape[-1], 3)), "b": jnp.zeros(3)}
