"""Normalization at work: what is brought to mean 0 and variance 1, and over what."""

import jax
import jax.numpy as jnp

import headway as hw


def normalization() -> None:
    """Each kind takes mean and variance over other axes; all leave their own slices at mean 0 and variance 1."""
    x = 5 + 3 * jax.random.normal(jax.random.key(0), (32, 10, 8))
    for norm, axes in ((hw.BatchNorm(), (0, 1)), (hw.LayerNorm(), 2), (hw.GroupNorm(1), (1, 2))):
        params, state = hw.initialize(norm, (10, 8), jax.random.key(1))
        y, _ = hw.apply(norm, params, x, state, hw.Context("train"))
        mean, variance = abs(y.mean(axes)).max(), y.var(axes).mean()
        print(f"{type(norm).__name__:<9} over {axes!s:<6} |mean| < 1e-5: {mean < 1e-5}, variance {variance:.3f}")


def batchnorm() -> None:
    """Statistics of the batch in training; their running means, which training collects, in evaluation."""
    norm = hw.BatchNorm()
    params, state = hw.initialize(norm, (3,), jax.random.key(0))
    for key in jax.random.split(jax.random.key(1), 50):
        x = jnp.array([0.0, 10.0, -5.0]) + 2 * jax.random.normal(key, (64, 3))
        _, state = hw.apply(norm, params, x, state, hw.Context("train"))
    y, _ = hw.apply(norm, params, jnp.array([[0.0, 10.0, -5.0], [2.0, 12.0, -3.0]]), state)
    print("evaluation: the mean becomes", y[0])
    print("one deviation more         ", y[1])


def layernorm() -> None:
    """Every example alone: its size and offset go out, whatever the rest of the batch is."""
    norm = hw.LayerNorm()
    params, _ = hw.initialize(norm, (4,), jax.random.key(0))
    x = jnp.array([1.0, 2.0, 3.0, 6.0])
    y, _ = hw.apply(norm, params, jnp.stack([x, 100 * x, x + 1000]))
    print(y)


def pre_ln() -> None:
    """Around a sublayer that gives nothing Pre-LN is the identity; Post-LN scales the signal and its gradient."""
    x, dy = 10 * jnp.array([[1.0, -1.0, 3.0, -3.0]]), jnp.array([[1.0, 0.0, 0.0, 0.0]])
    for place in (hw.pre_ln, hw.post_ln):
        block = place(hw.Dense(4, init=hw.Zeros()))
        params, _ = hw.initialize(block, (4,), jax.random.key(0))
        y, back = jax.vjp(lambda x, block=block, params=params: hw.apply(block, params, x)[0], x)
        print(f"{place.__name__:<7} y = {y[0]}, dL/dx = {back(dy)[0][0]}")


def post_ln() -> None:
    """Post-LN norms the sum: behind it every row has variance 1, and the skip no longer carries x itself."""
    x = 3 * jax.random.normal(jax.random.key(0), (2, 4, 8))
    nothing = hw.Dense(8, init=hw.Zeros())
    for name, block in (("Pre-LN", hw.pre_ln(nothing)), ("Post-LN", hw.post_ln(nothing))):
        y, _ = hw.apply(block, hw.initialize(block, (4, 8), jax.random.key(1))[0], x)
        print(f"{name:<7} around a layer that gives 0: y = x is {bool(jnp.allclose(y, x))}, deviation {y.std():.2f}")
