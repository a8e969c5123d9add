"""Skips at work: ways past a layer, for the signal and for the gradient."""

import jax
import jax.numpy as jnp

import headway as hw


def residual_connection() -> None:
    """y = x + F(x): a body of weights 0 is the identity, and dy/dx = I + dF/dx."""
    block = hw.Residual(hw.Dense(3))
    params, _ = hw.initialize(block, (3,), jax.random.key(0))
    x = jnp.array([[1.0, 2.0, 3.0]])
    print("weights 0:", hw.apply(block, jax.tree.map(jnp.zeros_like, params), x)[0][0])
    jacobian = jax.jacobian(lambda x: hw.apply(block, params, x[None])[0][0])(x[0])
    print("dy/dx − I equals the body's weights:", jnp.allclose(jacobian - jnp.eye(3), params["body"]["w"].T, atol=1e-6))


def skip_connection() -> None:
    """A skip need not be added: Concatenate keeps its input beside what the body makes of it."""
    x = jnp.array([[1.0, 2.0]])
    for skip in (hw.Residual(hw.Dense(2)), hw.Concatenate(hw.Dense(2))):
        params, _ = hw.initialize(skip, (2,), jax.random.key(0))
        print(f"{skip!r:<24} {x[0]} → {hw.apply(skip, params, x)[0][0]}")


def gradient_highway() -> None:
    """Through thirty sigmoid layers nothing comes back; beside them it does."""
    x = jax.random.normal(jax.random.key(1), (64, 16))
    layer = hw.Sequential((hw.Dense(16), hw.Sigmoid()))
    for block in (layer, hw.Residual(layer)):
        network = hw.Sequential((block,) * 30)
        params, _ = jax.jit(hw.initialize, static_argnums=(0, 1))(network, (16,), jax.random.key(0))
        y, back = jax.vjp(lambda x, network=network, params=params: hw.apply(network, params, x)[0], x)
        passed = jnp.linalg.norm(back(jnp.ones_like(y))[0]) / jnp.sqrt(y.size)
        print(f"{type(block).__name__:<10} ‖dL/dx‖ / ‖dL/dy‖ = {passed:.0e}")


def residual_learning() -> None:
    """A body that gives 0 leaves the input as it is: near the identity there is little to learn."""
    x = jax.random.normal(jax.random.key(0), (256, 8))
    body = hw.Dense(8, init=hw.Normal(0.01))
    for name, layer in (("plain", body), ("residual", hw.Residual(body))):
        y, _ = hw.apply(layer, hw.initialize(layer, (8,), jax.random.key(1))[0], x)
        print(
            f"{name:<8} with small weights: {jnp.abs(y - x).mean():.2f} off the identity, {jnp.abs(y).mean():.2f} off 0"
        )
