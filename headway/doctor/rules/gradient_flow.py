"""Vanishing and exploding gradients: ‖dL/dh‖ that shrinks or grows from layer to layer, whatever its size."""

from dataclasses import replace

import numpy as np

from headway.doctor.case import Case
from headway.doctor.finding import Seen
from headway.doctor.rules.rule import rule
from headway.signals.flow import LEAST

DECADES_PER_TEN_LAYERS = 1.0
DECADES_IN_ALL = 2.0
AGREEMENT = 0.8
"""The share of the samples, from the first on, that must show it: no verdict from one window."""


@rule(
    "vanishing-gradient", "vanishing gradient", concept="vanishing-gradient", stage="first steps", needs="flow",
    follows="dying-relu",
)  # fmt: skip
def vanishing(case: Case) -> Seen:
    """‖dL/dh‖ falls towards the input by a decade or more per 10 layers, and by two in all.

    A ratio of layers: no absolute size, which depends on the loss's unit (Hochreiter 1991; Pascanu et al. 2013).
    """
    found = _steady(case, 1)
    return replace(found, evidence=(*found.evidence, *_indistinct(case))) if found.where else found


@rule(
    "exploding-gradient", "exploding gradient", concept="exploding-gradient", stage="first steps", needs="flow",
)  # fmt: skip
def exploding(case: Case) -> Seen:
    """‖dL/dh‖ grows towards the input by a decade or more per 10 layers, and by two in all (Pascanu et al. 2013)."""
    return _steady(case, -1)


def _steady(case: Case, sign: int) -> Seen:
    """Found where ‖dL/dh‖ falls (sign 1) or grows (−1) towards the input in most samples, past both bounds."""
    assert case.flow is not None
    total, slope = case.flow.decades_lost, case.flow.decades_per_ten_layers
    agreement = float(np.mean((sign * slope >= DECADES_PER_TEN_LAYERS) & (sign * total >= DECADES_IN_ALL)))
    evidence = (
        f"From the last of {len(case.flow.addresses)} layers back to the first ‖dL/dh‖ changes by {_decades(-total)} "
        f"decades, {_decades(-slope)} per 10 layers, in {len(total)} samples.",
    )
    if agreement < AGREEMENT:
        return Seen("ruled out", evidence, (), case.steps, 1 - agreement)
    size = sign * np.log10(np.maximum(np.median(case.flow.gradient, axis=0), LEAST))
    concerned = size.max() - size >= DECADES_IN_ALL
    where = tuple(address for address, here in zip(case.flow.addresses, concerned, strict=True) if here)
    return Seen(case.word, evidence, where, case.steps, agreement)


def _decades(values: np.ndarray) -> str:
    """Median, least and largest."""
    return f"{np.median(values):+.1f} ({values.min():+.1f} to {values.max():+.1f})".replace("-", "−")


def _indistinct(case: Case) -> tuple[str, ...]:
    """Where the signal itself has vanished: examples that can no longer be told apart."""
    assert case.flow is not None
    share = np.median(case.flow.signal / np.maximum(case.flow.signal[:, :1], 1e-30), axis=0)
    lost = np.flatnonzero(share < 1e-3)
    if not len(lost):
        return ()
    return (f"Forward too: behind layer {lost[0] + 1} examples differ less than 1/1000 as much as behind the first.",)
