"""Regularization at work: fitting the examples less, and others better."""

import jax
import jax.numpy as jnp
import numpy as np

import headway as hw


def overfitting() -> None:
    """Forty noisy examples learned by heart: the training loss goes on falling, the held-out loss turns."""
    x = np.random.default_rng(0).normal(size=(120, 20))
    y = (x[:, 0] + np.random.default_rng(1).normal(size=120) > 0).astype(int)
    recipe = hw.Recipe(hw.mlp((64,), 2), loss=hw.CrossEntropy(), optimizer=hw.Adam(1e-2), batch_size=40)
    run = hw.train(recipe, data=hw.arrays(x, y, validation=0.5))
    held_out = [e["loss"] for e in run.history.evaluations]
    print(f"training loss {run.history.columns()['loss'][-1]:.3f} at the end")
    best = np.argmin(held_out)
    print(f"held-out loss {held_out[best]:.2f} after epoch {best + 1}, {held_out[-1]:.2f} at the end")


def regularization() -> None:
    """On noisy examples each of these leaves a gap between training and held-out loss that is smaller than without."""
    x = np.random.default_rng(0).normal(size=(120, 20))
    data = hw.arrays(x, (x[:, 0] + np.random.default_rng(1).normal(size=120) > 0).astype(int), validation=0.5)
    plain, dropout = hw.mlp((64,), 2), hw.Sequential((hw.Dense(64), hw.ReLU(), hw.Dropout(0.7), hw.Dense(2)))
    arms = {"nothing": (plain, None), "weight decay": (plain, 2.0), "dropout": (dropout, None)}
    for name, (network, decay) in arms.items():
        recipe = hw.Recipe(network, loss=hw.CrossEntropy(), optimizer=hw.AdamW(1e-2, weight_decay=decay), batch_size=40)
        run = hw.train(recipe, data=data)
        print(f"{name:<13} held-out loss at the end {run.history.evaluations[-1]['loss']:.2f}")


def dropout() -> None:
    """In training a share of the numbers is 0 and the rest scaled up: the mean stays. In evaluation all pass."""
    layer, x = hw.Dropout(0.25), jnp.ones((1000, 8))
    keys = jax.random.split(jax.random.key(0), 1000)
    y, _ = hw.apply(layer, {}, x, context=hw.Context("train", keys=keys))
    print(f"training: {(y == 0).mean():.1%} are 0, the mean is {y.mean():.3f}; the first example")
    print(y[0])
    print("evaluation:", hw.apply(layer, {}, x)[0][0])


def co_adaptation() -> None:
    """Units that lean on each other fail when some are taken away; those trained with dropout stand it better."""
    data = hw.Data(hw.Digits()).load()
    test = data.splits()["test"]
    for rate in (0.0, 0.5):
        network = hw.Sequential((hw.Dense(64), hw.ReLU(), hw.Dropout(rate), hw.Dense(10)))
        recipe = hw.Recipe(network, loss=hw.CrossEntropy(), optimizer=hw.Adam(3e-3))
        params = hw.train(recipe, data=data).params
        cut = params | {"0": jax.tree.map(lambda p: jnp.where(jnp.arange(64) % 2 == 0, p, 0), params["0"])}
        right = [(hw.apply(network, p, jnp.asarray(test.x))[0].argmax(1) == test.y).mean() for p in (params, cut)]
        print(f"dropout {rate}: accuracy {right[0]:.2f}, with half of the units taken away {right[1]:.2f}")


def weight_decay() -> None:
    """With no gradient at all a weight shrinks by the factor 1 − ηλ an update; biases and norms do not decay."""
    declared = {"w": hw.Parameter(()), "b": hw.Parameter((), decays=False)}
    rule = hw.SGD(0.1, weight_decay=0.5).transformation(declared)
    params = {"w": jnp.array(1.0), "b": jnp.array(1.0)}
    memory, zeros = rule.init(params), {"w": jnp.array(0.0), "b": jnp.array(0.0)}
    for _ in range(10):
        updates, memory = rule.update(zeros, memory, params)
        params = hw.apply_updates(params, updates)
    print(f"w = {params['w']:.4f}, (1 − 0.1 · 0.5)¹⁰ = {0.95**10:.4f}, b = {params['b']:.1f}")


def early_stopping() -> None:
    """Training ends when the held-out loss has not improved for a while, and the best weights come back."""
    recipe = hw.Recipe(
        hw.mlp((128,), 10), data=hw.Data(hw.Digits()), loss=hw.CrossEntropy(), optimizer=hw.Adam(3e-3),
        length=hw.Epochs(200), stopping=hw.EarlyStopping(5),
    )  # fmt: skip
    run = hw.train(recipe)
    print(run.standing.message)
    print(f"{run.standing.step} updates of {200 * 16}; the best weights are from update {run.standing.best_step}")


def data_augmentation() -> None:
    """Altered copies of an example, drawn anew each time by its own key; the target stays."""
    x = jnp.zeros((1, 4, 5, 1)).at[0, 1:3, 1].set(1)
    for augmentation in (hw.Flip(1.0), hw.Shift(1), hw.Rotate(45.0)):
        altered, _ = augmentation.apply_to_batch(x, jnp.array([7]), jax.random.split(jax.random.key(1), 1))
        print(f"{augmentation!r}\n{altered[0, :, :, 0]}")
