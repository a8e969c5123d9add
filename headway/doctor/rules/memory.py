"""Learning by heart: whether a few examples can be fitted at all, once nothing else has been found."""

from headway.doctor.case import Known
from headway.doctor.finding import Seen
from headway.doctor.measures.memory import HALF
from headway.doctor.rules.rule import rule

FELL = 0.1
"""The share of the loss that a few examples must lose for the network to be able to learn."""


@rule(
    "cannot-memorize", "a few examples that cannot be learned", concept="neural-network", stage="trend",
    needs="memory",
    follows="output-loss-mismatch data-faults unscaled-features unscaled-targets loss-reduction gradient-sign "
    "labels-shuffled no-signal initial-symmetry initial-scale unreached-parameters examples-mixed "
    "small-batch-statistics dying-relu vanishing-gradient exploding-gradient non-finite",
)  # fmt: skip
def cannot_memorize(case: Known) -> Seen:
    """Sixteen examples, learned by heart: 40 updates of Adam at rates from 1e-4 to 1e-1, until the loss has halved.

    A network that cannot do this is broken somewhere, not too small or too slow (Karpathy 2019, *A recipe for training
    neural networks*). Found where no rate takes a tenth off the loss; less than half is noticed: little capacity,
    strong regularization, or targets far away. It comes last: what is found before it can be why.
    """
    best = case.memory
    said = (f"The loss of a few examples goes {best.before:.4g} → {best.after:.4g} in {best.updates} updates of Adam "
            f"at rate {best.rate:g}, the best of those tried.",)  # fmt: skip
    fell = 1 - best.after / best.before if best.before > 0 else 1.0
    if fell >= HALF:
        return Seen("ruled out", said)
    return Seen("noticed" if fell > FELL else case.word, said)
