"""Units that give nothing: exactly 0 for every example, or at the limit of what their activation can give."""

import numpy as np

from headway.doctor.case import Case
from headway.doctor.finding import Seen
from headway.doctor.rules.rule import rule

AGREEMENT = 0.8
DEAD = 0.5
"""The share of a layer's units above which they count as dead; a rectifier at random has half of its *entries* at 0."""


@rule(
    "dying-relu", "dead units", concept="dying-relu", stage="first steps", needs="signals",
)  # fmt: skip
def dying_relu(case: Case) -> Seen:
    """Most units of a layer are exactly 0 for all examples of the batch, in most samples: no gradient revives them.

    A share of zeros alone is the sparsity that ReLU is for; here it is the same for every example (Lu et al. 2020,
    *Dying ReLU and initialization*).
    """
    assert case.signals is not None
    signals = case.signals
    silent = signals["silent"]
    share = np.mean(silent > DEAD, axis=0)
    dead = tuple(address for address, value in zip(signals.addresses, share, strict=True) if value >= AGREEMENT)
    worst = int(np.median(silent, axis=0).argmax())
    most, place = np.median(silent[:, worst]), signals.addresses[worst] or "the network"
    evidence = (f"At {place} {most:.0%} of the units give 0 for every example, the median of {len(silent)} samples.",)
    if not dead:
        return Seen("ruled out", evidence, (), case.steps, float(1 - share.max()))
    return Seen(case.word, evidence, dead, case.steps, float(share.max()))
