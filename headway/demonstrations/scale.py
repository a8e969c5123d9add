"""Training at scale at work: what makes a network fit that would not."""

import headway as hw


def gradient_checkpointing() -> None:
    """Of each of eight blocks the backward pass computes again what the forward pass did not keep."""
    block = hw.Residual(hw.Sequential((hw.LayerNorm(), hw.Dense(32), hw.Tanh())))
    network = hw.Sequential((hw.Dense(32), hw.Repeat(block, times=8), hw.Dense(3)))
    recipe = hw.Recipe(network, loss=hw.CrossEntropy(), optimizer=hw.SGD(0.1), data=hw.Data(hw.Iris()), batch_size=50)
    for recompute in (None, hw.RecomputeBut(("Dense",)), hw.RecomputeAll()):
        kept = hw.saved_residuals(hw.edit(recipe, hw.Set("recompute", value=recompute)).spec).bytes
        print(f"{recompute!r:<25} {kept:>9,} bytes kept for the backward pass")
