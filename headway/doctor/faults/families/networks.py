"""Faults of the network: what it ends in, first weights, activations, depth, width, and the sign of its gradient."""

from dataclasses import replace

from headway.doctor.faults.fault import (
    Fault,
    activations,
    at_end,
    both,
    network,
    outputs_of,
    setting,
    source,
    updates_of,
    weights,
    weights_of,
)
from headway.doctor.faults.oddities import Ascent
from headway.doctor.faults.sources import Fewer
from headway.learning.losses import ProbabilityBinaryCrossEntropy, ProbabilityCrossEntropy
from headway.learning.optimizers.groups import Frozen, Groups
from headway.models.mlp import mlp, plain_mlp
from headway.network.activations import Identity, ReLU, Sigmoid, Softmax, Tanh
from headway.network.compose import Sequential
from headway.network.convolution import Flatten, GlobalAveragePool
from headway.network.dense import Dense
from headway.network.initialization import Constant, HeNormal, Initializer, Normal, Zeros
from headway.spec.edit import Replace, Set
from headway.training.recipe import Recipe

MEANT = "The weights are drawn so; what comes of it in a deep network is a gradient that"


def _upwards(recipe: Recipe) -> tuple[Replace, ...]:
    return (Replace("optimizer", by=Ascent(recipe.optimizer)),)


def _frozen(recipe: Recipe) -> tuple[Replace, ...]:
    return (Replace("optimizer", by=Groups(recipe.optimizer, rules=(Frozen("**/w"),))),)


def _by_heart(recipe: Recipe) -> tuple[Set | Replace, ...]:
    """A wide network and few examples, for five times as long."""
    wide = Replace("network", by=mlp((256, 256), outputs_of(recipe)))
    return (wide, Set("length", value=5 * updates_of(recipe)), Set("batch_size", value=20))


def _drawn(network: Sequential, init: Initializer) -> Sequential:
    """The network with the weights of its dense layers drawn in another way."""
    return Sequential(tuple(replace(part, init=init) if isinstance(part, Dense) else part for part in network.layers))


PAIRING = (
    Fault("softmax-twice", "pairing", ("output-loss-mismatch",),
          ("digits-mlp", "wine-mlp", "blobs-mlp", "iris-tanh", "quantiles-mlp", "xor-silu", "stripes-mlp",
          "needles-leaky"), at_end(Softmax())),
    Fault("sigmoid-twice", "pairing", ("output-loss-mismatch",),
          ("cancer-logit", "moons-logit", "circles-logit", "hastie-logit", "chessboard-logit", "even-residual"),
          at_end(Sigmoid())),
    Fault("sigmoid-before-softmax", "pairing", ("output-loss-mismatch",),
          ("digits-cnn", "blobs-batchnorm", "groups-batchnorm", "figures-conv", "thirds-batchnorm", "signals-residual"),
          at_end(Sigmoid())),
    Fault("logits-as-probabilities", "pairing", ("output-loss-mismatch",),
          ("wine-mlp", "digits-mlp", "iris-tanh", "xor-silu", "quantiles-mlp", "parity-elu", "needles-leaky"),
          setting("loss", ProbabilityCrossEntropy())),
    Fault("logit-as-probability", "pairing", ("output-loss-mismatch",),
          ("cancer-logit", "moons-logit", "circles-logit", "hastie-logit", "chessboard-logit", "even-residual"),
          setting("loss", ProbabilityBinaryCrossEntropy())),
    Fault("rectified-amounts", "pairing", ("output-loss-mismatch",),
          ("friedman-mlp", "diabetes-mlp", "friedman2-gelu", "radius-tanh", "roll-softplus"), at_end(ReLU())),
    Fault("squashed-amounts", "pairing", ("output-loss-mismatch",),
          ("friedman-mlp", "diabetes-mlp", "friedman2-gelu", "roll-softplus"), at_end(Sigmoid())),
    Fault("summed-loss", "pairing", ("loss-reduction", "learning-rate-high"),
          ("wine-mlp", "iris-tanh", "blobs-batchnorm", "xor-silu", "groups-batchnorm", "parity-elu",
          "thirds-batchnorm"), setting("loss/reduction", "sum"),
          "A sum over n examples is the mean at n times the rate: dividing the rate by n is the same cure."),
)  # fmt: skip
SIGN = (
    Fault("climbing", "sign", ("gradient-sign",),
          ("digits-mlp", "friedman-mlp", "copy-transformer", "moons-logit", "diabetes-mlp", "mnist1d-conv",
          "circles-logit", "friedman2-gelu", "waves-conv", "chains-transformer", "chessboard-logit",
          "sorting-gru", "sorting-transformer"), _upwards),
)  # fmt: skip
INITIALIZATION = (
    Fault("weights-large", "initialization", ("initial-scale", "exploding-gradient", "saturation"),
          ("digits-mlp", "spirals-tanh", "friedman-mlp", "blobs-mlp", "iris-tanh", "diabetes-mlp", "quantiles-mlp",
          "friedman2-gelu", "stripes-mlp", "roll-softplus"), weights(Normal(5.0)),
          "The weights are drawn so; activations that have limits are then at them."),
    Fault("weights-tiny", "initialization", ("initial-scale", "vanishing-gradient"),
          ("wine-mlp", "digits-cnn", "iris-tanh", "mnist1d-conv", "xor-silu", "waves-conv", "parity-elu",
          "signals-residual"), weights(Normal(1e-5)),
          f"{MEANT} vanishes."),
    Fault("weights-0", "initialization", ("initial-symmetry", "initial-scale"),
          ("wine-mlp", "digits-mlp", "iris-tanh", "blobs-mlp", "xor-silu", "quantiles-mlp", "parity-elu",
          "stripes-mlp"), weights(Zeros()),
          "Weights of 0 are all alike, and have no spread."),
    Fault("weights-alike", "initialization", ("initial-symmetry",),
          ("digits-mlp", "spirals-tanh", "blobs-mlp", "moons-logit", "circles-logit", "quantiles-mlp",
          "chessboard-logit", "needles-leaky"), weights(Constant(0.1))),
)  # fmt: skip
DEPTH = (
    Fault("dead-layer", "activation and depth", ("dying-relu", "initial-symmetry", "initial-scale"),
          ("digits-mlp", "friedman-mlp", "moons-logit", "blobs-mlp", "quantiles-mlp", "stripes-mlp",
          "chessboard-logit"), weights_of(1, Constant(-0.1)),
          "Weights that are all −0.1 make units that are all 0 behind positive inputs."),
    Fault("deep-sigmoid", "activation and depth", ("vanishing-gradient", "saturation"),
          ("digits-mlp", "cancer-logit", "blobs-mlp", "mnist1d-conv", "quantiles-mlp", "waves-conv", "needles-leaky",
          "signals-residual"), network(lambda outputs: plain_mlp(12, outputs, width=32, activation=Sigmoid())),
          "Sigmoid's slope of at most 1/4 in every layer is what makes the gradient vanish."),
    Fault("deep-shrinking", "activation and depth", ("initial-scale", "vanishing-gradient"),
          ("digits-mlp", "friedman-mlp", "blobs-mlp", "diabetes-mlp", "friedman2-gelu", "hastie-logit", "radius-tanh",
          "chessboard-logit"),
          network(lambda outputs: _drawn(plain_mlp(12, outputs, width=32, activation=Tanh()), HeNormal(0.05))),
          f"{MEANT} vanishes."),
    Fault("deep-growing", "activation and depth", ("initial-scale", "exploding-gradient"),
          ("digits-mlp", "friedman-mlp", "blobs-mlp", "diabetes-mlp", "quantiles-mlp", "friedman2-gelu", "stripes-mlp",
          "roll-softplus"),
          network(lambda outputs: _drawn(plain_mlp(12, outputs, width=32), HeNormal(40.0))), f"{MEANT} explodes."),
    Fault("no-activation", "activation and depth", ("missing-nonlinearity",),
          ("spirals-tanh", "friedman-mlp", "moons-logit", "mnist1d-conv", "circles-logit", "xor-silu", "waves-conv",
          "chessboard-logit", "parity-elu", "roll-softplus"), activations(Identity())),
    Fault("frozen-weights", "activation and depth", ("unreached-parameters",),
          ("digits-mlp", "spirals-tanh", "blobs-mlp", "moons-logit", "circles-logit", "quantiles-mlp", "needles-leaky",
          "even-residual"), _frozen),
)  # fmt: skip
CAPACITY = (
    Fault("bottleneck", "capacity", ("underfitting", "cannot-memorize"),
          ("digits-mlp", "digits-cnn", "blobs-mlp", "mnist1d-conv", "figures-conv", "waves-conv", "signals-residual",
          "thirds-batchnorm"),
          network(lambda outputs: Sequential((Flatten(), Dense(1), ReLU(), Dense(32), ReLU(), Dense(outputs)))),
          "One number cannot tell as many examples apart."),
    Fault("narrow", "capacity", ("underfitting", "cannot-memorize"),
          ("spirals-tanh", "friedman-mlp", "moons-logit", "circles-logit", "hastie-logit", "chessboard-logit",
          "roll-softplus"),
          network(lambda outputs: mlp((2,), outputs)), "Two units cannot tell as many examples apart."),
    Fault("averaged-away", "capacity", ("underfitting", "cannot-memorize"),
          ("digits-cnn", "mnist1d-conv", "figures-conv", "waves-conv", "even-residual", "signals-residual"),
          network(lambda outputs: Sequential((GlobalAveragePool(), Dense(16), ReLU(), Dense(outputs)))),
          "The mean over all places cannot tell examples apart."),
    Fault("by-heart", "capacity", ("overfitting",),
          ("digits-mlp", "friedman-mlp", "diabetes-mlp", "mnist1d-conv", "friedman2-gelu", "waves-conv", "radius-tanh",
          "signals-residual"), both(source(lambda given: Fewer(given, examples=90)), _by_heart)),
)  # fmt: skip
FAULTS: tuple[Fault, ...] = (*PAIRING, *SIGN, *INITIALIZATION, *DEPTH, *CAPACITY)
