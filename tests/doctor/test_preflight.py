"""The pre-flight on other people's functions: faults planted one by one, and their healthy twins."""

from collections import namedtuple

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import linen, nnx
from sklearn.datasets import load_diabetes, load_digits

import headway as hw
from headway.concepts.catalog import deep_learning

X, Y = load_digits(return_X_y=True)
X, Y = (X[:96] / 16).astype(np.float32), Y[:96]
BATCH = {"x": X, "y": Y}
DIABETES = tuple(
    ((part - part.mean(0)) / part.std(0)).astype(np.float32)[:80] for part in load_diabetes(return_X_y=True)
)
TOKENS = np.random.default_rng(0).integers(0, 12, (40, 7))
Layer = namedtuple("Layer", "w b")
Pair = namedtuple("Pair", "x y")


def init(*sizes, seed=0, dtype=jnp.float32):
    keys = jax.random.split(jax.random.key(seed), len(sizes))
    return {"layers": [{"w": (jax.random.normal(k, (a, b)) * np.sqrt(2 / a)).astype(dtype), "b": jnp.zeros(b, dtype)}
                       for k, a, b in zip(keys, sizes, sizes[1:], strict=False)]}  # fmt: skip


PARAMS = init(64, 32, 24, 10)


def net(params, x, act=jax.nn.relu):
    *hidden, last = params["layers"]
    for layer in hidden:
        x = act(x @ layer["w"] + layer["b"])
    return x @ last["w"] + last["b"]


def each(logits, y):
    return jax.nn.logsumexp(logits, -1) - jnp.take_along_axis(logits, y[..., None], -1)[..., 0]


def ce(logits, y):
    return jnp.mean(each(logits, y))


def loss(params, batch, act=jax.nn.relu):
    return ce(net(params, batch["x"], act), batch["y"])


def squared(params, batch):
    return jnp.mean((net(params, batch[0])[:, 0] - batch[1]) ** 2)


def norm(h):
    return (h - h.mean(-1, keepdims=True)) / jnp.sqrt(h.var(-1, keepdims=True) + 1e-5)


def smoothed(params, batch):
    q = 0.9 * jax.nn.one_hot(batch["y"], 10) + 0.01
    return -jnp.mean(jnp.sum(q * jax.nn.log_softmax(net(params, batch["x"])), -1))


def language(params, batch):
    logits = jnp.cumsum(params["e"][batch["t"][:, :-1]], 1) @ params["o"]
    return jnp.sum(batch["m"] * each(logits, batch["t"][:, 1:])) / jnp.sum(batch["m"])


def dropout(params, batch):
    keep = jax.random.bernoulli(jax.random.key(1), 0.5, (len(batch["x"]), 64))
    return ce(net(params, jnp.where(keep, 2 * batch["x"], 0)), batch["y"])


def edited(at, change, params=PARAMS):
    """The parameters with one leaf changed: `edited("1/b", lambda b: b - 100)`."""
    number, name = at.split("/")
    layers = [dict(layer) for layer in params["layers"]]
    layers[int(number)][name] = change(layers[int(number)][name])
    return {"layers": layers}


EMBEDDING = {"e": jax.random.normal(jax.random.key(0), (12, 8)), "o": jax.random.normal(jax.random.key(1), (8, 12)) / 4}
MASK = np.random.default_rng(0).random((40, 6)) < np.linspace(0.3, 1, 40)[:, None]
ONE_HOT = np.eye(100, dtype=np.float32)[np.random.default_rng(0).integers(0, 60, 96)]
HEALTHY = {
    "mlp": (loss, PARAMS, BATCH),
    "zero-initialized head": (loss, edited("2/w", jnp.zeros_like), BATCH),
    "loss × 1e-4": (lambda p, b: 1e-4 * loss(p, b), PARAMS, BATCH),
    "sum over rows": (lambda p, b: len(b["x"]) * loss(p, b), PARAMS, BATCH),
    "sparse inputs": (loss, init(100, 32, 10), {"x": ONE_HOT, "y": Y}),
    "sparse inputs, weights [out, in]": (
        lambda p, b: ce(jax.nn.relu(b["x"] @ p["w"].T) @ p["v"].T, b["y"]),
        {"w": jax.random.normal(jax.random.key(0), (32, 100)) / 9, "v": jax.random.normal(jax.random.key(1), (10, 32))},
        {"x": ONE_HOT, "y": Y},
    ),
    "layer norm": (lambda p, b: loss(p, b, lambda h: jax.nn.gelu(norm(h))), PARAMS, BATCH),
    "regression": (squared, init(10, 16, 1), DIABETES),
    "linear regression": (squared, init(10, 1), DIABETES),
    "root mean square": (lambda p, b: jnp.sqrt(squared(p, b)), init(10, 16, 1), DIABETES),
    "one row": (loss, PARAMS, {"x": X[:1], "y": Y[:1]}),
    "two rows": (loss, PARAMS, {"x": X[:2], "y": Y[:2]}),
    "bfloat16": (loss, init(64, 16, 10, dtype=jnp.bfloat16), {"x": X.astype(jnp.bfloat16), "y": Y}),
    "NamedTuples": (lambda p, b: ce(b.x @ p.w + p.b, b.y), Layer(jnp.zeros((64, 10)), jnp.zeros(10)), Pair(X, Y)),
    "tuples, auxiliary output": (lambda p, b: (ce(b[0] @ p[0], b[1]), "said"), (PARAMS["layers"][0]["w"],), (X, Y % 9)),
    "masked language model": (language, EMBEDDING, {"t": TOKENS, "m": MASK}),
    "label smoothing": (smoothed, PARAMS, BATCH),
    "dropout of one key": (dropout, PARAMS, BATCH),
    "20 layers of ReLU": (loss, init(64, *[32] * 20, 10, seed=3), BATCH),
    "one class alone": (loss, PARAMS, {"x": X, "y": 0 * Y}),
    "equal rows": (loss, PARAMS, {"x": 0 * X + X[:1], "y": 0 * Y}),
    "missing values left out": (
        lambda p, b: loss(p, {"x": jnp.nan_to_num(b["x"]), "y": b["y"]}),
        PARAMS,
        {"x": np.where(np.arange(64) == 3, np.nan, X).astype(np.float32), "y": Y},
    ),
    "low rank beside a frozen network": (
        lambda p, b: ce(net(PARAMS, b["x"]) + b["x"] @ p["a"] @ p["b"], b["y"]),
        {"a": jax.random.normal(jax.random.key(0), (64, 4)) / 8, "b": jnp.zeros((4, 10))},
        BATCH,
    ),
    "autoencoder beside ids": (
        lambda p, b: jnp.mean((net(p, b["x"]) - b["x"]) ** 2),
        init(64, 8, 64),
        {"x": X, "id": np.arange(96)},
    ),
    "negative log density": (
        lambda p, b: (lambda o: jnp.mean(o[:, 1] + jnp.exp(-2 * o[:, 1]) * (o[:, 0] - b[1]) ** 2))(net(p, b[0])),
        init(10, 16, 2),
        DIABETES,
    ),
    "one size of batch": (lambda p, b: ce(net(p, b["x"].reshape(96, 64)), b["y"]), PARAMS, BATCH),
    "integers among the parameters": (lambda p, b: loss(p["net"], b), {"net": PARAMS, "step": 3, "s": "tanh"}, BATCH),
}


@jax.custom_vjp
def turned(x):
    return x


turned.defvjp(lambda x: (x, None), lambda _, g: (-g,))


def detached(params, batch):
    first, *others = params["layers"]
    return loss({"layers": [jax.lax.stop_gradient(first), *others]}, batch)


def batch_norm(params, batch):
    return loss(params, batch, lambda h: jax.nn.relu((h - h.mean(0)) / jnp.sqrt(h.var(0) + 1e-5)))


INF = X.copy()
INF[5, 7] = np.inf
SIGMOID = init(64, *[32] * 20, 10, seed=3)
FAULTS = {
    "detached": (detached, PARAMS, BATCH, "gradients", "layers/0/w"),
    "unused": (lambda p, b: loss(p["net"], b), {"net": PARAMS, "old": jnp.ones(3)}, BATCH, "gradients", "old"),
    "all zero": (loss, jax.tree.map(jnp.zeros_like, PARAMS), BATCH, "gradients", "layers/0/w"),
    "softmax of one unit": (
        lambda p, b: -jnp.mean(jnp.log(jax.nn.softmax(net(p, b["x"])[:, :1]))),
        PARAMS, BATCH, "gradients", "layers/2/w",
    ),
    "accuracy as loss": (
        lambda p, b: 1.0 * jnp.mean(jnp.argmax(net(p, b["x"]), 1) != b["y"]), PARAMS, BATCH, "gradients", "layers/2/b",
    ),
    "dead layer": (loss, edited("0/b", lambda b: b - 100), BATCH, "dead units", "layers/0/b"),
    "most units dead": (loss, edited("1/b", lambda b: b.at[:20].set(-100)), BATCH, "dead units", "layers/1/b"),
    "dead by weights": (loss, edited("0/w", lambda w: -jnp.abs(w)), BATCH, "dead units", "layers/0/w"),
    "NaN in a parameter": (loss, edited("1/w", lambda w: w.at[3, 4].set(jnp.nan)), BATCH, "finite", "layers/1/w"),
    "infinity in the batch": (loss, PARAMS, {"x": INF, "y": Y}, "finite", "batch/x"),
    "logarithm of 0": (
        lambda p, b: -jnp.mean(jnp.log(jax.nn.relu(net(p, b["x"])[:, 0]))), PARAMS, BATCH, "finite", "loss",
    ),
    "norm at 0": (
        lambda p, b: loss(p, b) + jnp.linalg.norm(p["layers"][0]["b"]), PARAMS, BATCH, "finite", "layers/0/b",
    ),
    "softmax twice": (lambda p, b: ce(jax.nn.softmax(net(p, b["x"])), b["y"]), PARAMS, BATCH, "overfit", None),
    "sigmoid before softmax": (lambda p, b: ce(jax.nn.sigmoid(net(p, b["x"])), b["y"]), PARAMS, BATCH, "overfit", None),
    "inputs not used": (
        lambda p, b: ce(net(p, jnp.ones_like(b["x"])), b["y"]), PARAMS, BATCH, "overfit", "batch/x",
    ),
    "20 layers of sigmoid": (lambda p, b: loss(p, b, jax.nn.sigmoid), SIGMOID, BATCH, "overfit", "batch/x"),
    "gradient turned": (lambda p, b: turned(loss(p, b)), PARAMS, BATCH, "overfit", None),
    "mean of the batch taken off": (
        lambda p, b: ce(net(p, b["x"] - b["x"].mean(0)), b["y"]), PARAMS, BATCH, "independent", "batch/x",
    ),
    "batch normalization": (batch_norm, PARAMS, BATCH, "independent", "batch/x"),
    "leak in bfloat16": (
        lambda p, b: ce(net(p, b["x"] - b["x"].mean(0)), b["y"]), init(64, 16, 10, dtype=jnp.bfloat16), BATCH,
        "independent", "batch/x",
    ),
    "rolled rows": (lambda p, b: ce(jnp.roll(net(p, b["x"]), 1, 0), b["y"]), PARAMS, BATCH, "independent", None),
    "first row everywhere": (
        lambda p, b: ce(net(p, b["x"] + b["x"][:1]), b["y"]), PARAMS, BATCH, "independent", "batch/x",
    ),
    "tokens leak between rows": (
        lambda p, b: ce(jnp.cumsum(p["e"][b], 0)[:, :-1] @ p["o"] / 9, b[:, 1:]), EMBEDDING, TOKENS, "independent",
        "batch",
    ),
    "logits × 100": (lambda p, b: ce(100 * net(p, b["x"]), b["y"]), PARAMS, BATCH, "chance", None),
    "pixels not scaled": (loss, PARAMS, {"x": 255 * X, "y": Y}, "chance", None),
    "sign": (lambda p, b: -loss(p, b), PARAMS, BATCH, "chance", None),
    "np.random": (
        lambda p, b: ce(net(p, b["x"] + np.random.default_rng().normal(size=(1, 64))), b["y"]),
        PARAMS, BATCH, "repeatable", None,
    ),
    "one loss a row": (lambda p, b: each(net(p, b["x"]), b["y"]), PARAMS, BATCH, "scalar", None),
    "errors counted": (lambda p, b: jnp.sum(jnp.argmax(net(p, b["x"]), 1) != b["y"]), PARAMS, BATCH, "scalar", None),
}  # fmt: skip


@pytest.mark.parametrize("name", HEALTHY)
def test_a_healthy_function_fails_no_check(name):
    report = hw.check(*HEALTHY[name])
    assert report.ok, str(report)


@pytest.mark.parametrize("name", FAULTS)
def test_a_planted_fault_fails_its_own_check_alone_and_is_placed(name):
    function, params, batch, check, where = FAULTS[name]
    report = hw.check(function, params, batch)
    assert [failed.name for failed in report.failed] == [check], str(report)
    assert where is None or where in report[check].where, str(report)
    assert report[check].expected
    assert report[check].fix
    assert report[check].concept in {concept.name for concept in deep_learning().concepts}


class Convolution(linen.Module):
    """A small network with batch normalization."""

    @linen.compact
    def __call__(self, x, train):
        x = linen.Conv(4, (3, 3))(x.reshape(-1, 8, 8, 1))
        x = linen.relu(linen.BatchNorm(use_running_average=not train)(x))
        return linen.Dense(10)(x.reshape(len(x), -1))


def test_flax_linen_is_healthy_in_evaluation_and_its_batch_norm_couples_rows_in_training():
    network = Convolution()
    variables = network.init(jax.random.key(0), X[:2], train=False)

    def function(params, batch, train):
        given = {**variables, "params": params}
        logits, _ = network.apply(given, batch["x"], train=train, mutable=["batch_stats"])
        return ce(logits, batch["y"])

    params = variables["params"]
    assert hw.check(lambda p, b: function(p, b, False), params, BATCH).ok
    report = hw.check(lambda p, b: function(p, b, True), params, BATCH)
    assert [check.name for check in report.failed] == ["independent"]
    assert "batch normalization" in report["independent"].fix


def test_an_nnx_module_is_a_pytree_like_any_other():
    module = nnx.Sequential(nnx.Linear(64, 16, rngs=nnx.Rngs(0)), nnx.gelu, nnx.Linear(16, 10, rngs=nnx.Rngs(0)))
    graph, state = nnx.split(module)
    assert hw.check(lambda m, b: ce(m(b["x"]), b["y"]), module, BATCH).ok
    report = hw.check(lambda s, b: ce(jax.nn.softmax(nnx.merge(graph, s)(b["x"])), b["y"]), state, BATCH)
    assert [check.name for check in report.failed] == ["overfit"]


def test_headways_own_network_with_one_key_a_row_is_healthy():
    network = hw.Sequential((hw.Conv(4), hw.ReLU(), hw.Flatten(), hw.Dropout(0.2), hw.Dense(10)))
    params, _ = hw.initialize(network, (8, 8, 1), jax.random.key(0))

    def function(params, batch):
        context = hw.Context(mode="train", keys=batch.keys)
        return hw.CrossEntropy()(hw.apply(network, params, batch.x, context=context)[0], batch.y, batch.weights)

    keys, weights = jax.random.split(jax.random.key(1), 96), np.linspace(0.1, 1, 96, dtype=np.float32)
    report = hw.check(function, params, hw.Batch(X.reshape(-1, 8, 8, 1), Y, keys, weights))
    assert report.ok, str(report)
    assert report["order"].verdict == "passed"
    assert "weighted mean" in report["independent"].measured
