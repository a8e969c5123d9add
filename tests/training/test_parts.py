"""The loss in parts: the same numbers as whole, in less memory."""

from dataclasses import replace

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from headway.data.dataset import arrays
from headway.learning.losses import CrossEntropy
from headway.learning.optimizers.sgd import SGD
from headway.models.mlp import mlp
from headway.models.transformer import language_model, tied_language_model
from headway.scale.precision import BFloat16
from headway.signals.probe import Watch
from headway.spec.error import HeadwayError
from headway.training.finite import first_non_finite
from headway.training.job import prepare
from headway.training.recipe import Recipe
from headway.training.residuals import saved_residuals
from headway.training.step import batch, initial_state, update_once
from headway.training.train import train

NETWORKS = {
    "dense": language_model(11, width=8, heads=2, blocks=2),
    "tied": tied_language_model(11, width=8, heads=2, blocks=2),
}
RNG = np.random.default_rng(0)
WEIGHTS = {"none": None, "examples": RNG.uniform(0.5, 2, 20), "places": RNG.uniform(0, 2, (20, 12))}


def data(weights="none", time=12, classes=11):
    x, y = RNG.integers(0, classes, (2, 20, time))
    names = tuple(map(str, range(classes)))
    return arrays(x, y, tokens=classes, classes=names, weights=WEIGHTS[weights], validation=None, test=None)


def recipe(network="tied", parts=1, **fields):
    given = {"loss": CrossEntropy(), "optimizer": SGD(0.5), "watch": Watch(1), "loss_parts": parts}
    return Recipe(NETWORKS[network], batch_size=8, length=2, **given | fields)


def updated(recipe, data):
    job = prepare(recipe, data)
    state = initial_state(job.update, data.input_shape)
    slots = tuple(jnp.zeros(8) for _ in job.watched)
    return jax.jit(lambda state, drawn: update_once(job.update, state, drawn, slots))(state, batch(job, 0))


@pytest.mark.parametrize("network", NETWORKS)
@pytest.mark.parametrize("weights", WEIGHTS)
@pytest.mark.parametrize("parts", [2, 12])
def test_an_update_and_its_signals_are_those_of_the_whole_loss(network, weights, parts):
    given = data(weights)
    (whole, expected), (state, measures) = (updated(recipe(network, n), given) for n in (1, parts))
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, atol=1e-6), state, whole)
    for name, value in expected.items():
        np.testing.assert_allclose(measures[name], value, rtol=2e-5, atol=1e-6, err_msg=name)


@pytest.mark.parametrize("reduction", ["mean", "sum"])
def test_sums_and_micro_batches_and_smoothing_come_out_alike(reduction):
    given, loss = data("examples"), CrossEntropy(smoothing=0.1, reduction=reduction)
    (whole, _), (state, _) = (
        updated(recipe(parts=n, loss=loss, accumulate=2, optimizer=SGD(0.05)), given) for n in (1, 3)
    )
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, atol=1e-6), state, whole)


def test_in_16_bits_the_gradient_of_the_last_layer_is_summed_in_32():
    given = data()
    (_, expected), (state, measures) = (updated(recipe(parts=n, precision=BFloat16()), given) for n in (1, 4))
    assert state["params"]["table"].dtype == jnp.float32
    np.testing.assert_allclose(measures["loss"], expected["loss"], rtol=1e-2)


def test_scores_of_all_places_are_neither_kept_nor_ever_in_memory():
    """512 places of 2,000 classes for 4 examples: 16 MB."""
    network = tied_language_model(2000, width=8, heads=2, blocks=1)
    given = data(time=512, classes=2000)
    found = [saved_residuals(replace(recipe(parts=n), network=network, batch_size=4), given) for n in (1, 8)]
    scores = 4 * 512 * 2000 * 4
    assert found[0].bytes > scores > found[1].bytes
    assert found[0].compiled - found[1].compiled > scores


def test_a_run_in_parts_ends_where_a_whole_one_does():
    given = data("places")
    whole, parts = (train(recipe("dense", n), data=given).results["train"]["loss"] for n in (1, 4))
    assert parts == pytest.approx(whole, rel=1e-5)


def test_what_is_not_finite_is_found_behind_the_last_layer_too():
    given = data()
    job = prepare(recipe("dense", 4), given)
    state = initial_state(job.update, given.input_shape)
    state["params"]["4"]["w"] = state["params"]["4"]["w"].at[0, 0].set(jnp.inf)
    assert "'4'" in first_non_finite(job.update, state, batch(job, 0))


@pytest.mark.parametrize(
    ("network", "parts", "needle"),
    [(NETWORKS["tied"], 5, "must divide the places"), (mlp((4,), 3), 2, "must divide the places")],
)
def test_what_has_no_such_parts_is_refused(network, parts, needle):
    given = data() if parts == 5 else arrays(RNG.normal(size=(20, 4)), np.arange(20) % 3, validation=None, test=None)
    with pytest.raises(HeadwayError, match=needle):
        prepare(replace(recipe(parts=parts), network=network), given)
