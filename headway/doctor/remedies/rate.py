"""Remedies of how far an update goes: its usual size, a rate that lasts, and what holds updates back."""

from dataclasses import replace
from typing import Any

import numpy as np

from headway.doctor.measures.outset import rates_of
from headway.doctor.remedies.remedy import NOTHING, Patient, Remedy
from headway.learning.optimizers.adaptive import Adam, AdamW, RMSProp
from headway.learning.optimizers.groups import Frozen, Groups
from headway.learning.optimizers.sgd import SGD
from headway.learning.schedules.decay import Cosine
from headway.learning.schedules.schedule import Schedule
from headway.spec.edit import Edit, Replace, Set

USUAL = {SGD: 0.1, Adam: 1e-3, AdamW: 1e-3, RMSProp: 1e-3}
"""Rates that many recipes begin from. SGD's is that of a step: with momentum μ a rate comes to 1/(1 − μ) as much."""
FAR = 10.0
"""How many times too high or too low a rate is that the grid of a proof does not reach."""


def rates(patient: Patient) -> np.ndarray:
    """The learning rate at 200 updates from the first to the last; NaN where it is not known."""
    job = patient.case.job
    if job is None:
        return np.full(1, np.nan)
    steps = np.unique(np.linspace(0, job.updates - 1, 200).astype(int))
    return rates_of(job)[steps]


def usual_rate(patient: Patient) -> Remedy:
    """The rate that an optimizer of this kind begins from, where the recipe's highest is far from it."""
    optimizer, highest = patient.recipe.optimizer, float(rates(patient).max())
    usual = USUAL.get(type(optimizer), np.nan) * (1 - (getattr(optimizer, "momentum", None) or 0.0))
    factor = usual / highest if highest > 0 else np.nan
    far = factor > FAR or factor < 1 / FAR
    return Remedy(
        (Replace("optimizer", by=optimizer.times(float(f"{factor:.3g}"))),) if far else (),
        name="usual-rate",
        edge=("optimizer", "uses", "learning-rate"),
        reason=f"The highest rate is {highest:.1g}: {type(optimizer).__name__} mostly begins from {usual:.1g}, too far "
        "away to be found by trying multiples.",
        cost=NOTHING,
        refuted_by="A rate near the recipe's own comes as far.",
    )


def rate_that_lasts(patient: Patient) -> Remedy:
    """The highest rate of a schedule made to fall over the whole run, where most of the run has next to none."""
    known, over = getattr(patient.recipe.optimizer, "learning_rate", None), rates(patient)
    spent = isinstance(known, Schedule) and bool(np.median(over) < 0.01 * over.max())
    return Remedy(
        (Set("optimizer/learning_rate", value=Cosine(float(f"{over.max():.3g}"))),) if spent else (),
        name="rate-that-lasts",
        edge=("lr-schedule", "includes", "cosine-decay"),
        reason="For most of the run the rate is below a hundredth of its highest: from that it can fall over the whole "
        "of the run (Loshchilov & Hutter 2017).",
        cost=NOTHING,
        refuted_by="The run comes no further with a rate that lasts to its end.",
    )


def usual_constants(patient: Patient) -> Remedy:
    """Momentum of 0.9 for more than 0.95, and the default ε where it outweighs every root mean square."""
    optimizer: Any = patient.recipe.optimizer
    edits = [Set("optimizer/momentum", value=0.9)] if (getattr(optimizer, "momentum", None) or 0.0) > 0.95 else []
    if getattr(optimizer, "eps", 0.0) > 1e-2:
        edits.append(Set("optimizer/eps", value=type(optimizer)(1.0).eps))
    return Remedy(
        tuple(edits),
        name="usual-constants",
        edge=("optimizer", "updates", "neural-network"),
        reason="Momentum μ sums over 1/(1 − μ) updates: beyond 0.95 the sum overshoots. An ε above the root mean "
        "square of the gradients divides by it instead: every update shrinks with its gradient.",
        cost=NOTHING,
        refuted_by="With the rate tuned for each, the recipe's constants come as far.",
    )


def unclipped(patient: Patient) -> Remedy:
    """No bound on the gradient."""
    return Remedy(
        (Set("clip", value=None),) if patient.recipe.clip else (),
        name="unclipped",
        edge=("gradient-clipping", "prevents", "exploding-gradient"),
        reason="A bound below the usual norm of the gradient shortens every update, not only the rare long ones.",
        cost="nothing bounds a rare long update",
        refuted_by="Few updates were clipped, or the run comes no further without the bound.",
    )


def unstopped(patient: Patient) -> Remedy:
    """All of the updates, where early stopping ended the run before."""
    standing, stopping = patient.case.standing, patient.recipe.stopping
    stopped = stopping is not None and (standing is None or standing.reason == "stopped early")
    return Remedy(
        (Set("stopping", value=None),) if stopped else (),
        name="unstopped",
        edge=("optimizer", "updates", "neural-network"),
        reason="The run was stopped because it was not better a few times, and it had not begun to learn.",
        cost="all of the updates",
        refuted_by="The held-out loss does not fall after the update at which the run was stopped.",
    )


def thawed(patient: Patient) -> Remedy:
    """Frozen parameters made to learn like all others."""
    optimizer, edits = patient.recipe.optimizer, tuple[Edit, ...]()
    if isinstance(optimizer, Groups) and any(isinstance(rule, Frozen) for rule in optimizer.rules):
        rules = tuple(rule for rule in optimizer.rules if not isinstance(rule, Frozen))
        edits = (Replace("optimizer", by=replace(optimizer, rules=rules) if rules else optimizer.optimizer),)
    return Remedy(
        edits,
        name="thawed",
        edge=("optimizer", "updates", "neural-network"),
        reason="What is frozen stays as it was drawn, and all else has to make do with it.",
        cost="the gradients and the moments of what was frozen",
        refuted_by="What was frozen comes from a network that was trained, and the held-out loss is no lower.",
    )
