"""Train a small convolutional network on handwritten digits, from a recipe to predictions."""

import headway as hw

recipe = hw.Recipe(
    hw.Sequential((hw.Conv(16), hw.ReLU(), hw.MaxPool(2), hw.Flatten(), hw.Dense(10))),
    data=hw.Data(hw.Digits(shape="image")),
    loss=hw.CrossEntropy(),
    optimizer=hw.AdamW(hw.Warmup(hw.Fraction(0.05), then=hw.Cosine(1e-2))),
    length=hw.Epochs(20),
    evaluation=hw.Evaluation(metrics=(hw.Accuracy(),)),
)
print(hw.summary(recipe.network, (8, 8, 1)))
run = hw.train(recipe)
print(run.standing.message)
print({name: round(value, 3) for name, value in run.results["test"].items()})

assert run.results["test"]["accuracy"] > 0.95
