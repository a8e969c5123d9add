"""The plan: how the learning rate goes over the run, what decays, and how many updates there are."""

import numpy as np

from headway.doctor.case import Known
from headway.doctor.finding import Seen
from headway.doctor.rules.rule import rule
from headway.network.values import flatten

RISING = 0.5
"""The share of the run before the highest rate is reached above which it is too late."""
IDLE, LOW = 0.5, 0.01
"""The share of the run that may be left once the rate has fallen below a hundredth of the highest."""
TOO_FEW, FEW = 50, 100
PART, SMALL = 0.5, 4
"""The share of the training examples from which on a batch is a large one, and the examples up to which it is small."""


@rule(
    "schedule-length", "a schedule of another length", concept="lr-schedule", stage="initialization and scale",
    needs="recipe outset",
)  # fmt: skip
def schedule_length(case: Known) -> Seen:
    """The learning rate of every update of the run: reached too late, gone too early, or not yet on its way down.

    A warm-up takes a small part of a run (Goyal et al. 2017), and a decay ends with it. Found where the highest rate
    comes after half of the updates, or half of them are left below a hundredth of it. A schedule that is cut off high
    above its end is noticed: its rate is nearly constant, which many runs are meant to have. Where the network learns
    all the same, the run is made again at the highest rate throughout.
    """
    rates, planned = case.outset.rates, case.recipe.optimizer.main_rate()
    if not np.isfinite(rates).all() or not rates.max() > 0 or len(rates) < 2:
        return Seen("not seen", ("The learning rate is not known.",))
    top = int(rates.argmax())
    idle = float(np.mean(rates[top:] < LOW * rates.max()) * (len(rates) - top) / len(rates))
    said = [f"The highest rate comes at update {top + 1} of {len(rates)}; {idle:.0%} of them have less than a "
            "hundredth of it behind it."]  # fmt: skip
    late = top / len(rates) > RISING
    if late or idle > IDLE:
        word, again = case.judged("steady")
        return Seen(word, (*said, *again), ("optimizer/learning_rate",))
    cut = _falls(planned) and rates[-1] > 0.5 * rates.max()
    if cut:
        said.append(f"It ends at {rates[-1] / rates.max():.0%} of the highest rate.")
    return Seen("noticed" if cut else "ruled out", tuple(said), ("optimizer/learning_rate",) if cut else ())


def _falls(planned: object) -> bool:
    """Whether a schedule, or the one inside it, says where its decay ends."""
    inner = getattr(planned, "then", planned)
    return getattr(inner, "steps", None) is not None and hasattr(inner, "final")


@rule(
    "decay-groups", "decay of what should not decay", concept="weight-decay", stage="initialization and scale",
    needs="recipe dataset job",
)  # fmt: skip
def decay_groups(case: Known) -> Seen:
    """Weight decay on biases and on the scales of normalization, which say nothing of how complex a function is.

    Pulling them to 0 costs fit and gains nothing that is known (Goodfellow et al. 2016, section 7.1): noticed.
    """
    declared = flatten(case.recipe.network.declare(case.dataset.input_shape))
    groups = case.job.update.optimizer.groups(case.recipe.network.declare(case.dataset.input_shape))
    decaying = [a for group in groups if group.decay.startswith("weight decay") for a in group.addresses]
    odd = tuple(address for address in decaying if not declared[address].decays)
    said = f"{len(decaying)} of {len(declared)} parameters decay, {len(odd)} of them biases, scales or tables."
    return Seen("noticed" if odd else "ruled out", (said,), odd)


@rule(
    "batch-size", "too few updates of too large batches", concept="batch-size", stage="initialization and scale",
    needs="recipe dataset job",
)  # fmt: skip
def batch_size(case: Known) -> Seen:
    """A batch is half of the data or more, and the run has fewer than 100 updates; 50, before it is made.

    With so few steps a smaller batch, whose gradient is nearly as good, gets further for the same work (Shallue et al.
    2019, *Measuring the effects of data parallelism*): where the network learns all the same, the run is made again in
    eight times as many batches. Full batches with many updates pass. Batches of four examples or less do harm where
    the same run with eight times as many in each is better.
    """
    size, examples, updates = case.recipe.batch_size, len(case.dataset.train), case.job.updates
    said = (f"{updates} updates of {size} of {examples} training examples each.",)
    if size <= SMALL:
        better, again = case.without("larger_batches")
        return Seen("found" if better else "ruled out", (*said, *again), ("batch_size",) if better else ())
    if size < PART * examples or size <= 8 or updates >= FEW:
        return Seen("ruled out", said)
    if case.learns is None and updates >= TOO_FEW:
        return Seen("noticed", said, ("batch_size",))
    word, again = case.judged("smaller_batches")
    return Seen(word, (*said, *again), ("batch_size",))
