"""Claims of the group Loss & Objectives: what the losses are, what they lead to, and the surface they make."""

from dataclasses import replace

from headway.claims.claim import Claim, Limit
from headway.claims.condition import Alike, Bounded, Differs, Level, Some

EXACT = 1e-10
"""Rounding in float64."""
HALF, NOTHING = 0.5, 0.05
"""Shares of the first loss: what a loop that works takes off at least, and one that does not at most."""
LEARNS = Level("fall", arm="none", low=HALF)


def _within(arm: str, *metrics: str) -> tuple[Bounded, ...]:
    return tuple(Bounded(metric, arm=arm, high=EXACT) for metric in metrics)


SHARE = 0.01
"""A point of accuracy on the digits: three of the 270 held out."""
OF_PROBABILITIES, OF_OUTPUTS = "squared error of probabilities", "squared error of outputs"
CLASSES = Claim(
    "X08", says="Cross-Entropy —standard-for→ Classification", check="convention", design="criteria.classes",
    needs=(Differs("accuracy", arm="cross-entropy, scale 20", than=f"{OF_PROBABILITIES}, scale 20", by=SHARE),
           Some((Alike("accuracy", arm="cross-entropy, scale 1", than=f"{OF_PROBABILITIES}, scale 1", within=SHARE),
                 Differs("accuracy", arm="cross-entropy, scale 1", than=f"{OF_PROBABILITIES}, scale 1", by=SHARE))),
           Differs("gradient", arm="cross-entropy, scale 1", than=f"{OF_PROBABILITIES}, scale 1", by=0.5)),
    limits=(Limit("the squared error of outputs that are no probabilities does as well",
                  shown_by=Alike("accuracy", arm=f"{OF_OUTPUTS}, scale 1", than="cross-entropy, scale 1",
                                 within=SHARE)),),
    scope="the digits, 64 ReLU units, a hundred updates of SGD with momentum at a tuned rate",
    remark="What cross-entropy adds is a gradient where the network is confidently wrong.",
)  # fmt: skip
AMOUNTS = Claim(
    "X09", says="Mean Squared Error —standard-for→ Regression", check="convention", design="criteria.amounts",
    needs=(Differs("log2 error", arm="squared error, gaussian noise", than="absolute error, gaussian noise", by=-0.2),
           Differs("log2 error", arm="squared error, laplace noise", than="absolute error, laplace noise", by=0.2)),
    scope="a linear function of ten features, a hundred examples with noise of variance 1",
    remark="Each loss is the likelihood of its own noise: which is the better one is a question about the noise.",
)  # fmt: skip

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
    CLASSES, replace(CLASSES, id="F12", says="Cross-Entropy → Classification Standard"),
    AMOUNTS, replace(AMOUNTS, id="F14", says="MSE → Regression Standard"),
)  # fmt: skip
