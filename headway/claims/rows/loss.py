"""Claims of the group Loss & Objectives: what the losses are, what they lead to, and the surface they make."""

from headway.claims.claim import Claim
from headway.claims.condition import Bounded

EXACT = 1e-10
"""Rounding in float64."""


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
)  # fmt: skip
