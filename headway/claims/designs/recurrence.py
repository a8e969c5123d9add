"""A recurrent network whose weights expand, trained at a grid of rates, its gradient clipped or not."""

import functools
import math
from collections.abc import Sequence

import numpy as np

from headway.claims.design import Measures, Swept
from headway.claims.designs.rates import RATES, WORKS, accuracy, given, highest
from headway.data.bundled import Digits
from headway.data.dataset import Data, Dataset, arrays
from headway.learning.clipping import Clip, ClipByNorm
from headway.learning.losses import CrossEntropy
from headway.learning.metrics import Accuracy
from headway.learning.optimizers.sgd import SGD
from headway.network.compose import Sequential
from headway.network.dense import Dense
from headway.network.initialization import Orthogonal
from headway.network.recurrent import Last, Recurrent
from headway.training.recipe import Evaluation, Recipe
from headway.training.run import Run

UNITS, TIMES, GAIN, UPDATES, LIMIT = 32, 16, 1.5, 400, 1.0
EXPLODES = 1.0
"""The rate that is judged alone: ten times what is usual, where the gradient explodes."""


@functools.cache
def strokes() -> Dataset:
    """The digits, read four pixels at a time: [16, 4]; all of them to train on."""
    examples = Data(Digits(), validation=None, test=None, standardize=False).load().train
    x = np.asarray(examples.x).reshape(len(examples), TIMES, -1)
    return arrays(x, examples.y, validation=None, test=None)


def recurrent(clip: Clip | None) -> Recipe:
    """tanh units whose recurrent weights are 1.5 times an orthogonal matrix, and the class from the last state."""
    network = Sequential((Recurrent(UNITS, recurrent_init=Orthogonal(GAIN)), Last(), Dense(10)))
    return Recipe(
        network, loss=CrossEntropy(), optimizer=SGD(EXPLODES), clip=clip, batch_size=64, length=UPDATES,
        evaluation=Evaluation(UPDATES, metrics=(Accuracy(),)),
    )  # fmt: skip


def measured(runs: Sequence[Run]) -> Measures:
    """What the runs of one seed, over rates, came to."""
    by_rate = {given(run, "optimizer/learning_rate"): run for run in runs}
    ends, judged = [accuracy(run) for run in by_rate.values()], by_rate[EXPLODES].history.columns()
    raw, clipped = (np.nan_to_num(judged[name], posinf=1e30) for name in ("gradient_norm", "clipped_norm"))
    return {
        "failed": float(accuracy(by_rate[EXPLODES]) < 0.5), "accuracy": accuracy(by_rate[EXPLODES]),
        "growth": math.log10(raw.max() / raw[0]), "norm used": float(clipped.max()),
        "highest": highest(list(by_rate), [end > WORKS for end in ends]), "best accuracy": max(ends),
    }  # fmt: skip


DESIGNS = {
    "clipping": Swept(
        f"Digits read as {TIMES} steps of 4 pixels by {UNITS} tanh units, whose recurrent weights begin as {GAIN} "
        f"times an orthogonal matrix; {UPDATES} updates of SGD, batches of 64, rates half a decade apart. Of that at "
        f"rate {EXPLODES:g}: `failed`, 1 where less than half of the training set is right at the end or a number was "
        "not finite, `accuracy`; `growth`: log10 of the largest norm of the gradient over that of the first update; "
        "`norm used`: the largest norm after clipping. Over all rates: `highest`: log10 of the highest that ends with "
        f"more than {WORKS} right; `best accuracy`.",
        {"no clipping": recurrent(None), "clip 1": recurrent(ClipByNorm(LIMIT))},
        {"optimizer/learning_rate": RATES[1:-1]},
        measured,
        shams={"sham": "no clipping"},
        quick={"length": 200, "evaluation/every": 200},
        fewer={"optimizer/learning_rate": (0.1, 1.0)},
        data=strokes,
    ),
}
