"""Strings to be said again: which architectures can, and when in training it is learned."""

from collections.abc import Mapping
from typing import Any

import jax
import numpy as np

from headway.claims.design import Arm, Measures, Trained
from headway.data.dataset import Data, Dataset, arrays
from headway.data.sequences import CopyTask
from headway.exchange.modules import Function
from headway.learning.losses import CrossEntropy
from headway.learning.metrics import Accuracy
from headway.learning.optimizers.adaptive import Adam
from headway.models.transformer import embedded, language_model, last_norm, pre_ln, transformer_block
from headway.network.activations import ReLU
from headway.network.compose import Repeat, Sequential
from headway.network.convolution import Conv, Flatten
from headway.network.dense import Dense
from headway.network.embedding import Embedding
from headway.network.layer import Layer, initialize
from headway.training.evaluate import judge
from headway.training.recipe import Evaluation, Recipe
from headway.training.run import Run

LENGTH, SYMBOLS, EXAMPLES, UPDATES = 8, 8, 4000, 1000
PLACES, TOKENS = 2 * LENGTH, SYMBOLS + 1
RATES = (1e-3, 3e-3, 1e-2)
STRETCHES = 40
"""How often accuracy is looked at along the way."""


def strings(seed: int) -> Dataset:
    """Eight symbols and eight blanks in, the same eight symbols at the places of the blanks out."""
    rng = np.random.default_rng(seed)
    said = rng.integers(0, SYMBOLS, (EXAMPLES, LENGTH))
    blank = np.full_like(said, SYMBOLS)
    weights = np.broadcast_to(np.arange(PLACES) >= LENGTH, (EXAMPLES, PLACES))
    return arrays(np.concatenate([said, blank], axis=1), np.concatenate([blank, said], axis=1), weights=weights,
                  classes=tuple(map(str, range(TOKENS))), tokens=TOKENS, seed=seed)  # fmt: skip


def places(params: Mapping[str, Any], x: jax.Array) -> jax.Array:
    """[batch, places · tokens] as [batch, places, tokens]."""
    return x.reshape(len(x), PLACES, TOKENS)


def nothing(key: jax.Array, x: jax.Array) -> dict[str, Any]:
    """No parameters."""
    return {}


def convolutions(layers: int, channels: int, kernel: int) -> Sequential:
    """So many convolutions with ReLU, and a linear model at every place."""
    body: list[Layer] = [part for _ in range(layers) for part in (Conv(channels, kernel=kernel), ReLU())]
    return Sequential((Embedding(TOKENS, width=channels), *body, Dense(TOKENS)))


NETWORKS: dict[str, Layer] = {
    "attention": Sequential((*embedded(TOKENS, 32), Repeat(transformer_block(2, 128), times=2), *last_norm(pre_ln),
                             Dense(TOKENS))),
    "mlp": Sequential((Embedding(TOKENS, width=8), Flatten(), Dense(92), ReLU(), Dense(PLACES * TOKENS),
                       Function(places, init=nothing))),
    "convolution of 3": convolutions(4, 46, 3),
    "convolution of 17": convolutions(2, 27, 17),
}  # fmt: skip


def classifier(network: Layer) -> Recipe:
    """Adam, batches of 64, judged at the end."""
    return Recipe(
        network, loss=CrossEntropy(), optimizer=Adam(3e-3), batch_size=64, length=UPDATES,
        evaluation=Evaluation(UPDATES, metrics=(Accuracy(),), monitor="accuracy"),
    )  # fmt: skip


def copied(run: Run) -> Measures:
    """The share of the symbols of strings never seen that are said again, and the size of the network."""
    test = run.data().splits()["test"]
    size = sum(leaf.size for leaf in jax.tree.leaves(run.final["params"]))
    return {"accuracy": judge(run.recipe, run.final, test)["accuracy"], "parameters": size}


def emerging(run: Run) -> Measures:
    """Accuracy before and after training, and the largest share of the rise within a tenth of it."""
    data = run.data()
    drawn = initialize(run.recipe.network, data.input_shape, jax.random.key(run.recipe.seed))
    first = judge(run.recipe, dict(zip(("params", "network"), drawn, strict=True)), data.splits()["test"])["accuracy"]
    along = np.array([first, *(evaluation["accuracy"] for evaluation in run.history.evaluations)])
    tenth = STRETCHES // 10
    rise = along[-1] - along[0]
    steepest = float(np.max(along[tenth:] - along[:-tenth]))
    return {"at first": float(first), "at the end": float(along[-1]), "in a tenth": steepest / max(rise, 0.05)}


LANGUAGE = Recipe(
    language_model(TOKENS, width=32, heads=2, blocks=2), loss=CrossEntropy(),
    data=Data(CopyTask(LENGTH, symbols=SYMBOLS, examples=EXAMPLES)),
    optimizer=Adam(3e-3), batch_size=64, length=UPDATES,
    evaluation=Evaluation(UPDATES // STRETCHES, metrics=(Accuracy(),), monitor="accuracy"),
)  # fmt: skip
DESIGNS = {
    "architectures": Trained(
        "Eight symbols of eight and eight blanks in, the symbols at the places of the blanks out; about 25,000 "
        "parameters as two blocks of attention, one hidden layer over the whole string, four convolutions of 3 places "
        "or two of 17; Adam at a tuned rate, 1,000 updates of 64 strings. `accuracy`: of strings never seen.",
        {name: Arm(classifier(network), tuned={"optimizer/learning_rate": RATES}, data=strings)
         for name, network in NETWORKS.items()},
        copied,
        few=1,
        quick={"length": 100, "evaluation/every": 100},
    ),
    "emergence": Trained(
        "A causal language model of two blocks of width 32 reads eight random symbols of eight, a delimiter, and the "
        "symbols again; Adam at a tuned rate, 1,000 updates of 64 strings, looked at every 25. `at first`, `at the "
        "end`: accuracy of the copy of strings never seen; `in a tenth`: the largest share of the rise between "
        "them that falls within a tenth of the updates.",
        {"trained": Arm(LANGUAGE, tuned={"optimizer/learning_rate": RATES})},
        emerging,
        few=1,
        quick={"length": 400, "evaluation/every": 400 // STRETCHES},
    ),
}  # fmt: skip
