"""Measurements on demand against closed forms in NumPy, and on small runs of which is known what is to be seen."""

from dataclasses import replace

import numpy as np
import pytest

from headway.data.bundled import Iris
from headway.data.dataset import Data, arrays
from headway.doctor.on_demand.measure import MEASUREMENTS, measure
from headway.doctor.on_demand.measured import COSTS, TRAINS
from headway.doctor.on_demand.subject import Subject
from headway.learning.losses import CrossEntropy, MeanSquaredError
from headway.learning.noise import noise_scale
from headway.learning.optimizers.adaptive import Adam, Lion
from headway.learning.optimizers.sgd import SGD
from headway.learning.penalties import L2
from headway.models.mlp import mlp
from headway.network.activations import Identity, Sigmoid, Tanh
from headway.network.compose import Sequential
from headway.network.dense import Dense
from headway.network.initialization import Orthogonal
from headway.network.residual import Residual
from headway.spec.error import HeadwayError
from headway.training.recipe import Evaluation, Recipe
from headway.training.train import train
from tests.doctor.on_demand.test_subject import DATA, LINE, X, gradients

WHOLE = replace(LINE, batch_size=48)
ROWS = np.concatenate([np.ones((48, 1)), X], axis=1)
HESSIAN = 2 * ROWS.T @ ROWS / 48


def numbers(what, name, data=DATA, **options):
    return measure(what, name, data=data, **options)[name].numbers


def descent(recipe=WHOLE):
    """The gradient of all examples at the initial weights."""
    return gradients(Subject.of(recipe, DATA))[0]


@pytest.mark.parametrize("rate", [0.02, 0.7])
def test_the_critical_rate_of_gradient_descent_is_two_over_the_curvature_along_the_gradient(rate):
    found, g = numbers(replace(WHOLE, optimizer=SGD(rate)), "critical-sharpness"), descent()
    assert found["critical_sharpness"] == pytest.approx(g @ HESSIAN @ g / (g @ g), rel=0.06)
    assert found["factor"] * rate == pytest.approx(found["critical_rate"], rel=1e-5)


def test_of_adam_it_is_that_of_the_parabola_along_its_own_direction():
    found, g = numbers(replace(WHOLE, optimizer=Adam(0.003)), "critical-sharpness"), descent()
    d = -np.sign(g)  # all batches are one, so that every moment is the gradient's own
    assert found["critical_rate"] == pytest.approx(-2 * g @ d / (d @ HESSIAN @ d), rel=0.06)


@pytest.mark.parametrize(
    ("optimizer", "bound"), [(SGD(0.1), 2), (SGD(0.1, momentum=0.9), 3.8), (SGD(0.1, momentum=0.5, nesterov=True), 1.5)]
)
def test_sharpness_is_the_highest_eigenvalue_and_its_product_stands_beside_the_bound_of_the_rule(optimizer, bound):
    found, true = numbers(replace(WHOLE, optimizer=optimizer), "sharpness"), np.linalg.eigvalsh(HESSIAN)[-1]
    assert found["sharpness"] == pytest.approx(true, rel=1e-4)
    assert (found["product"], found["bound"]) == pytest.approx((0.1 * true, bound), rel=1e-4)


def test_of_adam_it_is_also_that_in_the_units_in_which_adam_steps():
    found, g = numbers(replace(WHOLE, optimizer=Adam(0.003)), "sharpness"), descent()
    true = np.linalg.eigvals(HESSIAN / np.abs(g)[:, None]).real.max()
    assert found["preconditioned"] == pytest.approx(true, rel=1e-3)
    assert found["product"] == pytest.approx(0.003 * true, rel=1e-3)
    assert found["bound"] == pytest.approx(38)


def test_a_penalty_bends_the_loss_too():
    """λ/2 ‖w‖² adds λ to the curvature of every weight, and none to that of the bias."""
    found = numbers(replace(WHOLE, penalties=(L2(3.0),)), "sharpness")
    bent = HESSIAN + np.diag([0, 3, 3, 3])
    assert found["sharpness"] == pytest.approx(np.linalg.eigvalsh(bent)[-1], rel=1e-4)


def test_of_a_rule_without_a_known_bound_only_the_curvature_is_told():
    found = measure(replace(WHOLE, optimizer=Lion(0.01)), "sharpness", data=DATA)["sharpness"]
    assert found.numbers.keys() == {"sharpness", "error"}
    assert "No bound is known for Lion" in found.advice


@pytest.mark.parametrize("reduction", ["mean", "sum"])
def test_the_noise_scale_is_that_of_the_gradients_of_the_batches(reduction):
    """Batches of 12 are cut in 4 parts of 3 each: there are 16 then."""
    recipe = replace(LINE, loss=MeanSquaredError(reduction=reduction))
    found, made = numbers(recipe, "gradient-noise-scale"), Subject.of(LINE, DATA)
    cut = made.batches._replace(x=made.batches.x.reshape(16, 3, 3), y=made.batches.y.reshape(16, 3, 1))
    _, each = gradients(type("Cut", (), {"values": made.values, "batches": cut}))
    true = noise_scale((each**2).sum(axis=1), each @ each.mean(axis=0), 3)
    assert (found["value"], found["low"], found["high"]) == pytest.approx((true.value, true.low, true.high), rel=1e-3)
    assert found["progress"] == pytest.approx(1 / (1 + true.value / 12), rel=1e-3)


@pytest.mark.parametrize(
    ("spread", "size", "said"),
    [(0.01, 256, "larger than the noise asks for"), (30.0, 1, "Noise rules"), (1e4, 512, "cannot tell")],
    ids=["clean", "noisy", "lost"],
)
def test_a_batch_is_called_large_small_or_unknown_beside_the_noise_of_its_targets(spread, size, said):
    rng = np.random.default_rng(0)
    x = rng.normal(size=(2048, 3)).astype(np.float32)
    y = (10 * x.sum(axis=1, keepdims=True) + spread * rng.normal(size=(2048, 1))).astype(np.float32)
    data = arrays(x, y, validation=None, test=None, standardize=False)
    found = measure(replace(LINE, batch_size=size), "gradient-noise-scale", data=data, examples=2048)
    assert said in found["gradient-noise-scale"].advice


def deep(*parts, gain=1.0):
    """Twelve dense layers of 6 units with orthogonal weights of this gain, each with these parts behind it."""
    return Sequential(tuple(part for _ in range(12) for part in (Dense(6, init=Orthogonal(gain)), *parts)))


@pytest.mark.parametrize("gain", [0.5, 1.0, 2.0])
def test_the_jacobian_of_orthogonal_layers_grows_by_their_gain_a_layer(gain):
    recipe = replace(LINE, network=Sequential((deep(gain=gain), Dense(1))))
    found = measure(recipe, "jacobian-norms", data=DATA)["jacobian-norms"]
    gains = list(found.numbers["gains"].values())[:12]
    np.testing.assert_allclose(np.divide(gains[1:], gains[:-1]), gain, rtol=1e-4)
    said = {0.5: "shrinks with depth", 1.0: "Depth changes little", 2.0: "grow with depth"}
    assert said[gain] in found.advice


def test_sigmoids_shrink_it_and_a_way_past_them_holds_it_level():
    plain = replace(LINE, network=Sequential((Dense(6), deep(Sigmoid()), Dense(1))))
    blocks = tuple(Residual(Sequential((Dense(6), Tanh())), scale=0.3) for _ in range(12))
    around = replace(LINE, network=Sequential((Dense(6), *blocks, Dense(1))))
    shrunk, held = (numbers(each, "jacobian-norms")["decades_per_ten_layers"] for each in (plain, around))
    assert shrunk < -5
    assert abs(held) < 1.5


IRIS = Recipe(
    mlp((128, 128), 3), data=Data(Iris()), loss=CrossEntropy(), optimizer=Adam(1e-2), batch_size=35, length=300,
    evaluation=Evaluation(300),
)  # fmt: skip


def test_a_wide_network_learns_permuted_labels_by_heart_and_a_linear_one_cannot():
    wide, linear = (measure(recipe, "permuted-labels")["permuted-labels"]
                    for recipe in (IRIS, replace(IRIS, network=Dense(3))))  # fmt: skip
    assert wide.numbers["true"] > 0.9
    assert wide.numbers["permuted"] > 0.7
    assert "learn by heart what means nothing" in wide.advice
    assert linear.numbers["true"] > 0.6
    assert linear.numbers["permuted"] < 0.1
    assert "could not learn it by heart" in linear.advice


def test_labels_that_belong_to_nothing_are_learned_no_better_than_permuted_ones():
    rng = np.random.default_rng(0)
    data = arrays(rng.normal(size=(600, 4)), rng.integers(0, 3, 600), validation=None, test=None)
    found = measure(replace(IRIS, data=None, network=Dense(3), length=60), "permuted-labels", data=data)
    assert "Neither is learned" in found["permuted-labels"].advice


def test_a_tiny_batch_is_learned_and_by_a_network_whose_gradient_is_lost_is_not():
    lost = mlp((8,) * 10, 3, activation=Sigmoid())
    good, bad = (measure(replace(IRIS, network=each), "tiny-batch")["tiny-batch"] for each in (mlp((16,), 3), lost))
    assert good.numbers["after"] < good.numbers["before"] / 2
    assert "work together" in good.advice
    assert "look there first" in bad.advice


X1 = np.linspace(-1, 1, 40)[:, None]
CURVE = arrays(X1, np.cos(5 * np.arccos(X1)), validation=None, test=None, standardize=False)
EDGE = Recipe(
    mlp((50, 50), 1, activation=Tanh()), loss=MeanSquaredError(), optimizer=SGD(0.1), batch_size=40, length=2000,
    evaluation=Evaluation(2000),
)  # fmt: skip


def test_full_batches_drive_the_sharpness_to_the_edge_of_stability_and_it_is_called_healthy_there():
    """Cohen et al. 2021: rate times sharpness begins below 2, ends about 2, and the update is as long as it can be."""
    run = train(EDGE, data=CURVE)
    first, last = measure(EDGE, "sharpness", data=CURVE), measure(run, "sharpness", "critical-sharpness")
    assert first["sharpness"].numbers["product"] < 1.2
    assert 1.8 < last["sharpness"].numbers["product"] < 2.3
    assert "edge of stability" in last["sharpness"].advice
    assert 0.7 < last["critical-sharpness"].numbers["factor"] < 1.5


def test_a_rate_far_too_high_overshoots():
    found = measure(replace(WHOLE, optimizer=SGD(5.0)), "sharpness", "critical-sharpness", data=DATA)
    assert "Above what is stable" in found["sharpness"].advice
    assert "An update overshoots" in found["critical-sharpness"].advice


def test_a_gradient_of_0_and_a_network_without_weights_say_so():
    still = replace(LINE, network=Sequential((Identity(), Dense(1))), optimizer=SGD(0.0))
    assert "nothing to measure along" in measure(still, "critical-sharpness", data=DATA)["critical-sharpness"].advice


def test_without_names_all_that_do_not_train_are_taken_and_every_one_has_its_cost():
    assert MEASUREMENTS.keys() == COSTS.keys()
    found = measure(replace(IRIS, network=mlp((4,), 3), batch_size=16))
    assert found.keys() == COSTS.keys() - set(TRAINS)
    assert all(one.name == name and one.evidence and one.advice for name, one in found.items())


def test_an_unknown_name_is_refused_with_the_nearest():
    with pytest.raises(HeadwayError, match="sharpness"):
        measure(IRIS, "sharpnes")


def test_a_measurement_is_the_same_each_time():
    assert numbers(LINE, "critical-sharpness") == numbers(LINE, "critical-sharpness")
