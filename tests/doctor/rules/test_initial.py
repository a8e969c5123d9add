"""The initial network: faulty starts beside starts that only look so, measured on real small networks."""

from dataclasses import replace

import numpy as np
import pytest

from headway.data.dataset import arrays
from headway.doctor.case import Case
from headway.doctor.diagnose import preflight
from headway.doctor.measures.outset import Outset
from headway.doctor.rules.initial import initial_scale
from headway.learning.optimizers.adaptive import Adam
from headway.learning.optimizers.groups import Frozen, Groups
from headway.learning.optimizers.sgd import SGD
from headway.learning.schedules.compose import Warmup
from headway.network.activations import ReLU, Sigmoid, Tanh
from headway.network.compose import Repeat, Sequential
from headway.network.dense import Dense
from headway.network.initialization import Constant, Normal, Zeros
from headway.network.layer import Layer
from headway.network.normalization import BatchNorm
from headway.network.residual import Residual
from headway.spec.node import spec
from tests.doctor.rules.cases import CLASSES, X, case, classifier, regression


def net(*hidden, head=None):
    return Sequential((*hidden, Dense(3, init=head)))


def deep(init, count=3, activation=ReLU()):  # noqa: B008
    return net(*[part for _ in range(count) for part in (Dense(16, init=init), activation)])


BLOCK = Residual(Sequential((Dense(8), ReLU(), Dense(8, init=Zeros()))))
WARM = Adam(Warmup(20, then=1e-2))


@spec
class Cut(Layer):
    """y = 0 x: no gradient gets through."""

    def apply(self, params, x, context):
        return 0 * x


STARTS = {
    "as usual": (deep(None), {}, None),
    "a head of zeros": (net(Dense(8), ReLU(), head=Zeros()), {}, None),
    "a head of zeros, warmed up": (net(Dense(8), ReLU(), head=Zeros()), {"optimizer": WARM}, None),
    "all heads of zeros, warmed up": (net(Dense(8), BLOCK, BLOCK, head=Zeros()), {"optimizer": WARM}, None),
    "repeated branches of zeros": (net(Dense(8), Repeat(BLOCK, times=3)), {"optimizer": WARM}, None),
    "a linear model of zeros": (net(head=Zeros()), {"optimizer": SGD(0.1)}, None),
    "frozen equal weights": (
        net(Dense(8, init=Constant(0.1)), ReLU()), {"optimizer": Groups(Adam(1e-2), rules=(Frozen("0/*"),))}, None,
    ),
    "equal weights before different ones": (net(Dense(8, init=Constant(0.1)), Tanh()), {}, None),
    "equal weights throughout": (net(Dense(8, init=Constant(0.1)), ReLU(), head=Constant(0.1)), {}, "initial-symmetry"),
    "hidden zeros": (net(Dense(8, init=Zeros()), ReLU()), {}, "initial-symmetry"),
    "all zeros": (net(Dense(8, init=Zeros()), Tanh(), head=Zeros()), {}, "initial-symmetry"),
    "weights too small": (deep(Normal(0.003)), {}, "initial-scale"),
    "weights small, one layer": (deep(Normal(0.02), 1), {}, None),
    "weights too large": (deep(Normal(3.0)), {}, "initial-scale"),
    "weights too large, normalized": (
        net(Dense(16, init=Normal(3.0)), BatchNorm(), ReLU(), Dense(16, init=Normal(3.0)), BatchNorm(), ReLU()),
        {}, None,
    ),
    "saturated": (deep(Normal(5.0), 1, Tanh()), {}, "initial-scale"),
    "sigmoids in many layers": (deep(None, 8, Sigmoid()), {}, None),
    "cut off": (net(Dense(8), Cut()), {}, "unreached-parameters"),
}  # fmt: skip


@pytest.mark.parametrize("name", STARTS)
def test_a_start_is_found_for_what_it_is(name):
    network, changes, id = STARTS[name]
    found = preflight(classifier(network, **changes), CLASSES)
    causes = [one.id for one in found.causes]
    assert causes == ([] if id is None else [id]), [one.evidence for one in found.causes]


def test_what_is_alike_or_cut_off_is_named_by_its_address():
    found = preflight(classifier(net(Dense(8, init=Zeros()), ReLU())), CLASSES)
    assert found["initial-symmetry"].where == ("0/w",)
    assert "still alike after five updates" in found["initial-symmetry"].evidence[0]
    cut = preflight(classifier(net(Dense(8), Cut())), CLASSES)["unreached-parameters"]
    assert cut.where == ("0",)
    assert "1 of 2 layers" in cut.evidence[0]


def test_an_initial_network_is_held_against_the_best_constant_and_outputs_of_0():
    sure = preflight(classifier(deep(Normal(3.0))), CLASSES)["initial-scale"]
    assert "that of the best constant or of outputs 0 1.1" in " ".join(sure.evidence)  # ln 3


@pytest.mark.parametrize(
    ("times", "verdict"), [(2.9, "ruled out"), (3.1, "noticed"), (9.9, "noticed"), (10.1, "found")]
)
def test_a_first_loss_is_noticed_at_3_times_what_a_constant_has_and_found_at_10(times, verdict):
    """Logits that are wrong by a margin m for every example have the loss ln(1 + 2 e^m) of three classes."""
    loss = times * np.log(3)
    wrong = np.eye(3)[(CLASSES.train.y + 1) % 3] + np.eye(3)[(CLASSES.train.y + 2) % 3]
    one = case(classifier(net()), constant=np.log(3))
    planted = replace(one.start, outputs=(wrong * np.log((np.exp(loss) - 1) / 2)).astype(np.float32))
    assert initial_scale(case(classifier(net()), constant=np.log(3), start=planted)).verdict == verdict


def outset(recipe):
    one = Case.before(recipe, CLASSES)
    return Outset.of(one.job, one.start)


def test_the_outset_measures_what_numpy_finds_by_hand():
    """A linear model under plain descent: parameters, gradients and the loss along the step written out."""
    recipe = classifier(Sequential((Dense(3, init=Normal(0.5)),)), optimizer=SGD(0.1), batch_size=len(CLASSES.train))
    found, x, y = outset(recipe), CLASSES.train.x.astype(float), np.eye(3)[CLASSES.train.y]
    w, b = found.begin["0/w"].astype(float), found.begin["0/b"].astype(float)

    def loss_and_gradient(w, b):
        z = x @ w + b
        p = np.exp(z) / np.exp(z).sum(1, keepdims=True)
        return -np.mean(np.log(np.sum(p * y, 1))), x.T @ (p - y) / len(x), np.mean(p - y, 0)

    loss, g, h = loss_and_gradient(w, b)
    assert found.loss == pytest.approx(loss, rel=1e-4)
    size = np.sqrt((g**2).sum() + (h**2).sum()) * 0.1 / np.sqrt((w**2).sum() + (b**2).sum())
    whole = found.along[-1]
    assert (whole.size, whole.loss) == pytest.approx((size, loss_and_gradient(w - 0.1 * g, b - 0.1 * h)[0]), rel=1e-3)
    assert whole.shift == pytest.approx(-0.1 * np.mean(x @ g + h, 0), rel=1e-2, abs=1e-5)
    assert (found.reached["0/w"] >= np.abs(g) - 1e-5).all()
    for _ in range(5):
        _, g, h = loss_and_gradient(w, b)
        w, b = w - 0.1 * g, b - 0.1 * h
    assert found.end["0/w"] == pytest.approx(w, rel=1e-3, abs=1e-4)
    assert (found.fixed, found.gap, found.swapped) == (frozenset(), 0.0, {"train": 0.0, "eval": 0.0})


def test_the_rates_of_the_outset_are_those_of_the_whole_run():
    found = outset(classifier(optimizer=WARM, length=50))
    assert found.rates == pytest.approx([*np.linspace(0, 1e-2, 21), *[1e-2] * 29])
    assert found.along[0].size == pytest.approx(1e-3)


def test_amounts_in_large_units_are_no_fault_of_the_start():
    data = arrays(X, 1e4 * X[:, 0], validation=0.2)
    causes = {one.id for one in preflight(regression(optimizer=Adam(1e-3)), data).causes}
    assert "initial-scale" not in causes
