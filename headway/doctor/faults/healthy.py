"""Healthy recipes, many of which look suspicious: what must not be called ill."""

from collections.abc import Callable
from dataclasses import dataclass

from headway.doctor.faults.bases import Base, bases, residual_mlp
from headway.doctor.faults.catalog import Program
from headway.doctor.faults.families.training import rate_of, scheduled
from headway.doctor.faults.fault import (
    Break,
    activations,
    behind_activations,
    behind_hidden,
    both,
    network,
    rate,
    raw,
    setting,
    source,
    updates_of,
    weights_of,
)
from headway.doctor.faults.oddities import ScaledCrossEntropy
from headway.doctor.faults.sources import (
    ConstantColumns,
    Fewer,
    Imbalanced,
    NoisyLabels,
    Rescaled,
    RescaledTargets,
    SortedByTarget,
)
from headway.learning.averaging import EMA
from headway.learning.clipping import ClipByNorm
from headway.learning.optimizers.adaptive import Adam, AdamW, Lion, RMSProp
from headway.learning.optimizers.groups import Frozen, Groups
from headway.learning.optimizers.optimizer import Optimizer
from headway.learning.optimizers.sgd import SGD
from headway.learning.penalties import L1, L2
from headway.learning.regularization import Dropout, Noise
from headway.learning.schedules.compose import Warmup
from headway.learning.schedules.cycles import OneCycle, Restarts
from headway.learning.schedules.decay import Cosine, Linear, Step
from headway.learning.schedules.schedule import Fraction
from headway.models.mlp import mlp
from headway.network.activations import ELU, GELU, LeakyReLU, ReLU, SiLU, Tanh
from headway.network.compose import Sequential
from headway.network.convolution import Flatten
from headway.network.dense import Dense
from headway.network.initialization import Zeros
from headway.network.normalization import BatchNorm, LayerNorm, RMSNorm
from headway.scale.precision import BFloat16
from headway.spec.edit import Edit, Set, edit
from headway.training.recipe import EarlyStopping, Recipe

DENSE = ("digits-mlp", "wine-mlp", "cancer-logit", "friedman-mlp", "spirals-tanh", "iris-tanh", "diabetes-mlp",
         "moons-logit", "blobs-mlp", "xor-silu", "circles-logit", "quantiles-mlp", "friedman2-gelu", "radius-tanh",
         "roll-softplus", "stripes-mlp")  # fmt: skip
CLASSIFIERS = ("digits-mlp", "spirals-tanh", "wine-mlp", "blobs-mlp", "iris-tanh", "xor-silu", "quantiles-mlp",
               "figures-conv", "thirds-batchnorm", "stripes-mlp")  # fmt: skip
ALL = tuple(base.id for base in bases())


@dataclass(frozen=True)
class Variation:
    """An edit that leaves a base healthy; with `rival` the data are others, and scikit-learn says what they allow."""

    id: str
    on: tuple[str, ...]
    changes: Break
    rival: bool = False


def longer(factor: float) -> Break:
    """So many times as many updates."""
    return lambda recipe: (Set("length", value=round(factor * updates_of(recipe))),)


def optimizer(make: Callable[[float], Optimizer]) -> Break:
    """Another optimizer, made from the base's rate."""
    return lambda recipe: (Set("optimizer", value=make(rate_of(recipe.optimizer))),)


def frozen(*patterns: str) -> Break:
    """Parameters that stay as they are."""
    return lambda recipe: (Set("optimizer", value=Groups(recipe.optimizer, rules=(Frozen(patterns),))),)


def full_batches(at: Optimizer) -> Break:
    """Gradient descent on all examples at once."""

    def changes(recipe: Recipe) -> tuple[Edit, ...]:
        assert recipe.data is not None
        return (Set("batch_size", value=len(recipe.data.load().train)), Set("optimizer", value=at))

    return changes


def batches(factor: float) -> Break:
    """Batches so many times as large."""
    return lambda recipe: (Set("batch_size", value=max(2, round(factor * recipe.batch_size))),)


LOOKS_WRONG = (
    Variation("loss-in-small-unit",
              ("digits-mlp", "digits-cnn", "spirals-tanh", "blobs-mlp", "mnist1d-conv", "quantiles-mlp", "waves-conv",
              "needles-leaky", "signals-residual", "sorting-gru"), setting("loss", ScaledCrossEntropy(factor=1e-4))),
    Variation("head-of-0", DENSE, weights_of(-1, Zeros())),
    Variation("single-examples-slowly",
              ("wine-mlp", "iris-tanh", "spirals-tanh", "moons-logit", "xor-silu", "circles-logit", "parity-elu",
              "radius-tanh"), both(setting("batch_size", 1), rate(0.1), longer(8))),
    Variation("pairs",
              ("digits-mlp", "cancer-logit", "blobs-mlp", "quantiles-mlp", "needles-leaky"),
              both(setting("batch_size", 2), rate(0.3), longer(6))),
    Variation("warm-restarts",
              ("digits-mlp", "spirals-tanh", "cancer-logit", "moons-logit", "blobs-mlp", "mnist1d-gru",
              "circles-logit", "quantiles-mlp", "waves-gru", "roll-softplus", "even-residual", "sorting-gru"),
              scheduled(lambda rate, updates: Restarts(rate))),
    Variation("dropout-0.5",
              ("digits-mlp", "blobs-mlp", "cancer-logit", "hastie-logit", "thirds-batchnorm"),
              network(lambda outputs: Sequential((Flatten(), Dense(256), ReLU(), Dropout(0.5), Dense(outputs))))),
    Variation("converged",
              (*DENSE, "digits-cnn", "copy-transformer", "waves-conv", "sorting-gru"), longer(3)),
    Variation("full-batch-fast",
              ("wine-mlp", "iris-tanh", "blobs-mlp", "spirals-tanh", "xor-silu", "quantiles-mlp", "parity-elu"),
              full_batches(SGD(0.5))),
    Variation("full-batch-momentum",
              ("wine-mlp", "iris-tanh", "blobs-mlp", "cancer-logit", "moons-logit", "circles-logit", "xor-silu",
              "thirds-batchnorm"), full_batches(SGD(0.1, momentum=0.9))),
    Variation("always-clipped",
              ("digits-mlp", "friedman-mlp", "spirals-tanh", "cancer-logit", "copy-transformer", "moons-logit",
              "blobs-mlp", "mnist1d-conv", "diabetes-mlp", "circles-logit", "friedman2-gelu", "waves-conv",
              "chains-transformer", "roll-softplus", "even-residual", "signals-residual", "sorting-transformer"),
              setting("clip", ClipByNorm(0.01))),
    Variation("raw-in-0-to-1",
              ("digits-mlp", "digits-cnn", "friedman-mlp", "spirals-tanh", "moons-logit", "xor-silu", "circles-logit",
              "stripes-mlp", "chessboard-logit", "thirds-batchnorm"), setting("data/standardize", False)),
    Variation("raw-in-small-numbers",
              ("iris-tanh", "blobs-mlp", "blobs-residual", "quantiles-mlp", "hastie-logit", "needles-leaky"),
              setting("data/standardize", False)),
    Variation("frozen-first-layer",
              ("digits-mlp", "blobs-mlp", "cancer-logit", "moons-logit", "circles-logit", "hastie-logit",
              "needles-leaky", "thirds-batchnorm", "chessboard-logit"), frozen("1/*")),
    Variation("early-stopped",
              (*DENSE, "digits-cnn", "blobs-residual", "waves-gru", "groups-residual", "even-residual", "sorting-gru"),
              setting("stopping", EarlyStopping(4))),
    Variation("decay-0.3",
              ("digits-mlp", "mnist1d-conv", "blobs-residual", "digits-residual", "waves-conv", "groups-residual",
              "signals-residual", "sorting-transformer"), setting("optimizer/weight_decay", 0.3)),
    Variation("decay-1",
              ("digits-mlp", "mnist1d-conv", "digits-residual", "waves-conv", "signals-residual"),
              setting("optimizer/weight_decay", 1.0)),
)  # fmt: skip
DATA = (
    Variation("noisy-labels-0.1", CLASSIFIERS, source(lambda given: NoisyLabels(given, share=0.1)), rival=True),
    Variation("noisy-labels-0.2",
              ("spirals-tanh", "blobs-mlp", "wine-mlp", "quantiles-mlp", "thirds-batchnorm"),
              source(lambda given: NoisyLabels(given, share=0.2)), rival=True),
    Variation("few-examples",
              ("wine-mlp", "iris-tanh", "cancer-logit", "moons-logit", "circles-logit", "xor-silu", "thirds-batchnorm",
              "even-residual"),
              both(source(lambda given: Fewer(given, examples=60)), setting("batch_size", 10)), rival=True),
    Variation("rare-but-learned",
              ("digits-mlp", "spirals-tanh", "blobs-mlp", "moons-logit", "cancer-logit", "circles-logit",
              "quantiles-mlp", "even-residual", "stripes-mlp"),
              source(lambda given: Imbalanced(given, keep=0.2)), rival=True),
    Variation("constant-columns-few",
              ("digits-mlp", "cancer-logit", "wine-mlp", "blobs-mlp", "groups-batchnorm", "thirds-batchnorm",
              "needles-leaky"), source(lambda given: ConstantColumns(given, share=0.2)), rival=True),
    Variation("sorted",
              ("digits-mlp", "wine-mlp", "cancer-logit", "spirals-tanh", "digits-cnn", "iris-tanh", "moons-logit",
              "blobs-mlp", "circles-logit", "quantiles-mlp", "waves-conv", "chessboard-logit"),
              source(lambda given: SortedByTarget(given)),
              rival=True),
    Variation("targets-shifted-a-little",
              ("friedman-mlp", "diabetes-mlp", "friedman2-gelu", "radius-tanh", "roll-softplus"),
              source(lambda given: RescaledTargets(given, shift=0.5))),
    Variation("targets-halved",
              ("friedman-mlp", "diabetes-mlp", "friedman2-gelu", "radius-tanh", "roll-softplus"),
              source(lambda given: RescaledTargets(given, factor=0.5))),
    Variation("other-units-standardized", DENSE, source(lambda given: Rescaled(given, factor=1e3, shift=50.0))),
    Variation("inputs-doubled",
              ("spirals-tanh", "moons-logit", "digits-mlp", "friedman-mlp", "xor-silu", "circles-logit",
              "chessboard-logit"), raw(lambda given: Rescaled(given, factor=2.0))),
)  # fmt: skip
NETWORKS = (
    Variation("deep-normalized",
              ("digits-mlp", "blobs-mlp", "quantiles-mlp", "thirds-batchnorm"),
              network(lambda outputs: residual_mlp(24, 20, outputs, RMSNorm()))),
    Variation("linear",
              ("wine-mlp", "blobs-mlp", "cancer-logit", "iris-tanh", "groups-batchnorm", "radius-tanh"),
              network(lambda outputs: mlp((), outputs))),
    Variation("very-wide",
              ("wine-mlp", "digits-mlp", "moons-logit", "blobs-mlp", "iris-tanh", "circles-logit", "quantiles-mlp",
              "xor-silu", "parity-elu"), network(lambda outputs: mlp((512,), outputs))),
    Variation("gelu",
              ("digits-mlp", "friedman-mlp", "moons-logit", "blobs-mlp", "quantiles-mlp", "waves-conv",
              "signals-residual"), activations(GELU())),
    Variation("leaky",
              ("digits-mlp", "friedman-mlp", "moons-logit", "blobs-mlp", "circles-logit", "quantiles-mlp",
              "stripes-mlp", "chessboard-logit"), activations(LeakyReLU())),
    Variation("elu",
              ("digits-mlp", "cancer-logit", "blobs-mlp", "quantiles-mlp", "figures-conv", "even-residual",
              "needles-leaky"), activations(ELU())),
    Variation("silu",
              ("friedman-mlp", "cancer-logit", "moons-logit", "circles-logit", "hastie-logit", "chessboard-logit"),
              activations(SiLU())),
    Variation("tanh",
              ("digits-mlp", "wine-mlp", "blobs-mlp", "moons-logit", "quantiles-mlp", "circles-logit", "parity-elu",
              "needles-leaky"), activations(Tanh())),
    Variation("relu",
              ("spirals-tanh", "iris-tanh", "xor-silu", "hastie-logit", "parity-elu"), activations(ReLU())),
    Variation("layernorm",
              ("digits-mlp", "blobs-mlp", "spirals-tanh", "quantiles-mlp", "chessboard-logit"),
              behind_hidden(LayerNorm())),
    Variation("batchnorm",
              ("digits-mlp", "friedman-mlp", "blobs-mlp", "moons-logit", "circles-logit", "quantiles-mlp",
              "parity-elu", "even-residual"), behind_hidden(BatchNorm())),
    Variation("dropout-0.1",
              ("digits-mlp", "blobs-mlp", "moons-logit", "cancer-logit", "quantiles-mlp", "hastie-logit",
              "thirds-batchnorm", "needles-leaky"), behind_activations(Dropout(0.1))),
    Variation("noise-0.1",
              ("digits-mlp", "blobs-mlp", "wine-mlp", "quantiles-mlp", "needles-leaky"),
              behind_activations(Noise(0.1))),
)  # fmt: skip
TRAINING = (
    Variation("rate-halved", ALL, rate(0.5)),
    Variation("rate-doubled", ALL, rate(2.0)),
    Variation("rate-trebled", DENSE, rate(3.0)),
    Variation("twice-as-long", ALL, longer(2)),
    Variation("half-batches", DENSE, batches(0.5)),
    Variation("double-batches",
              ("digits-mlp", "cancer-logit", "spirals-tanh", "moons-logit", "blobs-mlp", "xor-silu", "circles-logit",
              "quantiles-mlp", "parity-elu", "even-residual", "signals-residual", "sorting-gru"), batches(2)),
    Variation("cosine", DENSE, scheduled(lambda rate, updates: Cosine(2 * rate))),
    Variation("one-cycle",
              ("digits-mlp", "spirals-tanh", "moons-logit", "blobs-mlp", "circles-logit", "quantiles-mlp",
              "stripes-mlp", "chessboard-logit", "sorting-gru"), scheduled(lambda rate, updates: OneCycle(3 * rate))),
    Variation("line",
              ("digits-mlp", "wine-mlp", "moons-logit", "iris-tanh", "xor-silu", "circles-logit", "roll-softplus",
              "sorting-gru"), scheduled(lambda rate, updates: Linear(2 * rate))),
    Variation("warm-up",
              ("digits-mlp", "friedman-mlp", "moons-logit", "blobs-mlp", "circles-logit", "friedman2-gelu",
              "even-residual", "roll-softplus"),
              scheduled(lambda rate, updates: Warmup(Fraction(0.2), then=Cosine(2 * rate)))),
    Variation("steps-late",
              ("digits-mlp", "friedman-mlp", "moons-logit", "blobs-mlp", "circles-logit", "waves-conv",
              "signals-residual", "sorting-gru"),
              scheduled(lambda rate, updates: Step(rate, drops=(Fraction(0.7), Fraction(0.9))))),
    Variation("average-0.95", DENSE, setting("average", EMA(0.95))),
    Variation("momentum",
              ("digits-mlp", "cancer-logit", "blobs-mlp", "moons-logit", "friedman-mlp", "circles-logit",
              "quantiles-mlp", "even-residual"), setting("optimizer", SGD(0.05, momentum=0.9))),
    Variation("adam",
              ("wine-mlp", "iris-tanh", "blobs-batchnorm", "xor-silu", "groups-batchnorm", "thirds-batchnorm",
              "parity-elu"), setting("optimizer", Adam(0.01))),
    Variation("rmsprop",
              ("digits-mlp", "blobs-mlp", "moons-logit", "quantiles-mlp", "circles-logit", "stripes-mlp"),
              optimizer(lambda rate: RMSProp(rate / 2))),
    Variation("lion",
              ("digits-mlp", "blobs-mlp", "moons-logit", "quantiles-mlp", "circles-logit", "needles-leaky",
              "sorting-gru"), optimizer(lambda rate: Lion(rate / 4))),
    Variation("adamw",
              ("wine-mlp", "iris-tanh", "friedman-mlp", "diabetes-mlp", "xor-silu", "friedman2-gelu", "parity-elu",
              "radius-tanh"), setting("optimizer", AdamW(0.01))),
    Variation("l2-small",
              ("digits-mlp", "wine-mlp", "diabetes-mlp", "blobs-mlp", "friedman2-gelu", "quantiles-mlp",
              "thirds-batchnorm", "signals-residual"), setting("penalties", (L2(1e-4),))),
    Variation("l1-small",
              ("friedman-mlp", "wine-mlp", "iris-tanh", "blobs-mlp", "xor-silu", "quantiles-mlp", "needles-leaky",
              "parity-elu"), setting("penalties", (L1(1e-4),))),
    Variation("sixteen-bits",
              ("digits-mlp", "spirals-tanh", "blobs-mlp", "moons-logit", "circles-logit", "quantiles-mlp",
              "even-residual", "needles-leaky", "chessboard-logit", "sorting-transformer"),
              setting("precision", BFloat16())),
    Variation("accumulated",
              ("digits-mlp", "friedman-mlp", "blobs-mlp", "moons-logit", "circles-logit", "quantiles-mlp",
              "chessboard-logit", "sorting-transformer"), setting("accumulate", 2)),
)  # fmt: skip
VARIATIONS: tuple[Variation, ...] = (*LOOKS_WRONG, *DATA, *NETWORKS, *TRAINING)


def healthy(set: str | None = None) -> tuple[Program, ...]:
    """The bases, and every variation of each that it fits, of one set or of all."""
    known = {base.id: base for base in bases(set)}
    kept = [Program(f"as-it-is@{base.id}", base, base.recipe, "healthy") for base in known.values()]
    varied = (_varied(one, known[name]) for one in VARIATIONS for name in one.on if name in known)
    return (*kept, *varied)


def _varied(variation: Variation, base: Base) -> Program:
    recipe = edit(base.recipe, *variation.changes(base.recipe)).spec
    return Program(f"{variation.id}@{base.id}", base, recipe, "healthy", rival=variation.rival)
