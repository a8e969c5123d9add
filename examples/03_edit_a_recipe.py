"""A recipe is a value: find parts of it, edit them, see the difference, keep the edit as JSON."""

import headway as hw

recipe = hw.named("digits-mlp").recipe

for address, layer in hw.select(recipe, hw.Dense):
    print(address, layer)

change = hw.Edits(
    (
        hw.InsertAfter("network/2", new=hw.Dropout(0.2)),
        hw.Replace("network/2", by=hw.GELU()),
        hw.Set("batch_size", value=32),
    )
)
edited = hw.edit(recipe, change)
print(change)
print({old: new for old, new in edited.moved.items() if old != new})

assert hw.edit(recipe, hw.diff(recipe, edited.spec)).spec == edited.spec
assert hw.loads(hw.dumps(change)) == change
assert edited.moved["network/3"] == "network/4"
