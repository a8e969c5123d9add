"""Units that give nothing: exactly 0 for every example, or at the limit of what their activation can give."""

import numpy as np

from headway.doctor.case import Case
from headway.doctor.finding import Seen
from headway.doctor.measures.units import EXAMPLES
from headway.doctor.rules.rule import INITIAL, PAIRING, rule

AGREEMENT = 0.8
DEAD = 0.5
"""The share of a layer's units above which they count as dead; a rectifier at random has half of its *entries* at 0."""
FULL = 0.5
"""The share of a layer's outputs at a limit from which they count as saturated."""
DIES = 0.25
"""The share of a layer's units by which those that give nothing become more in training, to be said."""


@rule(
    "dying-relu", "dead units", concept="dying-relu", stage="first steps", needs="signals:silent",
    follows="data-faults unscaled-features gradient-sign over-regularised initial-scale learning-rate-high",
)  # fmt: skip
def dying_relu(case: Case) -> Seen:
    """Most units of a layer are exactly 0 for all examples of the batch, in most samples: no gradient revives them.

    A share of zeros alone is the sparsity that ReLU is for; here it is the same for every example (Lu et al. 2020,
    *Dying ReLU and initialization*). Where the last weights are at hand, up to 1,024 training examples must agree: a
    unit that a small batch leaves at 0 may be alive. A quarter of a layer's units that die in training count too;
    where a lower rate keeps them alive, it is the rate that killed them.
    """
    assert case.signals is not None
    signals, silent = case.signals, case.signals["silent"]
    often = np.mean(silent > DEAD, axis=0)
    quarter = max(1, len(silent) // 4)
    died = np.median(silent[-quarter:], axis=0) - np.median(silent[:quarter], axis=0)
    suspects = (often >= AGREEMENT) | (died >= DIES)
    worst = int(np.median(silent, axis=0).argmax())
    most, place = np.median(silent[:, worst]), signals.addresses[worst] or "the network"
    evidence = (f"Of the units at {place} {most:.0%} give 0 for every example, the median of {len(silent)} samples.",)
    dead = tuple(address for address, yes in zip(signals.addresses, suspects, strict=True) if yes)
    if not dead:
        return Seen("ruled out", evidence, (), case.steps, float(1 - often.max()))
    if case.dead is not None:
        return _confirmed(case, evidence, float(often.max()))
    if np.array_equal(signals["zeros"][:, worst], silent[:, worst]) and most < 1:
        return Seen("not seen", (*evidence, "Every 0 is one for all examples: a batch of one does not tell."))
    return Seen(case.word, evidence, dead, case.steps, float(often.max()))


def _confirmed(case: Case, evidence: tuple[str, ...], confidence: float) -> Seen:
    """What the last weights show of many examples."""
    assert case.dead is not None
    assert case.dataset is not None
    count = f"{min(EXAMPLES, len(case.dataset.train)):,} training examples"
    dead = {address: share for address, share in case.dead.items() if share >= DIES}
    if not dead:
        return Seen("ruled out", (*evidence, f"With the last weights {count} wake most units of every rectifier."),
                    steps=case.steps)  # fmt: skip
    worst = max(dead, key=lambda address: dead[address])
    said = f"With the last weights {dead[worst]:.0%} of the units at {worst} give 0 for all of {count}."
    return Seen(case.word, (*evidence, said), tuple(dead), case.steps, max(confidence, AGREEMENT))


@rule(
    "saturation", "saturated units", concept="sigmoid", stage="first steps", needs="signals:saturated",
    follows=f"{PAIRING} {INITIAL} vanishing-gradient unstable-start learning-rate-high",
)  # fmt: skip
def saturation(case: Case) -> Seen:
    """Half of a layer's outputs or more are within 1 % of a limit of their activation, from the first samples on.

    There tanh and the sigmoid have next to no slope, and what is behind them gets no gradient (Glorot & Bengio 2010).
    Units that saturate as a network learns are sure of themselves; so the first quarter of the samples is looked at.
    """
    assert case.signals is not None
    early = case.signals["saturated"][: max(1, len(case.signals) // 4)]
    share = np.mean(early >= FULL, axis=0)
    full = tuple(address for address, yes in zip(case.signals.addresses, share, strict=True) if yes >= AGREEMENT)
    worst = int(np.median(early, axis=0).argmax())
    most, place = np.median(early[:, worst]), case.signals.addresses[worst] or "the network"
    evidence = (
        f"At {place} {most:.0%} of the outputs are near a limit, the median of the first {len(early)} samples.",
    )
    if not full:
        return Seen("ruled out", evidence, (), case.steps, float(1 - share.max()))
    return Seen("found" if case.late else case.word, evidence, full, case.steps, float(share.max()))
