"""Optax's transformations in a recipe against the same ones applied by hand."""

import sys
from dataclasses import replace

import jax
import jax.numpy as jnp
import numpy as np
import optax
import optax.contrib
import pytest

from headway.doctor.remedies.random import everyday_edits
from headway.doctor.trial import with_rate
from headway.learning.optimizers.foreign import Optax
from headway.learning.optimizers.groups import Adjusted, Assigned, Groups
from headway.learning.optimizers.optimizer import apply_updates, describe
from headway.learning.optimizers.sgd import SGD
from headway.learning.schedules.compose import Warmup
from headway.learning.schedules.decay import Cosine
from headway.learning.schedules.schedule import Epochs
from headway.network.layer import Context, apply
from headway.report.wording import training_in_words
from headway.spec.error import HeadwayError
from headway.spec.json import dumps, loads
from headway.training.job import prepare
from headway.training.recipe import Checkpoints
from headway.training.step import batch, initial_state
from headway.training.train import resume, train
from tests.learning.optimizers.test_optimizer import DECLARED, PARAMS, SCHEDULE, close, equal, follow, rate
from tests.training.test_loop import RECIPE
from tests.training.test_resume import assert_bit_equal

LAMB = Optax("lamb", learning_rate=0.01, settings=(("b1", 0.8), ("weight_decay", 0.1)))


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        (Optax("adam", learning_rate=0.01), optax.adam(0.01)),
        (Optax("sgd", learning_rate=0.1, settings=(("momentum", 0.9), ("nesterov", True))), optax.sgd(0.1, 0.9, True)),
        (Optax("adafactor", learning_rate=0.01, settings=(("min_dim_size_to_factor", 2),)), optax.adafactor(0.01, 2)),
        (Optax("adafactor"), optax.adafactor()),
        (LAMB, optax.lamb(0.01, 0.8, weight_decay=0.1)),
        (Optax("adamw", learning_rate=SCHEDULE), optax.adamw(rate)),
        (Optax("contrib.prodigy"), optax.contrib.prodigy()),
        (Optax("contrib.muon", learning_rate=0.01), optax.contrib.muon(0.01)),
    ],
    ids=lambda o: o.factory if isinstance(o, Optax) else "",
)  # fmt: skip
def test_a_named_transformation_does_what_optax_does_by_hand(ours, theirs):
    same = close if ours.learning_rate is SCHEDULE else equal
    tolerance = {"rtol": 2e-6, "atol": 5e-7} if same is close else {}
    same(follow(ours.transformation(DECLARED), PARAMS, 20), follow(theirs, PARAMS, 20), **tolerance)
    assert loads(dumps(ours)) == ours


def by_hand(recipe, transformation):
    """The parameters after training with plain gradients and Optax alone."""
    job = prepare(recipe)
    start = initial_state(job.update, job.dataset.input_shape)
    params, memory = start["params"], transformation.init(start["params"])

    @jax.jit
    def one(params, memory, batch):
        def objective(params):
            outputs, _ = apply(recipe.network, params, batch.x, {}, Context("train", keys=batch.keys))
            return optax.softmax_cross_entropy_with_integer_labels(outputs, batch.y).mean()

        updates, memory = transformation.update(jax.grad(objective)(params), memory, params)
        return optax.apply_updates(params, updates), memory

    for k in range(job.updates):
        params, memory = one(params, memory, batch(job, k))
    return params


def test_a_recipe_trains_with_it_resumes_bit_for_bit_and_reports_the_rate(tmp_path):
    class StopError(Exception):
        pass

    def stop(event):
        if event.step >= 30:
            raise StopError

    optimizer = Optax("adafactor", learning_rate=Warmup(Epochs(1), then=Cosine(0.1)))
    recipe = replace(RECIPE, optimizer=optimizer, clip=None, checkpoints=Checkpoints(7))
    whole = train(recipe)
    schedule = prepare(recipe).update.optimizer.rate
    close(whole.final["params"], by_hand(recipe, optax.adafactor(schedule)), rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(whole.history.columns()["learning_rate"], [schedule(i) for i in range(60)], rtol=1e-6)
    with pytest.raises(StopError):
        train(recipe, out=tmp_path / "run", callbacks=(stop,))
    assert_bit_equal(resume(tmp_path / "run"), whole)


def test_a_rate_that_is_not_known_is_nan_in_the_history_and_cannot_be_swept():
    recipe = replace(RECIPE, optimizer=Optax("contrib.cocob", settings=(("alpha", 10.0),)), length=3)
    assert np.isnan(train(recipe).history.columns()["learning_rate"]).all()
    assert "optax.contrib.cocob, learning rate of its own" in training_in_words(recipe)
    with pytest.raises(HeadwayError, match=r"learning_rate: must be given to be multiplied\. Set learning_rate"):
        with_rate(recipe, 2.0)


def test_the_doctor_sweeps_a_known_rate_and_draws_only_edits_that_apply():
    recipe = replace(RECIPE, optimizer=LAMB)
    assert with_rate(recipe, 2.0) == replace(recipe, optimizer=replace(LAMB, learning_rate=0.02))
    names = {remedy.name for remedy in everyday_edits(recipe, (4,))}
    assert "random: SGD with momentum" in names
    assert "random: weight decay 0.1" not in names
    groups = replace(RECIPE, optimizer=Groups(RECIPE.optimizer, rules=(Adjusted("0/*", rate_factor=0.5),)))
    assert "random: weight decay 0.1" not in {remedy.name for remedy in everyday_edits(groups, (4,))}


def test_it_serves_in_a_group_and_keeps_narrow_parameters_narrow():
    groups = Groups(LAMB, rules=(Assigned("2/*", optimizer=Optax("sgd", learning_rate=0.1)),))
    assert describe(groups, DECLARED) == (
        "optax.lamb, learning rate 0.01\n  16 parameters in stem/w, stem/b\n"
        "optax.sgd, learning rate 0.1\n  10 parameters in 2/w, 2/b"
    )
    after = follow(groups.transformation(DECLARED), PARAMS, 20)
    labels = {"stem": "lamb", "2": "sgd"}
    theirs = optax.partition({"lamb": optax.lamb(0.01, 0.8, weight_decay=0.1), "sgd": optax.sgd(0.1)}, labels)
    close(after, follow(theirs, PARAMS, 20), rtol=1e-5, atol=1e-6)
    half = jax.tree.map(lambda p: p.astype(jnp.bfloat16), PARAMS)
    transformation = LAMB.transformation()
    updates, state = transformation.update(half, transformation.init(half), half)
    assert {leaf.dtype for leaf in jax.tree.leaves(apply_updates(half, updates))} == {jnp.dtype(jnp.bfloat16)}
    assert {leaf.dtype for leaf in jax.tree.leaves(state)} == {jnp.dtype(jnp.float32), jnp.dtype(jnp.int32)}


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Optax("adm"), "Optax/factory: no function in optax; got adm. Did you mean 'adam'?"),
        (lambda: Optax("contrib.prodgy"), "factory: no function in optax.contrib; got prodgy. Did you mean 'prodigy'?"),
        (lambda: Optax("os.system"), "Optax.factory: must match pattern"),
        (lambda: Optax("sgd"), "Optax/settings: sgd needs learning_rate. Give learning_rate=…"),
        (lambda: Optax("zero_nans", learning_rate=0.1), "Optax/learning_rate: zero_nans has no such argument"),
        (
            lambda: Optax("adam", learning_rate=0.1, settings=(("nestrov", True),)),
            "Optax/settings: adam has no such argument; got nestrov. Did you mean 'nesterov'?",
        ),
        (
            lambda: Optax("adam", learning_rate=0.1, settings=(("b1", 0.9), ("b1", 0.8))),
            "Optax/settings: an argument must not be given twice; got b1",
        ),
        (lambda: Optax("adam", learning_rate=-0.1), "Optax.learning_rate: must be greater than or equal to 0"),
        (lambda: Optax("lbfgs", learning_rate=0.1), "gradients and parameters alone; got lbfgs, TypeError: .*value_fn"),
        (lambda: Optax("constant_schedule", settings=(("value", 0.1),)), "must make .*; got constant_schedule"),
        (
            lambda: Optax("noisy_sgd", learning_rate=0.1, settings=(("key", 0),)),
            "noisy_sgd, TypeError: its state holds a random key, which no checkpoint takes",
        ),
    ],
)  # fmt: skip
def test_mistakes_are_named(make, message):
    with pytest.raises(HeadwayError, match=message):
        make()


def test_without_optax_the_way_to_it_is_said(monkeypatch):
    monkeypatch.setitem(sys.modules, "optax", None)
    with pytest.raises(HeadwayError, match=r"needs Optax, which is not installed; got adam. pip install optax"):
        Optax("adam", learning_rate=0.1)
    assert SGD(0.1).transformation().init(PARAMS)["count"] == 0
