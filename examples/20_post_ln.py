"""A Post-LN transformer at a high rate without a warm-up: the same run is made again with one, and with Pre-LN."""

from dataclasses import replace

import headway as hw

recipe = replace(
    hw.named("copy-post-ln").recipe,
    network=hw.language_model(9, width=16, heads=2, blocks=2, placement=hw.post_ln),
    optimizer=hw.Adam(3e-2),
    watch=hw.Watch(10),
)
run = hw.train(recipe)
found = hw.diagnose(run)
assert found.cause is not None
print(f"{found.cause.cause}: {' '.join(found.cause.evidence)}")

offered = {remedy.name: remedy for remedy in hw.remedies(run, found)}
print(*(f"{remedy.name}: {remedy.reason}" for remedy in offered.values()), sep="\n")
cured = hw.train(hw.edit(recipe, *offered["pre-ln"].edits).spec)
before, after = (one.results["test"]["loss"] for one in (run, cured))
print(f"pre-ln: loss {before:.3f} → {after:.3f}; `headway cure copy-post-ln` tries each at its own best rate")

assert found.cause.id == "unstable-start"
assert next(iter(offered)) == "warm-up"
assert found["learning-rate-high"].evidence[-1] == "It can follow from unstable start."
assert after < 0.1 * before
