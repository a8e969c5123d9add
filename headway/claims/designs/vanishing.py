"""Deep networks of ReLU and of sigmoid: how the gradient flows as they are drawn, and what they can be trained to."""

from dataclasses import replace

from headway.claims.design import Drawn, Swept
from headway.claims.designs.gradients import ACTIVATIONS, CLASSES, DEPTH, WIDTH, arms, shams
from headway.claims.designs.gradients import DESIGNS as AS_DRAWN
from headway.claims.designs.rates import RATES
from headway.claims.designs.residual_depth import UPDATES, measured, stack
from headway.claims.joined import Joined
from headway.network.compose import Repeat, Sequential
from headway.network.dense import Dense
from headway.network.initialization import HeNormal
from headway.training.recipe import Recipe

CROSSED = [("plain", activation, gain, DEPTH) for activation in ("relu", "sigmoid") for gain in (1.0, 2.0, 4.0)]
OTHERS = [("plain", activation, 1.0, DEPTH) for activation in ("tanh", "linear")]


def recipe(activation: str) -> Recipe:
    """The plain stack of `residual_depth.trained` with this activation, and He et al.'s weights with each."""
    body = Sequential((Dense(WIDTH, init=HeNormal()), ACTIVATIONS[activation]))
    network = Sequential((Dense(WIDTH), Repeat(body, times=DEPTH), Dense(CLASSES)))
    return replace(stack("plain", DEPTH), network=network)


FLOW = Drawn(f"As `gradients.flow`. {AS_DRAWN['flow'].says}", arms(*CROSSED, *OTHERS) | shams(CROSSED[2], CROSSED[3]))
TRAINED = Swept(
    f"Trained: the same {DEPTH} blocks on digits, variance 2 / inputs; {UPDATES} updates of SGD with batches of 64, at "
    f"rates of {RATES[0]:g} to {RATES[6]:g}, half a decade apart. `best accuracy` on the training set at any rate.",
    {f"trained {activation} 2": recipe(activation) for activation in ("relu", "sigmoid")},
    {"optimizer/learning_rate": RATES[:7]},
    measured,
    shams={"trained relu 2 sham": "trained relu 2"},
    quick={"length": 100, "evaluation/every": 100},
    fewer={"optimizer/learning_rate": (0.0316, 0.1, 0.316)},
)
DESIGNS = {"relu": Joined(f"{FLOW.says} {TRAINED.says}", (FLOW, TRAINED), seeds=120)}
