"""Schedules at work: the learning rate as a function of the update."""

import jax.numpy as jnp

import headway as hw


def lr_schedule() -> None:
    """A schedule is a pure function of the update's index: any update's rate can be had before the run."""
    schedules = hw.Cosine(0.1, steps=100), hw.Step(0.1, drops=(50, 75)), hw.Exponential(0.1, steps=100, final=0.01)
    for schedule in schedules:
        print(f"{type(schedule).__name__:<12}", schedule.value(jnp.array([0, 25, 50, 75, 100])))


def warmup() -> None:
    """The rate rises in even steps from 0 to the peak, which it has at the end of the warm-up exactly."""
    schedule = hw.Warmup(4, then=hw.Cosine(0.1, steps=100))
    print(schedule.value(jnp.arange(8)))


def cosine_decay() -> None:
    """Half a cosine: slow at both ends, half way at half the steps, and 0 at the end."""
    at = jnp.array([0, 10, 50, 90, 100])
    print("rate     ", hw.Cosine(1.0, steps=100).value(at))
    print("the curve", ((1 + jnp.cos(jnp.pi * at / 100)) / 2))


def step_decay() -> None:
    """The rate is divided by ten at the updates named, and constant between them."""
    print(hw.Step(0.1, drops=(30, 60)).value(jnp.array([0, 29, 30, 59, 60, 99])))


def early_training() -> None:
    """At first gradients are of another size than later: what a warm-up is there for."""
    run = hw.train(hw.named("digits-mlp").recipe)
    norms = run.history.columns()["gradient_norm"]
    print(f"gradient norm, first 10 updates {norms[:10].mean():.2f}, last 100 {norms[-100:].mean():.3f}")


def one_cycle() -> None:
    """Up to the peak in a first part of the run, then down to far below the start."""
    print(hw.OneCycle(0.1, steps=100, warm=30).value(jnp.array([0, 15, 30, 65, 100])))
