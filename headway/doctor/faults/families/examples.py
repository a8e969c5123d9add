"""Faults of the examples: their scale, their labels, how they are split, and single numbers that are wrong."""

from headway.doctor.faults.fault import Break, Fault, raw, setting, source
from headway.doctor.faults.sources import (
    AlteredTest,
    ConstantColumns,
    Fewer,
    Imbalanced,
    NoisyLabels,
    NoSignal,
    Repeated,
    Rescaled,
    RescaledTargets,
    ShuffledLabels,
    Spoiled,
)

INDEPENDENT = "Inputs and targets are independent either way: which of them was drawn anew cannot be seen."
SHARES = "The classes' shares differ between the parts, as those of two populations do."


def _targets(factor: float, shift: float = 0.0) -> Break:
    """The amounts of a base, which have about mean 0 and spread 1, in another unit."""
    return source(lambda given: RescaledTargets(given, factor=factor, shift=shift))


SCALE = (
    Fault("raw-features", "data scale", ("unscaled-features",),
          ("wine-mlp", "cancer-logit", "diabetes-mlp", "friedman2-gelu", "groups-residual", "radius-tanh"),
          setting("data/standardize", False)),
    Fault("features-thousandth", "data scale", ("unscaled-features",),
          ("digits-mlp", "spirals-tanh", "moons-logit", "iris-tanh", "circles-logit", "xor-silu", "chessboard-logit",
          "parity-elu"), raw(lambda given: Rescaled(given, factor=1e-3))),
    Fault("features-thousandfold", "data scale", ("unscaled-features",),
          ("digits-mlp", "spirals-tanh", "moons-logit", "blobs-mlp", "circles-logit", "quantiles-mlp", "stripes-mlp",
          "needles-leaky"), raw(lambda given: Rescaled(given, factor=1e3))),
    Fault("one-feature-1e4", "data scale", ("unscaled-features",),
          ("friedman-mlp", "spirals-tanh", "moons-logit", "blobs-mlp", "xor-silu", "hastie-logit", "parity-elu",
          "chessboard-logit"), raw(lambda given: Rescaled(given, factor=1e4, columns=(0,)))),
    Fault("features-far-from-0", "data scale", ("unscaled-features",),
          ("friedman-mlp", "spirals-tanh", "blobs-mlp", "iris-tanh", "quantiles-mlp", "hastie-logit", "stripes-mlp",
          "needles-leaky"), raw(lambda given: Rescaled(given, shift=100.0))),
    Fault("targets-1e5", "data scale", ("unscaled-targets",),
          ("friedman-mlp", "diabetes-mlp", "friedman2-gelu", "roll-softplus"), _targets(1e5)),
    Fault("targets-thousandth", "data scale", ("unscaled-targets",),
          ("friedman-mlp", "diabetes-mlp", "friedman2-gelu", "radius-tanh"), _targets(1e-3)),
    Fault("targets-far-from-0", "data scale", ("unscaled-targets",),
          ("friedman-mlp", "diabetes-mlp", "friedman2-gelu", "roll-softplus", "radius-tanh"), _targets(1.0, 100.0)),
)  # fmt: skip
LABELS = (
    Fault("shuffled-labels", "labels", ("labels-shuffled", "no-signal"),
          ("digits-mlp", "friedman-mlp", "cancer-logit", "blobs-mlp", "diabetes-mlp", "mnist1d-conv", "quantiles-mlp",
          "friedman2-gelu", "waves-gru", "thirds-batchnorm", "even-residual"),
          source(lambda given: ShuffledLabels(given)), INDEPENDENT),
    Fault("noisy-labels", "labels", ("label-noise",),
          ("digits-mlp", "wine-mlp", "blobs-batchnorm", "mnist1d-conv", "groups-batchnorm", "waves-conv",
          "thirds-batchnorm", "signals-residual"), source(lambda given: NoisyLabels(given, share=0.4))),
    Fault("no-signal", "labels", ("no-signal", "labels-shuffled"),
          ("digits-mlp", "cancer-logit", "moons-logit", "diabetes-mlp", "circles-logit", "friedman2-gelu",
          "even-residual", "roll-softplus"), source(lambda given: NoSignal(given)), INDEPENDENT),
)  # fmt: skip
SPLITS = (
    Fault("leakage", "splits", ("leakage",),
          ("digits-mlp", "friedman-mlp", "diabetes-mlp", "mnist1d-conv", "hastie-logit", "figures-conv",
          "needles-leaky", "signals-residual"),
          source(lambda given: Repeated(Fewer(given, examples=150), times=4)), harm="promise"),
    Fault("test-in-another-unit", "splits", ("split-mismatch",),
          ("digits-mlp", "cancer-logit", "moons-logit", "blobs-mlp", "circles-logit", "quantiles-mlp", "stripes-mlp",
          "thirds-batchnorm"), source(lambda given: AlteredTest(given, factor=0.1)), split="test"),
    Fault("test-shifted", "splits", ("split-mismatch",),
          ("spirals-tanh", "friedman-mlp", "blobs-mlp", "diabetes-mlp", "friedman2-gelu", "hastie-logit",
          "needles-leaky", "roll-softplus"), source(lambda given: AlteredTest(given, shift=3.0)), split="test"),
    Fault("rare-classes", "splits", ("imbalance", "split-mismatch"),
          ("digits-mlp", "cancer-logit", "spirals-tanh", "blobs-mlp", "moons-logit", "circles-logit", "quantiles-mlp",
          "even-residual", "parity-elu"), source(lambda given: Imbalanced(given, keep=0.02)), SHARES, split="test"),
)  # fmt: skip
NUMBERS = (
    Fault("outliers", "data faults", ("data-faults",),
          ("digits-mlp", "cancer-logit", "blobs-mlp", "diabetes-mlp", "quantiles-mlp", "friedman2-gelu",
          "needles-leaky", "radius-tanh"), source(lambda given: Spoiled(given, share=0.01, factor=1e4))),
    Fault("constant-columns", "data faults", ("data-faults",),
          ("digits-mlp", "friedman-mlp", "blobs-mlp", "mnist1d-conv", "groups-batchnorm", "waves-conv",
          "thirds-batchnorm", "signals-residual"), source(lambda given: ConstantColumns(given, share=0.9))),
)  # fmt: skip
FAULTS: tuple[Fault, ...] = (*SCALE, *LABELS, *SPLITS, *NUMBERS)
