"""The subject of measurements: its loss is the one that training descends, its update the one that the rule makes."""

from dataclasses import replace

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from headway.data.dataset import arrays
from headway.doctor.on_demand.subject import SETTLE, Subject, steady
from headway.learning.losses import CrossEntropy, MeanSquaredError
from headway.learning.optimizers.adaptive import Adam, AdamW
from headway.learning.optimizers.groups import Adjusted, Frozen, Groups
from headway.learning.optimizers.sgd import SGD
from headway.learning.penalties import L2
from headway.learning.schedules.compose import Warmup
from headway.learning.schedules.decay import Cosine
from headway.models.mlp import mlp
from headway.network.compose import Sequential
from headway.network.dense import Dense
from headway.network.normalization import BatchNorm
from headway.spec.error import HeadwayError
from headway.training.recipe import Recipe
from headway.training.step import batch, differentiate, initial_state, with_penalties
from headway.training.train import train

RNG = np.random.default_rng(0)
X = RNG.normal(size=(48, 3)).astype(np.float32)
Y = (X @ np.array([[1.0], [-2.0], [0.5]]) + 0.3 * RNG.normal(size=(48, 1))).astype(np.float32)
LINE = Recipe(Dense(1), loss=MeanSquaredError(), optimizer=SGD(0.1), batch_size=12, length=20)
DATA = arrays(X, Y, validation=None, test=None, standardize=False)
LABELLED = arrays(X, np.arange(48) % 3, validation=None, test=None, standardize=False)
CLASSES = Recipe(Sequential((Dense(6), BatchNorm(), Dense(3))), loss=CrossEntropy(), optimizer=SGD(0.1), batch_size=12)


def subject(recipe=LINE, data=DATA, **options):
    return Subject.of(recipe, data, **options)


@pytest.mark.parametrize(
    "changes", [{}, {"accumulate": 3}, {"penalties": (L2(0.3),)}, {"loss": CrossEntropy(reduction="sum")}], ids=str
)
def test_the_gradient_of_its_loss_is_the_mean_of_those_that_updates_are_made_of(changes):
    """With a batch norm: every batch, or micro-batch, is normalized by itself."""
    recipe = replace(CLASSES, **changes)
    made = subject(recipe, LABELLED)
    state = initial_state(made.job.update, (3,))
    single, params = replace(made.update, batch_size=12 // recipe.accumulate, accumulate=1), state["params"]
    parts = [jax.tree.map(lambda a, k=k: a[k : k + single.batch_size], batch(made.job, i))
             for i in range(4) for k in range(0, 12, single.batch_size)]  # fmt: skip
    each = [with_penalties(single, differentiate(single, state, part).gradients, params, (3,)) for part in parts]
    mean = jax.tree.map(lambda *g: sum(g) / len(g), *each)
    found = jax.grad(made.surface)(params)
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-6), found, mean)


def test_examples_are_batches_of_one_epoch_no_more_than_there_are():
    assert subject().examples == 48
    assert subject(examples=13).examples == 24
    assert subject(examples=1).examples == 12
    rows = np.concatenate(np.asarray(subject().batches.x))
    assert sorted(map(tuple, rows)) == sorted(map(tuple, X))


def test_a_run_is_looked_at_where_it_ended_or_was_best_and_a_recipe_where_it_begins():
    run = train(LINE, data=DATA)
    last, best, first = subject(run, None), subject(run, None, weights="best"), subject()
    np.testing.assert_array_equal(last.values["params"]["w"], run.final["params"]["w"])
    np.testing.assert_array_equal(best.values["params"]["w"], run.params["w"])
    assert (last.made, best.made, first.made) == (20, run.standing.best_step, 0)
    assert float(last.surface(run.final["params"])) == pytest.approx(run.evaluate("train")["loss"], rel=1e-2)
    with pytest.raises(HeadwayError, match="weights 'last' or 'best'"):
        subject(run, None, weights="first")


def gradients(made):
    """The gradient of the mean over batches, and those of each batch [batches, 4], bias first, written out."""
    w = np.concatenate([made.values["params"]["b"], made.values["params"]["w"][:, 0]]).astype(float)
    x, y = (np.asarray(part, float) for part in (made.batches.x, made.batches.y))
    rows = np.concatenate([np.ones((*x.shape[:2], 1)), x], axis=2)
    each = 2 * np.einsum("kbf,kb->kf", rows, rows @ w - y[..., 0]) / x.shape[1]
    return each.mean(axis=0), each


def change(made):
    return np.concatenate([made.settled.change["b"], made.settled.change["w"][:, 0]])


def test_the_update_of_gradient_descent_is_minus_the_rate_times_the_mean_gradient():
    np.testing.assert_allclose(change(subject()), -0.1 * gradients(subject())[0], rtol=1e-4)


def test_with_momentum_the_batches_are_met_in_turn_before():
    made, mu = subject(replace(LINE, optimizer=SGD(0.1, momentum=0.8))), 0.8
    mean, each = gradients(made)
    v = np.zeros(4)
    for k in range(SETTLE):
        v = mu * v + each[k % 4]
    np.testing.assert_allclose(change(made), -0.1 * (mu * v + mean), rtol=1e-4)


def test_the_second_moment_of_adam_is_that_of_single_batches():
    made = subject(replace(LINE, optimizer=Adam(0.01)))
    _, each = gradients(made)
    v = np.asarray(made.settled.memory["v"]["w"])[:, 0] / (1 - 0.999 ** (SETTLE + 1))
    np.testing.assert_allclose(v, (each[:, 1:] ** 2).mean(axis=0), rtol=0.05)


def test_the_rates_are_those_of_the_last_update_and_the_highest_of_the_run():
    scheduled = replace(LINE, optimizer=SGD(Warmup(5, then=Cosine(0.4))))
    assert subject(scheduled).rates == pytest.approx((0, 0.4))
    run = train(scheduled, data=DATA)
    now, highest = subject(run, None).rates
    assert (now, highest) == pytest.approx((run.history.columns()["learning_rate"][-1], 0.4))


def test_the_update_is_made_at_the_highest_rate_and_without_decay_in_every_group():
    cosine = Cosine(0.4).resolved(20, 4)
    made = steady(Groups(AdamW(cosine, weight_decay=0.1), rules=(Adjusted("*/w", weight_decay=0.5), Frozen("1/b"))), 20)
    assert made.optimizer == AdamW(made.optimizer.learning_rate, weight_decay=0.0)
    assert made.optimizer.learning_rate == pytest.approx(0.4)
    assert made.rules[0].weight_decay == 0
    assert steady(SGD(0.3), 20) == SGD(0.3)


def test_what_is_frozen_has_no_curvature_and_no_update():
    frozen = replace(CLASSES, network=mlp((4,), 3), optimizer=Groups(SGD(0.1), rules=(Frozen("1/*"),)))
    made = subject(frozen, LABELLED)
    assert float(jnp.abs(made.settled.change["1"]["w"]).max()) == 0
    assert float(jnp.abs(jax.grad(made.surface)(made.values["params"])["1"]["w"]).max()) == 0
    assert float(made.settled.length) > 0
