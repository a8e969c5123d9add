"""Measurements on demand: the edge of stability, the batch that noise asks for, and labels learned by heart."""

from dataclasses import replace

import numpy as np

import headway as hw

# 1. Full batches: the curvature rises until rate × sharpness is at 2. There training goes on, and no fault is found.
x = np.linspace(-1, 1, 40)[:, None]
curve = hw.arrays(x, np.cos(5 * np.arccos(x)), validation=None, test=None, standardize=False)
descent = hw.Recipe(
    hw.mlp((50, 50), 1, activation=hw.Tanh()),
    loss=hw.MeanSquaredError(),
    optimizer=hw.SGD(0.1),
    batch_size=40,
    length=2000,
    evaluation=hw.Evaluation(2000),
)
first = hw.measure(descent, "sharpness", data=curve)["sharpness"]
last = hw.measure(hw.train(descent, data=curve), "sharpness", "critical-sharpness")
for one in (first, *last.values()):
    print(one.name, *one.evidence, one.advice, sep="\n  ")
assert first.numbers["product"] < 1.2
assert 1.8 < last["sharpness"].numbers["product"] < 2.3
assert 0.7 < last["critical-sharpness"].numbers["factor"] < 1.5

# 2. How large a batch the noise asks for: it grows as what is left to learn gets less.
digits = hw.Recipe(
    hw.mlp((32,), 10), data=hw.Data(hw.Digits()), loss=hw.CrossEntropy(), optimizer=hw.AdamW(3e-3), length=100
)
scales = [hw.measure(what, "gradient-noise-scale")["gradient-noise-scale"] for what in (digits, hw.train(digits))]
for one in scales:
    print(*one.evidence, one.advice)
assert scales[0].numbers["high"] < scales[1].numbers["low"]

# 3. The change of an input on its way through 20 sigmoid layers, each of which takes three quarters of it and more.
shrunk = hw.measure(hw.named("digits-sigmoid20").recipe, "jacobian-norms")["jacobian-norms"]
print(*shrunk.evidence, shrunk.advice)
assert shrunk.numbers["growth"] < 0.3

# 4. Labels in random order: a wide network learns them by heart, a linear one cannot.
iris = hw.Recipe(
    hw.mlp((128, 128), 3),
    data=hw.Data(hw.Iris()),
    loss=hw.CrossEntropy(),
    optimizer=hw.Adam(1e-2),
    batch_size=35,
    length=300,
)
found = [hw.measure(each, "permuted-labels")["permuted-labels"] for each in (iris, replace(iris, network=hw.Dense(3)))]
for one in found:
    print(*one.evidence, one.advice)
assert found[0].numbers["permuted"] > 0.7 > 0.1 > found[1].numbers["permuted"]
