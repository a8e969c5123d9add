"""What the subject touches, at work: training as a whole, and networks with a structure of their own."""

import jax
import jax.numpy as jnp

import headway as hw


def training() -> None:
    """A recipe is a value; training makes a run of it, with the best weights and what was measured on the way."""
    recipe = hw.Recipe(
        hw.mlp((32,), 10), data=hw.Data(hw.Digits()), loss=hw.CrossEntropy(), optimizer=hw.Adam(3e-3),
        evaluation=hw.Evaluation(metrics=(hw.Accuracy(),)),
    )  # fmt: skip
    run = hw.train(recipe)
    for judged in run.history.evaluations[::5]:
        print(f"update {judged['step']:>3}: validation loss {judged['loss']:.2f}, accuracy {judged['accuracy']:.2f}")


def cnns() -> None:
    """One small filter at every position: a pattern moved in the input is the same pattern moved in the output."""
    conv = hw.Conv(1, kernel=3, bias=False)
    params, _ = hw.initialize(conv, (8, 1), jax.random.key(0))
    x = jnp.array([0, 0, 1, 2, 1, 0, 0, 0.0])
    for shift in (0, 2):
        print(hw.apply(conv, params, jnp.roll(x, shift)[None, :, None])[0][0, :, 0])
    dense = hw.summary(hw.Dense(8, bias=False), (8,))
    print(f"{hw.summary(conv, (8, 1)).parameters} weights; a dense layer would have {dense.parameters}")


def transformers() -> None:
    """Causal attention: what comes later in a sequence changes nothing before it."""
    network = hw.language_model(16, width=16, heads=2, blocks=2)
    params, _ = jax.jit(hw.initialize, static_argnums=(0, 1))(network, (6,), jax.random.key(0))
    x = jnp.array([[1, 2, 3, 4, 5, 6], [1, 2, 3, 9, 5, 6]])
    y, _ = hw.apply(network, params, x)
    print("largest change of the logits at each place:", abs(y[0] - y[1]).max(-1))


def memory() -> None:
    """What training must hold: parameters, gradients, the optimizer's moments, and the outputs of all layers."""
    made = hw.summary(hw.mlp((1024, 1024), 10), (784,))
    print(f"parameters {made.parameter_bytes / 2**20:.1f} MiB, with gradients and Adam's two moments four times that")
    batch = 256 * made.activation_bytes / 2**20
    print(
        f"outputs of the layers {made.activation_bytes / 2**10:.1f} KiB an example, {batch:.1f} MiB in a batch of 256"
    )
