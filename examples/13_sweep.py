"""Many runs at once: a learning rate suggested with its interval, a grid around it in one compiled program."""

import numpy as np

import headway as hw

recipe = hw.Recipe(
    hw.mlp((16,), 3),
    data=hw.Data(hw.Iris()),
    loss=hw.CrossEntropy(),
    optimizer=hw.AdamW(1e-3),
    batch_size=16,
    length=60,
    evaluation=hw.Evaluation(20, metrics=(hw.Accuracy(),)),
)

# A short run a seed in which the rate rises: where the loss is least, divided by ten.
found = hw.find_learning_rate(recipe, seeds=4)
print(hw.rate_text(found), end="\n\n")
assert found.suggestion is not None
assert found.interval is not None
assert found.interval[0] < found.suggestion < found.interval[1]

# Seeds and numbers share one program; a width is another structure and has its own.
rates = (found.suggestion / 100, found.suggestion)
swept = hw.sweep(recipe, {"network/1/units": (4, 16), "optimizer/learning_rate": rates, "seed": range(3)})
print(hw.sweep_table(swept))
assert (len(swept.runs), swept.programs) == (12, 2)
best = swept.best()
assert best is not None
assert best.point["optimizer/learning_rate"] == found.suggestion

# Each run is the one that `train` makes of the same recipe, bit for bit.
run = swept.runs[-1]
alone = hw.train(run.recipe)
np.testing.assert_array_equal(run.params["1"]["w"], alone.params["1"]["w"])
