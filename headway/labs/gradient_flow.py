"""Diagnose gradient flow: a recipe with a fault; the learner names cause and evidence, and an edit that cures it."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from headway.data.dataset import Dataset, arrays
from headway.labs.edits import edited, edits_of
from headway.labs.grading import Asked, Mistake, judged
from headway.labs.lab import Blank, Grade, Lab, Part, Task, Values, hidden_seeds, with_recipe
from headway.learning.losses import CrossEntropy
from headway.learning.optimizers.adaptive import Adam
from headway.learning.optimizers.optimizer import Optimizer
from headway.learning.optimizers.sgd import SGD
from headway.network.activations import ReLU, Sigmoid
from headway.network.compose import Repeat, Sequential
from headway.network.dense import Dense
from headway.network.initialization import Constant, HeNormal
from headway.network.layer import Layer
from headway.network.residual import Residual
from headway.signals.flow import flow
from headway.signals.probe import Watch
from headway.spec.error import HeadwayError
from headway.spec.json import dumps
from headway.training.evaluate import judge
from headway.training.recipe import Recipe
from headway.training.run import Run
from headway.training.sweeps.sweep import sweep

FEATURES, CLASSES, WIDTH, EXAMPLES = 8, 4, 32, 512
UPDATES, EVERY = 160, 20
RATE = 2e-3
FLAT = 0.5
"""Decades per 10 layers within which the gradient is said to pass."""
BAR = 0.3
"""The loss to come below; guessing gives ln 4 = 1.39, the recipes without their faults 0.01 to 0.2."""
TEXT = f"""\
recipe.json, beside this file, is a recipe that once worked; one thing in it was broken. `python answer.py` prints what
it does, in four measurements:

    flow     decades by which ‖dL/dh‖ changes per 10 layers from the output back to the input, at the first update:
             −{FLAT} to {FLAT} where gradients pass, below where they vanish, above where they explode
    zeros    the largest share of a layer's outputs that are exactly 0, at the first update; behind ReLU about 0.7
    spike    the largest norm of the gradient in the run over the median; below 1000 in a run that goes well
    rise     the largest loss of the first ten updates over the loss of the first; about 1 in a run that goes well

Say what is wrong, which measurement shows it, and how to change the recipe. The edits are applied to the recipe, which
is trained again on three seeds you do not know: the gradient's flow is to be within −{FLAT} and {FLAT}, the loss on new
examples below {BAR}. Network, optimizer and clip may change; the network keeps its depth. Layers are addressed as
`network/0/init`, those of a Repeat all at once as `network/2/*/1`; print(recipe) shows them. Edits are hw.Set,
hw.Replace, hw.InsertBefore, hw.InsertAfter, hw.Wrap, hw.Remove."""
GIVEN, END = with_recipe("gradient_flow", "measured")
SHOWS = {"flow": "a signal that shrinks or grows from layer to layer", "zeros": "units that are off for every example",
         "spike": "single batches whose gradient is out of all proportion",
         "rise": "steps that are too long from the first update on"}  # fmt: skip


@dataclass(frozen=True)
class Fault:
    """A way to break the recipe.

    evidence    which measurement shows it
    instead     what is said to somebody who takes it for the cause where it is not
    cure        edits that mend it, as Python
    spoiled     whether a few training examples are in another unit
    """

    network: Layer
    evidence: str
    instead: str
    cure: str
    optimizer: Optimizer = Adam(RATE)  # noqa: RUF009 (a frozen value)
    spoiled: bool = False


def network(block: Layer, *parts: tuple[int, bool], first: Dense = Dense(WIDTH)) -> Sequential:  # noqa: B008
    """A layer, then blocks in rows of so many, with a skip beside each block or without, and the outputs."""
    rows = (Repeat(Residual(block) if skips else block, times=times) for times, skips in parts)
    return Sequential((first, ReLU(), *rows, Dense(CLASSES)))


def block(activation: Layer = ReLU(), init: Any = None) -> Sequential:  # noqa: B008
    return Sequential((Dense(WIDTH, init=init), activation))


DEEP = (10, False)
FAULTS = {
    "weights too small": Fault(
        network(block(init=HeNormal(0.25)), DEEP), "flow",
        "Weights that are too small would stand in the recipe as an init of their own, and the flow would fall.",
        '(hw.Set("network/2/*/0/init", value=None),)',
    ),
    "weights too large": Fault(
        network(block(init=HeNormal(8.0)), DEEP), "flow",
        "With weights that are too large the flow would grow, and lie above 0.5.",
        '(hw.Set("network/2/*/0/init", value=None),)',
    ),
    "saturating activation": Fault(
        network(block(Sigmoid()), DEEP), "flow",
        "A saturating activation such as Sigmoid would have to stand, without a skip, in all of the layers.",
        '(hw.Replace("network/2/*/1", by=hw.ReLU()),)',
    ),
    "missing skips": Fault(
        network(block(Sigmoid()), (5, True), DEEP, (5, True)), "flow",
        "Skips are missing where some blocks have a Residual around them and others of their kind have none.",
        '(hw.Wrap("network/3/*", by=hw.Residual(hw.Identity()), slot="body"),)',
    ),
    "no clipping": Fault(
        network(block(), (4, False)), "spike",
        "Clipping is missed where a few batches have a gradient thousands of times the usual; look at spike.",
        '(hw.Set("clip", value=hw.ClipByNorm(1.0)),)', SGD(0.1), True,
    ),
    "rate too high": Fault(
        network(block(), DEEP), "rise",
        "With a rate that is too high the loss would rise in the first updates, while flow and zeros are healthy.",
        f'(hw.Set("optimizer/learning_rate", value={RATE}),)', Adam(30 * RATE),
    ),
    "dead units": Fault(
        network(block(), DEEP, first=Dense(WIDTH, init=Constant(-0.05))), "zeros",
        "Were units dead, the zeros of a layer would be 1: off for every example.",
        '(hw.Set("network/0/init", value=None),)',
    ),
}  # fmt: skip


def cause_of(seed: int) -> str:
    """The fault that a seed stands for."""
    return sorted(FAULTS)[int(np.random.default_rng([seed, 2]).integers(len(FAULTS)))]


def examples(seed: int) -> Dataset:
    """Positive numbers in eight heaps, two to a class, and as many for a test; some spoiled where the fault says so."""
    rng = np.random.default_rng([seed, 1])
    centres = np.abs(rng.normal(size=(2 * CLASSES, FEATURES))) * 1.5
    heaps = rng.integers(0, 2 * CLASSES, 2 * EXAMPLES)
    x, y = np.abs(centres[heaps] + 0.3 * rng.normal(size=(2 * EXAMPLES, FEATURES))), heaps % CLASSES
    if FAULTS[cause_of(seed)].spoiled:
        x[np.flatnonzero(rng.random(EXAMPLES) < 0.02)] *= 300
    return arrays(x[:EXAMPLES], y[:EXAMPLES], test=(x[EXAMPLES:], y[EXAMPLES:]), validation=None, standardize=False)


def recipe_of(seed: int) -> Recipe:
    """The recipe of a seed, with its fault in it."""
    fault = FAULTS[cause_of(seed)]
    return Recipe(fault.network, loss=CrossEntropy(), optimizer=fault.optimizer, batch_size=64, length=UPDATES,
                  seed=seed % 1000, watch=Watch(EVERY))  # fmt: skip


def measured(recipe: Recipe, data: Dataset) -> dict[str, float]:
    """The four measurements on the seed of the recipe."""
    (run,) = sweep(recipe, {"seed": (recipe.seed,)}, data=data, anyway=True).runs
    columns, zeros = run.history.columns(), run.history.signals["zeros"][0]
    norms, losses = columns["gradient_norm"], columns["loss"]
    numbers = {"flow": flow_of(run), "zeros": zeros.max(), "spike": norms.max() / np.median(norms),
               "rise": losses[:10].max() / losses[0]}  # fmt: skip
    return {name: float(f"{number:.3g}") for name, number in numbers.items()}


def flow_of(run: Run) -> float:
    """Decades that ‖dL/dh‖ changes per 10 layers towards the input, at the first update."""
    return -float(flow(run.recipe.network, (FEATURES,), run.history.signals).decades_per_ten_layers[0])


def task(seed: int) -> Task:
    """A recipe with a fault, and the three blanks."""
    cause, fault = cause_of(seed), FAULTS[cause_of(seed)]
    blanks = (
        Blank("cause", "what is wrong: one of\n# " + ", ".join(FAULTS), f'cause = "{cause}"'),
        Blank("evidence", f"the measurement that shows it: {', '.join(SHOWS)}", f'evidence = "{fault.evidence}"'),
        Blank("edits", 'such as (hw.Set("batch_size", value=32), hw.Replace("optimizer", by=hw.SGD(0.1)))',
              f"edits = {fault.cure}", "edits = ()"),
    )  # fmt: skip
    return Task(GIVEN, blanks, lambda values: grade(seed, values), {"recipe.json": dumps(recipe_of(seed)) + "\n"}, END)


def grade(seed: int, values: Values) -> Grade:
    """Cause and evidence as they are, the edits by what they do."""
    cause = cause_of(seed)
    causes = tuple(Mistake(name, fault.instead) for name, fault in FAULTS.items() if name != cause)
    shown = FAULTS[cause].evidence
    picks = tuple(Mistake(name, f"{name} shows {said}; what is far from healthy here, and not by way of another?")
                  for name, said in SHOWS.items() if name != shown)  # fmt: skip
    asked = (Asked("cause", cause, causes, f"One of these is meant: {', '.join(FAULTS)}."),
             Asked("evidence", shown, picks, f"One of these is meant: {', '.join(SHOWS)}."))  # fmt: skip
    named, seen = (judged(values.get(one.name), one) for one in asked)
    if named.points and not seen.points:
        named = Part("cause", 0, 1, "A cause counts together with the measurement that shows it.")
    return Grade((named, seen, *cured(seed, values.get("edits"))))


def cured(seed: int, value: Any) -> tuple[Part, Part]:
    """The edits applied, and the recipe trained again on the hidden seeds: how gradients flow, and the loss."""
    if not value:
        return Part("flow", 0, 1, "There are no edits yet."), Part("loss", 0, 1)
    data = examples(seed)
    try:
        recipe = edited(recipe_of(seed), edits_of(value), free=("network", "optimizer", "clip"), inputs=(FEATURES,))
        runs = sweep(recipe, {"seed": hidden_seeds(seed)}, data=data, anyway=True).runs
    except HeadwayError as error:
        return Part("flow", 0, 1, str(error)), Part("loss", 0, 1)
    assert data.test is not None
    decades = float(np.mean([flow_of(run) for run in runs]))
    losses = [judge(recipe, run.final, data.test)["loss"] for run in runs]
    return passing(decades), learning([loss if np.isfinite(loss) else np.inf for loss in losses], decades)


def passing(decades: float) -> Part:
    """Whether the gradient passes."""
    if abs(decades) <= FLAT:
        return Part("flow", 1, 1)
    way = "shrinks" if decades < 0 else "grows"
    said = f"After the edits ‖dL/dh‖ still {way} by {abs(decades):.1f} decades per 10 layers on its way back:"
    return Part("flow", 0, 1, f"{said} what multiplies it in every layer?")


def learning(losses: list[float], decades: float) -> Part:
    """Whether the network learns on every seed."""
    worst = max(losses)
    if worst <= BAR:
        return Part("loss", 1, 1)
    said = f"After the edits the loss on new examples is {worst:.2f} on one of the seeds; below {BAR} is asked for."
    more = " Gradients pass: what keeps the steps from being good ones?" if abs(decades) <= FLAT else ""
    return Part("loss", 0, 1, said + more)


LAB = Lab(
    "gradient-flow", "Diagnose gradient flow",
    "Finds out, with evidence, where in a given network gradients vanish or explode, and why", TEXT, task,
    claims=("R11", "R17", "R42", "N02"),
)  # fmt: skip
