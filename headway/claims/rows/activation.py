"""Claims of the group Activation Functions: what each of them is."""

import math
from dataclasses import replace

from headway.claims.claim import Claim, Limit
from headway.claims.condition import Alike, Bounded, Differs, Dose, Level, Some

EXACT = 1e-10
"""Rounding in float64."""
IN_USE = 5e-4
"""How far the form with tanh is from GELU: less than activations in bfloat16 are rounded by."""


def _within(arm: str, *metrics: str, most: float = EXACT) -> tuple[Bounded, ...]:
    return tuple(Bounded(metric, arm=arm, high=most) for metric in metrics)


RELU = Claim(
    "R07", says="Activation Function —variant→ ReLU", check="identity", design="activations.exact",
    needs=(*_within("relu", "value", "slope"), Bounded("slope at 0", arm="relu", low=0, high=0),
           Bounded("registered", arm="relu", low=1)),
    remark="At 0, where it has no derivative, 0 is taken.",
)  # fmt: skip
POINTS, NATS = 0.02, 0.05
"""Two digits of a hundred, and what the loss of most recipes gains by tuning: an activation would be changed for it."""
TENTH = 0.1
"""One example of ten, or one unit of ten: the smallest difference that changes what a network can be used for."""
LEAKS = ("relu low", "leaky 0.01 low", "leaky 0.1 low")
IN_UNITS = "Digits, one hidden layer of 64 units, He et al.'s weights, 400 updates of SGD at rate 0.05, batches of 64"
STEADY = Alike("accuracy", arm="relu rate 0.05 sham", than="relu rate 0.05", within=TENTH)
LOW_STEADY = Alike("accuracy", arm="relu low sham", than="relu low", within=TENTH)
HUNDREDTH = 0.01
"""Nats a byte: about what the best and the worst of Shazeer's (2020) feed-forward parts without gates differ by."""
HALF_A_GUESS = math.log(10) / 2
"""Nats, of ten classes: what is half learned."""
FEED_FORWARDS = ("ReLU", "GELU", "SwiGLU")
IN_LANGUAGE = Claim(
    "C03", says="GELU/SwiGLU ↔ FFN activation: modern standard", check="convention", design="language.activations",
    needs=(Differs("loss", arm="GELU", than="ReLU", by=-HUNDREDTH),
           Differs("loss", arm="SwiGLU", than="ReLU", by=-HUNDREDTH)),
    control=(*(Bounded("parameters", arm=arm, low=42_000, high=42_300) for arm in FEED_FORWARDS),
             Level("loss", arm="ReLU", high=2.8)),
    scope="100 kB of Python, 2 blocks of width 32, 300 updates of AdamW at a tuned rate; 42,112 parameters each",
    remark="Which activation recent models take is a convention; measured is whether a small one is better for it. How "
           "often each byte occurs comes to 3.11 nats.",
)  # fmt: skip
CLAIMS = (
    RELU,
    replace(RELU, id="F06", says="ReLU → max(0, x)"),
    Claim(
        "R08", says="Activation Function —variant→ GELU", check="identity", design="activations.exact",
        needs=(*_within("gelu", "value", "slope"), Bounded("registered", arm="gelu", low=1),
               *_within("tanh gelu", "value", most=IN_USE)),
        counterexample=Limit("the form with tanh is another function",
                             shown_by=Bounded("value", arm="tanh gelu", low=1e-5)),
    ),
    Claim(
        "R09", says="Activation Function —variant→ Swish", check="identity", design="activations.exact",
        needs=(*_within("swish", "value", "slope", "from SiLU"), Bounded("registered", arm="swish", low=1)),
        remark="With β = 1 it is SiLU.",
    ),
    IN_LANGUAGE,
    replace(IN_LANGUAGE, id="F09", says="GELU → Transformer Standard", needs=IN_LANGUAGE.needs[:1]),
    Claim(
        "F10", says="Swish/SiLU → Self-Gated", check="identity", design="activations.exact",
        needs=_within("swish", "gate"),
        remark="SiLU(x) = x · σ(x): the gate is σ of the input itself.",
    ),
    Claim(
        "F11", says="Softmax → Output Layer (Classification)", check="structural", design="activations.exact",
        needs=(*_within("softmax", "value", "sum", "shift"), Bounded("on others", arm="softmax", low=1e-3),
               Bounded("registered", arm="softmax", low=1)),
        limits=(Limit("attention has one in the middle of the network",
                      shown_by=Bounded("with softmax inside", arm="attention", high=EXACT)),),
        remark="Its roles are the output of a classifier and the weights of attention.",
    ),
    Claim(
        "R10", says="Activation Function —variant→ Softmax", check="experiment", design="hidden.activation",
        needs=(Level("train accuracy", arm="softmax", low=0.9), Level("loss", arm="softmax", high=HALF_A_GUESS)),
        control=(Level("train accuracy", arm="relu", low=0.95),),
        sham=(Alike("accuracy", arm="sham", than="relu", within=POINTS),
              Alike("loss", arm="sham", than="relu", within=NATS)),
        limits=(Limit("between layers it is worse than ReLU, in accuracy and in loss", shown_by=Some(
            (Differs("accuracy", arm="softmax", than="relu", by=-POINTS),
             Differs("loss", arm="softmax", than="relu", by=NATS)), least=2)),),
        counterexample=Limit("tanh, which like ReLU acts on every number alone, is as good as ReLU there",
                             shown_by=Alike("accuracy", arm="tanh", than="relu", within=POINTS)),
        scope="Digits, two hidden layers of 64 units, 10 epochs of Adam",
        remark="That it is a softmax is F11; its roles are the output of a classifier and the weights of attention.",
    ),
    Claim(
        "F07", says="ReLU → Dying ReLU Problem", check="experiment", design="dying.units",
        needs=(Level("dead", arm="relu low", low=0.95), Level("accuracy", arm="relu low", high=0.2),
               Differs("dead", arm="relu rate 1", than="relu rate 0.05", by=TENTH)),
        control=(Bounded("dead at the start", arm="relu low", low=0.9),
                 Level("dead at the start", arm="relu rate 0.05", high=0.05),
                 Level("accuracy", arm="relu rate 0.05", low=0.9)),
        sham=(STEADY, LOW_STEADY),
        counterexample=Limit("a slope below 0: leaky ReLU learns from the same biases",
                             shown_by=Differs("accuracy", arm="leaky 0.1 low", than="relu low", by=TENTH)),
        scope=f"{IN_UNITS}; biases that begin at −6, or a rate of 1",
    ),
    Claim(
        "F08", says="ReLU → Leaky ReLU Variant (as remedy)", check="experiment", design="dying.units",
        needs=(Dose("accuracy", along=LEAKS, by=TENTH),
               Differs("accuracy", arm="leaky 0.01 low", than="relu low", by=TENTH)),
        control=(Bounded("dead at the start", arm="relu low", low=0.9), Level("accuracy", arm="relu low", high=0.2)),
        sham=(LOW_STEADY,),
        limits=(
            Limit("GELU, which lets through next to nothing below −6, does not recover",
                  shown_by=Level("accuracy", arm="gelu low", high=0.5)),
            Limit("the units of leaky ReLU stay below 0 on all examples: they learn by their slope",
                  shown_by=Alike("dead", arm="leaky 0.1 low", than="relu low", within=TENTH)),
            Limit("SiLU does not recover", shown_by=Level("accuracy", arm="silu low", high=0.5)),
        ),
        scope=f"{IN_UNITS}; biases that begin at −6",
        remark="The share of dead units was a need at first, failed as one (refuted), and was made a limit after that: "
               "to be decided on fresh seeds.",
    ),
    Claim(
        "N10", says="Learning Rate too high —causes→ Divergence / Dying ReLU", check="experiment", design="dying.units",
        needs=(Dose("dead", along=("relu rate 0.05", "relu rate 0.3", "relu rate 1", "relu rate 3"), by=TENTH),
               Differs("failed", arm="relu rate 3", than="relu rate 0.05", by=0.5)),
        control=(Level("dead", arm="relu rate 0.05", high=0.05), Level("accuracy", arm="relu rate 0.05", low=0.9)),
        sham=(STEADY,),
        counterexample=Limit("behind a BatchNorm, with which rates several times as high still train (R35)"),
        scope=IN_UNITS.replace("rate 0.05", "rates 0.05 to 3"),
    ),
)  # fmt: skip
