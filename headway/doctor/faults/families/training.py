"""Faults of training: the rate and its schedule, the batch, what regularizes, numerics, and how long it goes on."""

from collections.abc import Callable
from typing import Any

from headway.doctor.faults.fault import (
    Break,
    Fault,
    at_end,
    behind_activations,
    behind_hidden,
    both,
    rate,
    setting,
    updates_of,
    weights,
)
from headway.learning.clipping import ClipByNorm
from headway.learning.losses import ProbabilityCrossEntropy
from headway.learning.optimizers.optimizer import Optimizer
from headway.learning.penalties import L1, L2
from headway.learning.regularization import Dropout
from headway.learning.schedules.compose import Warmup
from headway.learning.schedules.decay import Cosine, Exponential, Step
from headway.learning.schedules.schedule import Epochs, Schedule
from headway.network.activations import Softmax
from headway.network.initialization import Normal
from headway.network.normalization import BatchNorm
from headway.spec.edit import Edit, Set
from headway.training.recipe import EarlyStopping, Recipe

SLOWER = "Steps too short are made up for by more of them: either is a cure."
SHORT = "What is left of the rate is too low for what is left of the run."


def rate_of(optimizer: Optimizer) -> float:
    """The highest rate of an optimizer whose rate is a number, a Cosine, or a Cosine behind a warm-up."""
    given = optimizer.main_rate()
    behind: Any = given.then if isinstance(given, Warmup) else given
    return float(behind.peak if isinstance(behind, Cosine) else behind)


def scheduled(make: Callable[[float, int], Schedule]) -> Break:
    """Another schedule from the base's rate on: `make(rate, updates)`."""
    return lambda recipe: (Set("optimizer/learning_rate", value=make(rate_of(recipe.optimizer), updates_of(recipe))),)


def _full_batches(recipe: Recipe) -> tuple[Edit, ...]:
    """As many epochs as before, each a single update of all examples."""
    assert recipe.data is not None
    examples = len(recipe.data.load().train)
    return (
        Set("batch_size", value=examples),
        Set("length", value=Epochs(-(-updates_of(recipe) * recipe.batch_size // examples))),
        Set("evaluation/every", value=1),
    )


def _shorter(part: float) -> Break:
    """A part of the updates."""
    return lambda recipe: (
        Set("length", value=max(2, round(part * updates_of(recipe)))), Set("evaluation/every", value=1),
    )  # fmt: skip


RATE = (
    Fault("rate-hundredfold", "rate", ("learning-rate-high", "dying-relu", "oscillation"),
          ("digits-mlp", "copy-transformer", "wine-mlp", "mnist1d-transformer", "blobs-mlp", "iris-tanh",
          "chains-transformer", "quantiles-mlp", "xor-silu", "sorting-transformer", "parity-elu"),
          rate(100.0),
          "Steps far too long throw units to where they give nothing, and the loss to and fro."),
    Fault("rate-1e5", "rate", ("learning-rate-high", "dying-relu", "non-finite"),
          ("digits-cnn", "friedman-mlp", "cancer-logit", "diabetes-mlp", "moons-logit", "mnist1d-gru",
          "friedman2-gelu", "circles-logit", "waves-gru", "chessboard-logit", "sorting-gru"), rate(1e5),
          "Steps far too long throw units to where they give nothing, or numbers beyond what is finite."),
    Fault("rate-thousandth", "rate", ("learning-rate-low", "too-few-steps"),
          ("digits-mlp", "friedman-mlp", "copy-transformer", "moons-logit", "mnist1d-conv", "iris-tanh",
          "circles-logit", "waves-conv", "stripes-mlp", "signals-residual", "sorting-gru"), rate(1e-3), SLOWER),
    Fault("momentum-0.999", "rate", ("oscillation", "learning-rate-high"),
          ("wine-mlp", "iris-tanh", "blobs-batchnorm", "xor-silu", "groups-batchnorm", "parity-elu",
          "thirds-batchnorm"), setting("optimizer/momentum", 0.999),
          "A sum over 1000 steps in the place of 10 is a rate 100 times as high in the end."),
)  # fmt: skip
SCHEDULE = (
    Fault("decay-over-early", "schedule", ("schedule-length", "learning-rate-low", "too-few-steps"),
          ("digits-mlp", "friedman-mlp", "mnist1d-conv", "moons-logit", "waves-conv", "circles-logit",
          "signals-residual", "roll-softplus"),
          scheduled(lambda rate, updates: Cosine(rate, steps=max(2, updates // 30))), SHORT),
    Fault("decay-too-steep", "schedule", ("schedule-length", "learning-rate-low"),
          ("digits-mlp", "spirals-tanh", "moons-logit", "mnist1d-gru", "quantiles-mlp", "waves-gru", "stripes-mlp",
          "sorting-gru"), scheduled(lambda rate, updates: Exponential(rate, final=rate * 1e-20, steps=updates)), SHORT),
    Fault("steps-too-early", "schedule", ("schedule-length", "learning-rate-low"),
          ("friedman-mlp", "spirals-tanh", "diabetes-mlp", "moons-logit", "friedman2-gelu", "hastie-logit",
          "radius-tanh", "chessboard-logit"),
          scheduled(lambda rate, updates: Step(rate, drops=(3, 6), factor=0.01)), SHORT),
)  # fmt: skip
BATCH = (
    Fault("single-examples", "batch", ("batch-size", "learning-rate-high", "oscillation"),
          ("wine-mlp", "digits-mlp", "friedman-mlp", "iris-tanh", "diabetes-mlp", "blobs-mlp", "xor-silu",
          "friedman2-gelu", "parity-elu", "radius-tanh"), setting("batch_size", 1),
          "The noise of a step is that of one example at this rate: a lower one is a cure."),
    Fault("full-batches", "batch", ("batch-size", "too-few-steps", "learning-rate-low"),
          ("digits-mlp", "friedman-mlp", "blobs-mlp", "moons-logit", "quantiles-mlp", "circles-logit", "stripes-mlp",
          "needles-leaky"), _full_batches,
          "In as many epochs there are fewer updates: more epochs are a cure."),
    Fault("batchnorm-of-pairs", "batch", ("small-batch-statistics", "batch-size"),
          ("digits-mlp", "digits-cnn", "blobs-batchnorm", "blobs-mlp", "groups-batchnorm", "quantiles-mlp",
          "thirds-batchnorm", "needles-leaky"),
          both(behind_hidden(BatchNorm()), setting("batch_size", 2)), "Two examples make the statistics: the batch."),
    Fault("statistics-of-one-batch", "batch", ("train-eval-gap", "small-batch-statistics", "batch-size"),
          ("digits-mlp", "digits-cnn", "blobs-mlp", "mnist1d-conv", "quantiles-mlp", "waves-conv", "stripes-mlp",
          "even-residual"), both(behind_hidden(BatchNorm(momentum=0.0)), setting("batch_size", 4)),
          "What serves in evaluation are the statistics of the last four examples."),
)  # fmt: skip
REGULARIZATION = (
    Fault("dropout-0.97", "regularization", ("over-regularised", "underfitting"),
          ("digits-mlp", "friedman-mlp", "moons-logit", "blobs-mlp", "circles-logit", "quantiles-mlp",
          "chessboard-logit", "stripes-mlp"),
          behind_activations(Dropout(0.97)), "What is left of the layer is too narrow."),
    Fault("decay-30", "regularization", ("over-regularised",),
          ("digits-mlp", "copy-transformer", "mnist1d-conv", "mnist1d-transformer", "waves-conv", "chains-transformer",
          "signals-residual", "sorting-transformer"), setting("optimizer/weight_decay", 30.0)),
    Fault("l2-of-1", "regularization", ("over-regularised",),
          ("wine-mlp", "friedman-mlp", "iris-tanh", "diabetes-mlp", "xor-silu", "friedman2-gelu", "parity-elu",
          "radius-tanh"), setting("penalties", (L2(1.0),))),
    Fault("l1-of-0.1", "regularization", ("over-regularised",),
          ("spirals-tanh", "digits-mlp", "blobs-mlp", "moons-logit", "quantiles-mlp", "hastie-logit", "needles-leaky",
          "even-residual"), setting("penalties", (L1(0.1),))),
    Fault("clipped-to-nothing", "regularization", ("learning-rate-low", "too-few-steps"),
          ("wine-mlp", "iris-tanh", "blobs-batchnorm", "xor-silu", "groups-batchnorm", "parity-elu",
          "thirds-batchnorm"), setting("clip", ClipByNorm(1e-3)), SLOWER),
)  # fmt: skip
NUMERICS = (
    Fault("log-of-0", "numerics", ("non-finite", "initial-scale", "output-loss-mismatch"),
          ("digits-mlp", "wine-mlp", "blobs-mlp", "iris-tanh", "quantiles-mlp", "xor-silu", "needles-leaky",
          "parity-elu"), both(at_end(Softmax()), setting("loss", ProbabilityCrossEntropy()), weights(Normal(20.0))),
          "Weights that large make probabilities of 0; a loss of logits has no logarithm of them."),
    Fault("epsilon-100", "numerics", ("learning-rate-low", "too-few-steps"),
          ("digits-mlp", "friedman-mlp", "blobs-mlp", "moons-logit", "quantiles-mlp", "circles-logit", "radius-tanh",
          "sorting-gru"), setting("optimizer/eps", 100.0), SLOWER),
)  # fmt: skip
LENGTH = (
    Fault("few-updates", "length", ("too-few-steps", "learning-rate-low"),
          ("digits-mlp", "friedman-mlp", "moons-logit", "mnist1d-conv", "iris-tanh", "circles-logit", "waves-conv",
          "even-residual", "sorting-transformer"), _shorter(0.03), SLOWER),
    Fault("impatient", "length", ("too-few-steps", "learning-rate-low"),
          ("digits-mlp", "copy-transformer", "mnist1d-conv", "mnist1d-gru", "waves-conv", "waves-gru", "sorting-gru",
          "sorting-transformer"),
          both(setting("stopping", EarlyStopping(1, least=10.0)), setting("evaluation/every", 2)), SLOWER),
)  # fmt: skip
FAULTS: tuple[Fault, ...] = (*RATE, *SCHEDULE, *BATCH, *REGULARIZATION, *NUMERICS, *LENGTH)
