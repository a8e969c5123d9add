"""What the network can fit: a few examples, and labels that mean nothing."""

import numpy as np

from headway.doctor.measures.memory import FEW, HALF, by_heart
from headway.doctor.measures.permuted import by_permuted
from headway.doctor.on_demand.measured import Measured
from headway.doctor.on_demand.subject import Subject
from headway.doctor.start import Start

LITTLE, MOST = 0.1, 0.5
"""The shares of the best constant's loss that count as learning something, and as knowing most of it."""
KNOWN = "Network, loss and gradient work together: what keeps it from more lies in data, rate, length or size."
UNKNOWN = "The fault is in the network, its loss or its gradient, or noise stands for targets: look there first."


def tiny_batch(subject: Subject) -> Measured:
    """Whether a few examples can be learned by heart from the initial weights (Karpathy 2019)."""
    fit = by_heart(subject.job, Start.of(subject.job))
    few = min(FEW, subject.update.batch_size)
    numbers = {"before": fit.before, "after": fit.after, "rate": fit.rate, "updates": fit.updates, "examples": few}
    seen = f"{few} training example{'s' * (few > 1)}"
    evidence = (f"The loss of {seen} went from {fit.before:.3g} to {fit.after:.3g} in {fit.updates} updates of Adam at "
                f"rate {fit.rate:g}, the best of a ladder.",)  # fmt: skip
    halved = fit.after <= fit.before - HALF * abs(fit.before)
    return Measured("tiny-batch", numbers, evidence, KNOWN if halved else UNKNOWN)


def permuted_labels(subject: Subject) -> Measured:
    """Whether labels that belong to other examples are learned too (Zhang et al. 2017)."""
    found = by_permuted(subject.job, subject.job.updates)
    true, permuted = (f"{max(share, 0):.0%}" if np.isfinite(share) else "nothing, it was not finite,"
                      for share in (found.true, found.permuted))  # fmt: skip
    evidence = (f"In {found.updates:,} updates training saves {true} of the best constant's loss on true targets, and "
                f"{permuted} on permuted ones.",)  # fmt: skip
    return Measured("permuted-labels", vars(found), evidence, _of_shares(found.true, found.permuted))


def _of_shares(true: float, permuted: float) -> str:
    """What to make of how much is learned of true and of permuted targets."""
    if max(true, permuted) < LITTLE:
        return ("Neither is learned: it is not the targets. Look at the network, the rate and the length; tiny-batch "
                "is the smallest case of it.")  # fmt: skip
    if true < permuted + LITTLE and permuted < MOST:
        return ("True targets are learned no better than permuted ones: they may have little to do with the inputs, or "
                "be paired with the wrong ones. No change of the network mends that.")  # fmt: skip
    if permuted >= MOST:
        return ("There is room to learn by heart what means nothing: a low loss of training says little here, only "
                "examples that were held out tell what was learned.")  # fmt: skip
    return "What is learned of the true targets is learned from the inputs: this training could not learn it by heart."
