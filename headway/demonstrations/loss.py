"""Losses at work: how wrong an output is, and which way the gradient points."""

import jax
import jax.numpy as jnp
import numpy as np

import headway as hw


def loss_function() -> None:
    """One number for a batch, small where the outputs fit the targets, and a gradient that says how to get there."""
    outputs, targets = jnp.array([[1.0], [4.0]]), jnp.array([[2.0], [2.0]])
    for loss in (hw.MeanSquaredError(), hw.MeanAbsoluteError(), hw.Huber()):
        gradient = jax.grad(loss)(outputs, targets)
        print(f"{type(loss).__name__:<18} L = {loss(outputs, targets):.3f}  dL/dy = {gradient[:, 0]}")


def cross_entropy() -> None:
    """L = −log p of the right class; its gradient by the logits is p − q, never small where the answer is wrong."""
    logits, label = jnp.array([[4.0, 0.0, 0.0]]), jnp.array([1])
    loss = hw.CrossEntropy()
    print(f"L = {loss(logits, label):.4f}, −log p = {-jnp.log(jax.nn.softmax(logits)[0, 1]):.4f}")
    print("dL/dz ", jax.grad(loss)(logits, label)[0])
    print("p − q ", (jax.nn.softmax(logits)[0] - jnp.array([0, 1, 0])))


def mean_squared_error() -> None:
    """The constant with the least mean squared error is the mean, with the least absolute error the median."""
    targets = jnp.array([[0.0], [1.0], [2.0], [9.0]])
    guesses = jnp.linspace(0, 9, 181)
    for loss in (hw.MeanSquaredError(), hw.MeanAbsoluteError()):
        losses = jax.vmap(lambda c, loss=loss: loss(jnp.full((4, 1), c), targets))(guesses)
        best = guesses[losses <= losses.min() + 1e-6]
        print(f"{type(loss).__name__:<18} is least from {best.min():.2f} to {best.max():.2f}")
    print(f"mean {targets.mean():.2f}, median {jnp.median(targets):.2f}")


def loss_landscape() -> None:
    """The loss as a function of all parameters: along a line, and by the curvature where training ended."""
    run = hw.train(hw.named("iris").recipe)
    examples = run.data().train
    surface = hw.landscape(run.recipe.network, run.recipe.loss, hw.Batch(*map(jnp.asarray, (examples.x, examples.y))))
    direction = hw.random_direction(run.params, jax.random.key(0))
    line = hw.slice_line(surface, run.params, direction, at=(-2, -1, -0.5, 0, 0.5, 1, 2))
    print("loss along a random direction", line.losses)
    highest, lowest = hw.hessian_eigenvalues(surface, run.params, k=2)
    print("highest curvatures", highest.values, "lowest", lowest.values)


def classification() -> None:
    """Labels as targets: a network ends in one output a class, and is judged by how often the largest is right."""
    run = hw.train(hw.named("iris").recipe)
    print({name: round(value, 2) for name, value in run.results["test"].items()})
    print(
        "three flowers are taken for", run.predict([[5.1, 3.5, 1.4, 0.2], [6.0, 2.7, 5.1, 1.6], [6.5, 3.0, 5.8, 2.2]])
    )


def regression() -> None:
    """Amounts as targets: a network ends in one number, and is judged by the share of the variance it explains."""
    run = hw.train(hw.named("diabetes").recipe)
    print({name: round(value, 2) for name, value in run.results["test"].items()})
    y = run.data().splits()["test"].y
    print(f"the mean alone explains nothing: loss {((y - y.mean()) ** 2).mean():.0f}")


def local_minimum() -> None:
    """XOR with two hidden units: from some first weights training stays where the loss is high."""
    x, y = np.array([[0, 0], [0, 1], [1, 0], [1, 1]], np.float32), np.array([0, 1, 1, 0])
    for width in (2, 16):
        recipe = hw.Recipe(
            hw.mlp((width,), 2), loss=hw.CrossEntropy(), optimizer=hw.Adam(3e-2), batch_size=4, length=300
        )
        found = hw.sweep(recipe, {"seed": range(8)}, data=hw.arrays(np.tile(x, (4, 1)), np.tile(y, 4)))
        stuck = sum(run.results["train"]["loss"] > 0.1 for run in found.runs)
        print(f"{width:>2} hidden units: {stuck} of 8 runs are stuck")


def metric() -> None:
    """Two outputs of one accuracy and different loss: what is made small is not what is reported."""
    y = jnp.array([0, 1, 1])
    for logits in ([[2.0, 0.0], [0.0, 2.0], [0.1, 0.0]], [[2.0, 0.0], [0.0, 2.0], [9.0, 0.0]]):
        z = jnp.array(logits)
        right = (z.argmax(axis=1) == y).mean()
        print(f"accuracy {right:.2f}, cross-entropy {hw.CrossEntropy()(z, y):.2f}")
