"""Splits: examples that are in two parts, and parts that were not made alike."""

import numpy as np

from headway.doctor.case import Known
from headway.doctor.finding import Seen
from headway.doctor.rules.rule import rule

LEAKED = 0.05
"""The share of held-out rows, beyond what twins within training explain, that makes a held-out result worthless."""
SHIFT, STRETCH = 1.0, 2.0
"""How far means may be apart in spreads, and spreads as a factor, before two parts were not made alike."""
MASS = 0.2
FEWEST = 10


@rule(
    "leakage", "held-out examples that were trained on", concept="data-leakage", stage="data and pairing",
    needs="partings",
)  # fmt: skip
def leakage(case: Known) -> Seen:
    """Held-out inputs equal training inputs, number by number, more often than training inputs equal each other.

    A held-out result then measures memory (Kaufman et al. 2012, *Leakage in data mining*). Data of few different
    values have twins everywhere: what equal rows within the training part explain does not count.
    """
    told, found, noticed = list[str](), list[str](), list[str]()
    for name, part in case.partings.items():
        told.append(f"{part.copies:.1%} of the {part.rows} {name} rows are training rows; of the training rows "
                    f"{part.twins:.1%} have a twin.")  # fmt: skip
        excess = part.copies - part.twins - 3 * np.sqrt(max(part.twins, 1 / part.rows) / part.rows)
        (found if excess > LEAKED else noticed if excess > 0 else []).append(name)
    where = tuple(found or noticed)
    return Seen("found" if found else "noticed" if noticed else "ruled out", tuple(told), where)


@rule(
    "split-mismatch", "parts that were not made alike", concept="evaluation-mode", stage="data and pairing",
    needs="partings dataset",
)  # fmt: skip
def split_mismatch(case: Known) -> Seen:
    """Held-out inputs have another mean or spread, or other classes, by far more than drawing them can do.

    Preprocessed in another way, or split without shuffling: means a spread apart, spreads twice or half as large, a
    fifth of the examples in classes that one part has not (Quiñonero-Candela et al. 2009, *Dataset shift in machine
    learning*). Parts of less than ten examples are not judged.
    """
    told, found = list[str](), list[str]()
    for name, part in case.partings.items():
        if part.rows < FEWEST:
            continue
        chance = 4 / np.sqrt(part.rows)  # of a mean in spreads; of the logarithm of a spread about half of that
        inputs = case.dataset.schema.tokens is None and (
            part.shift > SHIFT + chance or abs(np.log(max(part.stretch, 1e-30))) > np.log(STRETCH) + chance / 2
        )
        labels = part.strange > MASS or part.absent > MASS
        amounts = part.targets is not None and part.targets > SHIFT + chance
        told.append(f"Means of {name} inputs are {part.shift:.2g} spreads from training's, spreads {part.stretch:.2g} "
                    "times as large.")  # fmt: skip
        if labels:
            told.append(f"{part.strange:.0%} of its examples are of classes that training has not, and "
                        f"{part.absent:.0%} of training's of classes that it has not.")  # fmt: skip
        if amounts:
            told.append(f"Its targets' mean is {part.targets:.2g} spreads from training's.")
        if inputs or labels or amounts:
            found.append(name)
    return Seen("found" if found else "ruled out", tuple(told) or ("No part of ten was held out.",), tuple(found))
