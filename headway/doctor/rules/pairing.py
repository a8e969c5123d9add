"""Pairing: what the network ends in, the loss, its targets, and the direction of the updates."""

import numpy as np

from headway.doctor.case import Known
from headway.doctor.finding import Seen
from headway.doctor.rules.rule import rule
from headway.training.pairing import ending, least, mispaired, reach, single

MOST, SAMPLES = 0.8, 4
"""The share of the sampled updates that must climb, and how many there must be: no verdict from one window."""
HARM = 0.05
"""The share of the best constant's loss that no weights can save above which it is harm."""


@rule(
    "output-loss-mismatch", "outputs that do not suit the loss", concept="loss-function", stage="data and pairing",
    needs="recipe dataset constant",
)  # fmt: skip
def output_loss_mismatch(case: Known) -> Seen:
    """A softmax or sigmoid too many or missing, a softmax over one unit, and outputs that cannot reach the targets.

    What the kinds decide is certain: a loss from logits squashes them itself (Goodfellow et al. 2016, section 6.2.2).
    For an activation that ends the network its range is compared with the targets: the least loss within that range
    is harm from 5 % of the best constant's on. A rectifier before a softmax gives classes no gradient where it is 0.
    """
    network, loss = case.recipe.network, case.recipe.loss
    address, last = ending(network)
    outputs = network.shape(case.dataset.input_shape)
    if single(outputs, last):
        return Seen("found", ("A softmax over one unit gives 1 whatever the input.",), (address,))
    if wrong := mispaired(network, loss):
        return Seen("found", tuple(f"{one.must}; it gets {one.got}. {one.fix}" for one in wrong), (address,))
    bounds = reach(last)
    if bounds.low == -np.inf and bounds.high == np.inf:
        return Seen("ruled out", (f"{type(loss).__name__} takes {loss.expects}, and {last} at the end gives them.",))
    said = f"{last} at the end gives outputs from {bounds.low:.3g} to {bounds.high:.3g}"
    if loss.expects == "logits":
        share = least(loss, outputs, bounds) / max(case.constant, 1e-30)
        told = [f"{said}: no weights bring the loss below {share:.0%} of the best constant's."]
        if bounds.flat:
            told.append("A class whose output is 0 for an example gets no gradient from it.")
        return Seen("found" if share > HARM or bounds.flat else "noticed", tuple(told), (address,))
    if loss.expects == "values":
        y = case.dataset.train.y.astype(float)
        beyond = y - np.clip(y, bounds.low, bounds.high)
        share = float(np.mean(beyond**2) / max(np.mean((y - y.mean(axis=0)) ** 2), 1e-30))
        lie = f"{said}; {np.mean(beyond != 0):.0%} of the targets lie beyond, {share:.0%} of their variance."
        return Seen("found" if share > HARM else "noticed" if share > 0 else "ruled out", (lie,), (address,))
    return Seen("ruled out", (f"{said}, probabilities as {type(loss).__name__} takes them.",))


@rule(
    "loss-reduction", "a loss that is a sum", concept="loss-function", stage="data and pairing",
    needs="recipe outset", follows="output-loss-mismatch unscaled-features unscaled-targets",
)  # fmt: skip
def loss_reduction(case: Known) -> Seen:
    """A loss that sums over the batch has a gradient as many times as large as there are examples in it.

    Whether that does harm is measured: the first update, at the run's highest rate, at least doubles the loss of its
    own batch; after a run, it is made again with the mean. Optimizers that divide by the gradient's size, such as Adam,
    take no notice.
    """
    if case.recipe.loss.reduction != "sum":
        return Seen("ruled out", ("The loss is a mean over the batch.",))
    said = [f"The loss is the sum over the {case.recipe.batch_size} examples of a batch."]
    if case.learns is not None:
        better, again = case.without("averaged")
        return Seen("found" if better else "noticed", (*said, *again), ("loss",))
    if not case.outset.along:
        return Seen("noticed", tuple(said), ("loss",))
    whole = case.outset.along[-1]
    said.append(f"One update at the highest rate takes it from {case.outset.loss:.4g} to {whole.loss:.4g}.")
    return Seen("noticed" if whole.loss < 2 * case.outset.loss else "found", tuple(said), ("loss",))


@rule(
    "gradient-sign", "updates that climb", concept="gradient", stage="data and pairing", needs="outset|alignment",
)  # fmt: skip
def gradient_sign(case: Known) -> Seen:
    """The loss of the batch rises along the update that was made of it, however short the step.

    Looked at are steps of 1/1000 and 1/100 of ‖θ‖ on the same examples with the same random draws: a rate that is too
    high cannot be the reason. Updates that are weight decay alone, along −θ, are let pass. Of a loop that is watched
    from outside, the cosine between gradient and update is looked at: above 0, updates climb.
    """
    outset = case.outset
    if outset is None:
        return _climbing(case.alignment)
    if not outset.along:
        return Seen("not seen", ("No update changed a parameter.",))
    steps = outset.along[:-1]
    rounding = 1e-5 * max(abs(outset.loss), 1e-30)
    rises = [step.loss - outset.loss for step in steps]
    told = ", ".join(f"{rise:+.2g} at {step.size:.0e} ‖θ‖" for rise, step in zip(rises, steps, strict=True))
    said = f"Along the first update the loss {outset.loss:.4g} of its own batch changes by {told}.".replace("-", "−")
    if not all(rise > rounding for rise in rises) or outset.decay > 0.5:
        return Seen("ruled out", (said,))
    return Seen("found", (said,), ("optimizer",))


def _climbing(alignment: np.ndarray) -> Seen:
    """Found where most updates have a part along the gradient, and not against it."""
    climbing = float(np.mean(alignment > 0))
    median = f"{np.median(alignment):+.2f}, the median of {len(alignment)} samples"
    said = f"The cosine between gradient and update is {median}."
    found = climbing >= MOST and len(alignment) >= SAMPLES
    return Seen("found" if found else "ruled out", (said.replace("-", "−"),), confidence=max(climbing, 1 - climbing))
