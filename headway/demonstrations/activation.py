"""Activations at work: their values, their slopes, and what these do to a gradient."""

import jax
import jax.numpy as jnp

import headway as hw


def activation_function() -> None:
    """Without an activation between them two layers are one: the product of their weights."""
    params, _ = hw.initialize(hw.mlp((5,), 2, activation=hw.Identity()), (3,), jax.random.key(0))
    x = jax.random.normal(jax.random.key(1), (100, 3))
    one = x @ (params["1"]["w"] @ params["3"]["w"])
    for activation in (hw.Identity(), hw.Tanh(), hw.ReLU()):
        y, _ = hw.apply(hw.mlp((5,), 2, activation=activation), params, x)
        print(f"{type(activation).__name__:<9} differs from one linear layer by {abs(y - one).max():.3f}")


def relu() -> None:
    """ReLU passes what is above 0 with slope 1 and stops the rest, where a sigmoid's slope is at most 1/4."""
    x = jnp.array([-2.0, -0.5, 0.5, 2.0])
    for activation in (hw.ReLU(), hw.Sigmoid()):
        slope = jax.vmap(jax.grad(activation.function))
        print(f"{type(activation).__name__:<8} f(x) = {activation.function(x)}  f'(x) = {slope(x)}")
    print("twenty layers multiply twenty slopes: ReLU at best 1, sigmoid at best", 0.25**20)


def gelu() -> None:
    """GELU weighs x by the share Φ(x) of a normal distribution below it: smooth where ReLU has a corner."""
    x = jnp.array([-3.0, -1.0, -0.1, 0.1, 1.0, 3.0])
    print("GELU  ", hw.GELU().function(x))
    print("x Φ(x)", (x * jax.scipy.stats.norm.cdf(x)))
    print("ReLU  ", hw.ReLU().function(x))


def swish() -> None:
    """Swish is x · sigmoid(β x): β = 0 gives x/2, a large β gives ReLU."""
    x = jnp.array([-3.0, -1.0, 1.0, 3.0])
    for beta in (0.0, 1.0, 10.0):
        print(f"β = {beta:>4}", hw.Swish(beta).function(x))
    print("SiLU    ", hw.SiLU().function(x))


def softmax() -> None:
    """Softmax makes logits probabilities; a number added to all of them changes nothing, however large."""
    z = jnp.array([2.0, 1.0, -1.0])
    for shift in (0.0, 1000.0):
        p = hw.Softmax().function(z + shift)
        print(f"logits + {shift:<6} → {p}, sum {p.sum():.1f}")
    print("only differences count: log(p_0 / p_1) =", jnp.log(p[0] / p[1]))


def sigmoid() -> None:
    """The slope of a sigmoid is 1/4 at most: ten of them in a row leave a millionth of a gradient."""
    slope = jax.vmap(jax.grad(hw.Sigmoid().function))
    print("x    ", jnp.array([-6.0, -2.0, 0.0, 2.0, 6.0]))
    print("σ'(x)", slope(jnp.array([-6.0, -2.0, 0.0, 2.0, 6.0])))
    print(f"(1/4)^10 = {0.25**10:.1e}")


def tanh() -> None:
    """tanh is a sigmoid stretched to −1 … 1: its slope at the origin is 1, four times as steep."""
    x = jnp.array([-2.0, -0.5, 0.0, 0.5, 2.0])
    print("tanh(x)     ", hw.Tanh().function(x))
    print("2 σ(2x) − 1 ", 2 * hw.Sigmoid().function(2 * x) - 1)
    print("tanh'(x)    ", jax.vmap(jax.grad(hw.Tanh().function))(x))


def leaky_relu() -> None:
    """Where ReLU is 0 and has no slope, its leaky form has a small one, so that a unit can come back."""
    x = jnp.array([-2.0, -0.5, 0.5, 2.0])
    for activation in (hw.ReLU(), hw.LeakyReLU(0.1)):
        print(
            f"{activation!r:<15} f(x) = {activation.function(x)}  f'(x) = {jax.vmap(jax.grad(activation.function))(x)}"
        )
