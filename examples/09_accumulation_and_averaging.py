"""An update in four parts that is the same update, and an average of the weights that wanders less than they do."""

from dataclasses import replace

import jax
import numpy as np

import headway as hw

recipe = hw.Recipe(
    hw.mlp((32,), 10),
    data=hw.Data(hw.Digits()),
    loss=hw.CrossEntropy(),
    optimizer=hw.AdamW(0.03, weight_decay=0.1),
    clip=hw.ClipByNorm(0.5),
    batch_size=128,
    length=hw.Epochs(10),
    evaluation=hw.Evaluation(1),
)

# 1. The same updates, 32 examples at a time: one clip, one decay, one step of the schedule for each batch of 128.
parts = replace(recipe, accumulate=4)
job, in_parts = hw.prepare(recipe), hw.prepare(parts)
state = hw.initial_state(job.update, job.dataset.input_shape)
for k in range(3):
    at_once, measured = hw.step(job.update, state, hw.batch(job, k))
    state, measures = hw.step(in_parts.update, state, hw.batch(in_parts, k))
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, atol=1e-4), state, at_once)
    norms = f"‖g‖ {measures['gradient_norm']:.3f}, clipped {measures['clipped_norm']:.3f}"
    print(f"update {k + 1}: loss {measures['loss']:.4f}, at once {measured['loss']:.4f}; {norms}")
    assert measures["clipped_norm"] <= 0.5001

# 2. At a constant rate the last weights wander about a minimum. Their average wanders less, from update to update.
last, averaged = hw.train(parts), hw.train(replace(parts, average=hw.EMA(0.95)))
np.testing.assert_array_equal(*(run.history.columns()["loss"] for run in (last, averaged)))


def wandering(run):
    """How far the validation loss moves between two evaluations in the second half of a run."""
    losses = [evaluation["loss"] for evaluation in run.history.evaluations]
    return float(np.abs(np.diff(losses[len(losses) // 2 :])).mean())


print(f"validation loss moves by {wandering(last):.4f} an epoch, that of the average by {wandering(averaged):.4f}")
assert wandering(averaged) < wandering(last)
