"""What label smoothing asks of a network, and what it makes of one: gaps between logits, entropy, calibration."""

import functools
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from headway.claims.design import Arm, Exact, Measures, Trained
from headway.claims.joined import Joined
from headway.data.bundled import Digits
from headway.data.dataset import Data
from headway.learning.losses import CrossEntropy
from headway.learning.metrics import Accuracy
from headway.learning.optimizers.adaptive import Adam
from headway.models.mlp import mlp
from headway.training.evaluate import outputs
from headway.training.recipe import Evaluation, Recipe
from headway.training.run import Run

CLASSES, SMOOTHING, LENGTH, STEPS, BINS = 10, 0.1, 400, 20_000, 10


def descended(smoothing: float | None) -> Measures:
    """The gap between the logit of the label and the others where gradient descent on logits alone leads."""
    loss, label = CrossEntropy(smoothing=smoothing), jnp.zeros(1, int)

    def once(z: jax.Array, _: None) -> tuple[jax.Array, None]:
        return z - jax.grad(lambda z: loss(z, label))(z), None

    z = np.asarray(jax.lax.scan(once, jnp.zeros((1, CLASSES)), None, STEPS)[0][0])
    rest = SMOOTHING / CLASSES
    return {"gap": float(z[0] - z[1:].max()), "from optimum": float(z[0] - z[1:].max() - np.log((1 - 9 * rest) / rest))}


def trained(smoothing: float | None, *, sham: bool = False) -> Arm:
    """An MLP 64-64-10 on digits, 400 updates of Adam."""
    recipe = Recipe(
        mlp((64,), CLASSES), data=Data(Digits()), loss=CrossEntropy(smoothing=smoothing), optimizer=Adam(3e-3),
        batch_size=64, length=LENGTH, evaluation=Evaluation(LENGTH, metrics=(Accuracy(),)),
    )  # fmt: skip
    return Arm(recipe, tuned={"optimizer/learning_rate": (1e-3, 3e-3, 1e-2)}, sham=sham)


def judged(run: Run) -> Measures:
    """Of the test examples: mean entropy in nats, expected calibration error, negative log-likelihood, accuracy."""
    test: Any = run.data().test
    z = outputs(run.recipe.network, run.final, test.x).astype(np.float64)
    log_p = z - np.log(np.exp(z - z.max(1, keepdims=True)).sum(1, keepdims=True)) - z.max(1, keepdims=True)
    p, right = np.exp(log_p), z.argmax(1) == test.y
    return {
        "entropy": float(-(p * log_p).sum(1).mean()), "calibration error": calibration_error(p.max(1), right),
        "negative log-likelihood": float(-log_p[np.arange(len(z)), test.y].mean()), "accuracy": float(right.mean()),
    }  # fmt: skip


def calibration_error(confidence: np.ndarray, right: np.ndarray) -> float:
    """Σ over bins of confidence: share · |accuracy − mean confidence| (Naeini et al. 2015)."""
    places = np.minimum((confidence * BINS).astype(int), BINS - 1)
    inside = [places == k for k in range(BINS)]
    return float(sum(abs(right[at].mean() - confidence[at].mean()) * at.mean() for at in inside if at.any()))


LOGITS = Exact(
    "Ten logits alone, 20,000 steps of gradient descent of rate 1 for one label. `gap`: the label's logit over the "
    "largest other; `from optimum`: that less log((1 − 0.09) / 0.01).",
    {"logits, smoothed labels": functools.partial(descended, SMOOTHING),
     "logits, hard labels": functools.partial(descended, None)},
)  # fmt: skip
DIGITS = Trained(
    "On digits an MLP 64-64-10, 400 updates of Adam at the best of its rates. Of the test set: `entropy` of the "
    "predictions in nats, `calibration error` in ten bins, `negative log-likelihood`, `accuracy`.",
    {"digits, hard labels": trained(None), "digits, sham": trained(None, sham=True),
     "digits, smoothed labels": trained(SMOOTHING)},
    judged, quick={"length": 150},
)  # fmt: skip
DESIGNS = {"labels": Joined(f"{LOGITS.says} {DIGITS.says}", (LOGITS, DIGITS))}
