"""Claims of the group Activation Functions: what each of them is."""

from dataclasses import replace

from headway.claims.claim import Claim, Limit
from headway.claims.condition import Bounded

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
)  # fmt: skip
