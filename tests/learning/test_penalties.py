"""Penalties: their gradients in closed form, and how they differ from weight decay."""

from dataclasses import replace

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from headway.data.bundled import Iris
from headway.data.dataset import Data
from headway.learning.clipping import ClipByNorm
from headway.learning.losses import CrossEntropy, MeanSquaredError
from headway.learning.optimizers.adaptive import Adam
from headway.learning.optimizers.groups import Frozen, Groups
from headway.learning.optimizers.sgd import SGD
from headway.learning.penalties import L1, L2
from headway.network.activations import Tanh
from headway.network.compose import Sequential
from headway.network.dense import Dense
from headway.network.normalization import LayerNorm
from headway.spec.error import HeadwayError
from headway.training.evaluate import judge
from headway.training.job import Update, prepare
from headway.training.recipe import Recipe
from headway.training.step import Batch, initial_state, step
from headway.training.train import train

NETWORK = Sequential((Dense(6, name="first"), LayerNorm(), Tanh(), Dense(3)))
UPDATE = Update(NETWORK, loss=CrossEntropy(), optimizer=SGD(0.1), clip=None, batch_size=8, seed=0)
RNG = np.random.default_rng(0)
BATCH = Batch(jnp.asarray(RNG.normal(size=(8, 5)), jnp.float32), jnp.arange(8) % 3)


def after(update, state, updates=1):
    for _ in range(updates):
        state, measures = step(update, state, BATCH)
    return state["params"], measures


def close(a, b, tolerance=1e-5):
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=tolerance, atol=1e-6), a, b)


@pytest.mark.parametrize(("penalty", "slope"), [(L1(0.3), lambda w: 0.3 * np.sign(w)), (L2(0.3), lambda w: 0.3 * w)])
@pytest.mark.parametrize("parts", [1, 4])
def test_the_gradient_of_a_penalty_is_added_once_to_that_of_the_weights_and_of_nothing_else(penalty, slope, parts):
    state = initial_state(UPDATE, (5,))
    plain, measured = after(UPDATE, state)
    priced, also = after(replace(UPDATE, penalties=(penalty,), accumulate=parts), state)
    expected = dict(plain)
    for layer in ("first", "3"):
        w = np.asarray(state["params"][layer]["w"])
        expected[layer] = plain[layer] | {"w": plain[layer]["w"] - 0.1 * slope(w)}
    close(priced, expected)
    assert also["loss"] == pytest.approx(float(measured["loss"]), rel=1e-6)


def test_what_a_penalty_is_worth_is_what_its_equation_says():
    state = initial_state(UPDATE, (5,))["params"]
    declared = NETWORK.declare((5,))
    a, b = (np.asarray(state[layer]["w"], np.float64) for layer in ("first", "3"))
    assert L1(0.5).value(state, declared) == pytest.approx(0.5 * (np.abs(a).sum() + np.abs(b).sum()), rel=1e-6)
    assert L2(0.5).value(state, declared) == pytest.approx(0.25 * ((a**2).sum() + (b**2).sum()), rel=1e-6)
    assert L2(0.5, only=("3/*",)).value(state, declared) == pytest.approx(0.25 * (b**2).sum(), rel=1e-6)


@pytest.mark.parametrize("optimizer", [SGD(0.1), SGD(0.1, momentum=0.9), Adam(0.1)], ids=str)
def test_l2_is_weight_decay_in_plain_sgd_and_in_no_other(optimizer):
    """Loshchilov & Hutter 2019, propositions 1 and 2."""
    update = replace(UPDATE, network=Dense(3), optimizer=optimizer)
    updates = replace(update, penalties=(L2(0.2),)), replace(update, optimizer=replace(optimizer, weight_decay=0.2))
    priced, decayed = (after(update, initial_state(update, (5,)), 5)[0]["w"] for update in updates)
    if optimizer == SGD(0.1):
        np.testing.assert_allclose(priced, decayed, rtol=1e-5, atol=1e-6)
    else:
        assert float(jnp.abs(priced - decayed).max()) > 1e-2


def test_in_adam_a_penalty_hardly_shrinks_the_weight_whose_gradients_are_large():
    """One input 100 times as large as the other: decay takes the same share of both weights, the penalty does not."""
    x = jnp.asarray(RNG.normal(size=(8, 2)) * [100.0, 1.0], jnp.float32)
    batch = Batch(x, jnp.asarray(RNG.normal(size=8) * 1e3, jnp.float32))
    base = replace(UPDATE, network=Dense(1), loss=MeanSquaredError(), optimizer=Adam(1e-3))
    state = initial_state(base, (2,))
    state["params"]["w"] = jnp.ones((2, 1))

    def pull(update):
        return np.asarray(step(update, state, batch)[0]["params"]["w"] - step(base, state, batch)[0]["params"]["w"])[
            :, 0
        ]

    decayed = pull(replace(base, optimizer=Adam(1e-3, weight_decay=10.0)))
    np.testing.assert_allclose(decayed, -1e-2, rtol=1e-3)
    assert (np.abs(pull(replace(base, penalties=(L2(10.0),)))) < 1e-5).all()


def test_an_l1_penalty_brings_the_weights_of_useless_inputs_to_nothing_and_keeps_the_useful_one():
    x = RNG.normal(size=(64, 4)).astype(np.float32)
    batch = Batch(jnp.asarray(x), jnp.asarray(2 * x[:, 0]))
    update = Update(Dense(1, bias=False), loss=MeanSquaredError(), optimizer=SGD(0.02), clip=None, batch_size=64,
                    seed=0, penalties=(L1(0.4),))  # fmt: skip
    state = initial_state(update, (4,))
    for _ in range(300):
        state, _ = step(update, state, batch)
    w = np.abs(np.asarray(state["params"]["w"])[:, 0])
    assert w[0] == pytest.approx(2 - 0.2 / np.mean(x[:, 0] ** 2), rel=0.1)
    assert (w[1:] < 0.02).all()


def test_the_norm_before_clipping_is_that_of_loss_and_penalty_and_frozen_weights_have_no_part_in_it():
    update = replace(UPDATE, penalties=(L2(1e4),), clip=ClipByNorm(0.5))
    state = initial_state(update, (5,))
    first, last = (1e4 * float(jnp.linalg.norm(state["params"][layer]["w"])) for layer in ("first", "3"))
    _, measures = after(update, state)
    assert measures["gradient_norm"] == pytest.approx(np.hypot(first, last), rel=1e-3)
    assert measures["clipped_norm"] == pytest.approx(0.5, rel=1e-5)
    update = replace(update, optimizer=Groups(SGD(0.1), rules=(Frozen("first/w"),)))
    params, measures = after(update, initial_state(update, (5,)))
    assert measures["gradient_norm"] == pytest.approx(last, rel=1e-3)
    np.testing.assert_array_equal(params["first"]["w"], state["params"]["first"]["w"])


def test_both_penalties_together_are_an_elastic_net_and_the_reported_loss_is_that_of_the_data():
    recipe = Recipe(NETWORK, data=Data(Iris()), loss=CrossEntropy(), optimizer=SGD(0.1), length=5,
                    penalties=(L1(0.01), L2(0.02)))  # fmt: skip
    run, plain = train(recipe), train(replace(recipe, penalties=()))
    first = [r.history.columns()["loss"][0] for r in (run, plain)]
    assert first[0] == pytest.approx(first[1], rel=1e-6)
    assert run.results["train"]["loss"] == pytest.approx(judge(plain.recipe, run.values, run.data().train)["loss"])
    assert np.abs(run.params["3"]["w"]).sum() < np.abs(plain.params["3"]["w"]).sum()


@pytest.mark.parametrize(("penalty", "said"), [
    (lambda: L2(-1.0), r"L2\.strength"),
    (lambda: L1(1.0, only=()), r"L1\.only"),
    (lambda: prepare(Recipe(NETWORK, data=Data(Iris()), loss=CrossEntropy(), optimizer=SGD(0.1),
                            penalties=(L2(1.0), L1(0.1, only=("frist/w",))))), r"penalties/1/only: .*frist/w.*first/w"),
])  # fmt: skip
def test_a_penalty_of_nothing_or_below_nothing_is_refused(penalty, said):
    with pytest.raises(HeadwayError, match=said):
        penalty()
