"""Optimizers at work: from gradients to updates."""

import jax
import jax.numpy as jnp

import headway as hw


def optimizer() -> None:
    """An optimizer turns gradients into updates and remembers what it needs between them."""
    params, gradients = {"w": jnp.array([1.0, -2.0])}, {"w": jnp.array([0.5, 0.001])}
    for optimizer in (hw.SGD(0.1), hw.SGD(0.1, momentum=0.9), hw.Adam(0.1), hw.Lion(0.1)):
        rule = optimizer.transformation()
        updates, memory = rule.update(gradients, rule.init(params), params)
        print(f"{optimizer!r:<25} update {updates['w']}, remembers {sorted(memory)}")


def sgd() -> None:
    """A step against the gradient shrinks a parabola's loss as long as the rate is below 2 / curvature."""
    for rate in (0.1, 0.19, 0.21):
        w, rule = jnp.array(1.0), hw.SGD(rate).transformation()
        memory = rule.init(w)
        for _ in range(20):
            updates, memory = rule.update(10 * w, memory, w)
            w = hw.apply_updates(w, updates)
        print(f"rate {rate}: after 20 steps on 5 w², from 1, w = {w:.4f}")


def momentum() -> None:
    """In a valley a hundred times steeper one way than the other, momentum gets along where plain steps creep."""
    curvature = jnp.array([100.0, 1.0])
    for optimizer in (hw.SGD(0.01), hw.SGD(0.01, momentum=0.9), hw.SGD(0.01, momentum=0.9, nesterov=True)):
        w, rule = jnp.array([1.0, 1.0]), optimizer.transformation()
        memory = rule.init(w)
        for _ in range(100):
            updates, memory = rule.update(curvature * w, memory, w)
            w = hw.apply_updates(w, updates)
        print(f"loss after 100 steps {(curvature * w * w).sum() / 2:.2e}  {optimizer!r}")


def adam() -> None:
    """Adam's first step has the length of the rate in every coordinate, whatever the scale of its gradient."""
    gradients = jnp.array([1000.0, 1.0, 0.001])
    for optimizer in (hw.Adam(0.01), hw.SGD(0.01)):
        rule = optimizer.transformation()
        updates, _ = rule.update(gradients, rule.init(jnp.zeros(3)), jnp.zeros(3))
        print(f"{type(optimizer).__name__:<5} moves by {updates}")


def adamw() -> None:
    """Decay apart from the gradient shrinks all weights alike; as part of it, Adam divides it away."""
    w, noise = jnp.array([1.0, 1.0]), jnp.array([10.0, 0.1])
    for name, optimizer, penalty in (("AdamW", hw.AdamW(0.01, weight_decay=0.1), 0), ("Adam + L2", hw.Adam(0.01), 0.1)):
        rule, v = optimizer.transformation(), w
        memory = rule.init(v)
        for k in range(100):
            updates, memory = rule.update(noise * (-1) ** k + penalty * v, memory, v)
            v = hw.apply_updates(v, updates)
        print(f"{name:<9} weight with large gradients {v[0]:.3f}, with small ones {v[1]:.3f}")


def learning_rate() -> None:
    """Too small a rate gets nowhere, too large a rate does not settle; what fits lies between."""
    for rate in (1e-4, 1e-2, 1.0, 3.0):
        run = hw.train(
            hw.Recipe(hw.mlp((16,), 3), data=hw.Data(hw.Iris()), loss=hw.CrossEntropy(), optimizer=hw.SGD(rate),
                      batch_size=16, length=hw.Epochs(20))
        )  # fmt: skip
        print(f"rate {rate:g}: training loss {run.history.columns()['loss'][-5:].mean():.3g}")


def batch_size() -> None:
    """An epoch of larger batches is fewer updates: at the same rate less is learned in it."""
    for size in (16, 64, 256):
        recipe = hw.Recipe(hw.mlp((32,), 10), data=hw.Data(hw.Digits()), loss=hw.CrossEntropy(), optimizer=hw.SGD(0.1))
        run = hw.train(hw.edit(recipe, hw.Set("batch_size", value=size), hw.Set("length", value=hw.Epochs(3))).spec)
        print(f"batches of {size:>3}: {run.standing.step:>3} updates, test loss {run.results['test']['loss']:.2f}")


def gradient_noise() -> None:
    """The gradient of a batch strays from that of all examples by a variance of one over the batch size."""
    network, loss = hw.Sequential((hw.Dense(3),)), hw.CrossEntropy()
    params, _ = hw.initialize(network, (4,), jax.random.key(0))
    x, y = jax.random.normal(jax.random.key(1), (4096, 4)), jnp.arange(4096) % 3
    whole = hw.gradients(network, params, hw.Batch(x, y), loss=loss).params["0"]["w"]
    for size in (4, 16, 64):
        batches = hw.Batch(x.reshape(-1, size, 4), y.reshape(-1, size))
        off = jax.lax.map(lambda b: hw.gradients(network, params, b, loss=loss).params["0"]["w"], batches) - whole
        print(f"batches of {size:>2}: variance × size = {size * (off**2).sum(axis=(1, 2)).mean():.2f}")


def divergence() -> None:
    """On a parabola of curvature 1 a step with a rate above 2 overshoots by more than it was away."""
    for rate in (0.5, 1.9, 2.1):
        x, rule = jnp.array(1.0), hw.SGD(rate).transformation()
        memory = rule.init(x)
        for _ in range(100):
            updates, memory = rule.update(x, memory, x)
            x = hw.apply_updates(x, updates)
        print(f"rate {rate}: after 100 steps x = {x:.2g}")
