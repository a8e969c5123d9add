"""Curvature against the learning rate: in the sharpest direction there is, and along the update to come."""

import numpy as np

from headway.doctor.on_demand.measured import Measured
from headway.doctor.on_demand.subject import Subject
from headway.learning.landscape.critical import critical_step
from headway.learning.landscape.stability import preconditioner, sharpness, stable_until


def critical_sharpness(subject: Subject) -> Measured:
    """How much longer the update could be before the loss rises along it (Kalra et al. 2026)."""
    step = subject.settled
    if not float(step.length) > 0:
        return Measured("critical-sharpness", {"factor": np.inf}, ("The optimizer changes nothing here.",),
                        "There is nothing to measure along: the gradient is 0, or all is held fixed.")  # fmt: skip
    factor, passes = critical_step(subject.surface, subject.values["params"], step.change)
    (now, highest), seen = subject.rates, f"{subject.examples:,} training examples"
    rate = factor * highest
    numbers = {"factor": factor, "passes": passes, "rate": now, "highest_rate": highest, "critical_rate": rate,
               "critical_sharpness": 2 / rate if rate > 0 else np.inf}  # fmt: skip
    if factor == 0:
        said = f"However short the update, the loss of {seen} does not fall along it."
    elif factor == np.inf:
        said = f"However long the update, the loss of {seen} does not rise along it."
    else:
        said = f"Along the update the loss of {seen} is lower, up to {factor:.3g} times its length at the highest rate."
    evidence = [said]
    if 0 < rate < np.inf:
        evidence.append(f"That is a rate of {rate:.3g}, a critical sharpness of {2 / rate:.3g}; the rate here is "
                        f"{now:.3g}, the highest of the run {highest:.3g}.")  # fmt: skip
    share = now / highest if highest > 0 else 1.0
    return Measured("critical-sharpness", numbers, tuple(evidence), _of_factor(factor, share))


def _of_factor(factor: float, share: float) -> str:
    """What to make of the longest update that does not raise the loss; `share` of the highest rate is made here."""
    if factor == 0:
        return ("The update does not descend this loss: a gradient with a wrong sign, a direction that is mostly "
                "noise, or weights at the floor that rounding leaves.")  # fmt: skip
    if factor < share:
        return ("An update overshoots. Where the loss of training goes down all the same that is the edge of "
                "stability, and no fault; where it swings or rises, lower the rate, or clip.")  # fmt: skip
    if factor < 1:
        return "At the highest rate of the run an update would overshoot from here; at the rate made here it does not."
    if factor < 2:
        return "The rate is near the longest step that the curvature lets through: a higher one would overshoot."
    return ("The curvature would let a longer update through. That alone does not make a higher rate better: with it "
            "comes more curvature, and noise sets a bound too.")  # fmt: skip


def top_curvature(subject: Subject) -> Measured:
    """The highest eigenvalue of the Hessian times the rate, beside the bound of the optimizer (Cohen et al. 2021)."""
    optimizer, params = subject.update.optimizer, subject.values["params"]
    plain = sharpness(subject.surface, params)
    numbers = {"sharpness": plain.value, "error": plain.error}
    evidence = [f"The highest curvature of the loss of {subject.examples:,} training examples is {plain.value:.3g} "
                f"± {plain.error:.1g}."]  # fmt: skip
    bound, (now, highest), met = stable_until(optimizer), subject.rates, plain
    if bound is None or not np.isfinite(highest):
        return Measured("sharpness", numbers, tuple(evidence),
                        f"No bound is known for {optimizer.title()}: compare it over training, or take "
                        "critical-sharpness, which asks the update itself.")  # fmt: skip
    scale = preconditioner(optimizer, subject.settled.memory)
    if scale is not None:
        met = sharpness(subject.surface, params, scale)
        numbers |= {"preconditioned": met.value, "preconditioned_error": met.error}
        evidence.append(f"In the units in which {optimizer.title()} steps it is {met.value:.3g} ± {met.error:.1g}.")
    here, most = now * met.value, highest * met.value
    numbers |= {"bound": bound, "rate": now, "highest_rate": highest, "product": here, "highest_product": most}
    evidence.append(f"Times the rate here, {now:.3g}, that is {here:.3g}; times the highest of the run, {highest:.3g}, "
                    f"it is {most:.3g}. Steps settle below {bound:.3g}.")  # fmt: skip
    return Measured("sharpness", numbers, tuple(evidence), _of_product(here / bound, most / bound))


def _of_product(here: float, most: float) -> str:
    """What to make of rate times sharpness over its bound, at the rate here and at the highest."""
    if here >= 1.2:
        return ("Above what is stable: in the sharpest direction each step is longer than the one before. Training "
                "often leaves such a place by itself for a flatter one; a loss that stays high asks for a lower rate, "
                "or a warm-up.")  # fmt: skip
    if here >= 0.8:
        return ("At the edge of stability: the loss may swing from step to step and yet fall over many. That is how "
                "full batches train, and no fault by itself.")  # fmt: skip
    if most >= 1:
        return "Stable at the rate made here; the highest rate of the run would not be, were the curvature to stay."
    return "Stable: the rate is below what the sharpest direction bears."
