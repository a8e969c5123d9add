"""Transformers that copy strings: where the norms stand, with warm-up and without, over a grid of rates."""

import math
from collections.abc import Sequence
from itertools import pairwise

import jax
import jax.numpy as jnp
import numpy as np

from headway.claims.design import Measures, Swept
from headway.claims.designs.rates import STEP, WORKS, accuracy, given, highest
from headway.data.dataset import Data
from headway.data.sequences import CopyTask
from headway.learning.losses import CrossEntropy
from headway.learning.metrics import Accuracy
from headway.learning.optimizers.adaptive import Adam
from headway.learning.schedules.compose import Warmup
from headway.learning.schedules.decay import Cosine
from headway.models.transformer import Placement, embedded, post_ln, pre_ln
from headway.network.attention import MultiHeadAttention
from headway.network.compose import Repeat, Sequential
from headway.network.context import Context
from headway.network.dense import Dense
from headway.network.feedforward import FeedForward
from headway.network.layer import Layer, apply
from headway.network.normalization import LayerNorm
from headway.network.residual import Residual
from headway.network.values import flatten, unstacked
from headway.training.recipe import Evaluation, Recipe
from headway.training.replay import replay
from headway.training.run import Run

SYMBOLS, WIDTH, HEADS, BLOCKS, UPDATES, WARM, EARLY = 8, 16, 2, 4, 200, 40, 50
DEEP, BRIEF = 8, 150
"""The blocks and updates that the list of claims asks for where residual connections are taken out."""
RATES = tuple(float(f"{10 ** (STEP * k):.3g}") for k in range(-6, -1))
FAR_APART = (1e-4, 1e-3, 1e-2, 1e-1)
"""So low that the best is inside of them without residual connections too."""
NEAR = RATES[2]
"""0.01, at which six blocks of Post-LN fail without warm-up in docs/results.md, and with it do not."""
CHANCE = math.log(SYMBOLS)
COPIES = Data(CopyTask(4, symbols=SYMBOLS, examples=1000), validation=None, test=None)
PEAK, STEPS = "optimizer/learning_rate/then/peak", "optimizer/learning_rate/steps"
SHORT = {"data/source/examples": 64, "data/source/length": 2, "length": 100, "evaluation/every": 100}
"""All strings of two symbols, learned in half as many updates."""


def bare(sublayer: Layer) -> Layer:
    """y = x + F(x)."""
    return Residual(sublayer)


def straight(sublayer: Layer) -> Layer:
    """y = F(LN(x)): Pre-LN without the way around."""
    return Sequential((LayerNorm(), sublayer))


def copier(
    attention: Placement, feed_forward: Placement, *, last_norm: bool = True, blocks: int = BLOCKS,
    updates: int = UPDATES,
) -> Recipe:  # fmt: skip
    """A language model whose two sublayers are placed so, on strings of four symbols to be said again; Adam."""
    block = Sequential((attention(MultiHeadAttention(HEADS, causal=True)), feed_forward(FeedForward(4 * WIDTH))))
    norm = (LayerNorm(),) if last_norm else ()
    network = Sequential((*embedded(SYMBOLS + 1, WIDTH), Repeat(block, times=blocks), *norm, Dense(SYMBOLS + 1)))
    return Recipe(
        network, data=COPIES, loss=CrossEntropy(), optimizer=Adam(Warmup(0, then=Cosine(NEAR))), batch_size=32,
        length=updates, evaluation=Evaluation(updates, metrics=(Accuracy(),)),
    )  # fmt: skip


def loss(run: Run) -> float:
    """The loss on the training set after the last update, at most that of a guess among the symbols."""
    found = run.results["train"]["loss"] if run.standing.reason == "finished" else CHANCE
    return min(found, CHANCE) if math.isfinite(found) else CHANCE


def spike(run: Run) -> float:
    """By how much the loss of a batch rose above the lowest before it, at most, in nats."""
    losses = np.minimum(np.nan_to_num(run.history.columns()["loss"], nan=CHANCE, posinf=CHANCE), 2 * CHANCE)
    return float(np.max(losses - np.minimum.accumulate(losses)))


def attention(run: Run) -> Measures:
    """Of the attention after the first 50 updates: the mean entropy in nats, and the largest score of a query and key.

    Over all blocks, heads and places that see at least two keys. Of a run that did not get so far: an entropy of 0, and
    the largest score that float32 can exponentiate.
    """
    if run.standing.step < EARLY:
        return {"entropy": 0.0, "largest score": 88.0}
    network, (values,) = run.recipe.network, replay(run.recipe, (EARLY,), run.dataset)
    outputs: list[tuple[str, jax.Array]] = []

    def tap(address: str, value: jax.Array) -> jax.Array:
        outputs.append((address, value))
        return value

    apply(network, values["params"], jnp.asarray(run.data().train.x[:200]), context=Context(tap=tap))
    params = flatten(unstacked(values["params"]))
    # What is put out just before an attention is what it takes in.
    found = [looked({name: params[f"{address}/{name}"] for name in ("wq", "bq", "wk", "bk")}, x)
             for (_, x), (address, _) in pairwise(outputs) if f"{address}/wq" in params]  # fmt: skip
    return {"entropy": float(np.mean([entropy for entropy, _ in found])),
            "largest score": float(np.max([largest for _, largest in found]))}  # fmt: skip


def looked(params: dict[str, jax.Array], x: jax.Array) -> tuple[float, float]:
    """Mean entropy and largest score of a causal attention with these queries and keys, for x [batch, time, d]."""
    heads = (*x.shape[:2], HEADS, WIDTH // HEADS)
    q, k = ((x @ params[f"w{name}"] + params[f"b{name}"]).reshape(heads) for name in "qk")
    scores = jnp.einsum("bshe,bthe->bhst", q, k) / math.sqrt(WIDTH // HEADS)
    seen = jnp.tril(jnp.ones(scores.shape[-2:], bool))
    weights = jax.nn.softmax(jnp.where(seen, scores, -jnp.inf), axis=-1)
    entropies = -jax.scipy.special.xlogy(weights, weights).sum(axis=-1)[..., 1:]
    return float(entropies.mean()), float(jnp.abs(jnp.where(seen, scores, 0)).max())


def over_rates(runs: Sequence[Run]) -> dict[float, Run]:
    """Peak rate → its run."""
    return {given(run, PEAK): run for run in runs}


def works(runs: dict[float, Run]) -> float:
    """log10 of the highest rate whose run works."""
    return highest(list(runs), [accuracy(run, 1 / SYMBOLS) > WORKS for run in runs.values()])


def with_and_without_warmup(runs: Sequence[Run]) -> Measures:
    """What the runs of one seed, over warm-up and rates, came to."""
    half = len(runs) // 2
    cold, warm = over_rates(runs[:half]), over_rates(runs[half:])
    best = [max(accuracy(run, 1 / SYMBOLS) for run in part.values()) for part in (cold, warm)]
    saved = {f"saved at {rate:g}": loss(cold[rate]) - loss(warm[rate]) for rate in cold}
    looks = [attention(part[NEAR]) for part in (cold, warm)]
    return saved | {
        "highest": works(cold), "gain": works(warm) - works(cold), "works": float(best[0] > WORKS),
        "best accuracy": best[0], "best accuracy with warm-up": best[1], "spike": spike(cold[NEAR]),
        "entropy": looks[0]["entropy"], "entropy kept": looks[1]["entropy"] - looks[0]["entropy"],
    }  # fmt: skip


def without_warmup(runs: Sequence[Run]) -> Measures:
    """What the runs of one seed, over rates, came to."""
    by_rate = over_rates(runs)
    return {"highest": works(by_rate), **attention(by_rate[NEAR])}


def lowest(runs: Sequence[Run]) -> Measures:
    """The lowest loss of the runs of one seed, over rates."""
    return {"best loss": min(map(loss, runs))}


SETTING = (
    f"Strings of four of {SYMBOLS} symbols are said again by {BLOCKS} blocks of width {WIDTH}: {UPDATES} updates of "
    f"Adam in batches of 32, rates of {min(RATES):g} to {max(RATES):g}, half a decade apart, falling along a cosine. A "
    f"rate works where more than {WORKS} of the copies are right at the end; one that is not finite counts as chance, "
    "and a loss is at most that of a guess. "
)
IN_ATTENTION = f"at rate {NEAR:g} after {EARLY} updates, over all blocks, heads and places"
DESIGNS = {
    "placement": Swept(
        f"{SETTING}Every rate without a warm-up, and with one of {WARM} of these updates. Without: `highest`, log10 of "
        "the highest rate that works, `works`, 1 where any does, `best accuracy`; `spike`: how far the loss of a batch "
        f"rose above the lowest before, at rate {NEAR:g}; `entropy`: of the attention {IN_ATTENTION}. What a warm-up "
        "adds: `gain`, to `highest`; `saved at` a rate, nats of the last loss; `entropy kept`.",
        {"Post-LN": copier(post_ln, post_ln, last_norm=False), "Pre-LN": copier(pre_ln, pre_ln)},
        {STEPS: (0, WARM), PEAK: RATES},
        with_and_without_warmup,
        shams={"sham": "Post-LN"},
        quick=SHORT,
        fewer={PEAK: (0.001, 0.01, 0.0316)},
        seeds=30,
        few=2,
    ),
    "sublayers": Swept(
        f"{SETTING}No warm-up. The norm stands in front of both sublayers (Pre-LN), of one or of none. One more "
        "norm is behind the last block. `highest`: log10 of the highest rate that works; `entropy` and `largest score` "
        f"of the attention {IN_ATTENTION}.",
        {"norm on both": copier(pre_ln, pre_ln), "norm on attention": copier(pre_ln, bare),
         "norm on feed-forward": copier(bare, pre_ln), "norm on none": copier(bare, bare)},
        {PEAK: RATES},
        without_warmup,
        shams={"sham": "norm on both"},
        quick=SHORT | {"network/2/times": 6},
        fewer={PEAK: (0.01, 0.0316)},
        few=1,
    ),
    "deep": Swept(
        f"The same task for {DEEP} blocks of Pre-LN, with the way around their sublayers and without it: {BRIEF} "
        f"updates, rates of {min(FAR_APART):g} to {max(FAR_APART):g}, a decade apart. `best loss`: the lowest at any "
        "rate, at most that of a guess.",
        {"residual": copier(pre_ln, pre_ln, blocks=DEEP, updates=BRIEF),
         "no residual": copier(straight, straight, blocks=DEEP, updates=BRIEF)},
        {PEAK: FAR_APART},
        lowest,
        shams={"sham": "residual"},
        quick={"data/source/examples": 200, "length": 100, "evaluation/every": 100},
        fewer={PEAK: (0.01,)},
        few=1,
    ),
}  # fmt: skip
