"""Pairing: faulty ends, sums and directions beside their healthy twins, on both sides of every bound."""

from dataclasses import replace
from types import SimpleNamespace

import jax.numpy as jnp
import numpy as np
import pytest

from headway.data.dataset import arrays
from headway.doctor.diagnose import preflight
from headway.doctor.measures.outset import Along
from headway.doctor.rules.pairing import HARM, gradient_sign, loss_reduction, output_loss_mismatch
from headway.learning.losses import (
    BinaryCrossEntropy,
    CrossEntropy,
    Hinge,
    ProbabilityBinaryCrossEntropy,
    ProbabilityCrossEntropy,
)
from headway.learning.optimizers.foreign import Optax
from headway.learning.optimizers.sgd import SGD
from headway.learning.regularization import Dropout
from headway.network.activations import GELU, HardSigmoid, Identity, ReLU, Sigmoid, Softmax, Softplus, Tanh
from headway.network.compose import Sequential
from headway.network.convolution import Flatten
from headway.network.dense import Dense
from headway.training.pairing import ending, least, reach
from tests.doctor.rules.cases import AMOUNTS, CLASSES, LABELS, Turned, X, case, classifier, regression

LN3 = float(np.log(3))


def ends(*layers, units=3):
    return Sequential((Dense(8), ReLU(), Dense(units), *layers))


PAIRS = [  # loss, ending, verdict
    (CrossEntropy(), (), "ruled out"),
    (CrossEntropy(), (Softmax(),), "found"),
    (CrossEntropy(), (Softmax(), Identity()), "found"),
    (CrossEntropy(), (Sigmoid(),), "found"),
    (CrossEntropy(), (HardSigmoid(),), "found"),
    (CrossEntropy(), (Tanh(),), "found"),
    (CrossEntropy(), (ReLU(),), "found"),
    (CrossEntropy(), (ReLU(), Dropout(0.1)), "found"),
    (CrossEntropy(), (Softplus(),), "noticed"),
    (CrossEntropy(), (GELU(),), "noticed"),
    (CrossEntropy(), (ReLU(), Dense(3)), "ruled out"),
    (Hinge(), (Softmax(),), "found"),
    (ProbabilityCrossEntropy(), (), "found"),
    (ProbabilityCrossEntropy(), (Softmax(),), "ruled out"),
    (ProbabilityCrossEntropy(), (Softmax(), Flatten()), "ruled out"),
    (ProbabilityCrossEntropy(), (Sigmoid(),), "found"),
]


@pytest.mark.parametrize(("loss", "layers", "verdict"), PAIRS, ids=lambda part: str(part))
def test_what_a_classifier_ends_in_must_be_what_its_loss_takes(loss, layers, verdict):
    found = output_loss_mismatch(case(classifier(ends(*layers), loss=loss), constant=LN3))
    assert found.verdict == verdict
    assert (found.where != ()) == (verdict != "ruled out")


TWO = arrays(X, LABELS > 0, validation=0.2)
ONE_OUTPUT = [
    (BinaryCrossEntropy(), (), "ruled out"),
    (BinaryCrossEntropy(), (Sigmoid(),), "found"),
    (BinaryCrossEntropy(), (ReLU(),), "found"),
    (BinaryCrossEntropy(), (Softplus(),), "found"),
    (ProbabilityBinaryCrossEntropy(), (Sigmoid(),), "ruled out"),
    (ProbabilityBinaryCrossEntropy(), (HardSigmoid(),), "ruled out"),
    (ProbabilityBinaryCrossEntropy(), (ReLU(),), "found"),
    (ProbabilityBinaryCrossEntropy(), (Softmax(),), "found"),
]


@pytest.mark.parametrize(("loss", "layers", "verdict"), ONE_OUTPUT, ids=lambda part: str(part))
def test_one_yes_or_no_output_needs_both_signs_or_a_sigmoid(loss, layers, verdict):
    recipe = classifier(ends(*layers, units=1), loss=loss)
    assert output_loss_mismatch(case(recipe, TWO, constant=float(np.log(2)))).verdict == verdict


def test_a_softmax_over_one_unit_is_named_as_such_for_any_loss():
    found = output_loss_mismatch(case(regression(ends(Softmax(), units=1)), constant=1.0))
    assert found.verdict == "found"
    assert "gives 1 whatever the input" in found.evidence[0]


@pytest.mark.parametrize("times", [0.5, 0.99, 1.01, 3.0])
def test_targets_beyond_a_bounded_output_do_harm_by_the_variance_that_it_cannot_give(times):
    """By a closed form: targets ±a are reached by tanh up to 1, what is left of their variance is (a − 1)² / a²."""
    a = 1 / (1 - np.sqrt(HARM * times))
    y = np.where(np.arange(len(X)) % 2, a, -a).astype(np.float32)
    found = output_loss_mismatch(case(regression(ends(Tanh(), units=1)), arrays(X, y, validation=None), constant=1.0))
    assert found.verdict == ("found" if times > 1 else "noticed")


@pytest.mark.parametrize(
    ("last", "shift", "verdict"),
    [
        (ReLU(), 0.0, "found"), (ReLU(), 9.0, "ruled out"), (Softplus(), 0.0, "found"), (Softplus(), 9.0, "ruled out"),
        (Sigmoid(), 0.0, "found"), (Sigmoid(), 9.0, "found"), (Identity(), 0.0, "ruled out"),
    ],
)  # fmt: skip
def test_the_sign_and_range_of_amounts_are_held_against_the_output(last, shift, verdict):
    data = arrays(X, AMOUNTS + np.float32(shift), validation=None)
    assert output_loss_mismatch(case(regression(ends(last, units=1)), data, constant=1.0)).verdict == verdict


def test_the_end_of_a_network_is_past_what_lets_numbers_through():
    network = Sequential((Dense(4), Sequential((Dense(3), Sigmoid(), Dropout(0.2)), name="head"), Flatten()))
    assert ending(network) == ("head/1", Sigmoid())
    assert ending(Sequential((Flatten(),))).layer == Flatten()
    assert ending(Dense(3)) == ("", Dense(3))


@pytest.mark.parametrize(
    ("activation", "low", "high", "flat"),
    [(Sigmoid(), 0, 1, False), (Tanh(), -1, 1, False), (ReLU(), 0, np.inf, True), (GELU(), -0.17, np.inf, False),
     (Softplus(), 0, np.inf, False), (Identity(), -np.inf, np.inf, False), (HardSigmoid(), 0, 1, False)],
)  # fmt: skip
def test_the_reach_of_an_activation_is_its_range(activation, low, high, flat):
    found = reach(activation)
    assert found[:2] == pytest.approx((low, high), abs=2e-3)
    assert found.flat == flat


@pytest.mark.parametrize("classes", [2, 10, 1000])
def test_the_least_loss_of_bounded_logits_is_that_of_the_best_of_them(classes):
    logits = jnp.full((1, classes), -1.0).at[0, 0].set(1.0)
    loss = CrossEntropy()
    assert least(loss, (classes,), reach(Tanh())) == pytest.approx(float(loss(logits, jnp.array([0]))), rel=1e-4)


class Steps:
    """What the rules of directions look at, planted."""

    loss, decay, rates = 1.0, 0.0, np.ones(9)

    def __init__(self, *losses, decay=0.0):
        self.along = tuple(Along(10.0**-k, loss, np.zeros(1)) for k, loss in enumerate(losses))
        self.decay = decay


@pytest.mark.parametrize(
    ("losses", "decay", "verdict"),
    [
        ((1.1, 1.2, 9.0), 0.0, "found"), ((1 + 1e-4, 1 + 1e-4, 0.5), 0.0, "found"), ((0.9, 1.2, 9.0), 0.0, "ruled out"),
        ((1 + 1e-6, 1.2, 9.0), 0.0, "ruled out"), ((1.1, 1.2, 9.0), 0.9, "ruled out"), ((), 0.0, "not seen"),
    ],
)  # fmt: skip
def test_updates_climb_where_the_shortest_steps_raise_the_loss(losses, decay, verdict):
    assert gradient_sign(case(classifier(), outset=Steps(*losses, decay=decay))).verdict == verdict


@pytest.mark.parametrize(
    ("reduction", "whole", "verdict"),
    [("mean", 9.0, "ruled out"), ("sum", 1.9, "noticed"), ("sum", 2.1, "found"), ("sum", np.nan, "found")],
)
def test_a_sum_does_harm_where_the_first_update_doubles_the_loss(reduction, whole, verdict):
    recipe = classifier(loss=CrossEntropy(reduction=reduction))
    assert loss_reduction(case(recipe, outset=Steps(1.0, 1.0, whole))).verdict == verdict


@pytest.mark.parametrize(("left", "there", "verdict"), [(0.9, 0.1, "found"), (0.5, 0.45, "noticed")])
def test_after_a_run_it_does_harm_where_the_mean_does_better(left, there, verdict):
    one = case(classifier(loss=CrossEntropy(reduction="sum")))
    one = replace(one, results={one.split: {"loss": left}})
    one.__dict__.update(outset=Steps(1.0, 1.0, 1.0), constant=1.0, again=SimpleNamespace(averaged=there))
    assert loss_reduction(one).verdict == verdict


SLOPES = {
    "descent": (classifier(), None),
    "momentum": (classifier(optimizer=SGD(0.1, momentum=0.9)), None),
    "far too high": (classifier(optimizer=SGD(1e4)), None),
    "decay": (classifier(optimizer=SGD(1e-3, weight_decay=10.0)), None),
    "a transformation that ends without its minus": (classifier(optimizer=Optax("scale_by_adam")), "gradient-sign"),
    "a derivative that is turned": (classifier(ends(Turned())), "gradient-sign"),
    "a sum under SGD": (classifier(loss=CrossEntropy(reduction="sum"), optimizer=SGD(3.0)), "loss-reduction"),
    "a sum under Adam": (classifier(loss=CrossEntropy(reduction="sum")), None),
}


@pytest.mark.parametrize("name", SLOPES)
def test_real_directions(name):
    recipe, id = SLOPES[name]
    found = preflight(recipe, CLASSES)
    assert [one.id for one in found.causes] == ([] if id is None else [id]), [f.evidence for f in found.causes]
