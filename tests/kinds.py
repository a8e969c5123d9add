"""Every registered kind with examples of it, and what it computes: the subjects of the conformance battery.

A new kind is covered as soon as it exists. Its examples are made from its defaults and its constraints;
where that cannot work, add one to EXAMPLES.
"""

import dataclasses
import functools
import importlib
import pkgutil
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import pytest

import headway
import strangers  # noqa: F401 (what the adapters' examples name)
from bread import MAP
from headway.claims.claim import Claim, Limit
from headway.claims.condition import Alike, Bounded, Differs, Dose, Level, Some
from headway.data.altered import Few, Noisy
from headway.data.augment import Augmentation, Flip, Scale
from headway.data.bundled import Iris
from headway.data.dataset import Data
from headway.data.files import Csv, Npz, Parquet
from headway.data.mixing import Pick
from headway.data.text import TextFiles, TokenFiles
from headway.doctor.faults import sources as faulty
from headway.doctor.faults.drawn import Drawn
from headway.doctor.faults.oddities import Ascent
from headway.doctor.faults.targets import Grouped, OtherTarget
from headway.doctor.remedies.remedy import Remedy
from headway.exchange.modules import NNX, Equinox, Function, Linen
from headway.learning.averaging import EMA
from headway.learning.clipping import Clip, ClipByNorm
from headway.learning.losses import CrossEntropy, Loss
from headway.learning.metrics import Accuracy, Metric
from headway.learning.optimizers.adaptive import AdamW, Lion
from headway.learning.optimizers.foreign import Optax
from headway.learning.optimizers.groups import Adjusted, Assigned, Groups
from headway.learning.optimizers.optimizer import Optimizer, apply_updates
from headway.learning.optimizers.sgd import SGD
from headway.learning.penalties import L2, Penalty
from headway.learning.schedules.compose import Piecewise, Warmup
from headway.learning.schedules.cycles import OneCycle, WarmupStableDecay
from headway.learning.schedules.decay import Cosine, Exponential, Linear, Polynomial, Step
from headway.learning.schedules.schedule import Epochs, Fraction, Schedule
from headway.network.activations import LeakyReLU, ReLU, Tanh
from headway.network.attention import CrossAttention, MultiHeadAttention, Rotary
from headway.network.branch import Branch, Concatenate, Concatenation
from headway.network.compose import Repeat, Sequential
from headway.network.dense import Dense
from headway.network.embedding import Embedding
from headway.network.feedforward import FeedForward
from headway.network.initialization import Initializer, Orthogonal
from headway.network.layer import Context, Layer, Parameter, apply, bias, initialize
from headway.network.normalization import GroupNorm, LayerNorm
from headway.network.places import Places
from headway.network.recompute import RecomputeBut
from headway.network.recurrent import GRU, Last
from headway.network.rescale import Rescale
from headway.network.residual import Residual
from headway.network.tokens import Masked, TiedEmbedding
from headway.scale.precision import Float16
from headway.signals.probe import Accepted, Watch
from headway.spec.edit import Edits, InsertAfter, InsertBefore, Remove, Replace, Set, Wrap
from headway.spec.error import HeadwayError
from headway.spec.node import KINDS, Spec, data_fields, walk
from headway.training.evaluate import Judgement
from headway.training.job import Update
from headway.training.recipe import Recipe
from headway.training.step import Batch, initial_state, update_once

for _module in pkgutil.walk_packages(headway.__path__, "headway."):
    importlib.import_module(_module.name)
ALL = sorted((cls for kind, cls in KINDS.items() if kind.startswith("headway/")), key=lambda cls: cls.kind)

NETWORK = Sequential((Dense(5, init=Orthogonal()), ReLU(name="act"), Dense(4)))
UPDATE = Update(
    NETWORK,
    loss=CrossEntropy(),
    optimizer=SGD(0.1),
    clip=ClipByNorm(1.0),
    batch_size=4,
    accumulate=2,
    seed=1,
    penalties=(L2(0.1),),
    average=EMA(0.9),
    watch=Watch(2, accepted=(Accepted("dying-relu", reason="sparse on purpose"),)),
)
CLAIM = Claim(
    "R11", says="a —cures→ b", check="experiment", design="made.up", scope="small",
    needs=(Some((Differs("loss", arm="b", than="a", by=-0.1), Dose("loss", along=("a", "b", "c"), by=-0.1)), least=2),),
    control=(Level("loss", arm="a", low=1.0), Bounded("loss", arm="a", high=9.0)),
    sham=(Alike("loss", arm="sham", than="a", within=0.1),), limits=(Limit("deep", shown_by=Level("loss", arm="c")),),
)  # fmt: skip
EXAMPLES: tuple[Spec, ...] = (
    NETWORK,
    CLAIM,
    *(part for _, part in walk(CLAIM) if part is not CLAIM),
    MAP,
    *(part for _, part in walk(MAP) if part is not MAP),
    Residual(Sequential((LayerNorm(), Dense(6), Tanh())), scale=0.5),
    Rescale((2.0, 0.5, 1.0, 1.0, 1.0, 3.0), shift=(0.1,)),
    GroupNorm(2),
    Repeat(Residual(Sequential((LayerNorm(), LeakyReLU(0.1), Dense(6)))), times=3),
    Residual(Sequential((ReLU(), Dense(5))), scale=0.5, skip=Dense(5)),
    Branch((Sequential((Dense(3), ReLU())), Dense(3, name="gate")), join=Concatenation()),
    Concatenate(Sequential((Dense(3), ReLU()))),
    GRU(3, reverse=True),
    RecomputeBut(("Dense", "**/1")),
    Linen("strangers:Perceptron", settings=(("width", 5),)),
    Equinox("strangers:perceptron", settings=(("inputs", 6), ("width", 4))),
    NNX("strangers:linear", settings=(("inputs", 6),)),
    Function("strangers:affine", init="strangers:first_affine"),
    Embedding(5, width=3),
    TiedEmbedding(Sequential((Dense(3), ReLU())), vocabulary=5, width=3),
    Masked(Sequential((Embedding(5, width=4), MultiHeadAttention(2, causal=True), Last())), padding=1),
    MultiHeadAttention(2, causal=True, rotary=Rotary()),
    CrossAttention(2, source=3),
    MultiHeadAttention(4, key_heads=2, causal=True),
    Places(Dense(8), start=1, end=3),
    FeedForward(6, activation=Tanh()),
    Pick((Flip(), Scale(0.3))),
    Cosine(0.1, steps=50),
    OneCycle(0.1, steps=50, warm=15),
    Warmup(10, then=Cosine(0.1, steps=50)),
    Linear(0.1, steps=50, final=0.01),
    Polynomial(0.1, steps=50, final=0.01),
    Exponential(0.1, steps=50, final=0.01),
    WarmupStableDecay(0.1, steps=50, warm=5, decay=10),
    Step(0.1, drops=(10, 30)),
    Step(0.1, drops=(Fraction(0.5), Fraction(0.75))),
    Piecewise((Cosine(0.1, steps=50), Cosine(0.01, steps=20)), boundaries=(50,)),
    SGD(Warmup(Epochs(2), then=Cosine(0.1)), momentum=0.9, nesterov=True),
    AdamW(Cosine(0.1, steps=50)),
    Optax("lamb", learning_rate=0.1, settings=(("b1", 0.8),)),
    Optax("adafactor", learning_rate=Cosine(0.1), settings=(("momentum", 0.5), ("multiply_by_parameter_scale", True))),
    Adjusted("**/b", rate_factor=0.5, weight_decay=0.0),
    Assigned(("0/w", "2/*"), optimizer=Lion(0.1)),
    Groups(AdamW(Cosine(0.1)), rules=(Adjusted("w", rate_factor=0.5), Assigned("b", optimizer=SGD(0.1)))),
    Ascent(SGD(0.1)),
    *(kind(Iris()) for kind in (faulty.ShuffledLabels, faulty.NoisyLabels, faulty.NoSignal, faulty.RescaledTargets)),
    *(kind(Iris()) for kind in (faulty.Repeated, faulty.AlteredTest, faulty.Imbalanced, faulty.SortedByTarget)),
    *(kind(Iris()) for kind in (faulty.Spoiled, faulty.ConstantColumns)),
    OtherTarget(Iris(), column="petal width (cm)", without=("petal length (cm)",)),
    Grouped(Iris(), groups=((0, 2), (1,))),
    Drawn("gaussian_quantiles", examples=30, settings=(("n_classes", 3),)),
    faulty.Rescaled(Iris(), factor=10.0, columns=(0, 2)),
    faulty.Fewer(Iris(), examples=30),
    Data(Csv("flowers.csv")),
    Few(Iris(), count=50),
    Noisy(Iris(), share=0.2),
    Csv("flowers.csv", target="species", features=("a", "b")),
    Npz("a.npz", test_x="tx", test_y="ty"),
    Parquet("a.parquet", target="y", features=("a", "b")),
    *(TextFiles(("a.txt", "b.txt")), TokenFiles(("a.npy",), vocabulary=9)),
    Replace("act", by=ReLU()),
    InsertBefore("act", new=Dense(3)),
    InsertAfter("act", new=Dense(3)),
    Wrap("act", by=Sequential((ReLU(),)), slot="0"),
    Set("optimizer/learning_rate", value=3e-4),
    Remedy((Replace("network/act", by=Tanh()),), name="tanh", edge=("tanh", "improves", "flow"), reason="r"),
    Edits((Remove("act"), Set("0/units", value=7))),
    UPDATE,
    dataclasses.replace(UPDATE, precision=Float16(exceptions=("act",))),
    Judgement(NETWORK, loss=CrossEntropy(), metrics=(Accuracy(),)),
    Recipe(NETWORK, loss=CrossEntropy(), optimizer=AdamW(), clip=ClipByNorm(1.0)),
)
SHAPES = ((6,), (8, 3), (8, 8, 2), (5, 8))
Work = tuple[Callable[..., Any], tuple[Any, ...]]


def changed(node: Spec, **fields: Any) -> Spec | None:
    """The spec with other fields, or None where it does not allow them."""
    try:
        return dataclasses.replace(node, **fields)
    except HeadwayError:
        return None


@functools.cache
def examples(cls: type[Spec]) -> tuple[Spec, ...]:
    """Valid specs of a kind: by default or minimal values, from EXAMPLES, and with every optional number given."""
    made = [e for e in EXAMPLES if type(e) is cls]
    required = [f.name for f in dataclasses.fields(cls) if f.default is f.default_factory is dataclasses.MISSING]
    for value in (1, 2, 0.5, 3.0, "x"):
        try:
            made.append(cls(**dict.fromkeys(required, value)))
            break
        except HeadwayError:
            continue
    assert made, f"{cls.__name__} needs arguments: add an example to EXAMPLES in tests/kinds.py"
    optional = [n for n in data_fields(cls) if getattr(made[-1], n) is None]
    full = functools.reduce(lambda node, name: changed(node, **{name: 0.1}) or node, optional, made[-1])
    return tuple(dict.fromkeys([*made, full]))


def variants(node: Spec) -> list[Spec]:
    """The spec with each of its own numbers at 0, halved and doubled, where allowed."""
    found = [node]
    for name in data_fields(type(node)):
        value = getattr(node, name)
        if isinstance(value, int | float):
            found += [changed(node, **{name: type(value)(v)}) for v in (0, value / 2, value * 2)]
    return list(dict.fromkeys(v for v in found if v is not None))


def work(node: Spec, dtype: Any = jnp.float32) -> Work | None:
    """What a kind computes: a function of the spec and of arrays, and the arrays. None for one that only stores."""
    key = jax.random.key(0)
    tree = {"w": jax.random.normal(key, (3, 4), dtype), "b": jnp.linspace(-1, 1, 4, dtype=dtype)}
    match node:
        case Layer():
            shape = input_shapes(node)[0]
            params, state = initialize(node, shape, key, dtype)
            context = Context("train", keys=jax.random.split(key, 4))
            x = inputs(node, shape, dtype)
            if jnp.issubdtype(x.dtype, jnp.integer):
                return lambda s, p: apply(s, p, x, state, context)[0], (params,)
            return lambda s, p, x: apply(s, p, x, state, context)[0], (params, x)
        case Loss() | Metric():
            outputs, targets = outputs_and_targets(node, dtype)
            return lambda s, y: (s if isinstance(s, Loss) else s.sums)(y, targets), (outputs,)
        case Clip():
            return lambda s, g, p: s.clip(g, p), (tree, jax.tree.map(jnp.cos, tree))
        case Penalty():
            declared = {"w": Parameter((3, 4)), "b": bias(4)}
            return lambda s, p: s.value(p, declared), (tree,)
        case EMA():
            return lambda s, p: s.after(s.after(s.begin(p), p), jax.tree.map(jnp.cos, p))["values"], (tree,)
        case Optimizer():
            return updated_twice, (tree, jax.tree.map(jnp.cos, tree))
        case Schedule():
            return lambda s, i: s.value(i), (jnp.arange(0, 120, 7),)
        case Augmentation():
            x, keys = jax.random.normal(key, (4, 5, 6, 2), dtype), jax.random.split(key, 4)
            return lambda s, x: s.apply_to_batch(x, jnp.cos(x), keys), (x,)
        case Initializer():
            return lambda s, k: s.draw(k, (8, 6), (8, 6), jnp.dtype(dtype)), (key,)
        case Float16():
            return lambda s, finite: s.after(s.start(), finite), (jnp.array(False),)
        case Update():
            return lambda s, x: update_once(s, initial_state(node, (6,)), Batch(x, jnp.arange(4)))[0]["params"], (
                jax.random.normal(key, (4, 6)),
            )
    return None


def updated_twice(optimizer: Optimizer, params: Any, gradients: Any) -> Any:
    transformation = optimizer.transformation()
    state = transformation.init(params)
    for _ in range(2):
        changes, state = transformation.update(gradients, state, params)
        params = apply_updates(params, changes)
    return params


def input_shapes(layer: Layer) -> list[tuple[int, ...]]:
    """The shapes among SHAPES that a layer takes."""
    found = []
    for shape in SHAPES:
        try:
            layer.shape(shape)
        except HeadwayError:
            continue
        found.append(shape)
    assert found, f"{layer}: takes none of the shapes {SHAPES}; add one to SHAPES in tests/kinds.py"
    return found


def inputs(layer: Layer, shape: tuple[int, ...], dtype: Any = jnp.float32) -> jax.Array:
    """Four examples of this shape: token ids below 5 for an Embedding, else normal draws."""
    if isinstance(layer, Embedding | TiedEmbedding | Masked):
        return jax.random.randint(jax.random.key(1), (4, *shape), 0, getattr(layer, "vocabulary", 5))
    return jax.random.normal(jax.random.key(1), (4, *shape), dtype)


def outputs_and_targets(node: Loss | Metric, dtype: Any) -> tuple[jax.Array, jax.Array]:
    """Outputs and targets that a loss or metric takes: labels of classes, else yes or no, else values."""
    scores = jax.random.normal(jax.random.key(3), (6, 7), dtype)
    outputs = jax.nn.softmax(scores) if getattr(node, "expects", "") == "probabilities" else scores
    labels, values = jnp.array([0, 1, 1, 0, 1, 0]), jnp.cos(5 * scores)
    for y, target in ((outputs, labels), (outputs[:, 0], labels), (outputs, values)):
        try:
            jax.eval_shape(node if isinstance(node, Loss) else node.sums, y, target)
        except HeadwayError:
            continue
        if node.targets == "labels" or target is values:
            return y, target
    pytest.fail(f"{node}: no outputs and targets here suit it; add some in tests/kinds.py")


def ready(node: Spec) -> Spec:
    """Schedules and optimizers count updates before they are computed with, as `prepare` makes them do."""
    if isinstance(node, Schedule):
        return node.resolved(100, 10)
    return node.resolved(100, 10) if isinstance(node, Optimizer) else node
