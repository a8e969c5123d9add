"""Modules of Flax and Equinox and plain functions, trained here, against the same training written by hand."""

import sys
from dataclasses import replace

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from flax import nnx

import strangers
from headway.doctor.diagnose import diagnose
from headway.exchange.modules import NNX, Equinox, Function, Linen
from headway.exchange.weights import load_weights, save_weights
from headway.learning.clipping import ClipByNorm
from headway.learning.optimizers.adaptive import AdamW
from headway.learning.optimizers.groups import Frozen, Groups
from headway.network.compose import Sequential
from headway.network.context import salt
from headway.network.dense import Dense
from headway.network.layer import Context, apply, initialize
from headway.network.values import flatten
from headway.signals.probe import Watch
from headway.spec.error import HeadwayError
from headway.spec.json import dumps, loads
from headway.training.job import prepare
from headway.training.recipe import Evaluation
from headway.training.run import Run
from headway.training.step import batch, initial_state
from headway.training.train import train
from tests.test_bad_input import headway
from tests.training.test_loop import RECIPE

KEY = jax.random.key(3)
X = np.random.default_rng(0).normal(size=(5, 4)).astype(np.float32)
LINEN = Linen("strangers:Perceptron", settings=(("width", 8),))
EQUINOX = Equinox("strangers:perceptron", settings=(("inputs", 4), ("width", 8)))
LAYERED = NNX("strangers:Layered", settings=(("inputs", 4),))
FUNCTION = Function(strangers.affine, init=strangers.first_affine)
SHORT = replace(RECIPE, optimizer=AdamW(1e-2, weight_decay=0.1), length=20, evaluation=Evaluation(20))


def close(a, b, **tolerance):
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, **tolerance), a, b)


def by_hand(recipe, function, params):
    """Flax's or Equinox's own function, Optax, and a plain loop over the same batches."""
    decays = jax.tree.map(lambda p: p.ndim >= 2, params)
    transformation = optax.chain(optax.clip_by_global_norm(1.0), optax.adamw(1e-2, weight_decay=0.1, mask=decays))
    job, memory = prepare(recipe), transformation.init(params)

    @jax.jit
    def one(params, memory, x, y):
        def objective(params):
            return optax.softmax_cross_entropy_with_integer_labels(function(params, x), y).mean()

        updates, memory = transformation.update(jax.grad(objective)(params), memory, params)
        return optax.apply_updates(params, updates), memory

    for k in range(job.updates):
        drawn = batch(job, k)
        params, memory = one(params, memory, drawn.x, drawn.y)
    return params


def test_a_flax_module_trains_here_as_by_hand_under_its_own_names():
    recipe = replace(SHORT, network=LINEN, clip=ClipByNorm(1.0))
    start = initial_state(prepare(recipe).update, (4,))["params"]
    trained = by_hand(recipe, lambda p, x: strangers.Perceptron(8).apply({"params": p}, x), start)
    run = train(recipe)
    assert set(flatten(run.params)) == {"hidden/kernel", "hidden/bias", "Dense_0/kernel", "Dense_0/bias"}
    close(run.final["params"], trained, rtol=1e-4, atol=1e-6)
    expected = strangers.Perceptron(8).apply({"params": run.params}, run.schema.prepare(X))
    np.testing.assert_allclose(run.outputs(X), expected, rtol=1e-6, atol=1e-7)


def test_an_equinox_module_trains_here_as_by_hand_under_its_own_names():
    recipe = replace(SHORT, network=EQUINOX, clip=ClipByNorm(1.0))
    start = initial_state(prepare(recipe).update, (4,))["params"]

    def function(params, x):
        first, second = (params["layers"][i] for i in "01")
        return jnp.tanh(x @ first["weight"].T + first["bias"]) @ second["weight"].T + second["bias"]

    run = train(recipe)
    assert set(flatten(run.params)) == {f"layers/{i}/{name}" for i in (0, 1) for name in ("weight", "bias")}
    close(run.final["params"], by_hand(recipe, function, start), rtol=1e-4, atol=1e-6)


def test_first_values_are_those_of_the_module_s_own_initialization_by_the_layer_s_key():
    network = Sequential((LINEN, Dense(4), EQUINOX, FUNCTION))
    params, _ = initialize(network, (4,), KEY)
    key = {kind: jax.random.fold_in(KEY, salt(f"headway/{kind}#0")) for kind in ("Linen", "Equinox", "Function")}
    close(params["0"], strangers.Perceptron(8).init(key["Linen"], X)["params"])
    close(params["2"]["layers"]["0"]["weight"], strangers.perceptron(key["Equinox"], 4, 8).layers[0].weight)
    close(params["3"], strangers.first_affine(key["Function"], jnp.zeros((2, 3))))
    close(params["1"], initialize(Sequential((Dense(4),)), (3,), KEY)[0]["0"])


def test_batch_statistics_of_flax_are_the_layer_s_state():
    module = nn.BatchNorm(momentum=0.8)
    layer = Linen(module)
    params, state = initialize(layer, (4,), KEY)
    assert set(flatten(state)) == {"batch_stats/mean", "batch_stats/var"}
    y, after = apply(layer, params, X, state, Context("train"))
    variables = {"params": params, **state}
    expected, changed = module.apply(variables, X, use_running_average=False, mutable=["batch_stats"])
    close((y, after), (expected, changed), rtol=1e-5, atol=1e-6)
    close(after["batch_stats"]["mean"], 0.2 * X.mean(0), rtol=1e-5, atol=1e-6)
    y, same = apply(layer, params, X, after)
    close(y, module.apply({"params": params, **changed}, X, use_running_average=True), rtol=1e-5, atol=1e-6)
    close(same, after)


def layered(values, training=True):
    """NNX's own module with these values."""
    module = strangers.Layered(4, rngs=nnx.Rngs(0))
    for kind, part in zip((nnx.Param, nnx.BatchStat), values, strict=True):
        held = nnx.state(module, kind)
        for path, variable in nnx.to_flat_state(held):
            variable.set_value(flatten(part)["/".join(map(str, path))])
        nnx.update(module, held)
    module.train() if training else module.eval()
    return module


def test_an_nnx_module_has_its_own_outputs_gradient_and_running_statistics():
    values = initialize(LAYERED, (4,), KEY)
    assert set(flatten(values[0])) == {f"{a}/{n}" for a in ("hidden", "layers/0") for n in ("kernel", "bias")} | {
        "norm/scale",
        "norm/bias",
    }
    own = strangers.Layered(4, rngs=nnx.Rngs(jax.random.fold_in(KEY, salt("headway/NNX#0"))))
    close(values[0]["layers"]["0"]["kernel"], own.layers[0].kernel[...])
    keys = jax.random.split(KEY, 5)

    def loss(params):
        y, after = apply(LAYERED, params, X, values[1], Context("train", keys=keys))
        return jnp.sum(jnp.sin(y)), (y, after)

    (_, (y, after)), gradients = jax.value_and_grad(loss, has_aux=True)(values[0])
    module = layered(values)
    due = nnx.grad(lambda module: jnp.sum(jnp.sin(module(X))))(module)
    module = layered(values)
    close(y, module(X), rtol=1e-6, atol=1e-6)
    close(gradients["layers"]["0"]["kernel"], due["layers"][0]["kernel"][...], rtol=1e-5, atol=1e-6)
    close(gradients["norm"]["scale"], due["norm"]["scale"][...], rtol=1e-5, atol=1e-6)
    close(gradients["hidden"]["kernel"], due["hidden"]["kernel"][...], rtol=1e-4, atol=1e-6)
    close(after["norm"]["mean"], module.norm.mean[...], rtol=1e-5, atol=1e-6)
    close(after["norm"]["mean"], 0.2 * np.asarray(module.hidden(X)).mean(0), rtol=1e-4, atol=1e-6)
    y, same = apply(LAYERED, values[0], X, after)
    close(y, layered((values[0], after), training=False)(X), rtol=1e-5, atol=1e-6)
    close(same, after)


def test_an_nnx_module_trains_and_is_loaded_under_its_own_names(tmp_path):
    run = train(replace(SHORT, network=LAYERED), out=tmp_path / "run")
    close(Run.load(tmp_path / "run").values, run.values)
    due = layered((run.params, run.values["network"]), training=False)(run.schema.prepare(X))
    np.testing.assert_allclose(run.outputs(X), due, rtol=1e-5, atol=1e-6)
    assert run.results["train"]["loss"] < run.history.columns()["loss"][0]


DRAWING = {
    "flax": Linen(strangers.Normalized()),
    "equinox": Equinox(strangers.Dropping),
    "nnx": NNX(strangers.Layered, settings=(("inputs", 4), ("rate", 0.5))),
}


@pytest.mark.parametrize("layer", DRAWING.values(), ids=DRAWING)
def test_random_numbers_are_drawn_in_training_alone_and_by_the_keys_given(layer):
    params, state = initialize(layer, (4,), KEY)

    def outputs(context):
        return apply(layer, params, X, state, context)[0]

    keys = [jax.random.split(jax.random.key(seed), 5) for seed in (0, 1)]
    first, again, other = (outputs(Context("train", keys=k)) for k in (keys[0], keys[0], keys[1]))
    np.testing.assert_array_equal(first, again)
    assert np.abs(first - other).max() > 1e-3
    np.testing.assert_array_equal(outputs(Context("eval")), outputs(Context("eval", keys=keys[0])))


def test_equinox_drops_each_example_by_its_own_key():
    layer = Equinox(strangers.Dropping)
    params, _ = initialize(layer, (4,), KEY)
    keys = jax.random.split(KEY, 5)
    whole, _ = apply(layer, params, X, {}, Context("train", keys=keys))
    part, _ = apply(layer, params, X[2:], {}, Context("train", keys=keys[2:]))
    np.testing.assert_allclose(whole[2:], part, rtol=1e-6, atol=1e-7)


def test_a_module_is_watched_diagnosed_frozen_and_taken_away_by_its_own_names(tmp_path):
    network = Sequential((LINEN, Dense(3)))
    groups = Groups(AdamW(1e-2), rules=(Frozen("0/hidden/*"),))
    recipe = replace(SHORT, network=network, optimizer=groups, watch=Watch(5))
    run = train(recipe, out=tmp_path / "run")
    assert run.history.signals.addresses == ("0", "1")
    assert {finding.id for finding in diagnose(run).causes} <= {"too-few-steps"}  # there are 20
    start = initial_state(prepare(recipe).update, (4,))["params"]
    close(run.params["0"]["hidden"], start["0"]["hidden"])
    assert np.abs(run.params["0"]["Dense_0"]["kernel"] - start["0"]["Dense_0"]["kernel"]).max() > 1e-3
    close(Run.load(tmp_path / "run").params, run.params)
    names = {"Dense_1/kernel": "1/w", "Dense_1/bias": "1/b"} | {
        address.removeprefix("0/"): address for address in flatten(run.params) if address.startswith("0/")
    }
    save_weights(run, tmp_path / "w.safetensors", names=names)
    close(load_weights(tmp_path / "w.safetensors", run, names=names)["params"], run.params)


def test_a_module_is_saved_by_name_and_a_function_is_not():
    assert loads(dumps(LINEN)) == LINEN
    for layer in (FUNCTION, Linen(nn.Dense(3)), Equinox(strangers.Dropping)):
        with pytest.raises(HeadwayError, match=r'(?s)factory: only numbers.*; got .*"package.module:function"'):
            dumps(layer)
    assert Linen(nn.Dense(3)) == Linen(nn.Dense(3))


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Linen("os.system"), "Linen.factory: must match pattern .* or be callable"),
        (
            lambda: Linen("no_such.models:Net"),
            "Linen/factory: must be of a module that has been imported.*Add --import no_s",
        ),
        (lambda: Linen("strangers:Perceptrn"), "factory: no such name in strangers.*Did you mean 'Perceptron'?"),
        (
            lambda: Function("strangers:affine", init="strangers:frist"),
            "Function/init: no such name in strangers; got fri",
        ),
        (
            lambda: Linen("strangers:Perceptron").shape((4,)),
            r"must take inputs of shape \(4,\); got TypeError: .*width",
        ),
        (lambda: LAYERED.shape((5,)), r"factory: the module must take inputs of shape \(5,\); got"),
        (
            lambda: NNX(strangers.Counting).shape((4,)),
            "factory: must keep parameters, .* alone; got calls",
        ),
        (
            lambda: NNX("strangers:perceptron").shape((4,)),
            "factory: must take rngs=; got .*Arguments: key, inputs, wid",
        ),
        (lambda: Linen("strangers:affine").shape((4,)), "factory: must name a module of Flax Linen; got 'strangers:a"),
        (lambda: EQUINOX.shape((5,)), r"factory: the module must take inputs of shape \(5,\); got TypeError"),
        (
            lambda: initialize(Function(lambda p, x: x @ p, init=lambda key, x: jnp.ones((4, 3))), (4,), KEY),
            "factory: must keep parameters under names; got one array alone. Use",
        ),
    ],
)
def test_mistakes_are_named(make, message):
    with pytest.raises(HeadwayError, match=message):
        make()


def test_the_command_line_trains_a_module_that_was_imported_and_no_other(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "recipe.json").write_text(dumps(replace(SHORT, network=LINEN)))
    monkeypatch.delitem(sys.modules, "strangers")
    code, _, err = headway(capsys, monkeypatch, "train", "recipe.json", "--out", "run")
    assert code == 2
    assert "network/factory: must be of a module that has been imported" in err
    code, out, _ = headway(capsys, monkeypatch, "train", "recipe.json", "--out", "run", "--import", "strangers")
    assert code == 0
    code, out, _ = headway(capsys, monkeypatch, "evaluate", "run", "--import", "strangers", "--json")
    assert code == 0
    assert "loss" in out
