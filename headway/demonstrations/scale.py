"""Scale at work: what training larger networks takes from memory and from devices."""

import jax
import jax.numpy as jnp

import headway as hw


def large_scale_training() -> None:
    """What a network of 1.6 billion parameters takes before the first example, and what two techniques leave of it."""
    made = hw.summary(hw.language_model(50_257, width=1600, heads=25, blocks=48), (1024,))
    gigabytes = made.parameter_bytes / 1e9
    print(f"{made.parameters / 1e9:.2f} billion parameters: {gigabytes:.1f} GB")
    print(f"with gradients and Adam's moments: {4 * gigabytes:.1f} GB, on each of 8 devices {gigabytes / 2:.1f} GB")
    print(f"outputs of all layers for one sequence: {made.activation_bytes / 1e9:.1f} GB, in 16 bits half of it")


def data_parallelism() -> None:
    """Two devices with half of a batch each: the mean of their gradients is the gradient of the whole batch."""
    network, loss = hw.mlp((16,), 10), hw.CrossEntropy()
    params, _ = hw.initialize(network, (8,), jax.random.key(0))
    x, y = jax.random.normal(jax.random.key(1), (64, 8)), jnp.arange(64) % 10
    whole, first, second = (
        jax.grad(lambda p, part=part: loss(hw.apply(network, p, x[part])[0], y[part]))(params)
        for part in (slice(None), slice(32), slice(32, None))
    )
    apart = jax.tree.map(lambda w, a, b: abs(w - (a + b) / 2).max(), whole, first, second)
    print("largest difference of the gradients below 1e-6:", max(jax.tree.leaves(apart)) < 1e-6)


def model_parallelism() -> None:
    """A weight divided among two devices by its columns, the next by its rows: each device makes half of the sum."""
    network = hw.FeedForward(64)
    for address, placement in hw.placements(network.declare((8, 32)), hw.Mesh(1, tensor=2)).items():
        print(f"{address:<10} {placement}")


def gradient_checkpointing() -> None:
    """Of each of eight blocks the backward pass computes again what the forward pass did not keep."""
    block = hw.Residual(hw.Sequential((hw.LayerNorm(), hw.Dense(32), hw.Tanh())))
    network = hw.Sequential((hw.Dense(32), hw.Repeat(block, times=8), hw.Dense(3)))
    recipe = hw.Recipe(network, loss=hw.CrossEntropy(), optimizer=hw.SGD(0.1), data=hw.Data(hw.Iris()), batch_size=50)
    for recompute in (None, hw.RecomputeBut(("Dense",)), hw.RecomputeAll()):
        kept = hw.saved_residuals(hw.edit(recipe, hw.Set("recompute", value=recompute)).spec).bytes
        print(f"{recompute!r:<25} {kept:>9,} bytes kept for the backward pass")


def mixed_precision() -> None:
    """A weight kept in bfloat16 loses updates below half its last digit; computing in bfloat16 loses little."""
    for dtype in (jnp.bfloat16, jnp.float32):
        w = jnp.ones((), dtype)
        for _ in range(100):
            w = w + jnp.asarray(1e-3, dtype)
        print(f"1 + 100 × 0.001 on {w.dtype} weights: {w:.3f}")
    recipe = hw.Recipe(hw.mlp((64,), 10), data=hw.Data(hw.Digits()), loss=hw.CrossEntropy(), optimizer=hw.Adam(3e-3))
    for precision in (hw.Float32(), hw.BFloat16(), hw.Float16()):
        run = hw.train(hw.edit(recipe, hw.Replace("precision", by=precision)).spec)
        print(f"{type(precision).__name__:<8} test loss {run.results['test']['loss']:.2f}")


def gradient_accumulation() -> None:
    """An update from four parts of a batch, one after the other, is the update from the whole batch."""
    recipe = hw.Recipe(hw.mlp((32,), 3), data=hw.Data(hw.Iris()), loss=hw.CrossEntropy(), optimizer=hw.Adam(1e-2))
    recipe = hw.edit(recipe, hw.Set("batch_size", value=32), hw.Set("length", value=20)).spec
    whole, parts = (hw.train(hw.edit(recipe, hw.Set("accumulate", value=n)).spec) for n in (1, 4))
    apart = jax.tree.map(lambda a, b: abs(a - b).max(), whole.final["params"], parts.final["params"])
    print("largest difference of the weights after 20 updates below 1e-4:", max(jax.tree.leaves(apart)) < 1e-4)


def loss_scaling() -> None:
    """A gradient of 1e-8 is 0 in float16; multiplied by 2^15 before and divided after it is there."""
    g = 1e-8
    print("in float16:", float(jnp.float16(g)))
    print("scaled, and divided in float32:", float(jnp.float32(jnp.float16(g * 2**15)) / 2**15))
