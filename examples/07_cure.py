"""A network that does not learn: the cause named, remedies proven in paired runs, the cured recipe and a report."""

from pathlib import Path

import headway as hw

recipe = hw.Recipe(
    hw.mlp((8,) * 5, 3, activation=hw.Sigmoid()),
    data=hw.Data(hw.Blobs(300)),
    loss=hw.CrossEntropy(),
    optimizer=hw.AdamW(3e-3),
    batch_size=30,
    length=60,
    evaluation=hw.Evaluation(20, metrics=(hw.Accuracy(),)),
)
found = hw.cure(recipe, trial=hw.Trial(randoms=0), tell=print)
print(hw.story(found, hw.deep_learning()))
Path("report.html").write_text(hw.page(found, hw.deep_learning()))

assert found.diagnosis.cause is not None
assert found.diagnosis.cause.concept == "vanishing-gradient"
assert found.proof is not None
assert found.proof.verdicts["sham"].word != "proven"
assert found.cured is not None
assert found.after is not None
assert found.after.results["test"]["loss"] < 0.5 * found.before.results["test"]["loss"]
