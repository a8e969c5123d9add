"""What is compared, as data: the arms of every question, and the numbers they may choose."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial

import numpy as np
from sklearn.datasets import load_digits

from benchmarks.comparisons.protocol import Arm, Comparison
from headway.data.bundled import Digits
from headway.data.dataset import Data, Dataset, arrays
from headway.data.sequences import CopyTask
from headway.learning.losses import CrossEntropy
from headway.learning.metrics import Accuracy, BitsPerByte
from headway.learning.optimizers.adaptive import Adam, AdamW
from headway.learning.optimizers.optimizer import Optimizer
from headway.learning.optimizers.sgd import SGD
from headway.learning.penalties import L2
from headway.learning.schedules.compose import Warmup
from headway.learning.schedules.decay import Cosine
from headway.learning.schedules.schedule import Epochs, Fraction
from headway.models.convnet import plain_convnet, residual_convnet
from headway.models.mlp import mlp
from headway.models.transformer import Placement, language_model, post_ln, pre_ln
from headway.network.layer import Layer
from headway.training.named import named
from headway.training.recipe import Evaluation, Recipe

RATES = (3e-4, 1e-3, 3e-3, 1e-2, 3e-2, 1e-1, 3e-1, 1.0)
Axis = tuple[float, ...]
DECAYS = (0.0, 1e-4, 1e-3, 1e-2, 1e-1, 1.0)


def judged_at_the_end(network: Layer, optimizer: Optimizer, length: tuple[int, int], data: Data | None) -> Recipe:
    """A classifier that is judged once, after its last update, with `length` (epochs, examples in a batch)."""
    epochs, batch_size = length
    return Recipe(
        network, data=data, loss=CrossEntropy(), optimizer=optimizer, batch_size=batch_size, length=Epochs(epochs),
        evaluation=Evaluation(Epochs(epochs), metrics=(Accuracy(),)), watch=None,
    )  # fmt: skip


def deep(model: Callable[..., Layer], depth: int) -> Arm:
    """A deep convolutional network with He et al.'s optimizer, a quarter of their channels, and its own rate."""
    rate = Warmup(Fraction(0.1), then=Cosine(0.1))
    optimizer = SGD(rate, momentum=0.9, nesterov=True, weight_decay=1e-4)
    recipe = judged_at_the_end(
        model(depth, 10, channels=4), optimizer, (15, 64), Data(Digits(shape="image", enlarge=2))
    )
    return Arm(recipe, tuned={"optimizer/learning_rate/then/peak": (0.03, 0.1, 0.3)})


def descent(**settings: object) -> Arm:
    """scikit-learn's example: 100 ReLU units, rate 0.2, 15 epochs of batches of 200."""
    return Arm(judged_at_the_end(mlp((100,), 10), SGD(0.2, **settings), (15, 200), None))


def scaled_digits() -> Dataset:
    """All 1,797 digits to train on, each pixel scaled to [0, 1] by its own range, as in scikit-learn's example."""
    x, y = load_digits(return_X_y=True)
    low, high = x.min(axis=0), x.max(axis=0)
    return arrays((x - low) / np.where(high > low, high - low, 1), y, validation=None, test=None, standardize=False)


def on_digits(optimizer: Optimizer, decay: str = "optimizer/weight_decay") -> Arm:
    """An MLP 64-128-10 for 30 epochs, with its own rate and decay; Adam's is an L2 penalty of the loss."""
    recipe = judged_at_the_end(mlp((128,), 10), optimizer, (30, 64), Data(Digits()))
    if decay.startswith("penalties"):
        recipe = replace(recipe, penalties=(L2(0.0),))
    return Arm(recipe, tuned={"optimizer/learning_rate": RATES, decay: DECAYS})


def copying(placement: Placement, warm: bool) -> Arm:
    """Six transformer blocks of width 32 that repeat strings of eight symbols, 600 updates of Adam."""
    rate = Warmup(Fraction(0.1), then=Cosine(1e-3)) if warm else Cosine(1e-3)
    recipe = Recipe(
        language_model(9, width=32, heads=2, blocks=6, placement=placement),
        data=Data(CopyTask(8, symbols=8, examples=2000)), loss=CrossEntropy(), optimizer=Adam(rate), batch_size=64,
        length=600, evaluation=Evaluation(600, metrics=(Accuracy(),)), watch=None,
    )  # fmt: skip
    address = "optimizer/learning_rate/then/peak" if warm else "optimizer/learning_rate/peak"
    return Arm(recipe, grid={address: (3e-4, 1e-3, 3e-3, 1e-2, 3e-2)})


def on_text(optimizer: Callable[..., Optimizer], rates: Axis, decay: tuple[str, Axis]) -> Arm:
    """`stdlib-lm` for a tenth of its updates, with its own rate and decay; Adam's is an L2 penalty of the loss."""
    at, strengths = decay
    rate = Warmup(Fraction(0.1), then=Cosine(1e-3))
    recipe = replace(
        named("stdlib-lm").recipe, optimizer=optimizer(rate), length=200,
        penalties=(L2(0.0),) if at.startswith("penalties") else (),
        evaluation=Evaluation(200, metrics=(BitsPerByte(),), batch_size=128), watch=None,
    )  # fmt: skip
    return Arm(recipe, tuned={"optimizer/learning_rate/then/peak": rates, at: strengths})


COMPARISONS = {
    "depth": Comparison(
        "Residual and plain networks, 20 and 56 layers deep",
        "Digits enlarged to 16×16, He et al.'s networks with 4, 8 and 16 channels, 15 epochs of SGD with Nesterov "
        "momentum, warm-up and cosine decay; each arm chooses its peak rate of three. He et al. 2016 found deeper "
        "plain networks to fit even their training examples worse, and residual ones not.",
        {f"{name}, {depth} layers": deep(model, depth) for depth in (20, 56)
         for name, model in (("plain", plain_convnet), ("residual", residual_convnet))},
        measures=("train/loss", "test/accuracy"),
        pairs=(("plain, 20 layers", "plain, 56 layers"), ("residual, 20 layers", "residual, 56 layers"),
               ("residual, 56 layers", "plain, 56 layers")),
    ),
    "norm-placement": Comparison(
        "Pre-LN and Post-LN over learning rates, with warm-up and without",
        "Strings of eight symbols are to be repeated behind a delimiter, by six blocks of width 32; accuracy is that "
        "of the copy, on strings never seen. The warm-up is a tenth of the 600 updates, a cosine follows. Xiong et al. "
        "2020 found Post-LN to need a warm-up, and Pre-LN not.",
        {f"{name}, {'warm-up' if warm else 'no warm-up'}": copying(placement, warm)
         for name, placement in (("Pre-LN", pre_ln), ("Post-LN", post_ln)) for warm in (True, False)},
        measures=("test/accuracy", "test/loss"),
    ),
    "momentum": Comparison(
        "SGD, momentum and Nesterov's momentum",
        "scikit-learn's published example (plot_mlp_training_curves), in which they end with a training score of "
        "0.956, 0.9928 and 0.9939 and a training loss of 0.244, 0.0413 and 0.0429 at one seed. Here over ten; the "
        "losses are without its L2 penalty of 0.0001.",
        {"SGD": descent(), "momentum": descent(momentum=0.9), "Nesterov": descent(momentum=0.9, nesterov=True)},
        measures=("train/loss", "train/accuracy"),
        pairs=(("momentum", "SGD"), ("Nesterov", "momentum")),
        data=scaled_digits,
    ),
    "optimizers-digits": Comparison(
        "SGD, Adam and AdamW on digits",
        "An MLP 64-128-10, 30 epochs; each arm chooses its rate of eight and its decay of six. SGD has momentum 0.9; "
        "its decay and AdamW's are apart from the gradient, Adam's is an L2 penalty of the loss.",
        {"SGD": on_digits(SGD(0.1, momentum=0.9, weight_decay=0.0)),
         "Adam": on_digits(Adam(1e-3), decay="penalties/0/strength"),
         "AdamW": on_digits(AdamW(1e-3))},
        measures=("test/loss", "test/accuracy"),
        pairs=(("AdamW", "SGD"), ("AdamW", "Adam"), ("Adam", "SGD")),
    ),
    "optimizers-text": Comparison(
        "SGD, Adam and AdamW on stdlib-lm",
        "The network, batches and files of `headway train stdlib-lm`, 200 updates of its 2,000, warm-up and cosine "
        "decay; each arm chooses its peak rate of four and its decay of three (Adam: four). SGD has momentum 0.9; its "
        "decay and AdamW's are apart from the gradient, Adam's is an L2 penalty of the loss. What holds for a short "
        "run need not hold for a long one.",
        {"SGD": on_text(partial(SGD, momentum=0.9), (0.1, 0.3, 1.0, 3.0),
                        ("optimizer/weight_decay", (0.0, 1e-4, 1e-3))),
         "Adam": on_text(Adam, (3e-3, 1e-2, 3e-2, 1e-1), ("penalties/0/strength", (0.0, 1e-6, 1e-5, 1e-4))),
         "AdamW": on_text(AdamW, (3e-3, 1e-2, 3e-2, 1e-1), ("optimizer/weight_decay", (0.0, 0.1, 1.0)))},
        measures=("test/bits per byte", "validation/bits per byte"),
        pairs=(("AdamW", "SGD"), ("AdamW", "Adam"), ("Adam", "SGD")),
    ),
}  # fmt: skip
