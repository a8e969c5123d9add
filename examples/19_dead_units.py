"""Units that give 0 for every example: no gradient reaches what is before them, before training as after it."""

from dataclasses import replace

import headway as hw

recipe = replace(hw.named("digits-dead-relu").recipe, length=100, watch=hw.Watch(10))
print(f"before training: {hw.preflight(recipe)['unreached-parameters'].evidence[0]}")

run = hw.train(recipe)
found = hw.diagnose(run)
assert found.cause is not None
print(f"{found.cause.cause}: {' '.join(found.cause.evidence)}")
print(f"unreached parameters: {found['unreached-parameters'].evidence[-1]}")

remedy = hw.remedies(run, found)[0]
cured = hw.train(hw.edit(recipe, *remedy.edits).spec)
print(f"{remedy.name}: accuracy {run.results['test']['accuracy']:.2f} → {cured.results['test']['accuracy']:.2f}")

assert [one.id for one in found.causes] == ["dying-relu"]
assert (found.cause.where, found["unreached-parameters"].verdict) == (("3",), "noticed")
assert remedy.name == "leaky-relu"
assert cured.results["test"]["loss"] < 0.5 * run.results["test"]["loss"]
