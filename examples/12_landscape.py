"""A ridge between two solutions, lower once hidden units are matched, none without a hidden layer; a saddle at 0."""

from dataclasses import replace

import jax
import jax.numpy as jnp
import numpy as np

import headway as hw

recipe = hw.Recipe(
    hw.mlp((16,), 10, activation=hw.Tanh()),
    data=hw.Data(hw.Digits()),
    loss=hw.CrossEntropy(),
    optimizer=hw.AdamW(1e-2, weight_decay=0.0),
    length=hw.Epochs(15),
)
linear = replace(recipe, network=hw.Sequential((hw.Flatten(), hw.Dense(10))))


def surface(run):
    """The loss on the training examples as a function of the weights."""
    examples = run.data().train
    batch = hw.Batch(jnp.asarray(examples.x), jnp.asarray(examples.y))
    return hw.landscape(run.recipe.network, run.recipe.loss, batch)


# 1. From the weights of one seed straight to those of another. Cross-entropy of a linear model is convex: no barrier.
barriers = {}
for name, each in {"with a hidden layer": recipe, "without": linear}.items():
    one, two = (hw.train(replace(each, seed=seed)) for seed in (0, 1))
    line = hw.slice_between(surface(one), one.params, two.params, 21)
    aligned = hw.align(each.network, one.schema.input_shape, two.values, to=one.values)
    matched = hw.slice_between(surface(one), one.params, aligned["params"], 21)
    barriers[name], barriers[f"{name}, matched"] = line.barrier, matched.barrier
    lowest = hw.hessian_eigenvalues(surface(one), one.params, k=1)[1]
    print(f"{name:<20} losses {line.losses[0]:.3f} and {line.losses[-1]:.3f}, barrier {line.barrier:.3f} "
          f"({matched.barrier:.3f} with units matched), "
          f"lowest curvature {lowest.values[0]:.1g} ± {lowest.errors[0]:.1g}")  # fmt: skip
    if name == "without":
        assert lowest.values[0] > -lowest.errors[0]
assert barriers["with a hidden layer"] > 0.05 > 1e-5 > barriers["without"]
assert barriers["with a hidden layer, matched"] < barriers["with a hidden layer"]

# 2. Weights of 0, and biases that give every class its frequency: no gradient, but ways down, in pairs of weights.
run = hw.train(replace(recipe, length=1))
nowhere = jax.tree.map(jnp.zeros_like, run.params)
last = list(nowhere)[-1]
nowhere[last]["b"] = jnp.log(jnp.asarray(np.bincount(run.data().train.y) / len(run.data().train), jnp.float32))
point = hw.classify_point(surface(run), nowhere)
print(f"weights of 0: {point.kind}, ‖g‖ {point.gradient_norm:.1g}, curvatures {point.lowest.values[0]:.3f} "
      f"to {point.highest.values[0]:.3f}")  # fmt: skip
assert point.kind == "saddle"

# 3. The way of training on the plane in which it spreads most: it starts high and ends low, and the plane has it all.
run = hw.train(recipe)
steps = np.linspace(0, run.standing.step, 21).astype(int).tolist()
path = [values["params"] for values in hw.replay(recipe, steps)]
plane = hw.slice_path(surface(run), path, points=11)
print(f"{sum(plane.shares):.0%} of the path's variance lies in its plane, losses there {plane.losses.min():.3f} "
      f"to {plane.losses.max():.3f}")  # fmt: skip
jax.tree.map(np.testing.assert_array_equal, path[-1], run.final["params"])
assert sum(plane.shares) > 0.8
