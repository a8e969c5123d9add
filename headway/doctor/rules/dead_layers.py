"""Dead layers: outputs that are exactly 0 for every example, through which no gradient returns."""

import numpy as np

from headway.doctor.finding import Case, Finding

AGREEMENT = 0.8


def dead_layers(case: Case) -> Finding:
    """A layer whose outputs are all exactly 0 in most samples; a share below 1 is the sparsity that ReLU is for."""
    signals = case.run.history.signals
    zeros, cause = signals["zeros"], ("dead layers", "relu")
    if not len(zeros):
        return Finding(*cause, "not seen", evidence=("No update was watched.",))
    share = np.mean(zeros == 1, axis=0)
    dead = tuple(address for address, value in zip(signals.addresses, share, strict=True) if value >= AGREEMENT)
    evidence = (f"The layer with the most outputs of exactly 0 has {np.median(zeros, axis=0).max():.0%} of them.",)
    if not dead:
        return Finding(*cause, "ruled out", (), case.steps, evidence, float(1 - share.max()))
    return Finding(*cause, case.word, dead, case.steps, evidence, float(share.max()))
