"""Short labs on architecture: why residual networks can be deep, what norms divide by, and where a norm stands."""

import numpy as np

from headway.labs.lab import Lab
from headway.labs.questions import Numbers, Question, Questions, Rule


def slopes(rng: np.random.Generator) -> Numbers:
    """The slope of a body, and a depth."""
    return {"a": int(rng.integers(10, 31)) / 100, "n": int(rng.integers(8, 31))}


RESIDUAL = Lab(
    "residual-depth", "Why x + F(x) can be deep",
    "Derive from x + F(x) why a residual network can be deep",
    """\
A network has n layers, and each has the slope F′ = a. Say by what factor the gradient is multiplied on its way back
through all of them: where a layer is F(x) alone, where it is x + F(x), and where it is x + F(x) / n.""",
    Questions(slopes, (
        Question("plain", "the factor of n layers F(x)", lambda a, n: a**n, {
            "The factors of a chain multiply: this is their sum.": lambda a, n: a * n,
            "The depth is missing: this is one layer.": lambda a: a,
        }),
        Question("decades", "log10 of it, per 10 layers", lambda plain, n: 10 * np.log10(np.abs(plain)) / n, {
            "This is log10 over all layers: per 10 of them is asked for.": lambda plain: np.log10(np.abs(plain)),
            "The logarithm to base 10 is asked for.": lambda plain, n: 10 * np.log(np.abs(plain)) / n,
            "This is log10 for one layer.": lambda plain, n: np.log10(np.abs(plain)) / n,
        }),
        Question("residual", "the factor of n layers x + F(x)", lambda a, n: (1 + a) ** n, {
            "There is a skip beside each layer, not one beside all of them: (1 + a)ⁿ.": lambda a, n: 1 + a**n,
            "These are the paths through one layer at most; there are those through several too.":
                lambda a, n: 1 + n * a,
            "The skip is missing: d(x + F)/dx = 1 + F′.": lambda plain: plain,
        }),
        Question("scaled", "the factor of n layers x + F(x) / n", lambda a, n: (1 + a / n) ** n, {
            "Each body is divided by n, not the factor of all.": lambda a, n: (1 + a) ** n / n,
            "The skip is divided too: it is x + F(x) / n.": lambda a, n: ((1 + a) / n) ** n,
        }),
        Question("limit", "what that tends to with ever more layers", lambda a: np.exp(a), {
            "(1 + a/n)ⁿ does not stay at its first two terms.": lambda a: 1 + a,
            "Each factor tends to 1, but there are ever more of them.": lambda: 1.0,
        }),
    )),
    claims=("R41", "R42", "R43", "F49"),
)  # fmt: skip


def a_batch(rng: np.random.Generator) -> Numbers:
    """Four examples of three features, no column and no row of one value."""
    while True:
        x = rng.integers(-6, 7, (4, 3)).astype(float)
        if x.std(axis=0).min() > 0.5 and x.std(axis=1).min() > 0.5:
            return {"x": x, "batch_size": int(rng.choice([4, 9, 16, 25, 64]))}


def normalized(x: np.ndarray, axis: int, ddof: int = 0) -> np.ndarray:
    """Mean 0 and deviation 1 along an axis."""
    return (x - x.mean(axis, keepdims=True)) / x.std(axis, ddof=ddof, keepdims=True)


def norm_mistakes(axis: int) -> dict[str, Rule]:
    """What goes wrong in a norm along this axis."""
    said = ("This goes along each example's features: BatchNorm goes along the batch.",
            "This goes along the batch: LayerNorm goes along each example's features.")[axis]  # fmt: skip
    return {
        said: lambda x: normalized(x, 1 - axis),
        "The variance is the mean of the squares: divide by all of them, not by one less.":
            lambda x: normalized(x, axis, ddof=1),
        "This is divided by the variance: it is the deviation, its root.":
            lambda x: (x - x.mean(axis, keepdims=True)) / x.var(axis, keepdims=True),
        "The mean is taken off; what is left is to be divided by its deviation.":
            lambda x: x - x.mean(axis, keepdims=True),
    }  # fmt: skip


NORMS = Lab(
    "batchnorm-or-layernorm", "BatchNorm or LayerNorm",
    "Choose between BatchNorm and LayerNorm from the batch size and the kind of data",
    """\
x holds four examples in its rows, three features in its columns. Bring it to mean 0 and deviation 1, as BatchNorm does
in training and as LayerNorm does (scale 1, shift 0, no ε). Then see what each depends on: BatchNorm on the others in
the batch, so that it wants batches that are large and alike, LayerNorm on the example alone.""",
    Questions(a_batch, (
        Question("batch", "x after BatchNorm, [4, 3]", lambda x: normalized(x, 0), norm_mistakes(0)),
        Question("layer", "x after LayerNorm, [4, 3]", lambda x: normalized(x, 1), norm_mistakes(1)),
        Question("alone", "the first example after BatchNorm in a batch of its own (with an ε above 0), [3]",
                 lambda: np.zeros(3), {
            "In a batch of one the mean is the example itself: nothing is left of it.": lambda x: x[0],
            "These are the numbers among the others: now it is alone.": lambda batch: batch[0],
            "This is LayerNorm: BatchNorm takes a feature's mean over the batch, which is one example.":
                lambda layer: layer[0],
        }),
        Question("noise", "how far (standard deviation) a feature's mean over a batch of batch_size lies off,\n"
                 "# where the feature has a deviation of 1", lambda batch_size: 1 / np.sqrt(batch_size), {
            "It is the variance of a mean that falls as 1 / n; its deviation falls more slowly.":
                lambda batch_size: 1 / batch_size,
            "The mean of many lies nearer than each of them.": lambda: 1.0,
        }),
        Question("for_one", '"batchnorm" or "layernorm", where every batch is one example', lambda: "layernorm", {
            "Look at `alone`: in a batch of one BatchNorm leaves nothing.": lambda: "batchnorm",
        }),
    )),
    claims=("R36", "R37", "F44", "X06", "X07", "N08", "N09"),
)  # fmt: skip


def a_block(rng: np.random.Generator) -> Numbers:
    """An input, the matrix of a sublayer, and a depth."""
    while True:
        x, A = rng.integers(-4, 5, 3).astype(float), rng.integers(-2, 3, (3, 3)).astype(float)
        if x.std() > 1 and (x + x @ A).std() > 1:
            return {"x": x, "A": A, "n": int(rng.choice([8, 15, 24, 35]))}


def norm(x: np.ndarray) -> np.ndarray:
    """LayerNorm of one vector."""
    return normalized(np.asarray(x), 0)


PLACEMENT = Lab(
    "pre-or-post", "The norm before or behind",
    "Compare a block that normalizes ahead of its sublayer with one that does so behind it",
    """\
A block has the sublayer F(u) = u A, and LN brings a vector to mean 0 and deviation 1 (scale 1, shift 0, no ε):

    Pre-LN     y = x + F(LN(x))
    Post-LN    y = LN(x + F(x))

Work out one block of each. Then n blocks in a row: let the input have the variance 1, and each sublayer's output the
variance 1 too, independent of all that is there. What is the standard deviation behind them?""",
    Questions(a_block, (
        Question("pre", "the output of the Pre-LN block, [3]", lambda x, A: x + norm(x) @ A, {
            "The norm is on the skip too: Pre-LN leaves x as it is there.": lambda x, A: norm(x) + norm(x) @ A,
            "The norm is missing.": lambda x, A: x + x @ A,
            "This is Post-LN.": lambda x, A: norm(x + x @ A),
            "The skip is missing.": lambda x, A: norm(x) @ A,
        }),
        Question("post", "the output of the Post-LN block, [3]", lambda x, A: norm(x + x @ A), {
            "Here the sum is to be normalized, not the sublayer's output alone.": lambda x, A: x + norm(x @ A),
            "The norm is missing.": lambda x, A: x + x @ A,
            "This is Pre-LN.": lambda x, A: x + norm(x) @ A,
        }),
        Question("deviation_pre", "the standard deviation behind n Pre-LN blocks", lambda n: np.sqrt(1 + n), {
            "This is the variance: its root is asked for.": lambda n: 1 + n,
            "The input counts too: 1 and n times 1.": lambda n: np.sqrt(n),
            "Nothing normalizes the sum: it grows with every block.": lambda: 1.0,
        }),
        Question("deviation_post", "the standard deviation behind n Post-LN blocks", lambda: 1.0, {
            "The norm is behind the sum: it brings it back to 1.": lambda: np.sqrt(2),
            "Each block begins from a deviation of 1 again: nothing adds up.": lambda n: np.sqrt(1 + n),
        }),
        Question("skip_post", "by what each Post-LN norm multiplies the skip's gradient: 1 over the deviation of\n"
                 "# the sum it divides by", lambda: 1 / np.sqrt(2), {
            "The norm divides by the deviation of x + F(x), whose variance is 2.": lambda: 1.0,
            "It divides by the deviation, not by the variance.": lambda: 0.5,
        }),
    )),
    claims=("R38", "R39", "F46", "N18"),
)  # fmt: skip
LABS = (RESIDUAL, NORMS, PLACEMENT)
