"""Vanishing and exploding gradients: ‖dL/dh‖ that shrinks or grows from layer to layer, whatever its size."""

from dataclasses import replace

import numpy as np

from headway.doctor.case import Case
from headway.doctor.finding import Seen
from headway.doctor.rules.rule import rule
from headway.signals.flow import LEAST

AGREEMENT = 0.8
"""The share of the samples, from the first on, that must show it: no verdict from one window."""
VANISHES, EXPLODES = (1.0, 2.0), (0.25, 1.5)
"""Decades per 10 layers, and in all. A way around every layer makes growth slow, yet great over many layers."""


@rule(
    "vanishing-gradient", "vanishing gradient", concept="vanishing-gradient", stage="first steps", needs="flow",
    follows="output-loss-mismatch data-faults unscaled-features initial-symmetry over-regularised dying-relu",
)  # fmt: skip
def vanishing(case: Case) -> Seen:
    """‖dL/dh‖ falls towards the input by a decade or more per 10 layers, and by two in all.

    A ratio of layers: no absolute size, which depends on the loss's unit (Hochreiter 1991; Pascanu et al. 2013). Where
    a third of the run or more went by before anything was learned, the first half of that time is looked at: as a
    network learns its way out, the gradient comes through.
    """
    found = _steady(case, 1, VANISHES)
    return replace(found, evidence=(*found.evidence, *_indistinct(case))) if found.where else found


@rule(
    "exploding-gradient", "exploding gradient", concept="exploding-gradient", stage="first steps", needs="flow",
)  # fmt: skip
def exploding(case: Case) -> Seen:
    """‖dL/dh‖ grows towards the input by a quarter of a decade or more per 10 layers, and by 1.5 in all.

    The bounds are lower than for gradients that vanish: residual blocks that nothing scales or normalizes add their
    variance to what comes in, so that the signal grows forward as the gradient does backward, less per layer and
    without end (Pascanu et al. 2013; Zhang, Dauphin & Ma 2019, *Fixup*). It is the growth that counts, not the size.
    """
    found = _steady(case, -1, EXPLODES)
    return replace(found, evidence=(*found.evidence, *_grown(case), *_clipped(case))) if found.where else found


def _steady(case: Case, sign: int, bounds: tuple[float, float]) -> Seen:
    """Whether ‖dL/dh‖ falls (sign 1) or grows (−1) towards the input from the first sample on, past both bounds.

    Found where the network has learned nothing, or late: then the samples from well before count.
    """
    assert case.flow is not None
    early = _early(case)
    total, slope = case.flow.decades_lost[early], case.flow.decades_per_ten_layers[early]
    past = (sign * slope >= bounds[0]) & (sign * total >= bounds[1])
    agreement = float(np.mean(past)) if past[0] else 0.0  # what training brings about is no matter of how it flows
    evidence: tuple[str, ...] = (
        f"From the last of {len(case.flow.addresses)} layers back to the first ‖dL/dh‖ changes by {_decades(-total)} "
        f"decades, {_decades(-slope)} per 10 layers, in {len(total)} samples.",
    )
    if agreement < AGREEMENT:
        return Seen("ruled out", evidence, (), case.steps, float(1 - np.mean(past)))
    size = sign * np.log10(np.maximum(np.median(case.flow.gradient[early], axis=0), LEAST))
    concerned = size.max() - size >= bounds[1]
    where = tuple(address for address, here in zip(case.flow.addresses, concerned, strict=True) if here)
    if case.late:
        evidence += (f"{case.stuck} updates went by before the loss was a tenth below that of a constant.",)
    return Seen("found" if case.late else case.word, evidence, where, case.steps, agreement)


def _early(case: Case) -> np.ndarray:
    """Which samples count, [samples]: where the network learned late those long before it did, else all."""
    assert case.flow is not None
    every = np.ones(len(case.flow.gradient), bool)
    if not case.late or case.signals is None or case.stuck is None:
        return every
    before = case.signals.steps <= case.stuck / 2
    return before if before.any() else every


def _decades(values: np.ndarray) -> str:
    """Median, least and largest."""
    return f"{np.median(values):+.1f} ({values.min():+.1f} to {values.max():+.1f})".replace("-", "−")


def _indistinct(case: Case) -> tuple[str, ...]:
    """Where the signal itself has vanished: examples that can no longer be told apart."""
    share = _signal(case)
    lost = np.flatnonzero(share < 1e-3)
    if not len(lost):
        return ()
    return (f"Forward too: behind layer {lost[0] + 1} examples differ less than 1/1000 as much as behind the first.",)


def _grown(case: Case) -> tuple[str, ...]:
    """Where the signal grows forward as well."""
    times = _signal(case)[-1]
    if times < 10:
        return ()
    return (f"Forward too: behind the last layer examples differ {times:.3g} times as much as behind the first.",)


def _signal(case: Case) -> np.ndarray:
    """How far examples differ behind each layer over that behind the first, the median of samples, [layers]."""
    assert case.flow is not None
    share: np.ndarray = np.median(case.flow.signal / np.maximum(case.flow.signal[:, :1], 1e-30), axis=0)
    return share


def _clipped(case: Case) -> tuple[str, ...]:
    """How many updates were clipped, where most were."""
    if case.measures is None or not {"gradient_norm", "clipped_norm"} <= case.measures.keys():
        return ()
    share = float(np.mean(case.measures["clipped_norm"] < 0.999 * case.measures["gradient_norm"]))
    return (f"{share:.0%} of the updates were clipped.",) if share > 0.5 else ()
