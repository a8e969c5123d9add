"""Digits learned by heart, a fifth of them with a wrong label: when it began, and what fits them less."""

from dataclasses import replace

import headway as hw

recipe = replace(hw.named("digits-noisy150").recipe, watch=hw.Watch(10))
run = hw.train(recipe)
found = hw.diagnose(run)
assert found.cause is not None
print(f"{found.cause.cause}: {' '.join(found.cause.evidence)}")

offered = {remedy.name: remedy for remedy in hw.remedies(run, found)}
names = ("stop-at-best", "weight-decay", "label-smoothing")
ends = {name: hw.train(hw.edit(recipe, *offered[name].edits).spec).history.evaluations[-1]["loss"] for name in names}
ends["as it is"] = run.history.evaluations[-1]["loss"]
print({name: round(loss, 2) for name, loss in ends.items()})
print("which is more than slower training? `headway cure digits-noisy150` tries each at its own best rate")

assert [one.id for one in found.causes] == ["overfitting"]
assert next(iter(offered)) == "stop-at-best"
assert all(ends[name] < 0.5 * ends["as it is"] for name in names)
