"""Claims of the group Loss & Objectives: what the losses are, what they lead to, and the surface they make."""

from dataclasses import replace

from headway.claims.claim import Claim, Limit
from headway.claims.condition import Alike, Bounded, Differs, Level, Some

EXACT = 1e-10
"""Rounding in float64."""
HALF, NOTHING = 0.5, 0.05
"""Shares of the first loss: what a loop that works takes off at least, and one that does not at most."""
FIFTH = 0.2
"""Accuracy: one of five points told rightly by the loop."""
BARRIER, BENT = 0.05, 0.01
"""In nats, where a guess has 0.69: a tenth of what there is to learn; and a curvature well beyond rounding."""
SAME = 0.99
"""The correlation of two pictures that nobody would tell apart."""
ON_CIRCLES = "one hidden layer of tanh units on two circles of 300 points, Adam with all points"
CONVEX = (Bounded("barrier", arm="no hidden layer", high=1e-4), Bounded("lowest", arm="no hidden layer", low=-1e-4))
SADDLE = (Bounded("lowest", arm="at 0", high=-BENT), Bounded("highest", arm="at 0", low=BENT))
LEARNS = Level("fall", arm="none", low=HALF)
UNTURNED = Level("barrier", arm="width 64 sham", high=BARRIER)


def _within(arm: str, *metrics: str) -> tuple[Bounded, ...]:
    return tuple(Bounded(metric, arm=arm, high=EXACT) for metric in metrics)


SHARE = 0.01
"""A point of accuracy on the digits: three of the 270 held out."""
SETTLED = 1e-4
"""Training loss above the least there is: a weight is then a hundredth from where it ends, a tenth of its error."""
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
    control=tuple(Level("above least", arm=f"{loss} error, {noise} noise", high=SETTLED)
                  for loss in ("squared", "absolute") for noise in ("gaussian", "laplace")),
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
            Differs("fall", arm=link, than="none", by=-HALF), Level("fall", arm=link, high=NOTHING),
            Differs("accuracy", arm=link, than="none", by=-FIFTH))),
        control=(LEARNS,),
        sham=(Alike("fall", arm="sham", than="none", within=HALF / 2),
              Alike("accuracy", arm="sham", than="none", within=FIFTH / 2)),
        limits=(Limit("the last layer alone, to which nothing has to come back, takes half of the loss off too",
                      shown_by=Level("fall", arm="lower half", low=HALF)),),
        scope="a layer of 16 tanh units on three blobs, SGD on all points",
    ),
    CLASSES, replace(CLASSES, id="F12", says="Cross-Entropy → Classification Standard"),
    AMOUNTS, replace(AMOUNTS, id="F14", says="MSE → Regression Standard"),
    Claim(
        "R15", says="Loss Function —defines→ Loss Landscape", check="experiment", design="landscapes.grids",
        needs=(Level("correlation", arm="other loss", high=SAME),
               Level("rank correlation", arm="other loss", high=SAME)),
        control=(Level("rank correlation", arm="other examples", low=SAME),),
        sham=(Level("correlation", arm="other examples", low=SAME),),
        limits=(Limit("so do the data", shown_by=Level("correlation", arm="other data", high=SAME)),
                Limit("so does the width", shown_by=Level("correlation", arm="other width", high=SAME))),
        scope="a plane through a solution of 16 tanh units on two moons of 2,000 points",
        remark="The landscape is of loss, data and network together.",
    ),
    Claim(
        "F15", says="Loss Landscape → Non-Convex", check="experiment", design="landscapes.shape",
        needs=(Level("barrier", arm="width 64", low=BARRIER), Level("lowest", arm="width 64", high=-BENT)),
        control=(*CONVEX, Bounded("copies apart", arm="width 64", high=1e-4)), sham=(UNTURNED,),
        counterexample=Limit("without a hidden layer it is convex", shown_by=CONVEX[1]),
        scope=ON_CIRCLES,
        remark="A network and itself with its units permuted are equally good; what is between them is not.",
    ),
    Claim(
        "F16", says="Loss Landscape → Local Minima", check="experiment", design="xor.learned",
        needs=(Level("stuck", arm="width 2", low=0.2), Level("stuck", arm="width 32", high=0.05),
               Differs("loss", arm="width 2", than="width 32", by=0.05)),
        control=(Level("still falling", arm="width 2", high=1e-3),),
        sham=(Alike("stuck", arm="width 2 sham", than="width 2", within=0.1),
              Alike("loss", arm="width 2 sham", than="width 2", within=0.025)),
        counterexample=Limit("units that begin dead are stuck in a network of 32 too",
                             shown_by=Level("stuck", arm="dead", low=1)),
        scope="one hidden layer of 2 or 32 ReLU units, the four points of XOR, 2,000 updates of Adam",
        remark="A narrow network is caught in them, a wide one not. A plateau of dead units counts as one.",
    ),
    Claim(
        "F17", says="Loss Landscape → Saddle Points", check="identity", design="landscapes.shape",
        needs=(Bounded("gradient", arm="at 0", high=1e-6), *SADDLE),
        counterexample=Limit("without a hidden layer 0 is no stationary point",
                             shown_by=Bounded("gradient", arm="no hidden layer, at 0", low=BENT)),
    ),
    Claim(
        "C08", says="Loss Landscape ↔ pre-training: non-convex but trainable", check="experiment",
        design="landscapes.shape",
        needs=(Level("barrier", arm="width 64", low=BARRIER), *SADDLE,
               Bounded("loss", arm="width 64", high=0.35), Level("spread", arm="width 64", high=0.2)),
        control=CONVEX, sham=(UNTURNED, Alike("loss", arm="width 64 sham", than="width 64", within=BARRIER)),
        limits=(Limit("with three units, which are just enough, what is found depends on the seed",
                      shown_by=Level("spread", arm="width 3", low=0.2)),),
        scope=f"{ON_CIRCLES}; no pre-training",
    ),
    Claim(
        "N07", says="L2 —adds λI to→ Hessian of Landscape", check="identity", design="landscapes.penalty",
        needs=_within("all", "from λ"),
        limits=(Limit("biases, which are not penalized by default, get no λ",
                      shown_by=Bounded("from λ", arm="weights", low=1e-3)),),
    ),
)  # fmt: skip
