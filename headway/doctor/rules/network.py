"""The network as it is written: what stands between its layers, and what its outputs depend on."""

import numpy as np

from headway.doctor.case import Known
from headway.doctor.finding import Seen, Word
from headway.doctor.measures.simple import deviations
from headway.doctor.rules.rule import rule
from headway.learning.regularization import Dropout, Noise, StochasticDepth
from headway.network.activations import Identity
from headway.network.branch import Branch, Product
from headway.network.compose import Repeat, Sequential
from headway.network.convolution import AveragePool, Conv, Flatten, GlobalAveragePool
from headway.network.dense import Dense
from headway.network.layer import Layer, layers
from headway.network.normalization import BatchNorm
from headway.network.residual import Residual
from headway.training.pairing import row

WEIGHTS = (Dense, Conv)
LINEAR = (*WEIGHTS, Flatten, Identity, AveragePool, GlobalAveragePool, BatchNorm, Dropout)
CONTAINERS = (Sequential, Repeat, Residual)
RANDOM = (Dropout, StochasticDepth, Noise)
BETTER = 0.1
"""The share of labels, or of the constant's error, by which a nonlinear model must beat a linear one."""
MOVED = 1e-3
FEW, SMALL = 4, 16
"""How many values a mean and a variance may be made of before they are noise, and before they are good."""
FEWEST = 8
"""How many examples they may be made of before the run is made again with more."""


@rule(
    "missing-nonlinearity", "no activation between layers", concept="activation-function",
    stage="initialization and scale", needs="recipe dataset",
)  # fmt: skip
def missing_nonlinearity(case: Known) -> Seen:
    """Layers of weights in a row without an activation between compute what one of them could.

    It is harm where the whole network, of two or more such layers, is linear, and neighbours or trees do clearly
    better on the training examples than a linear model does, by a tenth of the labels, or of the constant's error,
    and three standard errors; or where the same run with activations is better. Two in a row elsewhere, such as a
    bottleneck, are noticed; one layer alone is meant to be linear (Goodfellow et al. 2016, section 6.1).
    """
    network = case.recipe.network
    bare = _bare(network)
    if not bare:
        return Seen("ruled out", ("An activation stands between any two layers of weights in a row.",))
    said = [f"No activation stands between the layers of weights before {', '.join(bare[:4])}."]
    if not linear(network):
        return Seen("noticed", tuple(said), tuple(bare))
    said.append("The whole network is linear.")
    better, again = case.without("activated")
    if not better and case.simple is not None:
        said.append(f"Of the best constant's error simple models save {case.simple.shares()}.")
        ahead = max((case.simple.ahead(name, "linear") for name in ("neighbours", "trees")), key=np.mean)
        better = deviations(ahead) > 3 and float(ahead.mean()) > BETTER
    return Seen("found" if better else "noticed", (*said, *again), tuple(bare))


def _bare(network: Layer) -> list[str]:
    """The addresses of layers of weights that follow another with nothing between that bends."""
    found, before = [], False
    for address, layer in row(network):
        if isinstance(layer, WEIGHTS):
            found += [address] if before else []
            before = True
        elif not isinstance(layer, LINEAR):
            before = False
    return found


def linear(network: Layer) -> bool:
    """Whether a network is known to compute a linear function of its inputs, in evaluation."""
    parts = [layer for _, layer in layers(network)]
    return all(
        isinstance(part, (*LINEAR, *CONTAINERS)) or (isinstance(part, Branch) and not isinstance(part.join, Product))
        for part in parts
    )


@rule(
    "examples-mixed", "examples that see each other", concept="batchnorm", stage="initialization and scale",
    needs="recipe outset",
)  # fmt: skip
def examples_mixed(case: Known) -> Seen:
    """The output for an example changes when others stand behind it in the batch.

    In evaluation nothing may do so; in training only layers that say so, such as batch normalization (Ioffe & Szegedy
    2015). A reshape or a sum over the wrong axis does it unseen: the gradient at one example's input then comes from
    another's loss (Karpathy 2019, *A recipe for training neural networks*).
    """
    moved = case.outset.swapped
    if not moved:
        return Seen("not seen", ("A batch of one example has no others.",))
    said = (f"With other examples behind them outputs move by {moved['eval']:.1g} of their size in evaluation, "
            f"{moved['train']:.1g} in training.",)  # fmt: skip
    declared = any(layer.mixes_examples for _, layer in layers(case.recipe.network))
    wrong = moved["eval"] > MOVED or (moved["train"] > MOVED and not declared)
    return Seen("found" if wrong else "ruled out", said, ("",) if wrong else ())


@rule(
    "small-batch-statistics", "batch statistics of a few values", concept="batchnorm",
    stage="initialization and scale", needs="recipe dataset start",
)  # fmt: skip
def small_batch_statistics(case: Known) -> Seen:
    """A normalization over the batch whose mean and variance are made of few values.

    Of n values they are wrong by about 1/√n, differently in every batch, and of two values all that is left is which
    is larger (Wu & He 2018, *Group normalization*). Positions count too: a batch of 2 images has thousands of values,
    though not of as many images: with less than eight examples the run is made again with batches eight times as large.
    """
    size = case.recipe.batch_size // case.recipe.accumulate
    shapes = _shapes(case.recipe.network, case.dataset.input_shape)
    counts = {address: size * int(np.prod(shape[:-1])) for address, shape in shapes.items()}
    if not counts:
        return Seen("ruled out", ("Nothing is normalized over a batch.",))
    least = min(counts.values())
    said = (f"Means and variances are made of {least} values, examples times positions.",)
    where = tuple(address for address, count in counts.items() if count < SMALL)
    if least <= FEW:
        return Seen("found", said, where)
    better, again = case.without("larger_batches") if size < FEWEST else (False, ())
    seen: Word = "found" if better else "noticed" if where else "ruled out"
    return Seen(seen, (*said, *again), where or (tuple(counts) if better else ()))


def _shapes(network: Layer, inputs: tuple[int, ...], address: str = "") -> dict[str, tuple[int, ...]]:
    """What each layer that mixes examples receives, by address."""
    found = {address: inputs} if network.mixes_examples and not network.parts(inputs) else {}
    for key, child, received in network.parts(inputs):
        found |= _shapes(child, received, f"{address}/{key}".lstrip("/"))
    return found


@rule(
    "train-eval-gap", "training and evaluation that differ", concept="evaluation-mode",
    stage="initialization and scale", needs="recipe outset", follows="small-batch-statistics examples-mixed",
)  # fmt: skip
def train_eval_gap(case: Known) -> Seen:
    """After five updates outputs in training mode, their mean over draws, are elsewhere than in evaluation mode.

    Further than examples differ at all is harm where no layer draws random numbers: what is judged is not what was
    trained. Where one does, as dropout, the mean over eight draws comes near evaluation's but need not meet it
    (Srivastava et al. 2014, section 10), and batch statistics of few updates lag: noticed.
    """
    gap, scale = case.outset.gap, case.outset.scale
    share = gap / max(scale, 1e-30)
    said = (f"Outputs in training are {share:.2g} times as far from evaluation's as examples are from each other.",)
    if not share > 1:
        return Seen("ruled out", said)
    parts = [layer for _, layer in layers(case.recipe.network)]
    explained = any(isinstance(part, RANDOM) or part.mixes_examples for part in parts)
    return Seen("noticed" if explained else case.word, said)
