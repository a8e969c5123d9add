"""A recipe: everything that decides a training run, as one value."""

import math
from dataclasses import KW_ONLY
from typing import Annotated

from pydantic import Field

from headway.data.augment import Augmentation
from headway.data.dataset import Data
from headway.learning.averaging import EMA
from headway.learning.clipping import Clip
from headway.learning.losses import Loss
from headway.learning.metrics import Metric
from headway.learning.optimizers.optimizer import Optimizer
from headway.learning.penalties import Penalty
from headway.learning.schedules.schedule import Epochs
from headway.network.layer import Layer
from headway.network.recompute import Recompute
from headway.scale.precision import Float32, Precision
from headway.signals.probe import Watch
from headway.spec.error import HeadwayError, did_you_mean
from headway.spec.node import Count, Spec, spec

Positive = Annotated[int, Field(ge=1)]


@spec
class Seconds(Spec):
    """A duration on the clock: only for what does not change the result, such as writing checkpoints."""

    count: Annotated[float, Field(ge=0)]


@spec
class Evaluation(Spec):
    """When and how the validation set is judged: loss always, and the metrics named.

    every     updates, or epochs, between evaluations
    monitor   what decides which weights are best: "loss" or the label of a metric
    """

    every: Positive | Epochs = Epochs(1)
    _: KW_ONLY
    metrics: tuple[Metric, ...] = ()
    monitor: str = "loss"
    batch_size: Positive = 1000

    def __post_init__(self) -> None:
        known = ["loss", *(m.label for m in self.metrics)]
        if self.monitor not in known:
            raise HeadwayError(
                "monitor", "must be 'loss' or a metric here", self.monitor, did_you_mean(self.monitor, known)
            )

    def better(self, new: float, old: float, least: float = 0.0) -> bool:
        """True where `new` beats `old` by more than `least` in the monitored quantity; anything beats NaN."""
        if math.isnan(old):
            return not math.isnan(new)
        rises = any(m.label == self.monitor and m.higher_is_better for m in self.metrics)
        return new > old + least if rises else new < old - least


@spec
class EarlyStopping(Spec):
    """Stop when the monitored quantity has not improved for `patience` evaluations (Prechelt 1998)."""

    patience: Positive = 10
    _: KW_ONLY
    least: Annotated[float, Field(ge=0)] = 0.0


@spec
class Checkpoints(Spec):
    """How often a run that has a folder is saved, and how many checkpoints stay beside the best one."""

    every: Positive | Epochs | Seconds = Seconds(5.0)
    _: KW_ONLY
    keep: Positive = 2


@spec
class Recipe(Spec):
    """Everything that decides a training run.

    data        what to learn from; None where the data set is handed to `train` itself
    augment     how training examples are altered, in this order, after scaling; evaluation sees them as they are
    batch_size  how many examples an update is made of
    accumulate  in how many micro-batches, one after the other: the memory is that of one of them, the update that of
                the whole batch, but for BatchNorm, which normalizes every micro-batch by itself
    loss_parts  in how many parts the last layer and the loss are computed, some places of a sequence after others: with
                many classes the scores of all places would take more memory than the rest of the network
    penalties   what is descended beside the loss; the loss reported, in training and evaluation, is without them
    average     which average of the weights is judged and kept in place of the last weights; None: these themselves
    length      updates, or epochs (an epoch is ceil(examples / batch_size) updates)
    seed        decides initial weights, order of examples and dropout; the data's split has its own
    recompute   what of the copies of a Repeat the backward pass computes again, to save memory; None: nothing
    watch       which updates' signals are measured, every 50th unless told; None measures none
    precision   what the network computes in, in training and in evaluation; its weights stay float32
    """

    network: Layer
    _: KW_ONLY
    loss: Loss
    optimizer: Optimizer
    data: Data | None = None
    augment: tuple[Augmentation, ...] = ()
    penalties: tuple[Penalty, ...] = ()
    clip: Clip | None = None
    average: EMA | None = None
    batch_size: Positive = 100
    accumulate: Positive = 1
    loss_parts: Positive = 1
    length: Positive | Epochs = Epochs(20)
    seed: Annotated[Count, Field(ge=0, lt=2**31)] = 0
    evaluation: Evaluation = Evaluation()
    stopping: EarlyStopping | None = None
    checkpoints: Checkpoints = Checkpoints()
    recompute: Recompute | None = None
    watch: Watch | None = Watch()
    precision: Precision = Float32()

    def __post_init__(self) -> None:
        if self.batch_size % self.accumulate:
            raise HeadwayError("accumulate", f"must divide the batch_size of {self.batch_size}", self.accumulate,
                               "Micro-batches are of one size: choose a divisor.")  # fmt: skip
