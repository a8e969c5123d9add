"""Checks of the loss itself: one number, finite, repeatable, and near chance at initialization."""

from dataclasses import replace
from typing import Any

import jax.numpy as jnp
import numpy as np

from headway.doctor.preflight.foreign import Foreign, is_floating, spacing, wide
from headway.doctor.preflight.seen import MARGIN, Check, Seen

ABOVE_CHANCE = 3.0
"""How many times chance the first loss may be."""


def scalar(subject: Foreign) -> Check:
    """The loss is one floating-point number."""
    shape, dtype = subject.loss.shape, subject.loss.dtype
    good = shape == () and jnp.issubdtype(dtype, jnp.floating)
    return Check(
        "scalar", "passed" if good else "failed", f"the loss is {dtype}{list(shape)}", "one floating-point number",
        "Return jnp.mean(losses)." if shape else "Return a loss that has a gradient, in float32.",
        concept="loss-function",
    )  # fmt: skip


def finite(subject: Foreign, first: float, start: list[Any]) -> Check:
    """Parameters, batch, loss and gradients hold no NaN and no infinity."""

    def spoiled(names: tuple[str, ...], leaves: Any) -> dict[str, str]:
        bad = {name: ~np.isfinite(wide(leaf)) for name, leaf in zip(names, leaves, strict=True) if is_floating(leaf)}
        return {name: f"{b.sum()} of {b.size} in {name}, the first at {np.argwhere(b)[0].tolist()}"
                for name, b in bad.items() if b.any()}  # fmt: skip

    params, batch = spoiled(subject.addresses, subject.weights), spoiled(subject.columns, subject.batch)
    gradients = spoiled(subject.addresses, start)
    check = Check("finite", "passed", "parameters, batch, loss and gradients", "no NaN and no infinity")
    if params:
        return replace(check, verdict="failed", where=tuple(params), measured="; ".join(params.values()),
                       fix="Initialize the parameters anew.", concept="neural-network")  # fmt: skip
    if np.isfinite(first) and not gradients:
        left = f"; the loss leaves out {'; '.join(batch.values())}" if batch else ""
        return replace(check, measured=check.measured + left)
    if batch:
        return replace(check, verdict="failed", where=tuple(batch), measured="; ".join(batch.values()),
                       fix="Remove or replace these rows.", concept="loss-function")  # fmt: skip
    if not np.isfinite(first):
        return replace(check, verdict="failed", where=("loss",), concept="loss-function",
                       measured=f"the loss is {first}, of finite parameters and rows",
                       fix="Look for a logarithm of 0, a division by 0 or an overflow; "
                           "jax.debug_nans(True) stops at the operation.")  # fmt: skip
    return replace(check, verdict="failed", where=tuple(gradients), concept="backpropagation",
                   measured=f"the gradient, of a finite loss, has {'; '.join(gradients.values())}",
                   fix="Look for a square root or norm at 0, and for jnp.where around an operation that is "
                       "not finite: put the where inside.")  # fmt: skip


def repeatable(subject: Foreign, seen: Seen) -> Check:
    """The same parameters and rows give the same loss, called again and compiled again."""
    rows = subject.groups()[0]
    once, again = (subject.at_rows(subject.weights, rows) for _ in range(2))
    anew = float(subject.slope(subject.weights, subject.at(rows))[0])
    most = max(abs(again - once), abs(anew - once))
    good = abs(again - once) <= MARGIN * spacing(subject.loss.dtype) * abs(once) and most <= MARGIN * seen.rounding
    return Check("repeatable", "passed" if good else "failed", f"{once:.6g}, called again {most:.2g} apart",
                 "the same loss for the same parameters and rows",
                 "Pass random keys as rows of the batch; np.random, callbacks and state outside change the loss.",
                 concept="loss-function")  # fmt: skip


def chance(seen: Seen) -> Check:
    """The loss at initialization is about that of saying the same of every input, ln C for C classes."""
    known = seen.classes is not None
    level = seen.chance if np.isfinite(seen.chance) and seen.chance != 0 else np.log(seen.classes or np.nan)
    if known and abs(level - np.log(seen.classes or 1)) < 0.01 * level:
        name = f"ln {seen.classes} = {level:.4g}"
    else:
        name = f"{level:.4g}, the loss where all weights are 0"
    ratio = seen.first / level
    check = Check("chance", "passed", f"{seen.first:.4g} at initialization, {ratio:.3g} × chance ({name})",
                  f"at most {ABOVE_CHANCE:g} × chance", concept="loss-function")  # fmt: skip
    if known and level < 0:
        return replace(check, verdict="failed", measured=f"{seen.first:.4g} at initialization, chance is {level:.4g}",
                       expected=f"ln {seen.classes} = {-level:.4g}, above 0",
                       fix="The sign is turned: minimise −log p.")  # fmt: skip
    if not level > 0:
        return replace(check, verdict="not seen", measured=f"{seen.first:.4g}; its level of chance is not known")
    if ratio > ABOVE_CHANCE and not known:
        return replace(check, verdict="not seen", measured=f"{check.measured}: outputs or inputs may be large, or this "
                       "loss does not start at 0")  # fmt: skip
    if ratio > ABOVE_CHANCE:
        return replace(check, verdict="failed",
                       fix="Scale down the outputs before the loss, the last layer's first weights or the inputs; or a "
                           "penalty on the weights outweighs the loss; or the targets are far below 1.")  # fmt: skip
    if ratio < 0.1:
        return replace(check, verdict="not seen",
                       measured=check.measured + ": trained already, or the loss sees the answer")  # fmt: skip
    return check
