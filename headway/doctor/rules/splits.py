"""Splits: examples that are in two parts, and parts that were not made alike."""

import numpy as np

from headway.doctor.case import Known
from headway.doctor.finding import Seen
from headway.doctor.rules.rule import rule

LEAKED, SAME = 0.05, 0.9
"""The share of held-out rows, beyond chance, that makes a held-out result worthless; of equal inputs, equal targets."""
SLIGHT, WORSE = 0.25, 0.1
"""A shift of means that does harm where the loss is so much worse, a share of the best constant's."""
SHIFT, STRETCH = 1.0, 2.0
"""How far means may be apart in spreads, and spreads as a factor, before two parts were not made alike."""
MASS, OTHER = 0.2, 0.4
"""The share of the examples in classes that one part lacks, and the total variation distance of shares of classes."""
FEWEST = 10


@rule(
    "leakage", "held-out examples that were trained on", concept="data-leakage", stage="data and pairing",
    needs="partings",
)  # fmt: skip
def leakage(case: Known) -> Seen:
    """Held-out examples equal training examples, number by number, more often than chance explains.

    A held-out result then measures memory (Kaufman et al. 2012, *Leakage in data mining*). Chance: a table of few
    different values has equal rows everywhere, and its columns, each drawn by itself, say how many. Where equal inputs
    have different targets they are different examples: noticed.
    """
    told, found, noticed = list[str](), list[str](), list[str]()
    for name, part in case.partings.items():
        told.append(f"{part.copies:.1%} of the {part.rows} {name} inputs are training inputs, {part.agreeing:.1%} with "
                    f"the same target; by chance {part.chance:.1%} would be.")  # fmt: skip
        excess = part.agreeing - part.chance - 3 * np.sqrt(max(part.chance, 1 / part.rows) / part.rows)
        same = part.agreeing > SAME * part.copies
        (found if excess > LEAKED and same else noticed if excess > 0 else []).append(name)
    where = tuple(found or noticed)
    return Seen("found" if found else "noticed" if noticed else "ruled out", tuple(told), where)


@rule(
    "split-mismatch", "parts that were not made alike", concept="evaluation-mode", stage="data and pairing",
    needs="partings dataset",
)  # fmt: skip
def split_mismatch(case: Known) -> Seen:
    """Held-out inputs have another mean or spread, or other classes, by far more than drawing them can do.

    Preprocessed in another way, or split without shuffling: means a spread apart, spreads twice or half as large, a
    fifth of the examples in classes that one part has not, or shares of the classes that differ by four tenths in all
    (Quiñonero-Candela et al. 2009, *Dataset shift in machine learning*). A quarter of a spread does where a part's loss
    is worse by a tenth of the best constant's than that of the part that the run is judged on, and two tenths in shares
    where it is worse by all of that. Parts of less than ten examples are not judged.
    """
    told, found = list[str](), list[str]()
    for name, part in case.partings.items():
        if part.rows < FEWEST:
            continue
        chance = 4 / np.sqrt(part.rows)  # of a mean in spreads; half of that of a spread's logarithm
        least = SLIGHT if _worse(case, name) > WORSE else SHIFT
        apart = OTHER / 2 if _worse(case, name) > 1 else OTHER
        inputs = case.dataset.schema.tokens is None and (
            part.shift > least + chance or abs(np.log(max(part.stretch, 1e-30))) > np.log(STRETCH) + chance / 2
        )
        other = part.classes is not None and part.classes > apart + chance / 4
        labels = part.strange > MASS or part.absent > MASS
        amounts = part.targets is not None and part.targets > SHIFT + chance
        told.append(f"Means of {name} inputs are {part.shift:.2g} spreads from training's, spreads {part.stretch:.2g} "
                    "times as large.")  # fmt: skip
        if labels:
            told.append(f"{part.strange:.0%} of its examples are of classes that training has not, and "
                        f"{part.absent:.0%} of training's of classes that it has not.")  # fmt: skip
        if other:
            told.append(f"The shares of its classes differ from training's by {part.classes:.0%} in all.")
        if amounts:
            told.append(f"Its targets' mean is {part.targets:.2g} spreads from training's.")
        if inputs or labels or other or amounts:
            found.append(name)
    return Seen("found" if found else "ruled out", tuple(told) or ("No part of ten was held out.",), tuple(found))


def _worse(case: Known, name: str) -> float:
    """How far a part's loss is above that of the part the run is judged on, as a share of the best constant's there."""
    if not case.results or name not in case.results or case.loss is None or not case.constant:
        return 0.0
    return (case.results[name]["loss"] - case.loss) / case.constant
