"""Random remedies: edits drawn from what people try, without regard to any cause, to hold the others against."""

import numpy as np

from headway.doctor.remedies.blocks import fits, hidden_blocks, widened
from headway.doctor.remedies.remedy import Remedy
from headway.learning.clipping import ClipByNorm
from headway.learning.optimizers.adaptive import Adam
from headway.learning.optimizers.descent import Descent
from headway.learning.optimizers.sgd import SGD
from headway.learning.regularization import Dropout
from headway.network.activations import GELU, SELU, Softplus, Tanh
from headway.network.initialization import LeCunNormal, Normal, Orthogonal, Shape
from headway.spec.edit import Edit, InsertAfter, Replace, Set, edit
from headway.training.recipe import Recipe

RANDOM = "random: "
"""How the names of random remedies begin."""


def random_remedies(recipe: Recipe, inputs: Shape, count: int, seed: int) -> tuple[Remedy, ...]:
    """`count` edits drawn by a seed from what people try: none has a reason, some may help all the same."""
    pool = {remedy.name: remedy for remedy in everyday_edits(recipe, inputs)}
    drawn = np.random.default_rng(seed).permutation(sorted(pool))[:count]
    return tuple(pool[name] for name in drawn)


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
