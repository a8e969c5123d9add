"""Whether a few rows can be learned by heart: Adam at a ladder of rates, and what its best fit stands on."""

from dataclasses import dataclass, replace
from typing import Any

import jax.numpy as jnp
import numpy as np

from headway.doctor.preflight.foreign import Fit, Foreign, fit
from headway.doctor.preflight.seen import MARGIN, Check, Seen

RATES = (1e-2, 1e-3, 1e-1, 1e-4)
"""Tried one after the other until the loss has fallen by half."""


@dataclass(frozen=True)
class Memorized:
    """The best fit of a few rows.

    chance     the loss of these rows where all weights are 0
    halved     True where the loss came below half of what it was at first and of chance
    ignored    leaves of the batch that the fitted loss does not depend on by 1 % of itself
    """

    best: Fit
    chance: float
    halved: bool
    ignored: tuple[str, ...]


def memorize(subject: Foreign, steps: int) -> Memorized:
    """Fit the first group of rows at each rate in turn, up to `steps` updates, until the loss is halved."""
    rows = subject.groups()[0]
    chance = subject.at_rows(tuple(jnp.zeros_like(w) for w in subject.weights), rows)
    first = subject.at_rows(subject.weights, rows)
    found: list[Fit] = []
    for rate in RATES:
        found.append(fit(subject, rows, rate, steps, lowered(first, chance, 0.9)))
        if found[-1].after <= lowered(first, chance, 0.5):
            break
    best = min(found, key=lambda one: one.after if np.isfinite(one.after) else np.inf)
    return Memorized(best, chance, best.after <= lowered(first, chance, 0.5), ignored(subject, best, rows))


def lowered(first: float, chance: float, share: float) -> float:
    """What a loss has fallen to that fell by a share of itself, counted from chance where that is lower."""
    level = min(first, chance) if chance > 0 else first
    return level - share * abs(level)


def ignored(subject: Foreign, best: Fit, rows: Any) -> tuple[str, ...]:
    """Leaves with different rows that may all be the same row without changing the fitted loss by 1 % of itself.

    None where no other leaf has different rows: a constant answer is then the right one.
    """
    found, varying = [], 0
    for i, (name, leaf) in enumerate(zip(subject.columns, subject.batch, strict=True)):
        if not isinstance(leaf, np.ndarray) or (leaf[rows] == leaf[rows[0]]).all():
            continue
        varying += 1
        leaves = list(subject.at(rows))
        effects = []
        for row in rows[:: max(1, len(rows) // 4)]:
            leaves[i] = leaf[np.full_like(rows, row)]
            effects.append(abs(float(subject.value(best.weights, tuple(leaves))) - best.after))
        if np.max(effects) <= 0.01 * abs(best.after):
            found.append(name)
    return tuple(found) if len(found) < varying else ()


def squashed(subject: Foreign, fitted: Memorized, classes: int) -> bool:
    """True where the outputs are squeezed to 0 … 1 before a cross-entropy that takes them for logits.

    The loss of C classes then lies between ln(e + C − 1) − 1 and ln(1 + (C − 1) e), whatever the weights: the fitted
    ones made larger, or larger and turned, come near the lower end and pass neither.
    """
    unit, lower, upper = fitted.chance / np.log(classes), np.log(np.e + classes - 1) - 1, np.log1p((classes - 1) * np.e)
    rows, weights = subject.groups()[0], fitted.best.weights
    scaled = [subject.at_rows(tuple(k * w for w in weights), rows) / unit for k in (1, 2, 4, -2, -4)]
    return 0.999 * lower <= min(scaled) <= 1.15 * lower and max(scaled) <= 1.001 * upper


def overfit(subject: Foreign, seen: Seen, fitted: Memorized, causes: tuple[str, ...]) -> Check:
    """A few rows can be learned by heart; `causes` are the checks that failed before and may keep it from that."""
    best, classes = fitted.best, seen.classes
    fell = best.before - best.after
    said = (f"loss {best.before:.4g} → {best.after:.4g} on {subject.few} rows in {best.updates} updates of Adam "
            f"at rate {best.rate:g}")  # fmt: skip
    check = Check("overfit", "passed", said, "a loss that falls by half on a few rows, at some rate",
                  concept="optimizer")  # fmt: skip
    widths = {name: np.prod(leaf.shape[1:]) for name, leaf in zip(subject.columns, subject.batch, strict=True)}
    used = max((width for name, width in widths.items() if name not in fitted.ignored), default=0)
    blind = tuple(name for name in fitted.ignored if widths[name] >= used)
    if classes and squashed(subject, fitted, classes):
        return replace(check, verdict="failed", concept="softmax",
                       measured=f"{said}: no lower than ln(e + {classes - 1}) − 1, whatever the weights",
                       fix="The outputs are squeezed to 0 … 1 before a loss that takes logits: leave out the "
                           "softmax (or sigmoid) before it.")  # fmt: skip
    if fitted.halved and not blind and (fell > 0 or not causes):
        return check
    if causes:
        return replace(check, verdict="not seen", measured=f"{said}; follows from {' and '.join(causes)}")
    if not fell > max(MARGIN * seen.rounding, 1e-3 * abs(best.before)):
        if best.before <= lowered(fitted.chance, fitted.chance, 0.5):
            return replace(check, verdict="not seen", measured=f"{said}; far below chance already, so trained before")
        return replace(check, verdict="failed", measured=f"{said}: no rate of {RATES} lowers it",
                       fix="Look for a gradient that is turned (custom derivatives, a sign) or not that of the "
                           "loss returned.")  # fmt: skip
    if blind:
        small, large = spread(subject, seen.start)
        deep = small[1] < 1e-4 * large[1]
        return replace(check, verdict="failed", where=blind, expected="a loss that depends on the inputs",
                       measured=f"{said}, without any use of them: what a constant answer can"
                       + f"; gradients from {small[1]:.1g} ({small[0]}) to {large[1]:.1g} ({large[0]})" * deep,
                       fix="Look for what makes the outputs the same for every row: gradients that vanish on the way "
                           "back, a product with 0, saturated units, targets far below the outputs.",
                       concept="vanishing-gradient" if deep else "neural-network")  # fmt: skip
    return replace(
        check,
        verdict="not seen",
        measured=f"{said}: lower, not by half: little capacity, noise in the targets, or a loss with a floor",
    )


def spread(subject: Foreign, start: list[Any]) -> tuple[tuple[str, float], tuple[str, float]]:
    """The parameters of two or more dimensions with the smallest and the largest gradient, and its root mean square."""
    sizes = [(name, float(np.sqrt(np.mean(np.square(g))))) for name, g in zip(subject.addresses, start, strict=True)
             if g.ndim > 1]  # fmt: skip
    return min(sizes or [("", 0.0)], key=lambda pair: pair[1]), max(sizes or [("", 0.0)], key=lambda pair: pair[1])
