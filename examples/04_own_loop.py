"""The same update in a loop of your own, for when `train` is not what you want."""

import headway as hw

job = hw.prepare(hw.named("iris").recipe)
state = hw.initial_state(job.update, job.dataset.input_shape)
losses = []
for k in range(100):
    state, measures = hw.step(job.update, state, hw.batch(job, k))
    losses.append(float(measures["loss"]))
print(f"loss {losses[0]:.3f} → {losses[-1]:.3f}")

assert losses[-1] < 0.5 * losses[0]
