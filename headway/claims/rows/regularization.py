"""Claims of the group Regularization: what fits the examples less, and others better."""

from headway.claims.claim import Claim, Limit
from headway.claims.condition import Bounded

CHANCE = 3.0
"""Standard deviations: of 300 fair draws one is further off."""
RATES = ("rate 0.1", "rate 0.5", "rate 0.8")

CLAIMS = (
    Claim(
        "F35", says="Weight Decay (L2) → Penalize Large Weights", check="identity", design="updates.rules",
        needs=(Bounded("apart", arm="decay and penalty in sgd", high=1e-10),
               Bounded("proportion", arm="decay and penalty in adam", low=3 - 1e-6, high=3 + 1e-6)),
        limits=(Limit("in Adam weight decay is not an L2 penalty",
                      shown_by=Bounded("apart", arm="decay and penalty in adam", low=0.01)),
                Limit("nor is it in SGD with momentum, whose velocity remembers a penalty",
                      shown_by=Bounded("apart", arm="decay and penalty in momentum", low=0.01))),
        remark="It takes from every weight in proportion to it. That it is an L2 penalty holds for plain SGD alone.",
    ),
    Claim(
        "F36", says="Dropout → Random Neuron Zeroing", check="identity", design="masks.dropout",
        needs=tuple(condition for arm in RATES for condition in (
            Bounded("zeros", arm=arm, low=-CHANCE, high=CHANCE), Bounded("mean", arm=arm, low=-CHANCE, high=CHANCE),
            Bounded("scale apart", arm=arm, high=1e-6), Bounded("evaluation", arm=arm, high=0.0))),
        remark="What is kept is scaled up: the expected output is that of evaluation.",
    ),
    Claim(
        "N16", says="Dropout train/eval mode —changes→ outputs", check="identity", design="masks.dropout",
        needs=(Bounded("modes", arm="network with dropout", low=0.01),
               Bounded("seeds", arm="network with dropout", low=0.01)),
        control=(Bounded("modes", arm="network without", high=0.0),),
    ),
)  # fmt: skip
