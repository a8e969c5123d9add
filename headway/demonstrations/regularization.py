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


def label_smoothing() -> None:
    """With targets of 0.9 and 0.1 the best logits are finite: being surer costs again."""
    y = jnp.array([0])
    for gap in (2.0, 4.0, 8.0, 16.0):
        z = jnp.array([[gap, 0.0]])
        plain, smooth = hw.CrossEntropy()(z, y), hw.CrossEntropy(smoothing=0.2)(z, y)
        print(f"logits {gap:>4.0f} apart: loss {plain:.4f}, smoothed {smooth:.3f}")


def l2_penalty() -> None:
    """In plain SGD an L2 penalty and weight decay are the same; in Adam the penalty is divided away."""
    w, g = jnp.array([1.0]), jnp.array([10.0])
    for optimizer in (hw.SGD(0.01), hw.Adam(0.01)):
        rule = optimizer.transformation()
        plain, penalized = (rule.update(g + strength * w, rule.init(w), w)[0][0] for strength in (0.0, 1.0))
        print(f"{type(optimizer).__name__:<4} update {plain:.4f}, with a penalty of 1/2 w² {penalized:.4f}")


def evaluation_mode() -> None:
    """In training dropout leaves numbers out and doubles the rest; in evaluation it does nothing."""
    layer, x, training = (
        hw.Dropout(0.5),
        jnp.ones((1, 8)),
        hw.Context("train", keys=jax.random.split(jax.random.key(0), 1)),
    )
    print("evaluation", hw.apply(layer, {}, x)[0][0])
    print("training  ", hw.apply(layer, {}, x, context=training)[0][0])


def generalization() -> None:
    """The same network on examples it was trained on, and on others."""
    recipe = hw.Recipe(hw.mlp((64,), 10), data=hw.Data(hw.Digits()), loss=hw.CrossEntropy(), optimizer=hw.Adam(1e-2))
    run = hw.train(hw.edit(recipe, hw.Set("evaluation/metrics", value=(hw.Accuracy(),))).spec)
    for split in ("train", "test"):
        print(f"{split:<5} loss {run.results[split]['loss']:.3f}, accuracy {run.results[split]['accuracy']:.3f}")


def data_leakage() -> None:
    """Examples that stand in both parts make a network that learned noise by heart look as if it had understood."""
    draws = np.random.default_rng(0)
    x, y = draws.normal(size=(80, 20)).astype(np.float32), draws.integers(0, 2, 80)
    recipe = hw.Recipe(hw.mlp((64,), 2), loss=hw.CrossEntropy(), optimizer=hw.Adam(1e-2), batch_size=30)
    judged = hw.Set("evaluation/metrics", value=(hw.Accuracy(),)), hw.Set("evaluation/monitor", value="accuracy")
    recipe = hw.edit(recipe, *judged, hw.Set("length", value=hw.Epochs(60))).spec
    for name, (a, b) in {"clean": (x, y), "every example twice": (np.tile(x, (2, 1)), np.tile(y, 2))}.items():
        found = hw.train(recipe, data=hw.arrays(a, b, validation=0.25)).results["validation"]["accuracy"]
        print(f"labels that are pure chance, {name}: accuracy {found:.2f}")


def label_noise() -> None:
    """The more labels are wrong, the wider the gap between what is learned by heart and what holds for others."""
    draws = np.random.default_rng(0)
    x = draws.normal(size=(200, 10)).astype(np.float32)
    for share in (0.0, 0.2, 0.4):
        y = (x[:, 0] > 0).astype(int) ^ (draws.random(200) < share)
        recipe = hw.Recipe(hw.mlp((64,), 2), loss=hw.CrossEntropy(), optimizer=hw.Adam(1e-2), batch_size=50)
        run = hw.train(recipe, data=hw.arrays(x, y, validation=0.5))
        last = run.history.evaluations[-1]["loss"]
        print(f"{share:.0%} wrong: training loss {run.history.columns()['loss'][-1]:.2f}, held-out loss {last:.2f}")
