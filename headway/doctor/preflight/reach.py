"""Checks of what the gradient reaches: every parameter, and most units of every layer."""

from dataclasses import replace
from typing import Any

import jax.numpy as jnp
import numpy as np

from headway.doctor.preflight.foreign import Foreign, wide
from headway.doctor.preflight.seen import MARGIN, Check, Seen

ROWS = 8
"""With fewer different rows than this most units of a layer may be off by chance."""


def units(subject: Foreign, seen: Seen) -> tuple[Check, set[str]]:
    """No layer has most of its units off for every row; and the parameters whose gradient such units hold at 0.

    A unit is a last index of a weight or bias. It counts as dead where its gradient is exactly 0 for every
    row, at first and after ten updates, and is not with the sign of its weights turned, as of a ReLU.
    """
    silent = [_everywhere((a == 0) & (b == 0)) for a, b in zip(seen.start, seen.later, strict=True)]
    dead = revived(subject, seen, silent)
    over = [i for i, (s, d) in enumerate(zip(silent, dead, strict=True))
            if (s.all() and d.any()) or d.mean() > 0.5 + d.size**-0.5]  # fmt: skip
    # What is off because an earlier layer is comes on with that one's signs alone, not with its own.
    own = [i for i in over if 2 * revived(subject, seen, silent, only=i)[i].sum() > dead[i].sum()]
    worst = max(own or over or range(len(dead)), key=lambda i: dead[i].mean())
    said = f"{dead[worst].mean():.0%} of {dead[worst].size} units off for every row"
    most = f"at most {said}, in {subject.addresses[worst]}" if dead[worst].any() else "none seen"
    check = Check("dead units", "passed", most,
                  "fewer than half of a layer's units off for every row",
                  "Start biases at 0 and weights as He et al., or take a leaky ReLU.", concept="relu")  # fmt: skip
    held = {subject.addresses[i] for i in over}
    if not over:
        return check, held
    if distinct(subject) < ROWS:
        return replace(check, verdict="not seen", measured=f"{said}, as so few rows can have it by chance"), held
    where = tuple(subject.addresses[i] for i in own or over)
    return replace(check, verdict="failed", where=where, measured=f"{said}, on with the sign turned"), held


def revived(subject: Foreign, seen: Seen, silent: list[Any], only: int | None = None) -> list[Any]:
    """Which of the silent units get a gradient when the weights of all, or of `only` one leaf's, change sign."""
    turned = [s & (only is None or only == i) for i, s in enumerate(silent)]
    if not any(t.any() for t in turned):
        return turned
    weights = tuple(jnp.where(t, -w, w) for w, t in zip(seen.nudged, turned, strict=True))
    return [s & ~_everywhere(~(g > 0)) for s, g in zip(silent, subject.sensitivity(weights), strict=True)]


def distinct(subject: Foreign) -> int:
    """How many different rows the gradient was taken for."""
    leaves = [leaf for leaf in subject.at(np.concatenate(subject.groups())) if isinstance(leaf, np.ndarray)]
    return len({tuple(row.tobytes() for row in rows) for rows in zip(*leaves, strict=True)})


def _everywhere(mask: Any) -> Any:
    """The mask, true for a last index where it is true everywhere before it."""
    return mask.reshape(-1, mask.shape[-1]).all(axis=0) if mask.ndim else mask


def gradients(subject: Foreign, seen: Seen, held: set[str]) -> Check:
    """Every parameter gets a gradient; `held` names those that dead units keep from it."""
    zero = [not (a.any() or b.any()) for a, b in zip(seen.start, seen.later, strict=True)]
    cut = [i for i, none in enumerate(zero) if none and subject.addresses[i] not in held]
    aside = f"; not floating-point and left out: {', '.join(subject.fixed)}" if subject.fixed else ""
    check = Check("gradients", "passed", f"each of {len(zero)} parameters has one{aside}",
                  "a gradient that is not 0, at the start or after ten updates", concept="backpropagation")  # fmt: skip
    if not cut:
        return replace(check, verdict="not seen", measured="follows from dead units") if any(zero) else check
    depends = [i for i in cut if _matters(subject, seen, i)]
    if depends:
        said = f"the gradient is exactly 0, but the loss changes with {subject.addresses[depends[0]]}"
        fix = "Look for stop_gradient, argmax, rounding or a cast to integers on the way to the loss."
    else:
        said = "the gradient is exactly 0, and the loss of these rows does not depend on it"
        fix = ("Use it or leave it out of the parameters; or what it meets is always 0 or saturated, or two layers in "
               "a row start at 0.")  # fmt: skip
    names = tuple(subject.addresses[i] for i in cut)
    return replace(check, verdict="failed", where=names, measured=said + aside, fix=fix)


def _matters(subject: Foreign, seen: Seen, index: int) -> bool:
    """True where the loss changes with this parameter, by more than rounding."""
    rows, weight = subject.groups()[0], wide(seen.nudged[index])
    size = np.sqrt(np.mean(np.square(weight))) or 1.0
    noise = size * np.random.default_rng(0).normal(size=weight.shape)
    changed = list(seen.nudged)
    changed[index] = jnp.asarray(weight + noise, changed[index].dtype)
    moved = subject.at_rows(tuple(changed), rows) - subject.at_rows(seen.nudged, rows)
    return not abs(moved) <= MARGIN * seen.rounding
