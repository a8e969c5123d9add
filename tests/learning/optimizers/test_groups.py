"""Groups of parameters against Optax's partition, and against gradients taken by hand."""

from dataclasses import replace

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from headway.doctor.trial import with_rate
from headway.learning.clipping import ClipByNorm
from headway.learning.losses import CrossEntropy
from headway.learning.optimizers.adaptive import Adam, AdamW, Lion
from headway.learning.optimizers.foreign import Optax
from headway.learning.optimizers.groups import Adjusted, Assigned, Frozen, Groups
from headway.learning.optimizers.optimizer import describe
from headway.learning.optimizers.sgd import SGD
from headway.learning.schedules.compose import Warmup
from headway.learning.schedules.decay import Cosine
from headway.learning.schedules.schedule import Epochs
from headway.network.activations import Tanh
from headway.network.compose import Sequential
from headway.network.dense import Dense
from headway.spec.error import HeadwayError
from headway.spec.numbers import split
from headway.training.job import Update, mistakes, prepare
from headway.training.recipe import Checkpoints
from headway.training.step import Batch, initial_state, step, update_once
from headway.training.train import resume, train
from tests.learning.optimizers.test_optimizer import close, equal, follow
from tests.training.test_loop import RECIPE
from tests.training.test_resume import assert_bit_equal

NETWORK = Sequential((Dense(6, name="stem"), Tanh(), Dense(6), Tanh(), Dense(3, name="head")))
DECLARED = NETWORK.declare((5,))
X = np.random.default_rng(0).normal(size=(8, 5)).astype(np.float32)
Y = np.arange(8) % 3
BATCH = Batch(jnp.asarray(X), jnp.asarray(Y))
GROUPS = Groups(
    AdamW(0.02, weight_decay=0.5),
    rules=(
        Frozen("2/b"),
        Assigned(("head/*", "stem/b"), optimizer=SGD(0.1, momentum=0.9, weight_decay=0.2, decay_only=("stem/b",))),
        Adjusted("stem/*", rate_factor=0.1, weight_decay=0.25),
    ),
)


def of(optimizer, clip=None):
    return Update(NETWORK, loss=CrossEntropy(), optimizer=optimizer.resolved(100, 10), clip=clip, batch_size=8, seed=0)


def loss_by_hand(params):
    h = X
    for name in ("stem", "2"):
        h = jnp.tanh(h @ params[name]["w"] + params[name]["b"])
    z = h @ params["head"]["w"] + params["head"]["b"]
    return optax.softmax_cross_entropy_with_integer_labels(z, Y).mean()


@pytest.mark.parametrize("resolved", [False, True])
def test_groups_do_what_optax_does_with_a_partition(resolved):
    """The first rule that matches holds: `stem/b` is in two patterns, and follows SGD."""
    params = initial_state(of(GROUPS), (5,))["params"]
    labels = {
        "stem": {"w": "slow", "b": "decayed sgd"}, "2": {"w": "rest", "b": "frozen"}, "head": {"w": "sgd", "b": "sgd"}
    }  # fmt: skip
    sgd = optax.sgd(0.1, 0.9)
    decayed = optax.chain(optax.trace(0.9), optax.add_decayed_weights(0.2), optax.scale_by_learning_rate(0.1))
    rules = {"rest": optax.adamw(0.02, weight_decay=0.5), "slow": optax.adamw(0.002, weight_decay=0.25)}
    oracle = optax.partition({"frozen": optax.set_to_zero(), "sgd": sgd, "decayed sgd": decayed} | rules, labels)
    ours = (GROUPS.resolved(100, 10) if resolved else GROUPS).transformation(DECLARED)

    def gradient(params):
        return jax.tree.map(lambda p: jnp.sin(3 * p) + p + 0.1, params)

    close(follow(ours, params, gradient=gradient), follow(oracle, params, gradient=gradient), rtol=2e-5, atol=1e-6)
    equal(follow(ours, params, 3, gradient)["2"]["b"], params["2"]["b"])


@pytest.mark.parametrize("clip", [None, ClipByNorm(0.05)])
def test_what_is_frozen_has_no_part_in_the_gradient_s_norm_nor_in_clipping(clip):
    update = of(Groups(SGD(0.5), rules=(Frozen(("stem/**", "2/w")), Adjusted("head/w", rate_factor=2.0))), clip)
    state = initial_state(update, (5,))
    after, measures = step(update, state, BATCH)
    gradient = jax.grad(loss_by_hand)(state["params"])
    learning = {("2", "b"): 0.5, ("head", "b"): 0.5, ("head", "w"): 1.0}
    norm = np.sqrt(sum(float((gradient[layer][name] ** 2).sum()) for layer, name in learning))
    assert measures["gradient_norm"] == pytest.approx(norm, rel=1e-5)
    scale = 1.0 if clip is None else 0.05 / norm
    for layer, part in state["params"].items():
        for name, before in part.items():
            expected = before - learning.get((layer, name), 0.0) * scale * gradient[layer][name]
            np.testing.assert_allclose(after["params"][layer][name], expected, rtol=1e-5, atol=1e-7)


def test_what_lies_below_all_that_learns_is_not_differentiated():
    """Three products forward; back, one for each weight that learns and one for each layer it has to pass."""

    def products(optimizer):
        update = of(optimizer)
        return str(jax.make_jaxpr(lambda s: update_once(update, s, BATCH))(initial_state(update, (5,)))).count("dot_g")

    assert products(SGD(0.5)) == 3 + 3 + 2
    assert products(Groups(SGD(0.5), rules=(Frozen(("stem/*", "2/*")),))) == 3 + 1
    assert products(Groups(SGD(0.5), rules=(Frozen(("2/*", "head/*")),))) == 3 + 1 + 2


def test_every_rate_follows_the_schedule_and_the_sweep_of_the_doctor():
    schedule = Warmup(Epochs(2), then=Cosine(0.1))
    groups = Groups(
        SGD(schedule), rules=(Adjusted("0/*", rate_factor=0.5), Assigned("3/w", optimizer=Lion(0.2)), Frozen("3/b"))
    )
    recipe = replace(RECIPE, optimizer=groups)
    found = prepare(with_rate(recipe, 3.0)).update.optimizer
    rates = [o.rate(7) for o in (found, found.rules[0].optimizer, found.rules[1].optimizer)]
    plain = prepare(replace(recipe, optimizer=SGD(schedule))).update.optimizer.rate(7)
    np.testing.assert_allclose(rates, [3 * plain, 1.5 * plain, 0.6], rtol=1e-6)


def test_another_factor_decay_or_rate_does_not_compile_anew():
    def structure(rate, factor, decay):
        groups = Groups(AdamW(rate), rules=(Adjusted("stem/*", rate_factor=factor, weight_decay=decay),))
        return split(groups.resolved(100, 10))[0]

    assert structure(0.1, 0.5, 0.0) == structure(0.2, 3.0, 0.1)


def test_a_run_in_groups_goes_on_bit_for_bit_and_reports_the_rate_of_the_rest(tmp_path):
    class StopError(Exception):
        pass

    def stop(event):
        if event.step >= 30:
            raise StopError

    groups = Groups(
        AdamW(Warmup(Epochs(1), then=Cosine(0.02))),
        rules=(Adjusted("0/w", rate_factor=0.3), Assigned("3/b", optimizer=SGD(0.1, momentum=0.5)), Frozen("0/b")),
    )
    recipe = replace(RECIPE, optimizer=groups, checkpoints=Checkpoints(7))
    whole = train(recipe)
    with pytest.raises(StopError):
        train(recipe, out=tmp_path / "run", callbacks=(stop,))
    assert_bit_equal(resume(tmp_path / "run"), whole)
    start = initial_state(prepare(recipe).update, (4,))["params"]
    equal(whole.final["params"]["0"]["b"], start["0"]["b"])
    assert not np.array_equal(whole.final["params"]["0"]["w"], start["0"]["w"])
    alone = train(replace(recipe, optimizer=groups.optimizer))
    equal(whole.history.columns()["learning_rate"], alone.history.columns()["learning_rate"])


def test_describe_prints_the_groups_as_they_are_resolved():
    assert describe(GROUPS, DECLARED) == (
        "AdamW, learning rate 0.02\n"
        "  weight decay 0.5: 36 parameters in 2/w\n"
        "Frozen\n"
        "  6 parameters in 2/b\n"
        "SGD, learning rate 0.1\n"
        "  weight decay 0.2: 6 parameters in stem/b\n"
        "  no weight decay: 21 parameters in head/w, head/b\n"
        "AdamW, learning rate 0.002\n"
        "  weight decay 0.25: 30 parameters in stem/w"
    )


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Adjusted("0/*"), "Adjusted/rate_factor: must be given, or weight_decay. Or leave the rule out"),
        (lambda: Adjusted("0/*", rate_factor=0.0), "Adjusted.rate_factor: must be greater than 0; got 0.0"),
        (lambda: Frozen(""), "Frozen.patterns: must have at least 1 character"),
        (lambda: Frozen(()), "Frozen.patterns: .*at least 1 item"),
        (lambda: Groups(Adam(), rules=()), "Groups.rules: .*at least 1 item"),
        (lambda: Groups(GROUPS, rules=(Frozen("*"),)), "Groups/optimizer: groups must not be nested"),
        (
            lambda: Groups(Optax("adam", learning_rate=0.1), rules=(Frozen("a"), Adjusted("*", weight_decay=0.1))),
            r"Groups/rules/1/weight_decay: the default optimizer has no weight decay of ours; got Optax\('adam'",
        ),
    ],
)
def test_mistakes_are_named(make, message):
    with pytest.raises(HeadwayError, match=message):
        make()


@pytest.mark.parametrize(
    ("optimizer", "message"),
    [
        (
            Groups(SGD(0.1), rules=(Frozen("0/*"), Frozen("4/w"))),
            "optimizer/rules/1/patterns: a pattern must match something; got '4/w'. Close to it: 3/w, 0/w",
        ),
        (
            Groups(SGD(0.1), rules=(Frozen("**"), Adjusted("3/w", rate_factor=2.0))),
            "optimizer/rules/1/patterns: earlier rules leave nothing for it; got '3/w'. Put it before them",
        ),
        (
            Groups(SGD(0.1), rules=(Assigned("3/*", optimizer=AdamW(decay_only=("5/w",))),)),
            "optimizer/rules/0/optimizer/decay_only: a pattern must match something; got '5/w'",
        ),
        (
            Groups(SGD(0.1), rules=(Assigned("3/*", optimizer=SGD(Warmup(70, then=0.1))),)),
            "optimizer/rules/0/optimizer/learning_rate/steps: the warm-up must be shorter than the 60 updates",
        ),
        (
            Groups(SGD(Warmup(70, then=0.1)), rules=(Adjusted("3/*", rate_factor=2.0),)),
            "optimizer/optimizer/learning_rate/steps: the warm-up must be shorter than the 60 updates",
        ),
        (Groups(SGD(0.1), rules=(Frozen("**"),)), "optimizer/rules: every parameter is frozen"),
        (Groups(SGD(0.0), rules=(Frozen("3/*"),)), "optimizer/optimizer/learning_rate: must be above 0 to learn"),
    ],
    ids=lambda o: repr(o)[:30],
)
def test_groups_that_do_not_fit_the_network_or_the_run_are_refused(optimizer, message):
    with pytest.raises(HeadwayError, match=message):
        prepare(replace(RECIPE, optimizer=optimizer))
    assert not mistakes(replace(RECIPE, optimizer=GROUPS))
