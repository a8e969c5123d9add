"""The rules of activations: f'(x) number by number, and Softmax, whose outputs depend on each other."""

import math

import jax
import jax.numpy as jnp

from headway.learning.backpropagation.rule import Back, Local, derivative, rule
from headway.network.activations import (
    ELU,
    GELU,
    SELU,
    SELU_ALPHA,
    SELU_SCALE,
    HardSigmoid,
    Identity,
    LeakyReLU,
    ReLU,
    Sigmoid,
    SiLU,
    Softmax,
    Softplus,
    Softsign,
    Swish,
    Tanh,
    TanhGELU,
)

sigmoid = jax.lax.logistic


@derivative(Identity)
def identity(f: Identity, x: jax.Array) -> jax.Array:
    """f'(x) = 1."""
    return jnp.ones_like(x)


@derivative(ReLU)
def relu(f: ReLU, x: jax.Array) -> jax.Array:
    """f'(x) = 1 for x > 0, else 0, by convention also at x = 0."""
    return jnp.where(x <= 0, 0, jnp.ones_like(x))


@derivative(LeakyReLU)
def leaky_relu(f: LeakyReLU, x: jax.Array) -> jax.Array:
    """f'(x) = 1 for x > 0, else the slope."""
    return jnp.where(x <= 0, f.slope, jnp.ones_like(x))


@derivative(ELU)
def elu(f: ELU, x: jax.Array) -> jax.Array:
    """f'(x) = 1 for x > 0, else α e^x."""
    return jnp.where(x <= 0, f.alpha * jnp.exp(jnp.minimum(x, 0)), 1)


@derivative(SELU)
def selu(f: SELU, x: jax.Array) -> jax.Array:
    """f'(x) = scale for x > 0, else scale · α e^x."""
    return SELU_SCALE * jnp.where(x <= 0, SELU_ALPHA * jnp.exp(jnp.minimum(x, 0)), 1)


@derivative(GELU)
def gelu(f: GELU, x: jax.Array) -> jax.Array:
    """f(x) = x Φ(x), so f'(x) = Φ(x) + x φ(x), with φ(x) = e^(−x²/2) / √(2π) the normal density."""
    density = jnp.exp(-jnp.square(x) / 2) / math.sqrt(2 * math.pi)
    return jax.lax.erfc(-x * math.sqrt(0.5)) / 2 + x * density


@derivative(TanhGELU)
def tanh_gelu(f: TanhGELU, x: jax.Array) -> jax.Array:
    """f(x) = x σ(u), u = 2√(2/π) (x + 0.044715 x³), so f'(x) = σ(u) + x σ(u) (1 − σ(u)) u'(x)."""
    z, c = jnp.clip(x, -10, 10), 2 * math.sqrt(2 / math.pi)
    s = sigmoid(c * (z + 0.044715 * z**3))
    return s + x * s * (1 - s) * c * (1 + 3 * 0.044715 * z**2)


@derivative(SiLU)
def silu(f: SiLU, x: jax.Array) -> jax.Array:
    """f(x) = x σ(x), so f'(x) = σ(x) + x σ(x) (1 − σ(x))."""
    s = sigmoid(x)
    return s + x * s * (1 - s)


@derivative(Swish)
def swish(f: Swish, x: jax.Array) -> jax.Array:
    """f(x) = x σ(β x), so f'(x) = σ(β x) + β x σ(β x) (1 − σ(β x))."""
    s = sigmoid(f.beta * x)
    return s + f.beta * x * s * (1 - s)


@derivative(Tanh)
def tanh(f: Tanh, x: jax.Array) -> jax.Array:
    """f'(x) = 1 − tanh²(x): at most 1, and 0.07 at |x| = 2."""
    return 1 - jnp.square(jnp.tanh(x))


@derivative(Sigmoid)
def logistic(f: Sigmoid, x: jax.Array) -> jax.Array:
    """f'(x) = σ(x) (1 − σ(x)): at most 1/4, so that n layers pass on at most 4^−n of what comes back."""
    s = sigmoid(x)
    return s * (1 - s)


@derivative(HardSigmoid)
def hard_sigmoid(f: HardSigmoid, x: jax.Array) -> jax.Array:
    """f'(x) = 1/6 for −3 < x < 3, else 0."""
    return jnp.where((x <= -3) | (x >= 3), 0, jnp.full_like(x, 1 / 6))


@derivative(Softsign)
def softsign(f: Softsign, x: jax.Array) -> jax.Array:
    """f'(x) = 1 / (1 + |x|)²."""
    return 1 / jnp.square(1 + jnp.abs(x))


@derivative(Softplus)
def softplus(f: Softplus, x: jax.Array) -> jax.Array:
    """f'(x) = σ(x)."""
    return sigmoid(x)


@rule(Softmax)
def softmax(f: Softmax, at: Local, dy: jax.Array) -> Back:
    """dy_j/dx_i = y_j (δ_ij − y_i), so dL/dx = y ⊙ (dL/dy − Σ_j y_j dL/dy_j)."""
    y = at.y
    return y * (dy - jnp.sum(y * dy, axis=-1, keepdims=True)), {}
