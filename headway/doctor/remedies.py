"""Remedies: edits of a recipe along the map's edges, each with its reason, and random edits to hold them against."""

from collections.abc import Callable
from dataclasses import KW_ONLY
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from headway.learning.clipping import ClipByNorm
from headway.learning.optimizers.adaptive import Adam
from headway.learning.optimizers.descent import Descent
from headway.learning.optimizers.sgd import SGD
from headway.learning.regularization import Dropout
from headway.network.activations import GELU, SELU, Identity, ReLU, Softplus, Tanh
from headway.network.compose import Sequential, last_address
from headway.network.dense import Dense
from headway.network.initialization import LeCunNormal, Normal, Orthogonal, Shape
from headway.network.layer import Activation, Layer
from headway.network.normalization import LayerNorm
from headway.network.residual import Residual
from headway.network.values import COPY
from headway.spec.edit import Edit, InsertAfter, Remove, Replace, Set, Wrap, edit
from headway.spec.error import HeadwayError, join_address
from headway.spec.node import Spec, children, spec, walk
from headway.training.recipe import Recipe


@spec
class Remedy(Spec):
    """An edit of a recipe that may cure it.

    edits     what changes; none where only the learning rate is tuned, which every arm of a proof does
    edge      the edge of the map it follows, (source, relation, target); none for a random one
    reason    why it may help
    cost      what it costs
    """

    edits: tuple[Edit, ...]
    _: KW_ONLY
    name: str
    edge: tuple[str, ...] = ()
    reason: str = ""
    cost: str = ""


RANDOM = "random: "
"""How the names of random remedies begin."""
NORM = "two parameters a unit, about 8 operations an activation"
RATE_ALONE = Remedy(
    (),
    name="learning-rate-alone",
    edge=("optimizer", "uses", "learning-rate"),
    reason="A rate that does not suit the network looks like many other faults: rule it out first.",
    cost="nothing",
)


def remedies(cause: str, recipe: Recipe, inputs: Shape) -> tuple[Remedy, ...]:
    """What the map offers against a cause (a rule's id), for this recipe and inputs of this shape."""
    known: dict[str, Callable[[Recipe, Shape], tuple[Remedy, ...]]] = {"vanishing-gradient": against_vanishing}
    found = known[cause](recipe, inputs) if cause in known else ()
    return (*(remedy for remedy in found if remedy.edits), RATE_ALONE)


def against_vanishing(recipe: Recipe, inputs: Shape) -> tuple[Remedy, ...]:
    """ReLU with He's initialization, residual connections, normalization."""
    blocks = hidden_blocks(recipe.network, inputs, "network")
    relu = [Replace(block.activation_at, by=ReLU()) for block in blocks]
    he = [Set(f"{block.at}/init", value=None) for block in blocks if block.dense.init is not None]
    residual: list[Edit] = []
    for block in (block for block in blocks if block.keeps_shape):
        body = Sequential((Identity(), block.activation))
        residual += [Wrap(block.at, by=Residual(body), slot="body/0"), Remove(block.activation_at)]
    return (
        Remedy(
            (*relu, *he),
            name="relu-and-he",
            edge=("relu", "solves", "vanishing-gradient"),
            reason="ReLU's slope is 1 where it is active, and He's variance keeps the signal's size (He et al. 2015).",
            cost="nothing; units can die",
        ),
        Remedy(
            tuple(residual),
            name="residual",
            edge=("gradient-highway", "solves", "vanishing-gradient"),
            reason="∂(x + F)/∂x = I + ∂F/∂x: the gradient passes beside every layer (He et al. 2016).",
            cost="an addition a layer",
        ),
        Remedy(
            tuple(InsertAfter(block.activation_at, new=LayerNorm()) for block in blocks),
            name="normalization-after",
            edge=("normalization", "stabilizes", "neural-network"),
            reason="Behind each activation: every layer's inputs have mean 0 and spread 1 again (Ba et al. 2016).",
            cost=NORM,
        ),
        Remedy(
            tuple(InsertAfter(block.at, new=LayerNorm()) for block in blocks),
            name="normalization-before",
            edge=("normalization", "stabilizes", "neural-network"),
            reason="Before each activation: its inputs have mean 0 and spread 1, where it has a slope.",
            cost=NORM,
        ),
    )


class Block(NamedTuple):
    """A dense layer and the activation right behind it: the addresses of both, and both themselves.

    keeps_shape    whether the dense layer has as many units as inputs
    """

    at: str
    activation_at: str
    dense: Dense
    activation: Activation
    keeps_shape: bool


def hidden_blocks(network: Layer, inputs: Shape, address: str = "") -> list[Block]:
    """Every dense layer that has its activation right behind it, but for one that ends the network."""
    shapes, last, found = dict(received(network, inputs, address)), last_address(network, address), []
    for container, node in walk(network, address):
        members = [(join_address(container, key), part) for key, part in children(node).items()]
        for (at, dense), (behind, activation) in pairwise(members if isinstance(node, Sequential) else ()):
            if isinstance(dense, Dense) and isinstance(activation, Activation) and behind != last:
                keeps = shapes[at.replace(COPY, "0")][-1:] == (dense.units,)  # every copy gets what the first does
                found.append(Block(at, behind, dense, activation, keeps))
    return found


def received(network: Layer, inputs: Shape, address: str = "") -> list[tuple[str, Shape]]:
    """The shape that each layer receives, by address; of one that is repeated, each copy."""
    found = [(address, inputs)]
    for key, child, shape in network.parts(inputs):
        found += received(child, shape, join_address(address, key))
    return found


def random_remedies(recipe: Recipe, inputs: Shape, count: int, seed: int) -> tuple[Remedy, ...]:
    """`count` edits drawn by a seed from what people try: none has a reason, some may help all the same."""
    pool = {remedy.name: remedy for remedy in everyday_edits(recipe, inputs)}
    drawn = np.random.default_rng(seed).permutation(sorted(pool))[:count]
    return tuple(pool[name] for name in drawn)


def widened(block: Block) -> Edit:
    """Twice the units of a dense layer."""
    return Set(f"{block.at}/units", value=2 * block.dense.units)


def fits(network: Layer, inputs: Shape) -> bool:
    """Whether the network can be computed: the body of a skip, or a repeated one, must keep its shape."""
    try:
        network.shape(inputs)
    except HeadwayError:
        return False
    return True


def part_of_batch(recipe: Recipe, parts: int) -> int:
    """A batch so many times as small, of as many equal micro-batches as the recipe's, of one example at least."""
    return recipe.accumulate * max(1, recipe.batch_size // recipe.accumulate // parts)


def everyday_edits(recipe: Recipe, inputs: Shape) -> list[Remedy]:
    """The pool of random remedies: one field, layer or kind changed, without regard to any cause.

    What the recipe has already is not among them.
    """
    blocks = hidden_blocks(recipe.network, inputs, "network")
    rate = recipe.optimizer.main_rate()
    edits: dict[str, list[Edit]] = {
        "half the batch": [Set("batch_size", value=part_of_batch(recipe, 2))],
        "a quarter of the batch": [Set("batch_size", value=part_of_batch(recipe, 4))],
        "clip at norm 1": [Set("clip", value=ClipByNorm(1.0))],
        "SGD with momentum": [] if rate is None else [Replace("optimizer", by=SGD(rate, momentum=0.9))],
        "Adam without decay": [] if rate is None else [Replace("optimizer", by=Adam(rate))],
        "weight decay 0.1": [Set("optimizer/weight_decay", value=0.1)] if isinstance(recipe.optimizer, Descent) else [],
        "dropout 0.2": [InsertAfter(block.activation_at, new=Dropout(0.2)) for block in blocks],
        "twice the width": [wide for wide in map(widened, blocks) if fits(edit(recipe, wide).spec.network, inputs)],
    }
    for initializer in (Orthogonal(), LeCunNormal(), Normal(0.05)):
        edits[f"{type(initializer).__name__} weights"] = [Set(f"{b.at}/init", value=initializer) for b in blocks]
    for function in (Tanh(), GELU(), SELU(), Softplus()):
        edits[f"{type(function).__name__} in place"] = [Replace(b.activation_at, by=function) for b in blocks]
    drawn = (Remedy(tuple(own), name=RANDOM + name) for name, own in edits.items() if own)
    return [remedy for remedy in drawn if edit(recipe, *remedy.edits).spec != recipe]
