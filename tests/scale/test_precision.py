"""Compute in 16 bits on weights of 32: what is cast, what is not, and what is lost without that."""

import functools
import math
import re
from dataclasses import replace

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from headway.data.bundled import Digits
from headway.data.dataset import Data, Examples
from headway.learning.clipping import ClipByNorm
from headway.learning.losses import CrossEntropy, MeanAbsoluteError, MeanSquaredError
from headway.learning.metrics import Accuracy
from headway.learning.optimizers.adaptive import AdamW
from headway.learning.optimizers.optimizer import apply_updates
from headway.learning.optimizers.sgd import SGD
from headway.models.transformer import pre_ln
from headway.network.activations import ReLU
from headway.network.attention import MultiHeadAttention
from headway.network.compose import Sequential
from headway.network.convolution import Conv, GlobalAveragePool
from headway.network.dense import Dense
from headway.network.embedding import Embedding, LearnedPositions
from headway.network.feedforward import FeedForward
from headway.network.initialization import Constant, Zeros
from headway.network.layer import Context, apply, initialize
from headway.network.normalization import BatchNorm, LayerNorm
from headway.network.recurrent import GRU, Recurrent
from headway.network.residual import Residual
from headway.scale.precision import BFloat16, Float16, Float32
from headway.signals.probe import empty_slots, watched
from headway.spec.error import HeadwayError
from headway.training.evaluate import judge, outputs
from headway.training.job import Update, prepare
from headway.training.recipe import Evaluation, Recipe
from headway.training.step import Batch, initial_state, step, update_once
from headway.training.train import train

NARROW = [BFloat16(), Float16()]
BODY = Residual(Sequential((Dense(4, name="inner"), LayerNorm(name="norm2"))), name="block")
NETWORK = Sequential(
    (Dense(4, name="stem"), LayerNorm(name="norm1"), BODY, Sequential((ReLU(), Dense(3)), name="head"))
)
ONE = Sequential((Dense(1, bias=False, init=Constant(1.0)),))
"""y = w x with w = 1."""


def update_of(network, loss, precision, optimizer=SGD(1.0), clip=None) -> Update:  # noqa: B008 (a frozen spec)
    return Update(network, loss=loss, optimizer=optimizer, clip=clip, batch_size=1, seed=0, precision=precision)


def dtypes_seen(network, precision, x) -> dict[str, str]:
    """The dtype of every layer's output by address."""
    seen: dict[str, str] = {}

    def tap(address, value):
        seen[address] = value.dtype.name
        return value

    def forward(key):
        params, state = initialize(network, x.shape[1:], key)
        return apply(network, params, x, state, Context("train", tap=tap, computes=precision.computes()))[0]

    jax.eval_shape(forward, jax.random.key(0))
    return seen


def operands(jaxpr, primitives: set[str]) -> list[tuple[str, str]]:
    """(primitive, dtype of its operand) of every such operation, also inside loops and calls."""
    found = []
    for equation in jaxpr.eqns:
        if equation.primitive.name in primitives:
            found.append((equation.primitive.name, equation.invars[0].aval.dtype.name))
        for inner in jax.tree.leaves(equation.params, is_leaf=lambda p: hasattr(p, "eqns") or hasattr(p, "jaxpr")):
            inner = getattr(inner, "jaxpr", inner)
            found += operands(inner, primitives) if hasattr(inner, "eqns") else []
    return found


def test_updates_below_half_a_digit_are_lost_on_narrow_weights_and_kept_on_master_weights():
    """|y − t| has the gradient 1 for w. bfloat16 has steps of 2^-8 below 1: w = 1 stays 1 under updates of 1e-3."""
    rate, steps = 1e-3, 100
    transformation = SGD(rate).transformation()
    w = {"w": jnp.ones((), jnp.bfloat16)}
    memory = transformation.init(w)
    for _ in range(steps):
        changes, memory = transformation.update({"w": jnp.ones((), jnp.bfloat16)}, memory, w)
        w = apply_updates(w, changes)
    assert float(w["w"]) == 1.0

    update = update_of(ONE, MeanAbsoluteError(), BFloat16(), SGD(rate))
    state = initial_state(update, (1,))
    for _ in range(steps):
        state, _ = step(update, state, Batch(jnp.ones((1, 1)), jnp.full((1, 1), -100.0)))
    assert state["params"]["0"]["w"].dtype == jnp.float32
    np.testing.assert_allclose(state["params"]["0"]["w"], 1 - rate * steps, rtol=1e-5)


@pytest.mark.parametrize("optimizer", [SGD(0.1, momentum=0.9), AdamW()], ids=lambda o: type(o).__name__)
@pytest.mark.parametrize("precision", NARROW, ids=lambda p: type(p).__name__)
def test_weights_moments_and_statistics_stay_float32(precision, optimizer):
    network = Sequential((Dense(4), BatchNorm(), ReLU(), Dense(3)))
    update = replace(update_of(network, CrossEntropy(), precision, optimizer), batch_size=4)
    state = initial_state(update, (5,))
    after, measures = step(update, state, Batch(jnp.ones((4, 5)), jnp.arange(4) % 3))
    for leaf in jax.tree.leaves([state, after, measures]):
        assert leaf.dtype in (jnp.float32, jnp.int32, jnp.bool)


def test_an_exception_and_all_inside_it_computes_in_float32():
    seen = dtypes_seen(NETWORK, BFloat16(exceptions=("**/norm*", "head")), jnp.ones((2, 5)))
    wide = {"norm1", "block/body/norm2", "head/0", "head/1", "head"}
    for address in ("stem", "norm1", "block/body/inner", "block/body/norm2", "head/0", "head/1"):
        assert seen[address] == ("float32" if address in wide else "bfloat16")
    assert set(dtypes_seen(NETWORK, Float16(), jnp.ones((2, 5))).values()) == {"float16"}
    assert set(dtypes_seen(NETWORK, Float32(), jnp.ones((2, 5))).values()) == {"float32"}


def test_an_exception_at_the_input_sees_the_input_unrounded():
    network = Sequential((Dense(1, bias=False, init=Constant(1.0), name="stem"), ReLU()))
    x = jnp.array([[1 + 2**-20]])
    for exceptions, expected in (((), 1.0), (("stem",), 1 + 2**-20)):
        params, _ = initialize(network, (1,), jax.random.key(0))
        context = Context(computes=BFloat16(exceptions=exceptions).computes())
        y, _ = apply(network.layers[0], params["stem"], x, context=context.at("stem"))
        assert float(y[0, 0]) == expected


def test_token_ids_stay_whole_numbers():
    """300 is no bfloat16: a cast id would be another token's."""
    network = Sequential((Embedding(400, width=2), ReLU()))
    params, _ = initialize(network, (3,), jax.random.key(0))
    ids = jnp.array([[299, 301, 303]])
    y, _ = apply(network, params, ids, context=Context(computes=BFloat16().computes()))
    np.testing.assert_array_equal(y, jax.nn.relu(params["0"]["table"][ids].astype(jnp.bfloat16)))


def test_the_program_of_float32_casts_nothing():
    text = {}
    for precision in (Float32(), BFloat16(), Float16()):
        update = update_of(NETWORK, CrossEntropy(), precision)
        state = jax.eval_shape(functools.partial(initial_state, update, (5,)))
        lowered = jax.jit(functools.partial(update_once, update)).lower(
            state, Batch(jnp.ones((1, 5)), jnp.zeros(1, int))
        )
        text[type(precision)] = set(re.findall(r"x?(b?f16)>", lowered.as_text()))
    assert text == {Float32: set(), BFloat16: {"bf16"}, Float16: {"f16"}}


def test_exponentials_logarithms_and_roots_are_float32():
    """The softmax of attention, the moments of norms, losses, signals and the gradient's norm hang on these.

    (ReLU is the activation here: one that is made of exponentials computes them in 16 bits, as its layer does.)
    """
    block = Sequential((pre_ln(MultiHeadAttention(2)), pre_ln(FeedForward(8, activation=ReLU()))))
    network = Sequential((Embedding(7, width=4), block, GlobalAveragePool(), Dense(3)))
    update = update_of(network, CrossEntropy(), BFloat16(), AdamW())
    shape, dtype = (6,), jnp.int32
    slots = empty_slots(len(watched(network, shape, dtype)))
    batch = Batch(jnp.zeros((2, *shape), dtype), jnp.zeros(2, int), jax.random.split(jax.random.key(0), 2))
    state = jax.eval_shape(functools.partial(initial_state, update, shape))
    jaxpr = jax.make_jaxpr(functools.partial(update_once, update))(state, batch, slots)
    found = operands(jaxpr.jaxpr, {"exp", "log", "rsqrt", "sqrt"})
    assert {"exp", "log", "rsqrt", "sqrt"} == {name for name, _ in found}
    assert {dtype for _, dtype in found} == {"float32"}


def test_the_gradient_of_a_frequent_token_is_the_sum_of_all_its_places():
    """In bfloat16 256 + 1 is 256: a sum of ones would stop there."""
    network, places = Embedding(3, width=2), 4096
    params, _ = initialize(network, (places,), jax.random.key(0))

    def total(params):
        y, _ = apply(network, params, jnp.ones((1, places), int), context=Context(computes=BFloat16().computes()))
        return jnp.sum(y.astype(jnp.float32))

    np.testing.assert_array_equal(jax.grad(total)(params)["table"], [[0, 0], [places, places], [0, 0]])


@pytest.mark.parametrize(
    "layer", [Dense(1), Conv(1, kernel=1), LayerNorm(), LearnedPositions(1)], ids=lambda n: type(n).__name__
)
def test_the_gradient_of_a_bias_is_the_sum_over_all_rows(layer):
    """Ones in bfloat16 over 65,536 rows; added up in bfloat16 they came to a sixth."""
    rows = 2**16
    params, state = initialize(layer, (1, 2), jax.random.key(0))
    x = jax.random.normal(jax.random.key(1), (rows, 1, 2))

    @jax.jit
    def gradient(params):
        def total(params):
            y, _ = apply(layer, params, x, state, Context("train", computes=BFloat16().computes()))
            return jnp.sum(y.astype(jnp.float32))

        return jax.grad(total)(params)

    name = next(name for name in ("b", "p") if name in params)
    np.testing.assert_array_equal(gradient(params)[name], jnp.full_like(params[name], rows))


@pytest.mark.parametrize(("cell", "names"), [(Recurrent, ("v", "b")), (GRU, ("v_n", "b_n", "c"))])
def test_the_gradient_of_a_recurrent_weight_is_the_sum_over_all_times(cell, names):
    """With all weights 0 and biases 1/2 the times are alike, and a sum of 1024 terms in bfloat16 would stop at 256."""
    layer, time = cell(1, init=Zeros(), recurrent_init=Zeros()), 1024
    params, _ = initialize(layer, (time, 1), jax.random.key(0))
    params |= {name: jnp.full((1,), 0.5, jnp.float32) for name in params if name.startswith("b")}

    @functools.partial(jax.jit, static_argnums=1)
    def gradient(params, precision):
        def total(params):
            y, _ = apply(layer, params, jnp.zeros((1, time, 1)), context=Context(computes=precision.computes()))
            return jnp.sum(y.astype(jnp.float32))

        return jax.grad(total)(params)

    narrow, wide = gradient(params, BFloat16()), gradient(params, Float32())
    for name in names:
        np.testing.assert_allclose(narrow[name], wide[name], rtol=0.01)


@pytest.mark.parametrize("precision", NARROW, ids=lambda p: type(p).__name__)
def test_evaluation_and_prediction_compute_as_training_does(precision):
    """w = 1 + 2^-12 is 1 in 16 bits: y = x there, and the squared error from x is 0; in float32 it is 2^-24."""
    network = Sequential((Dense(1, bias=False, init=Constant(1 + 2**-12)),))
    params, state = initialize(network, (1,), jax.random.key(0))
    values, x = {"params": params, "network": state}, np.ones((3, 1), np.float32)
    recipe = Recipe(network, loss=MeanSquaredError(), optimizer=SGD(0.1))
    examples = Examples(x, x)
    assert judge(replace(recipe, precision=precision), values, examples)["loss"] == 0
    assert judge(recipe, values, examples)["loss"] == pytest.approx(2**-24)
    made = outputs(network, values, x, precision=precision)
    np.testing.assert_array_equal(made, x)
    assert made.dtype == np.float32
    np.testing.assert_array_equal(outputs(network, values, x), x + 2**-12)


def test_training_comes_to_the_same_loss_in_16_bits():
    """A product is rounded to 2^-9 (float16: 2^-12) of itself: losses agree to 5 %, after 60 updates to 2 %."""
    recipe = Recipe(Sequential((Dense(16), ReLU(), Dense(10))), data=Data(Digits()), loss=CrossEntropy(), length=60,
                    optimizer=AdamW(1e-2), clip=ClipByNorm(1.0), batch_size=64,
                    evaluation=Evaluation(60, metrics=(Accuracy(),)))  # fmt: skip
    wide = train(recipe)
    for precision in NARROW:
        narrow = train(replace(recipe, precision=precision))
        losses = [run.history.columns()["loss"] for run in (wide, narrow)]
        np.testing.assert_allclose(losses[1], losses[0], rtol=0.05)
        assert narrow.results["train"]["loss"] == pytest.approx(wide.results["train"]["loss"], rel=0.02)
        assert narrow.results["test"]["accuracy"] == pytest.approx(wide.results["test"]["accuracy"], abs=0.02)


def test_a_pattern_that_matches_no_layer_is_refused_with_what_comes_close():
    recipe = Recipe(NETWORK, data=Data(Digits()), loss=CrossEntropy(), optimizer=SGD(0.1))
    for precision in (BFloat16(exceptions=("norm3",)), Float16(exceptions=("head", "norm3"))):
        with pytest.raises(HeadwayError, match=r"^precision/exceptions: .*'norm3'.*Close to it: norm1"):
            prepare(replace(recipe, precision=precision), anyway=True)
    # The initialization inside a layer is no layer.
    with pytest.raises(HeadwayError, match=r"^precision/exceptions: "):
        prepare(replace(recipe, network=ONE, precision=BFloat16(exceptions=("0/init",))), anyway=True)


def test_the_moments_of_a_norm_do_not_lose_a_small_spread_on_a_large_mean():
    """x = 512 ± 4 in bfloat16: in float32 the norm is ±1 / √(1 + ε/16); squares and means in 8 digits would not be."""
    x = jnp.tile(jnp.array([508.0, 516.0]), (1, 64))
    params, _ = initialize(LayerNorm(), (128,), jax.random.key(0))
    y, _ = apply(LayerNorm(), params, x, context=Context(computes=BFloat16().computes()))
    np.testing.assert_allclose(y[0].astype(jnp.float32), np.sign(x[0] - 512) / math.sqrt(1 + 1e-5 / 16), rtol=2**-8)
