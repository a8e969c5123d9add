"""Scale at work: what training larger networks takes from memory and from devices."""

import jax.numpy as jnp

import headway as hw


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
