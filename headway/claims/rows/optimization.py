"""Claims of the group Optimization: what optimizers make of gradients, and what the learning rate does."""

from headway.claims.claim import Claim, Limit
from headway.claims.condition import Alike, Bounded, Differs, Dose, Level, Some
from headway.claims.rows.normalization import BYTE

EXACT = 1e-10
"""Sums of tens of float64 numbers of about 1 lose some 1e-14."""
RATIO = 1e-6
"""How far a ratio may be from the one expected: Adam's eps of 1e-8 is felt beside gradients of about 0.1."""
UNEQUAL = 1e-2
"""Weights of about 1 that are so far apart are not equal but for rounding."""
NATS = 0.05
"""Of a loss of about 1 where a fifth of the labels is wrong: less would not pay for another optimizer."""
LEADS = 0.1
"""A tenth of the variance of a search: a share that is worth a run of its own."""
REGISTERED = Bounded("registered", arm="sgd", low=1.0)
UNIFORM = (Bounded("ratio", arm="adamw", low=0.99, high=1.01),)
GRADIENT_DEPENDENT = (Bounded("ratio", arm="adam with penalty", low=2.0),)
NOISY = "a quadratic of eight curvatures from 0.1 to 1, gradients with normal noise, rates well below 2 / curvature"
QUARTER = 0.25
"""log2: what is left of a factor of 4 or of 16 must be less than a fifth."""
LOSS = 0.02
"""Training loss on digits: a tenth of what five epochs leave."""
SHRINKING = "weights of 1, normal gradients of size 0.1 and 10, 200 updates at rate 0.01, strength 0.1"

CLAIMS = (
    Claim(
        "R20", says="Optimizer —updates→ Neural Network", check="identity", design="updates.rules",
        needs=(Bounded("moved", arm="step at 0", high=0.0), Bounded("apart", arm="step at 0.1", high=1e-7),
               Bounded("moved", arm="step at 0.1", low=1e-3)),
        limits=(Limit("the running statistics of BatchNorm change at a learning rate of 0 too: no optimizer made them",
                      shown_by=Bounded("buffers moved", arm="step at 0", low=1e-3)),),
        remark="Parameters change by the optimizer alone, by −η times the gradient, taken here from central "
               "differences. What is in a network and no parameter changes without one.",
    ),
    Claim(
        "R21", says="Optimizer —variant→ SGD", check="identity", design="updates.rules",
        needs=(Bounded("apart", arm="sgd", high=EXACT), REGISTERED),
    ),
    Claim(
        "R22", says="SGD —enhanced by→ Momentum", check="experiment", design="descent.momentum",
        needs=(Level("speed-up", arm="kappa 100", low=2.0), Level("speed-up", arm="kappa 1", high=1.1),
               Dose("speed-up", along=("kappa 1", "kappa 10", "kappa 100", "kappa 1000"), by=2.0),
               Level("over root", arm="kappa 100", low=0.5, high=2.0),
               Level("over root", arm="kappa 1000", low=0.5, high=2.0)),
        control=(Level("plain", arm="kappa 100", low=100),),
        limits=(Limit("on digits, each at its own best rate, it ends no lower",
                      shown_by=Alike("train loss", arm="digits momentum", than="digits constant", within=LOSS)),),
        sham=(Alike("train loss", arm="digits sham", than="digits constant", within=LOSS),),
        scope="quadratics of 20 curvatures from 1 to κ without noise; an MLP 64-32-10, five epochs of batches of 8",
        remark="The gain is one of conditioning, about √κ; at κ = 1 there is none.",
    ),
    Claim(
        "R23", says="Optimizer —variant→ Adam", check="identity", design="updates.rules",
        needs=(Bounded("apart", arm="adam", high=EXACT), Bounded("registered", arm="adam", low=1.0)),
    ),
    Claim(
        "R25", says="Optimizer —uses→ Learning Rate", check="identity", design="updates.rules",
        needs=(Bounded("slope", arm="rates of sgd", low=1 - RATIO, high=1 + RATIO),
               Bounded("slope", arm="rates of adam", low=1 - RATIO, high=1 + RATIO),
               Bounded("from signs", arm="rates of adam", high=RATIO)),
        remark="The first update is η times a direction; Adam's is a sign for each number.",
    ),
    Claim(
        "F25", says="SGD → θ = θ − η∇L", check="identity", design="updates.rules",
        needs=(Bounded("apart", arm="sgd", high=EXACT),),
        limits=tuple(Limit(f"with {what} SGD follows another rule",
                           shown_by=Bounded("apart", arm=f"sgd with {what}", low=UNEQUAL))
                     for what in ("momentum", "Nesterov", "decay")),
        remark="The rule is that of SGD alone: momentum, Nesterov's momentum and weight decay go by the same name.",
    ),
    Claim(
        "F26", says="Momentum → Velocity Accumulation", check="identity", design="updates.rules",
        needs=(Bounded("last", arm="velocity", low=10 - RATIO, high=10 + RATIO),
               Bounded("apart", arm="velocity", high=EXACT)),
        control=(Bounded("last", arm="velocity without momentum", low=1.0 - EXACT, high=1.0 + EXACT),),
        remark="v ← μ v + g comes to g / (1 − μ), as in PyTorch; as a moving average, of (1 − μ) g, to g.",
    ),
    Claim(
        "F27", says="Adam → Adaptive LR", check="identity", design="updates.rules",
        needs=(Bounded("scaled", arm="adaptation of adam", low=1 - 1e-4, high=1 + 1e-4),
               Bounded("coordinates", arm="adaptation of adam", low=1 - 1e-4, high=1 + 1e-4)),
        control=(Bounded("scaled", arm="adaptation of sgd", low=999.0),
                 Bounded("coordinates", arm="adaptation of sgd", low=999.0)),
        remark="Steps do not depend on the scale of the loss, nor on that of a coordinate's gradient.",
    ),
    Claim(
        "F28", says="Adam → Moment Estimates", check="identity", design="updates.rules",
        needs=(Bounded("moments apart", arm="adam", high=EXACT), Bounded("apart", arm="adam", high=EXACT)),
    ),
    Claim(
        "F29", says="AdamW → Decoupled Weight Decay", check="identity", design="updates.rules",
        needs=UNIFORM, control=GRADIENT_DEPENDENT, scope=SHRINKING,
    ),
    Claim(
        "N06", says="Weight Decay —decoupled in→ AdamW", check="identity", design="updates.rules",
        needs=UNIFORM, control=GRADIENT_DEPENDENT, scope=SHRINKING,
    ),
    Claim(
        "C04", says="AdamW ↔ default optimizer: proper weight decay", check="convention", design="updates.rules",
        needs=UNIFORM, control=GRADIENT_DEPENDENT, scope=SHRINKING,
        remark="What is called proper is exact: AdamW shrinks every weight at one rate, Adam with an L2 penalty one of "
               "small gradients more. That it is the default is a convention.",
    ),
    Claim(
        "R24", says="Adam —improved as→ AdamW", check="experiment", design="overfitting.adam",
        needs=(Differs("ratio", arm="adam", than="adamw", by=1.0),
               Differs("held-out loss", arm="adamw", than="adam", by=-NATS)),
        control=(Bounded("ratio", arm="adam", low=2.0), Bounded("ratio", arm="adamw", low=0.99, high=1.01)),
        sham=(Alike("held-out loss", arm="sham", than="adamw", within=NATS),),
        counterexample=Limit("without a decay both are one rule"),
        scope="150 digits, a fifth of them mislabelled, 128 ReLU units, 200 epochs; rate and decay tuned for both",
        remark="Decoupled the decay is in any case; asked is whether that is worth anything.",
    ),
    Claim(
        "R48", says="AdamW —preferred for→ Large-Scale Training", check="convention", design="language.optimizers",
        needs=(Differs("loss", arm="AdamW", than="SGD", by=-BYTE),
               Some((Differs("loss", arm="AdamW", than="Adam", by=-BYTE),
                     Alike("loss", arm="AdamW", than="Adam", within=BYTE)))),
        control=(Level("loss", arm="AdamW", high=2.8),),
        limits=(Limit("Adam without decay does as well: what tells is the step of each weight, not the decay",
                      shown_by=Alike("loss", arm="AdamW", than="Adam", within=BYTE)),),
        scope="100 kB of Python, 2 causal Pre-LN blocks of width 32, 200 updates, each optimizer at its own best rate",
        remark="Nothing here is large: whether it is preferred there is told by published recipes, not by this.",
    ),
    Claim(
        "N11", says="Batch Size —sets→ gradient noise; η—scales→ noise floor", check="experiment",
        design="quadratics.noise",
        needs=(Differs("log2 floor", arm="rate 0.1, batch 1", than="rate 0.025, batch 1", by=1.5),
               Differs("log2 floor", arm="rate 0.1, batch 16", than="rate 0.1, batch 1", by=-3.0),
               Alike("log2 floor batch / rate", arm="rate 0.1, batch 1", than="rate 0.025, batch 1", within=QUARTER),
               Alike("log2 floor batch / rate", arm="rate 0.1, batch 16", than="rate 0.1, batch 1", within=QUARTER)),
        control=(Level("log2 floor", arm="rate 0.1, batch 1", low=-4),),
        sham=(Alike("log2 floor", arm="rate 0.1, batch 1, sham", than="rate 0.1, batch 1", within=QUARTER),),
        counterexample=Limit("a rate near 2 / curvature: the floor rises faster",
                             shown_by=Differs("log2 floor batch / rate", arm="rate 1.6, batch 1",
                                              than="rate 0.1, batch 1", by=0.5)),
        scope=NOISY, remark="The loss settles at what is proportional to η / B.",
    ),
    Claim(
        "F30", says="Learning Rate → Most Critical Hyperparameter", check="experiment", design="hyperparameters.search",
        needs=(Level("first", arm="wide", low=0.9), Level("lead", arm="wide", low=LEADS)),
        control=(Level("share of the rate", arm="wide", low=LEADS),),
        sham=(Level("share of nothing", arm="wide", low=-LEADS, high=LEADS),),
        limits=(Limit("in a range of one decade around what trains well another leads",
                      shown_by=Level("first", arm="near", high=0.5)),),
        scope="Digits, one hidden layer of 32 units, 200 updates of SGD; seven hyperparameters, ranges in the design",
    ),
)  # fmt: skip
