"""Modules of Flax, Linen and NNX, and Equinox and a plain function: what a user brings along."""

from typing import Any

import equinox
import flax.linen as nn
import jax
import jax.numpy as jnp
from flax import nnx


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


class Layered(nnx.Module):
    """A dense layer, batch normalization, dropout, tanh and a dense layer in a list."""

    def __init__(self, inputs: int, rate: float = 0.0, *, rngs: nnx.Rngs) -> None:
        self.hidden, self.norm = nnx.Linear(inputs, 8, rngs=rngs), nnx.BatchNorm(8, momentum=0.8, rngs=rngs)
        self.dropout, self.layers = nnx.Dropout(rate, rngs=rngs), nnx.List([nnx.Linear(8, 3, rngs=rngs)])

    def __call__(self, x: jax.Array) -> jax.Array:
        return self.layers[0](self.dropout(jnp.tanh(self.norm(self.hidden(x)))))


class Counting(nnx.Module):
    """A linear layer that counts its calls: a variable that is neither a parameter nor a statistic."""

    def __init__(self, rngs: nnx.Rngs) -> None:
        self.linear, self.calls = nnx.Linear(4, 3, rngs=rngs), nnx.Variable(jnp.zeros(()))

    def __call__(self, x: jax.Array) -> jax.Array:
        return self.linear(x)


def linear(inputs: int, rngs: nnx.Rngs) -> nnx.Linear:
    """A dense layer of NNX."""
    return nnx.Linear(inputs, 3, rngs=rngs)


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
