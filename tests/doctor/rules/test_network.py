"""The network and the plan as they are written: faults beside twins, and bounds on both sides."""

import jax.numpy as jnp
import numpy as np
import pytest

from headway.data.bundled import MNIST1D, Iris
from headway.data.dataset import Data, arrays
from headway.doctor.diagnose import preflight
from headway.doctor.preflight.foreign import Fit
from headway.doctor.rules.memory import cannot_memorize
from headway.doctor.rules.network import examples_mixed, missing_nonlinearity, small_batch_statistics, train_eval_gap
from headway.doctor.rules.plan import batch_size, decay_groups, schedule_length
from headway.learning.optimizers.adaptive import Adam, AdamW
from headway.learning.regularization import Dropout
from headway.learning.schedules.compose import Warmup
from headway.learning.schedules.cycles import OneCycle, Restarts
from headway.learning.schedules.decay import Cosine, Exponential, Linear
from headway.models.mlp import mlp
from headway.network.activations import ReLU
from headway.network.compose import Sequential
from headway.network.convolution import Conv, Flatten
from headway.network.dense import Dense
from headway.network.layer import Layer
from headway.network.normalization import BatchNorm, LayerNorm
from headway.network.residual import Residual
from headway.spec.node import spec
from tests.doctor.rules.cases import CLASSES, LABELS, Turned, X, case, classifier

RING = (np.sum(X[:, :2] ** 2, axis=1) > 1.4).astype(int)
BENT, STRAIGHT = arrays(X[:, :2], RING, test=None), arrays(X, (X[:, 0] > 0).astype(int), test=None)
TWO = Sequential((Dense(8), Dense(2)))
LAYERS = {
    "two layers on a ring": (TWO, BENT, "found", ("1",)),
    "two layers on a plane": (TWO, STRAIGHT, "noticed", ("1",)),
    "two layers on irises": (Sequential((Dense(8), Dense(3))), Data(Iris(), test=0.3).load(), "noticed", ("1",)),
    "one layer on a ring": (Sequential((Flatten(), Dense(2))), BENT, "ruled out", ()),
    "an activation between": (mlp((8,), 2), BENT, "ruled out", ()),
    "a bottleneck": (Sequential((Dense(8), ReLU(), Dense(2), Dense(2))), BENT, "noticed", ("3",)),
    "nothing but normalization between": (Sequential((Dense(8), BatchNorm(), Dense(2))), BENT, "found", ("2",)),
    "a norm of its own between": (Sequential((Dense(8), LayerNorm(), Dense(2))), BENT, "ruled out", ()),
    "a residual connection between": (Sequential((Dense(2), Residual(mlp((8,), 2)), Dense(2))), BENT, "ruled out", ()),
}


@pytest.mark.parametrize("name", LAYERS)
def test_layers_without_a_bend_between_them_do_harm_where_the_data_bend(name):
    network, data, verdict, where = LAYERS[name]
    found = missing_nonlinearity(case(classifier(network), data))
    assert (found.verdict, found.where) == (verdict, where)


def test_a_linear_model_by_intention_passes_on_data_that_bend():
    found = missing_nonlinearity(case(classifier(mlp((), 10)), Data(MNIST1D()).load()))
    assert found.verdict == "ruled out"


@spec
class Centred(Layer):
    """y = x − the mean over the batch: a sum over the wrong axis."""

    def apply(self, params, x, context):
        return x - x.mean(axis=0)


@spec
class TrainedTwice(Layer):
    """y = 5 + x in training, x in evaluation."""

    def apply(self, params, x, context):
        return x + 5.0 * (context.mode == "train")


@spec
class Cumulative(Layer):
    """y_i = x_i + x_{i+1}, the next example's, in training only."""

    def apply(self, params, x, context):
        return x + jnp.roll(x, -1, axis=0) if context.mode == "train" else x


def ends(*layers):
    return classifier(Sequential((Dense(8), *layers, ReLU(), Dense(3))))


MODES = {
    "plain": (ends(), ()),
    "batch normalization": (ends(BatchNorm()), ()),
    "dropout": (ends(Dropout(0.5)), ()),
    "high dropout": (ends(Dropout(0.9)), ()),
    "layer normalization": (ends(LayerNorm()), ()),
    "a mean over the batch": (ends(Centred()), ("examples-mixed",)),
    "a neighbour in training": (ends(Cumulative()), ("examples-mixed", "train-eval-gap")),
    "another function in training": (classifier(Sequential((Dense(3), TrainedTwice()))), ("train-eval-gap",)),
}


@pytest.mark.parametrize("name", MODES)
def test_outputs_depend_on_their_own_example_and_are_the_same_in_both_modes(name):
    recipe, ids = MODES[name]
    one = case(recipe)
    assert tuple(rule.id for rule in (examples_mixed, train_eval_gap) if rule(one).verdict == "found") == ids


@pytest.mark.parametrize(
    ("size", "accumulate", "verdict"),
    [(4, 1, "found"), (5, 1, "noticed"), (15, 1, "noticed"), (16, 1, "ruled out"), (32, 8, "found")],
)
def test_batch_statistics_need_values(size, accumulate, verdict):
    network = Sequential((Dense(8), BatchNorm(), Dense(3)))
    recipe = classifier(network, batch_size=size, accumulate=accumulate)
    found = small_batch_statistics(case(recipe, start=object()))
    assert (found.verdict, found.where) == (verdict, () if verdict == "ruled out" else ("1",))


def test_positions_count_among_the_values_of_batch_statistics():
    network = Sequential((Conv(4, kernel=3), BatchNorm(), Flatten(), Dense(3)))
    images = arrays(np.repeat(X[:, :4], 4, axis=1).reshape(240, 4, 4, 1), LABELS)
    assert (
        small_batch_statistics(case(classifier(network, batch_size=2), images, start=object())).verdict == "ruled out"
    )
    assert small_batch_statistics(case(classifier(), start=object())).verdict == "ruled out"


class Rates:
    def __init__(self, schedule, updates=200):
        optimizer = Adam(schedule).resolved(updates, 10)
        self.rates = np.broadcast_to(np.asarray(optimizer.rate(jnp.arange(updates)), float), (updates,))


SCHEDULES = {
    "a number": (1e-2, "ruled out"), "cosine": (Cosine(1e-2), "ruled out"), "one cycle": (OneCycle(1e-2), "ruled out"),
    "warm restarts": (Restarts(1e-2), "ruled out"), "a warm-up of 90": (Warmup(90, then=1e-2), "ruled out"),
    "a warm-up of 110": (Warmup(110, then=1e-2), "found"),
    "a line that ends at 95": (Linear(1e-2, steps=95), "found"),
    "a line that ends at 110": (Linear(1e-2, steps=110), "ruled out"),
    "a steep fall": (Exponential(1e-2, final=1e-9), "found"), "a fall": (Exponential(1e-2, final=1e-5), "ruled out"),
    "a cosine of ten runs": (Cosine(1e-2, steps=2000), "noticed"),
    "a warmed cosine of ten runs": (Warmup(10, then=Cosine(1e-2, steps=2000)), "noticed"),
    "a rate of 0": (0.0, "not seen"),
}  # fmt: skip


@pytest.mark.parametrize("name", SCHEDULES)
def test_a_schedule_fits_its_run(name):
    schedule, verdict = SCHEDULES[name]
    assert schedule_length(case(classifier(optimizer=Adam(schedule)), outset=Rates(schedule))).verdict == verdict


def test_decay_of_biases_is_noticed():
    usual, all_of_them = AdamW(1e-2), AdamW(1e-2, decay_only=("**",))
    assert decay_groups(case(classifier(optimizer=usual))).verdict == "ruled out"
    found = decay_groups(case(classifier(optimizer=all_of_them)))
    assert (found.verdict, found.where) == ("noticed", ("1/b", "3/b"))
    assert decay_groups(case(classifier(optimizer=Adam(1e-2)))).verdict == "ruled out"


@pytest.mark.parametrize(
    ("size", "length", "verdict"),
    [(80, 49, "found"), (80, 50, "noticed"), (80, 99, "noticed"), (80, 100, "ruled out"), (76, 49, "ruled out")],
)
def test_large_batches_leave_too_few_updates(size, length, verdict):
    assert batch_size(case(classifier(batch_size=size, length=length))).verdict == verdict
    assert 76 < len(CLASSES.train) / 2 < 80


@pytest.mark.parametrize(
    ("after", "verdict"), [(0.95, "found"), (0.89, "noticed"), (0.51, "noticed"), (0.5, "ruled out"), (0, "ruled out")]
)
def test_a_few_examples_must_lose_half_of_their_loss(after, verdict):
    fit = Fit((), 1.0, after, 1e-2, 40)
    assert cannot_memorize(case(classifier(), memory=fit)).verdict == verdict


def test_a_few_examples_are_learned_by_heart_unless_the_gradient_is_turned():
    healthy = preflight(classifier(), CLASSES)["cannot-memorize"]
    assert healthy.verdict == "ruled out"
    turned = preflight(classifier(Sequential((Dense(3), Turned()))), CLASSES)["cannot-memorize"]
    assert turned.verdict == "noticed"
    assert turned.evidence[-1] == "It can follow from updates that climb."
