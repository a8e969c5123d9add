"""Claims of the group Loss & Objectives: what the losses are, what they lead to, and the surface they make."""

from headway.claims.claim import Claim, Limit
from headway.claims.condition import Bounded, Differs, Level

EXACT = 1e-10
"""Rounding in float64."""
HALF, NOTHING = 0.5, 0.05
"""Shares of the first loss: what a loop that works takes off at least, and one that does not at most."""
LEARNS = Level("fall", arm="none", low=HALF)


def _within(arm: str, *metrics: str) -> tuple[Bounded, ...]:
    return tuple(Bounded(metric, arm=arm, high=EXACT) for metric in metrics)


CLAIMS = (
    Claim(
        "R13", says="Loss Function —variant→ Cross-Entropy", check="identity", design="losses.exact",
        needs=(*_within("cross-entropy", "value", "mean", "gradient"), *_within("divergence", "ce - h - kl"),
               Bounded("registered", arm="cross-entropy", low=1)),
    ),
    Claim(
        "F13", says="Cross-Entropy → KL Divergence Interpretation", check="identity", design="losses.exact",
        needs=_within("divergence", "ce - h - kl", "kl", "gradients apart", "one-hot, ce - kl"),
        remark="They differ by the entropy of the targets, which no output changes; of one-hot targets it is 0.",
    ),
    Claim(
        "R14", says="Loss Function —variant→ Mean Squared Error", check="identity", design="losses.exact",
        needs=(*_within("mse", "value", "gradient", "sum"), Bounded("registered", arm="mse", low=1)),
        remark='The mean is over all numbers; with reduction="sum" it is a sum over examples of means.',
    ),
    Claim(
        "R12", says="Neural Network —optimizes→ Loss Function", check="ill-typed", design="loop.links",
        needs=(Bounded("fall", arm="optimizer", low=0, high=0), Bounded("moved", arm="optimizer", high=0)),
        control=(LEARNS,), replaced_by=("R20", "N03"),
        remark="The network computes the loss, and its gradient too; nothing moves unless an optimizer steps.",
    ),
    Claim(
        "N03", says="Loss —produces→ Gradient —via→ Backpropagation —feeds→ Optimizer", check="experiment",
        design="loop.links",
        needs=tuple(condition for link in ("loss", "backpropagation", "optimizer") for condition in (
            Differs("fall", arm=link, than="none", by=-HALF), Level("fall", arm=link, high=NOTHING))),
        control=(LEARNS,),
        limits=(Limit("the last layer alone, to which nothing has to come back, takes half of the loss off too",
                      shown_by=Level("fall", arm="lower half", low=HALF)),),
        scope="a layer of 16 tanh units on three blobs, SGD on all points",
    ),
)  # fmt: skip
