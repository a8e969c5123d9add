import functools
from dataclasses import replace

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from headway.doctor.faults.oddities import ScaledCrossEntropy
from headway.learning.backpropagation.losses import loss_gradient
from headway.learning.backpropagation.reverse import forward, gradients, kinds_without_rule
from headway.learning.backpropagation.rule import RULES, backward, rule
from headway.learning.losses import (
    BinaryCrossEntropy,
    CrossEntropy,
    Hinge,
    Huber,
    KLDivergence,
    Loss,
    MeanAbsoluteError,
    MeanSquaredError,
    ProbabilityBinaryCrossEntropy,
    ProbabilityCrossEntropy,
)
from headway.learning.optimizers.sgd import SGD
from headway.learning.regularization import Dropout
from headway.models.convnet import pooled_convnet, strided_convnet
from headway.models.mlp import mlp
from headway.network.activations import Identity, ReLU, Softmax, Tanh
from headway.network.attention import MultiHeadAttention
from headway.network.branch import Branch, Concatenate, Concatenation, Join, Product
from headway.network.compose import Repeat, Sequential
from headway.network.convolution import AveragePool, Conv, Flatten, GlobalAveragePool, MaxPool
from headway.network.dense import Dense
from headway.network.embedding import Embedding
from headway.network.feedforward import FeedForward, SwiGLU
from headway.network.layer import Context, Layer, apply, initialize
from headway.network.normalization import BatchNorm, LayerNorm, RMSNorm
from headway.network.recurrent import Last
from headway.network.residual import Residual
from headway.network.tokens import Masked, TiedEmbedding
from headway.signals.probe import watched
from headway.spec.error import HeadwayError
from headway.spec.node import spec
from headway.training.recipe import Recipe
from headway.training.step import Batch
from kinds import ALL, examples, input_shapes

BLOCK = Residual(Sequential((LayerNorm(), Dense(6), Tanh(name="inner"), Dropout(0.3), Dense(5))), scale=0.5)
NETWORKS = {
    "mlp": (mlp((7, 6), 4, activation=Tanh()), (5,)),
    "strided": (strided_convnet(3, 4), (11, 2)),
    "pooled": (pooled_convnet((3, 2), 4), (6, 7, 2)),
    "residual": (Sequential((Dense(5), BLOCK, Residual(BLOCK, name="outer"), LayerNorm(), Dense(4))), (3,)),
    "dropout": (Sequential((Flatten(), Dropout(0.5), Dense(6), ReLU(), Dropout(0.2), Dense(4))), (3, 2)),
    "nested": (Sequential((Sequential((Dense(5), Identity(), ReLU()), name="stem"), Dense(4), Softmax())), (3,)),
    "branches": (
        Sequential(
            (
                Branch((Dense(4), Tanh(), Dense(4)), join=Product()),
                Concatenate(ReLU()),
                Branch((Dense(2), Identity()), join=Concatenation()),
            )
        ),
        (4,),
    ),
    "block": (
        Sequential(
            (
                Residual(Sequential((LayerNorm(), MultiHeadAttention(2, causal=True)))),
                Residual(Sequential((RMSNorm(), SwiGLU(5)))),
                FeedForward(6),
                Last(),
            )
        ),
        (3, 4),
    ),
    "batch": (Sequential((Conv(6), BatchNorm(), ReLU(), GlobalAveragePool(), Dense(4))), (4, 4, 2)),
    "repeat": (
        Sequential((Dense(5), Repeat(Sequential((BatchNorm(), BLOCK, Repeat(Dense(5), times=2))), times=3), Dense(4))),
        (3,),
    ),
    "single": (Dense(4), (3,)),
}
network = pytest.mark.parametrize("name", NETWORKS)
modes = pytest.mark.parametrize("mode", ["train", "eval"])
WITHOUT_RULE = {"headway/GRU", "headway/Recurrent", "headway/Linen", "headway/NNX", "headway/Equinox",
                "headway/Function"}  # fmt: skip
LAYER_KINDS = [cls for cls in ALL if issubclass(cls, Layer) and cls.kind not in kinds_without_rule()]
KERNELS = [
    *(Conv(6, kernel=k, stride=s, padding=p, groups=g, bias=b)
      for k, s, p, g, b in [(3, 2, "same", 1, True), ((2, 3), (2, 1), "valid", 2, False), (4, 3, 2, 2, True)]),
    *(pool(size, stride=stride, padding=padding)
      for pool in (MaxPool, AveragePool)
      for size, stride, padding in [(3, 1, "same"), ((2, 3), 2, "same"), (2, 3, "valid")]),
]  # fmt: skip


def close(ours, theirs):
    assert jax.tree.structure(ours) == jax.tree.structure(theirs)
    jax.tree.map(functools.partial(np.testing.assert_allclose, rtol=1e-10, atol=1e-10), ours, theirs)


def start(layer, shape, seed=0):
    """Parameters in float64 that are none of them 0 or 1, state, and keys for four examples."""
    params, state = initialize(layer, shape, jax.random.key(seed), jnp.float64)
    rng = np.random.default_rng(seed)
    params = jax.tree.map(lambda p: p + 0.3 * rng.normal(size=p.shape), params)
    return params, state, jax.random.split(jax.random.key(7), 4)


def inputs(layer, shape, rng):
    """Random numbers; numbers with ties, zeros and kinks among them; zeros only; far out numbers."""
    if isinstance(layer, Embedding | TiedEmbedding | Masked):
        return [jnp.asarray(rng.integers(0, getattr(layer, "vocabulary", 5), (4, *shape)))]
    x = rng.normal(size=(4, *shape))
    return [jnp.asarray(v) for v in (x, np.round(2 * x), 0 * x, 20 * x)]


def agrees_with_jax(layer, shape, rng):
    params, state, keys = start(layer, shape)

    @jax.jit
    def both_ways(x, dy):
        found = []
        for context in (Context("train", keys), Context("eval")):
            y, at = forward(layer, params, x, state, context)
            dx, dtheta = backward(layer, at, dy)
            expected, back = jax.vjp(lambda p, x, c=context: apply(layer, p, x, state, c)[0], params, x)
            theta, back_x = back(dy)
            assert dx.shape == x.shape
            tokens = back_x.dtype == jax.dtypes.float0
            found.append(((y, dtheta, dx), (expected, theta, jnp.zeros_like(dx) if tokens else back_x)))
        return found

    for x in inputs(layer, shape, rng):
        for ours, theirs in both_ways(x, jnp.asarray(rng.normal(size=(4, *layer.shape(shape))))):
            close(ours, theirs)


@pytest.mark.parametrize("cls", LAYER_KINDS, ids=lambda cls: cls.kind)
def test_the_rule_of_every_kind_of_layer_equals_jax(cls, rng):
    with jax.enable_x64(True):
        for layer in examples(cls):
            for shape in {input_shapes(layer)[i] for i in (0, -1)}:
                agrees_with_jax(layer, shape, rng)


@pytest.mark.parametrize("layer", KERNELS, ids=repr)
def test_windows_that_overlap_leave_out_and_pad_give_back_what_jax_gives(layer, rng):
    with jax.enable_x64(True):
        agrees_with_jax(layer, (7, 8, 4), rng)


Z = np.random.default_rng(2).normal(size=(6, 3, 5))
P = np.exp(Z) / np.exp(Z).sum(-1, keepdims=True)
LABELS = np.random.default_rng(3).integers(0, 5, (6, 3))
YES = LABELS[:, 0] % 2
CASES = [
    *((loss, z, t) for loss in (CrossEntropy(), CrossEntropy(smoothing=0.1), KLDivergence(), Hinge(0.7),
                                    ScaledCrossEntropy(factor=0.3))
      for z in (Z, np.round(Z), 0 * Z) for t in (LABELS,)),
    *((loss, Z, P[::-1]) for loss in (CrossEntropy(), CrossEntropy(smoothing=0.1), KLDivergence())),
    *((loss, P, t) for loss in (ProbabilityCrossEntropy(), ProbabilityCrossEntropy(smoothing=0.1))
      for t in (LABELS, P[::-1])),
    *((loss, z, YES) for loss in (BinaryCrossEntropy(), BinaryCrossEntropy(smoothing=0.2), Hinge(1.0))
      for z in (Z[:, 0, 0], Z[:, 0, :1], np.round(Z[:, 0, 0]))),
    *((loss, P[:, 0, 0], YES)
      for loss in (ProbabilityBinaryCrossEntropy(), ProbabilityBinaryCrossEntropy(smoothing=0.2))),
    (BinaryCrossEntropy(), Z, P[::-1]),
    *((loss, z, t) for loss in (MeanSquaredError(), MeanAbsoluteError(), Huber(0.7))
      for z, t in [(Z, P), (Z, Z), (np.round(Z), np.round(Z)[::-1]), (Z[:, 0, :1], P[:, 0, 0])]),
]  # fmt: skip


@pytest.mark.parametrize("reduction", ["mean", "sum"])
@pytest.mark.parametrize("weights", [None, np.array([1, 0, 2, 0.5, 0, 1]), np.zeros(6)], ids=["all", "some", "none"])
def test_the_gradient_of_every_loss_equals_jax(weights, reduction):
    @jax.jit
    def both(cases):
        losses = [replace(loss, reduction=reduction) for loss, *_ in CASES]
        ours = [loss_gradient(loss, z, t, weights) for loss, (z, t) in zip(losses, cases, strict=True)]
        return ours, [jax.grad(loss)(z, t, weights) for loss, (z, t) in zip(losses, cases, strict=True)]

    with jax.enable_x64(True):
        close(*both([(jnp.asarray(z), jnp.asarray(t)) for _, z, t in CASES]))


def test_every_loss_with_a_rule_is_tested():
    ours = {cls for cls in ALL if issubclass(cls, Loss)}
    assert {type(loss) for loss, *_ in CASES} == {cls for cls in ours if cls.kind not in kinds_without_rule()}


WEIGHTS = np.array([1.0, 0, 2, 0.5])
LOSS = CrossEntropy(smoothing=0.1)


@functools.cache
def solved(name, mode):
    """Ours, and JAX's loss, dL/dθ, dL/dx and dL/de at e = 0, where e is added to the value at every boundary."""
    with jax.enable_x64(True):
        layer, shape = NETWORKS[name]
        params, state, keys = start(layer, shape)
        x, y = jnp.asarray(np.random.default_rng(1).normal(size=(4, *shape))), jnp.arange(4)

        @jax.jit
        def both(params, x):
            ours = gradients(layer, params, Batch(x, y, keys, WEIGHTS), loss=LOSS, state=state, mode=mode)

            def objective(params, x, extra):
                context = Context(mode, keys, lambda a, h: h + extra[a] if a in extra else h)
                return LOSS(apply(layer, params, x, state, context)[0], y, WEIGHTS)

            nothing = jax.tree.map(jnp.zeros_like, ours.boundaries)
            return ours, jax.value_and_grad(objective, (0, 1, 2))(params, x, nothing)

        return (params, *both(params, x))


@network
@modes
def test_a_whole_network_has_the_gradients_of_jax(name, mode):
    params, ours, (loss, (theta, inputs, _)) = solved(name, mode)
    close((ours.loss, ours.params, ours.inputs), (loss, theta, inputs))
    assert jax.tree.structure(ours.params) == jax.tree.structure(params)


@network
@modes
def test_the_gradient_at_a_boundary_is_that_of_the_network_cut_there(name, mode):
    _, ours, (_, (*_, cut)) = solved(name, mode)
    close(ours.boundaries, cut)


@network
def test_boundaries_are_where_probes_measure(name):
    assert set(solved(name, "train")[1].boundaries) == set(watched(*NETWORKS[name]))


def test_boundaries_come_in_the_order_of_computation():
    layer, shape = NETWORKS["residual"]
    params, state = initialize(layer, shape, jax.random.key(0))
    batch = Batch(jnp.ones((4, *shape)), jnp.arange(4), jax.random.split(jax.random.key(1), 4))
    order = []
    jax.eval_shape(lambda p: order.extend(gradients(layer, p, batch, loss=LOSS, state=state).boundaries), params)
    assert tuple(order) == watched(layer, shape)


@spec
class Doubled(Layer):
    """y = 2 x, a kind of another package."""

    def apply(self, params, x, context):
        return 2 * x


def test_a_recipe_says_its_network_and_loss_itself_and_a_network_alone_has_no_loss():
    recipe = Recipe(mlp((4,), 2), loss=MeanSquaredError(), optimizer=SGD(0.1))
    params, _ = initialize(recipe.network, (3,), jax.random.key(0))
    batch = Batch(jnp.ones((2, 3)), jnp.eye(2))
    expected = jax.grad(lambda p: recipe.loss(apply(recipe.network, p, batch.x)[0], batch.y))(params)
    found = gradients(recipe, params, batch).params
    jax.tree.map(functools.partial(np.testing.assert_allclose, rtol=1e-5, atol=1e-7), found, expected)
    with pytest.raises(HeadwayError, match=r"^loss: a network alone has none.*Give a recipe, or loss=CrossEntropy"):
        gradients(recipe.network, params, batch)


def test_kinds_without_a_rule_are_listed_and_refused_by_name_until_a_rule_is_written(monkeypatch):
    monkeypatch.setattr("headway.learning.backpropagation.rule.RULES", RULES.copy())
    layer = Sequential((Dense(3), Residual(Doubled(), scale=0.5), Doubled()))
    params, _ = initialize(layer, (3,), jax.random.key(0))
    batch = Batch(jnp.ones((2, 3)), jnp.arange(2))
    assert Doubled.kind in kinds_without_rule()
    with pytest.raises(HeadwayError, match=rf"1/body: backpropagation needs a rule .*; got none for {Doubled.kind}\. "):
        gradients(layer, params, batch, loss=LOSS)
    rule(Doubled)(lambda layer, at, dy: (2 * dy, {}))
    assert Doubled.kind not in kinds_without_rule()
    found = gradients(layer, params, batch, loss=LOSS).params
    expected = jax.grad(lambda p: LOSS(apply(layer, p, batch.x)[0], batch.y))(params)
    jax.tree.map(functools.partial(np.testing.assert_allclose, rtol=1e-5, atol=1e-7), found, expected)


def test_every_kind_of_layer_join_and_loss_is_tested_or_listed():
    """What has no rule is exactly what this says; a new kind belongs here or gets a rule."""
    ours = {cls.kind for cls in ALL if issubclass(cls, Layer | Join | Loss)}
    listed = {kind for kind in kinds_without_rule() if kind in ours}
    assert listed == WITHOUT_RULE & ours
    assert {cls.kind for cls in RULES if cls.kind in ours} == ours - listed


def test_gradients_have_the_dtype_of_what_they_are_the_gradient_of():
    layer = Sequential((Conv(3), LayerNorm(), MaxPool(2), Flatten(), Residual(Dense(12), scale=0.5), Tanh(), Dense(3)))
    params, _ = initialize(layer, (4, 4, 2), jax.random.key(0), jnp.bfloat16)
    batch = Batch(jnp.ones((2, 4, 4, 2), jnp.bfloat16), jnp.arange(2))
    found = jax.eval_shape(lambda params: gradients(layer, params, batch, loss=LOSS), params)
    assert {g.dtype for g in jax.tree.leaves((found.params, found.boundaries, found.inputs))} == {jnp.dtype("bfloat16")}
    assert found.loss.dtype == jnp.float32
