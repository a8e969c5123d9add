"""Claims of the group Residual Connections: ways past a layer, and what they carry."""

import math
from dataclasses import replace

from headway.claims.claim import Claim, Limit
from headway.claims.condition import Alike, Bounded, Differs, Dose, Level

EXACT = 1e-12
"""Jacobians of width 6 in float64 lose some 1e-16; the rows ask for this."""
HIGHWAY = Claim(
    "R41",
    says="Residual Connection —creates→ Gradient Highway",
    check="identity",
    design="skips.blocks",
    needs=(
        Bounded("from identity", arm="residual", high=EXACT),
        Bounded("differences", arm="residual", high=1e-8),
    ),
    control=(Bounded("from identity", arm="plain", low=0.5),),
)
TWOFOLD = 0.3
"""log10: half or twice the error."""
CLAIMS = (
    HIGHWAY,
    replace(HIGHWAY, id="F24", says="Gradient Highway → Residual Connections"),
    replace(
        HIGHWAY, id="F49", says="Gradient Highway → ∂y/∂x = ∂F/∂x + 1",
        limits=(Limit("of vectors 1 is the identity matrix, not 1 in every entry",
                      shown_by=Bounded("from ones", arm="residual", low=0.5)),),
        remark="∂y/∂x = ∂F/∂x + I; the 1 is that of one number.",
    ),
    Claim(
        "R40", says="Residual Connection —is→ Skip Connection", check="structural", design="skips.blocks",
        needs=(Bounded("has a way past", arm="residual", low=1.0), Bounded("from sum", arm="residual", high=EXACT),
               Bounded("has a way past", arm="concatenation", low=1.0),
               Bounded("from sum", arm="concatenation", low=0.01)),
        control=(Bounded("has a way past", arm="plain", high=0.0),),
        remark="The converse is false, so that these are no synonyms: a concatenation is a skip that adds nothing.",
    ),
    Claim(
        "F47", says="Skip Connection → y = F(x) + x", check="identity", design="skips.blocks",
        needs=(Bounded("from sum", arm="residual", high=EXACT),),
        control=(Bounded("from sum", arm="plain", low=0.01),),
        limits=(Limit("a concatenation is a skip too, y = [x, F(x)]",
                      shown_by=Bounded("from sum", arm="concatenation", low=0.01)),),
        remark="It is the equation of a residual connection, which is one kind of skip.",
    ),
    Claim(
        "R43", says="Residual Connection —enables→ Depth", check="experiment", design="residual_depth.trained",
        needs=(Level("best accuracy", arm="residual 20", low=0.8), Level("best accuracy", arm="residual 40", low=0.8),
               Differs("best accuracy", arm="residual 40", than="plain 40", by=0.2),
               Differs("best loss", arm="residual 40", than="plain 40", by=-0.5)),
        control=(Level("best accuracy", arm="plain 40", high=0.6), Level("best accuracy", arm="plain 5", low=0.8),
                 Dose("best accuracy", along=("plain 5", "plain 20", "plain 40"), by=-0.2)),
        sham=(Alike("best accuracy", arm="sham 5", than="plain 5", within=0.05),),
        counterexample=Limit("with five blocks it changes nothing",
                             shown_by=Alike("best accuracy", arm="residual 5", than="plain 5", within=0.05)),
        scope="Digits, dense blocks of width 32 with ReLU and He et al.'s weights, 300 updates of SGD, best of 7 rates",
    ),
    Claim(
        "C01", says="Residual Connections ↔ Attention+FFN: enables deep Transformers", check="experiment",
        design="transformers.deep",
        needs=(Differs("best loss", arm="residual", than="no residual", by=-0.5),
               Level("best loss", arm="residual", high=math.log(8) - 0.5)),
        control=(Level("best loss", arm="no residual", low=math.log(8) - 0.2),),
        sham=(Alike("best loss", arm="sham", than="residual", within=0.1),),
        counterexample=Limit("four blocks, which learn a part of the task without a way around their sublayers"),
        remark="Eight blocks; four learn a part of the task without the way around their sublayers.",
        scope="Copy task, 8 blocks of width 16, 150 updates of Adam with cosine decay, best of 4 rates of 1e-4 to 0.1",
    ),
    Claim(
        "F48", says="Residual Learning → Learn F(x) = H(x) − x", check="experiment", design="remainders.maps",
        needs=(Differs("log10 error", arm="residual near", than="plain near", by=-TWOFOLD),
               Differs("log10 error", arm="residual far", than="plain far", by=TWOFOLD),
               Level("size of F", arm="residual near", high=0.5), Level("size of F", arm="residual far", low=1.5)),
        control=(Level("log10 error", arm="plain near", low=-5), Level("size of F", arm="plain near", low=0.5)),
        sham=(Alike("log10 error", arm="sham near", than="plain near", within=TWOFOLD),),
        counterexample=Limit("a map near −x: beside the skip more is left to learn than the map itself",
                             shown_by=Level("size of F", arm="residual far", low=1.5)),
        scope="x of 8 normal numbers, H(x) = ±x + 0.2 tanh(x A), a hidden layer of 32 ReLU units, 500 updates of Adam",
        remark="What is learned beside the skip is H(x) − x: little to learn where H is near the identity, twice x "
               "where it is near −x. That the first is easier hardly shows: at tuned rates the errors are alike.",
    ),
)  # fmt: skip
