"""Twenty layers of sigmoid do not learn: the loss does not say why, the gradient behind each layer does."""

from dataclasses import replace

import headway as hw

recipe = replace(hw.named("digits-sigmoid20").recipe, length=100, watch=hw.Watch(10))
run = hw.train(recipe)
found = hw.diagnose(run)
assert found.cause is not None
print(f"{found.cause.cause}: {' '.join(found.cause.evidence)}")

remedy = hw.remedies(run, found)[0]
print(f"{remedy.name}: {remedy.reason}\nrefuted by: {remedy.refuted_by}")
cured = hw.train(hw.edit(recipe, *remedy.edits).spec)
before, after = (one.results["test"]["loss"] for one in (run, cured))
print(f"loss {before:.2f} → {after:.2f}; `headway cure digits-sigmoid20` proves it over ten seeds")

assert found.causes == (found.cause,)
assert (found.cause.id, remedy.name) == ("vanishing-gradient", "relu-and-he")
assert after < 0.7 * before
