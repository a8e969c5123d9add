"""A deep residual network that nothing scales: seen before it is trained, and gone with every branch times 1/√n."""

from dataclasses import replace

import headway as hw

recipe = replace(hw.named("digits-residual-unscaled").recipe, length=100, watch=hw.Watch(10))
before = hw.preflight(recipe)["initial-scale"]
print(f"before training: {' '.join(before.evidence)}")

run = hw.train(recipe)
found = hw.diagnose(run)
for cause in found.causes:
    print(f"{cause.cause}: {' '.join(cause.evidence)}")

remedy = next(one for one in hw.remedies(run, found) if "exploding-gradient" in one.causes)
edited = hw.edit(recipe, *remedy.edits)
print(f"{remedy.name}: {edited.spec.network}")
cured = hw.train(edited.spec)
print({name: one.results["test"]["loss"] for name, one in (("as it is", run), (remedy.name, cured))})

assert found["exploding-gradient"].verdict == "found"
assert before.verdict == "found"
assert remedy.name == "branches-scaled"
assert cured.results["test"]["accuracy"] > 0.7 > run.results["test"]["accuracy"]
