"""A tiny language model of Python's own sources: which activation in it, which norm, which optimizer."""

import math
from functools import partial
from typing import Literal

import jax
import numpy as np

from headway.claims.design import Arm, Exact, Measures, Trained
from headway.claims.designs.norms import TIME as PLACES
from headway.claims.designs.norms import WIDTH as FEATURES
from headway.claims.designs.norms import leak, output
from headway.claims.joined import Joined
from headway.data.dataset import Data
from headway.data.text import StdlibText
from headway.learning.clipping import ClipByNorm
from headway.learning.losses import CrossEntropy
from headway.learning.optimizers.adaptive import Adam, AdamW
from headway.learning.optimizers.optimizer import Optimizer
from headway.learning.optimizers.sgd import SGD
from headway.learning.schedules.compose import Warmup
from headway.learning.schedules.decay import Cosine
from headway.models.transformer import embedded, pre_ln, transformer_block
from headway.network.activations import ReLU
from headway.network.attention import MultiHeadAttention
from headway.network.compose import Repeat, Sequential
from headway.network.dense import Dense
from headway.network.feedforward import FeedForward, SwiGLU
from headway.network.layer import Layer
from headway.network.normalization import BatchNorm, LayerNorm, Normalization
from headway.training.recipe import Evaluation, Recipe
from headway.training.run import Run

BYTES, TIME, WIDTH, HEADS, BLOCKS, WARM, LATE = 256, 32, 32, 2, 2, 20, 20
TEXT = Data(StdlibText(("calendar", "heapq", "random", "textwrap"), time=TIME), validation=0.1, test=0.2)
FEED_FORWARDS: dict[str, Layer] = {
    "ReLU": FeedForward(4 * WIDTH, activation=ReLU()), "GELU": FeedForward(4 * WIDTH), "SwiGLU": SwiGLU(87),
}  # fmt: skip
NORMS: dict[str, Normalization] = {"LayerNorm": LayerNorm(), "BatchNorm": BatchNorm()}
PEAK = "optimizer/learning_rate/then/peak"
ADAM_RATES, SGD_RATES = (3e-3, 1e-2, 3e-2), (0.1, 0.3, 1.0)


def model(feed_forward: Layer = FEED_FORWARDS["GELU"], norm: Normalization = NORMS["LayerNorm"]) -> Sequential:
    """A causal Pre-LN transformer over bytes, with this feed-forward part and this norm at all places."""
    block = Sequential((pre_ln(MultiHeadAttention(HEADS, causal=True), norm), pre_ln(feed_forward, norm)))
    return Sequential((*embedded(BYTES, WIDTH), Repeat(block, times=BLOCKS), norm, Dense(BYTES)))


def warmed(peak: float) -> Warmup:
    """A short warm-up and a cosine to 0."""
    return Warmup(WARM, then=Cosine(peak))


def reader(network: Layer, optimizer: Optimizer, updates: int, rates: tuple[float, ...] = ADAM_RATES) -> Arm:
    """This network and optimizer on the text, the peak of the rate tuned."""
    recipe = Recipe(
        network, data=TEXT, loss=CrossEntropy(), optimizer=optimizer, clip=ClipByNorm(1.0), batch_size=16,
        length=updates, evaluation=Evaluation(updates),
    )  # fmt: skip
    return Arm(recipe, tuned={PEAK: rates}, usual={PEAK: rates[1]})


ADAMW = AdamW(warmed(ADAM_RATES[1]), weight_decay=0.1)
QUICK = {"length": 80, "evaluation/every": 80, "data/source/modules": ("bisect", "fnmatch")}


def measured(run: Run) -> Measures:
    """The loss on text that was not seen, at most that of a guess; the network's size; the loss as training saw it."""
    finite, chance = run.standing.reason == "finished", math.log(BYTES)
    return {
        "loss": min(run.results["test"]["loss"], chance) if finite else chance,
        "as trained": float(np.mean(run.history.columns()["loss"][-LATE:])) if finite else chance,
        "parameters": sum(leaf.size for leaf in jax.tree.leaves(run.final["params"])),
    }  # fmt: skip


def dependence(norm: Normalization, mode: Literal["train", "eval"]) -> Measures:
    """What later tokens do to the outputs before them, and how far a sequence alone gives other outputs."""
    block = transformer_block(2, 2 * FEATURES, placement=partial(pre_ln, norm=norm), causal=True)
    x = np.random.default_rng(0).normal(size=(4, PLACES, FEATURES)).astype(np.float32)
    alone = np.abs(output(block, x[:1], mode) - output(block, x, mode)[:1])
    return leak(norm, mode) | {"alone": float(alone.max())}


TRAINED = Trained(
    "As `language.activations`, GELU, with the norm named at all five places, in batches of 16 sequences. `loss`: on "
    "text not seen, in evaluation mode; `as trained`: the mean of the last 20 batches' as training computes it.",
    {name: reader(model(norm=norm), ADAMW, 300) for name, norm in NORMS.items()},
    measured, few=1, quick=QUICK,
)  # fmt: skip
SEEN = Exact(
    "A causal block with the norm, as drawn. `before`: how far outputs move when only later tokens change; `alone`: "
    "how far the outputs of a sequence are from those that it has in a batch of four.",
    {f"{name} in training": partial(dependence, norm, "train") for name, norm in NORMS.items()}
    | {"BatchNorm in evaluation": partial(dependence, NORMS["BatchNorm"], "eval")},
)  # fmt: skip
DESIGNS = {
    "activations": Trained(
        f"Four modules of Python's standard library byte by byte, in windows of {TIME}; a causal Pre-LN transformer of "
        f"{BLOCKS} blocks of width {WIDTH}, 300 updates of AdamW with a warm-up and a cosine whose peak is tuned, norm "
        "clipped to 1, batches of 16. Its feed-forward parts have 128 units of ReLU or GELU, or 87 of SwiGLU. `loss`: "
        "nats a byte on stretches held out; `parameters` of the network.",
        {name: reader(model(part), ADAMW, 300) for name, part in FEED_FORWARDS.items()},
        measured, seeds=12, few=1, quick=QUICK,
    ),
    "norms": Joined(f"{TRAINED.says} {SEEN.says}", (TRAINED, SEEN), few=1),
    "optimizers": Trained(
        "As `language.activations`, GELU, 200 updates of SGD with momentum 0.9, Adam, or AdamW with a decay of 0.1, "
        "each at its own best peak of a grid that is made longer until the best lies inside. `loss`: nats a byte on "
        "stretches held out.",
        {
            "SGD": reader(model(), SGD(warmed(0.3), momentum=0.9), 200, SGD_RATES),
            "Adam": reader(model(), Adam(warmed(ADAM_RATES[1])), 200),
            "AdamW": reader(model(), ADAMW, 200),
        },
        measured, few=1, quick=QUICK,
    ),
}  # fmt: skip
