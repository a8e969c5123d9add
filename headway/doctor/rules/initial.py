"""The initial network: units that start alike, signals out of scale, and parameters that no gradient reaches."""

from dataclasses import replace

import numpy as np

from headway.doctor.case import Known
from headway.doctor.finding import Seen
from headway.doctor.measures.examples import loss_of
from headway.doctor.rules.rule import rule
from headway.doctor.start import Start
from headway.network.layer import layers
from headway.signals.flow import Flow

FOLD = 100.0
"""By what the signal may shrink or grow before the last layer, in all and beside weights drawn by default."""
TIMES, FAR = 3.0, 10.0
"""How many times the loss of the best constant, and of outputs 0, that of the first network is: to notice, and harm."""
SATURATED = 0.5
ALIKE = 1e-5
UNDERFLOW = 1e-30


@rule(
    "initial-symmetry", "units that are alike", concept="initialization", stage="initialization and scale",
    needs="outset start",
)  # fmt: skip
def initial_symmetry(case: Known) -> Seen:
    """All units of a layer begin with equal weights, and five updates have not told them apart.

    Equal units get equal gradients for ever, and are one unit (Goodfellow et al. 2016, section 8.4). Whether they
    stay alike is measured, so that what begins at 0 and is told apart by the weights behind it passes: a head, the end
    of a residual branch. Parameters that the optimizer holds fixed have no part in it.
    """
    begin, end, looked, found = case.outset.begin, case.outset.end, 0, []
    for address, weight in begin.items():
        if weight.ndim < 2 or weight.shape[-1] < 2:
            continue
        looked += 1
        if _alike(weight) and _alike(end[address]) and address not in case.outset.fixed:
            found.append(address)
    if not found:
        return Seen("ruled out", (f"In {looked} weights units differ, or come to differ within five updates.",))
    kinds = "0" if not any(begin[address].any() for address in found) else "equal"
    said = f"The weights of all units are {kinds} at first, and still alike after five updates."
    word, again = case.judged("redrawn")
    return Seen(word, (said, *again), tuple(found))


def _alike(weight: np.ndarray) -> bool:
    """Whether all units, the places of the last axis, have the same weights."""
    return bool(np.max(np.abs(weight - weight[..., :1])) <= ALIKE * np.max(np.abs(weight)))


@rule(
    "initial-scale", "an initial network out of scale", concept="initialization", stage="initialization and scale",
    needs="start dataset recipe constant",
    follows="output-loss-mismatch unscaled-features unscaled-targets data-faults initial-symmetry",
)  # fmt: skip
def initial_scale(case: Known) -> Seen:
    """The signal shrinks or grows a hundredfold, units begin saturated, or the first loss is far too high.

    Weights of variance 1/n or 2/n keep the signal's size (Glorot & Bengio 2010; He et al. 2015). The signal is how far
    examples differ behind each layer but the last, which may begin at 0. It counts where weights drawn by default, of
    such a variance, would not do the same: then it is the weights, not the depth. The loss of the initial network is
    held against that of the best constant and of outputs 0, ln C for C classes: a network that is surer than either,
    and wrong, must unlearn first (Karpathy 2019, *A recipe for training neural networks*). Three times that is noticed,
    ten times is harm. Where the network learns all the same, the run is made again from weights drawn by default.
    """
    ratios = _growth(case.begins, case.start)
    total = float(np.prod(ratios))
    drawn = float(np.prod(_growth(case.begins_redrawn, case.start))) if not 1 / FOLD < total < FOLD else total
    # Exactly 0 is no matter of scale, but cut off.
    odd = total > 0 and not 1 / FOLD < total / max(drawn, 1e-300) < FOLD
    first, known = _first_loss(case)
    high = first > FAR * known or not np.isfinite(first)
    saturated = case.start.signals["saturated"][0]
    stuck = tuple(a for a, s in zip(case.start.signals.addresses, saturated, strict=True) if s > SATURATED)
    said = [f"The signal is {total:.2g} times that of the inputs behind {len(ratios)} layers, all but the last; with "
            f"weights drawn by default {drawn:.2g} times."] if len(ratios) else []  # fmt: skip
    said.append(f"The initial loss is {first:.3g}, that of the best constant or of outputs 0 {known:.3g}.")
    if stuck:
        said.append(f"{saturated.max():.0%} of the numbers at {stuck[0]} are at the limits of its activation.")
    if odd or high or stuck:
        word, again = case.judged("redrawn")
        return Seen(word, (*said, *again), stuck)
    return Seen("noticed" if first > TIMES * known else "ruled out", tuple(said), stuck)


def _growth(way: Flow, start: Start) -> np.ndarray:
    """The ratio of the signal behind each layer with weights but the last to that before."""
    signal, x = way.signal[0], start.examples.x
    if not len(signal) or not np.issubdtype(x.dtype, np.floating):
        before, behind = signal[:1], signal[1:-1]
    else:
        before, behind = np.array([np.sqrt(np.mean(np.var(x, axis=0)))]), signal[:-1]
    levels = np.concatenate([before, behind]).astype(float)
    ratios: np.ndarray = levels[1:] / np.maximum(levels[:-1], 1e-300)
    return ratios


def _first_loss(case: Known) -> tuple[float, float]:
    """The mean loss of the initial network, and the larger of what the best constant and outputs of 0 have.

    Running statistics are not yet those of any batch: where examples are mixed it is the first batch's in training.
    """
    summed, outputs = case.recipe.loss.reduction == "sum", case.start.outputs
    loss, known = replace(case.recipe.loss, reduction="mean"), case.constant
    if summed:
        known /= len(case.dataset.splits()[case.split])
    if loss.expects != "probabilities":
        known = max(known, loss_of(loss, np.zeros_like(outputs), case.start.examples))
    if any(layer.mixes_examples for _, layer in layers(case.recipe.network)):
        return case.start.loss / (case.recipe.batch_size if summed else 1), known
    return loss_of(loss, outputs, case.start.examples), known


@rule(
    "unreached-parameters", "parameters that no gradient reaches", concept="backpropagation",
    stage="initialization and scale", needs="outset start",
    follows="output-loss-mismatch initial-symmetry data-faults dying-relu",
)  # fmt: skip
def unreached_parameters(case: Known) -> Seen:
    """A layer's weights whose gradient is exactly 0 in all of five updates, each number of them.

    Cut off from the loss, behind units that give 0 for every example, or with a derivative of 0 in the way. A head
    that begins at 0 hides what is before it for one update alone. Not where gradients have underflowed on the way: that
    is the vanishing of them. What the optimizer holds fixed is meant to be, as long as the same run with all trained
    does not leave a tenth less of the held-out loss.
    """
    reached, fixed = case.outset.reached, case.outset.fixed
    held = sorted({address.rpartition("/")[0] for address in fixed})
    if held:
        better, again = case.without("unfrozen")
        if better:
            return Seen("found", (f"The optimizer trains no weights of {len(held)} layers.", *again), tuple(held))
    most = {address: float(g.max()) for address, g in reached.items()}
    largest: dict[str, float] = {}
    for address, size in most.items():
        if address not in fixed:
            layer = address.rpartition("/")[0]
            largest[layer] = max(size, largest.get(layer, 0.0))
    cut = [layer for layer, size in largest.items() if size == 0]
    alive = [size for size in largest.values() if size > 0]
    if not cut:
        return Seen("ruled out", (f"A gradient reaches all {len(largest)} layers with parameters.",))
    said = f"The gradient is exactly 0 in {len(cut)} of {len(largest)} layers with parameters, in five updates."
    faint = alive and min(alive) < UNDERFLOW
    return Seen("noticed" if faint else case.word, (said,), tuple(cut))
