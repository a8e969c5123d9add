"""Accumulation: an update in micro-batches is the update of the whole batch, whatever clips, decays or counts in it."""

from dataclasses import replace

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from headway.data.bundled import Iris
from headway.data.dataset import Data
from headway.learning.averaging import EMA
from headway.learning.clipping import Clip, ClipByNorm
from headway.learning.losses import CrossEntropy, MeanSquaredError
from headway.learning.optimizers.adaptive import AdamW
from headway.learning.optimizers.optimizer import Optimizer
from headway.learning.optimizers.sgd import SGD
from headway.learning.penalties import L1, L2
from headway.learning.regularization import Dropout
from headway.learning.schedules.decay import Linear
from headway.network.activations import Tanh
from headway.network.compose import Repeat, Sequential, stacked
from headway.network.dense import Dense
from headway.network.layer import Layer
from headway.network.normalization import BatchNorm, LayerNorm
from headway.network.residual import Residual
from headway.signals.probe import Watch, empty_slots
from headway.signals.statistics import PROBED
from headway.spec.error import HeadwayError
from headway.spec.node import field_names, spec
from headway.training.finite import first_non_finite
from headway.training.job import Update, describe_update, prepare
from headway.training.recipe import Evaluation, Recipe
from headway.training.step import Batch, accumulate, differentiate, initial_state, micro_batches, step, values_of
from headway.training.train import train
from kinds import ALL, examples, ready

NETWORK = Sequential((Dense(6), Tanh(), Dropout(0.3), Dense(3)))
RATE = Linear(0.05, steps=5, final=0.01)
UPDATE = Update(NETWORK, loss=CrossEntropy(), optimizer=AdamW(RATE, weight_decay=0.1), clip=ClipByNorm(0.2),
                batch_size=12, seed=0)  # fmt: skip
PLAIN = replace(UPDATE, network=Sequential((Dense(6), Tanh(), Dense(3))), clip=None, optimizer=SGD(0.5))
NORMED = Sequential((BatchNorm(name="first"), Dense(5), Tanh(), BatchNorm(), Dense(3)))
RECIPE = Recipe(PLAIN.network, data=Data(Iris()), loss=CrossEntropy(), optimizer=AdamW(RATE), batch_size=24, length=20,
                evaluation=Evaluation(10))  # fmt: skip
OPTIMIZERS = [cls for cls in ALL if issubclass(cls, Optimizer)]
CLIPS = [examples(cls)[0] for cls in ALL if issubclass(cls, Clip)]


def drawn(weights=True, dtype=np.float64):
    """Twelve examples; the weights of four parts are very unequal, those of one all 0."""
    rng = np.random.default_rng(3)
    w = np.array([1, 2, 3, 0, 0, 0, 0.1, 0, 0, 5, 1, 1]) if weights else None
    return Batch(*(jnp.asarray(part, dtype) for part in (rng.normal(2, 1, size=(12, 5)),)), jnp.arange(12) % 3,
                 jax.random.split(jax.random.key(5), 12), None if w is None else jnp.asarray(w, dtype))  # fmt: skip


def in_float64(update, inputs=(5,)):
    state = initial_state(update, inputs)
    return jax.tree.map(lambda a: a.astype(jnp.float64) if a.dtype == jnp.float32 else a, state)


def alone(update, state, batch, slots=()):
    """What each micro-batch says by itself."""
    parts, one = micro_batches(update, batch), jax.jit(lambda part: differentiate(update, state, part, slots))
    return [one(jax.tree.map(lambda part, i=i: part[i], parts)) for i in range(update.accumulate)]


def close(a, b, tolerance=1e-9):
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=tolerance, atol=tolerance), a, b)


def both(update, updates=3):
    """State and measures after some updates of one batch, at once and in four micro-batches."""
    found = []
    for parts in (1, 4):
        now = replace(update, accumulate=parts)
        state, measured = in_float64(now), []
        for _ in range(updates):
            state, measures = step(now, state, drawn())
            measured.append(measures)
        found.append((state, measured))
    return found


@pytest.mark.parametrize("cls", OPTIMIZERS, ids=lambda cls: cls.__name__)
def test_every_optimizer_makes_the_same_updates_with_decay_clip_and_schedule(cls):
    with jax.enable_x64(True):
        settings = {"learning_rate": RATE, "weight_decay": 0.1}
        given = {name: value for name, value in settings.items() if name in field_names(cls)}
        optimizer = replace(ready(examples(cls)[0]), **given)
        whole, parts = both(replace(UPDATE, network=Dense(3), optimizer=optimizer))
        close(parts, whole)
        assert int(parts[0]["optimizer"]["count"]) == 3
        assert float(parts[1][0]["gradient_norm"]) > 0.2, "the clip must bite"


@pytest.mark.parametrize("clip", CLIPS, ids=str)
def test_every_clip_sees_the_gradient_of_the_whole_update_with_dropout(clip):
    with jax.enable_x64(True):
        close(*both(replace(UPDATE, clip=clip, optimizer=SGD(0.5)), updates=2))


@pytest.mark.parametrize("reduction", ["mean", "sum"])
def test_loss_and_gradient_are_the_sum_over_all_examples_divided_once(reduction):
    """Of a linear model in NumPy: dL/dw = Σ w_i 2 (x_i · w - y_i) x_i / Σ w_i."""
    loss = MeanSquaredError(reduction=reduction)
    with jax.enable_x64(True):
        update = replace(UPDATE, network=Dense(1), loss=loss, accumulate=4)
        state, batch = in_float64(update), drawn()
        found = accumulate(update, state, batch)
        x, y, w = (np.asarray(part) for part in (batch.x, batch.y, batch.weights))
        error = (x @ state["params"]["w"])[:, 0] - y
        total = w.sum() if reduction == "mean" else 1.0
        assert found.loss == pytest.approx((w * error**2).sum() / total)
        np.testing.assert_allclose(found.gradients["w"][:, 0], (w * 2 * error) @ x / total, rtol=1e-9)
        assert found.weight == pytest.approx(w.sum())
        nothing = accumulate(update, state, batch._replace(weights=jnp.zeros(12)))
        assert not any(np.any(leaf) for leaf in jax.tree.leaves((nothing.loss, nothing.gradients)))


def test_micro_batches_of_unequal_token_counts_count_every_token_once():
    """Sequences with 12, 1, 2 and 9 places that count: the mean over places, not the mean of the parts' means."""
    with jax.enable_x64(True):
        update = replace(UPDATE, network=Dense(3), clip=None, optimizer=SGD(0.5))
        rng, lengths = np.random.default_rng(0), np.array([4, 4, 4, 1, 0, 0, 2, 0, 0, 3, 3, 3])
        x, y = jnp.asarray(rng.normal(size=(12, 4, 5))), jnp.asarray(rng.integers(0, 3, (12, 4)))
        batch = Batch(x, y, weights=jnp.asarray(np.arange(4) < lengths[:, None], jnp.float64))
        state = in_float64(update, (4, 5))
        whole, parts = (accumulate(replace(update, accumulate=n), state, batch) for n in (1, 4))
        close((parts.loss, parts.gradients, parts.weight), (whole.loss, whole.gradients, whole.weight))
        assert float(parts.weight) == lengths.sum() == 24
        losses = [float(part.loss) for part in alone(replace(update, accumulate=4), state, batch)]
        assert parts.loss == pytest.approx(np.average(losses, weights=[12, 1, 2, 9]))
        assert abs(np.mean(losses) - float(parts.loss)) > 0.02


def test_without_weights_every_part_counts_alike_and_optax_averages_the_same():
    update = replace(
        UPDATE, accumulate=3, clip=None, optimizer=SGD(0.5), network=Sequential((Dense(6), Tanh(), Dense(3)))
    )
    state, batch = initial_state(update, (5,)), drawn(weights=False, dtype=np.float32)
    steps = optax.MultiSteps(optax.sgd(0.5), 3)
    params, memory, parts = state["params"], steps.init(state["params"]), micro_batches(update, batch)
    for i in range(3):
        x, y = parts.x[i], parts.y[i]

        def loss(p, x=x, y=y):
            z = jnp.tanh(x @ p["0"]["w"] + p["0"]["b"]) @ p["2"]["w"] + p["2"]["b"]
            return optax.softmax_cross_entropy_with_integer_labels(z, y).mean()

        changes, memory = steps.update(jax.grad(loss)(params), memory, params)
        params = optax.apply_updates(params, changes)
    close(step(update, state, batch)[0]["params"], params, 1e-5)


def test_batch_norm_normalizes_each_part_and_keeps_the_statistics_of_all():
    with jax.enable_x64(True):
        update = replace(UPDATE, network=NORMED, accumulate=4, clip=None)
        state, batch = in_float64(update), drawn(weights=False)
        after = step(update, state, batch)[0]["network"]
        x = np.asarray(batch.x)
        np.testing.assert_allclose(after["first"]["mean"], x.mean(0), rtol=1e-5)
        np.testing.assert_allclose(after["first"]["variance"], x.var(0, ddof=1), rtol=1e-5)
        p = state["params"]
        parts = x.reshape(4, 3, 5)
        normed = (parts - parts.mean(1, keepdims=True)) / np.sqrt(parts.var(1, keepdims=True) + 1e-5)
        h = np.tanh(normed.reshape(12, 5) @ p["1"]["w"] + p["1"]["b"])
        np.testing.assert_allclose(after["3"]["mean"], h.mean(0), rtol=1e-5, atol=1e-6)
        np.testing.assert_allclose(after["3"]["variance"], h.var(0, ddof=1), rtol=1e-5)
        assert float(after["3"]["weight"]) == pytest.approx(0.1)
        mean = jax.tree.map(lambda *gs: sum(gs) / 4, *(found.gradients for found in alone(update, state, batch)))
        close(accumulate(update, state, batch).gradients, mean)


def test_the_copies_of_a_repeated_block_keep_what_they_keep_written_out():
    repeat = Repeat(Sequential((Dense(5), BatchNorm(), Tanh())), times=2)
    networks = (Sequential((block, Dense(3))) for block in (repeat, repeat.written_out()))
    batch, after = drawn(dtype=np.float32), []
    for update in (replace(PLAIN, network=network, accumulate=3, average=EMA(0.5)) for network in networks):
        state = initial_state(update, (5,))
        for _ in range(2):
            state, _ = step(update, state, batch)
        after.append(values_of(state))
    close(after[0], {name: stacked(Sequential((repeat, Dense(3))), values) for name, values in after[1].items()}, 1e-5)


def test_the_state_of_a_layer_that_says_nothing_is_the_mean_of_its_parts_and_the_largest_count():
    @spec
    class Level(Layer):
        """y = x; keeps the level of its inputs and counts its calls."""

        def state(self, inputs):
            return {"level": jnp.zeros(()), "calls": jnp.zeros((), jnp.int32)}

        def apply_with_state(self, params, state, x, context):
            return x, {"level": x.mean(), "calls": state["calls"] + 1}

    update = replace(UPDATE, network=Sequential((Residual(Sequential((Level(),))), Dense(3))), accumulate=4)
    batch = drawn(dtype=np.float32)
    state, _ = step(update, initial_state(update, (5,)), batch)
    state, _ = step(update, state, batch)
    level = state["network"]["0"]["body"]["0"]
    assert float(level["level"]) == pytest.approx(float(batch.x.mean()), rel=1e-6)
    assert int(level["calls"]) == 2


@pytest.mark.parametrize("reduction", ["mean", "sum"])
def test_signals_are_those_of_the_whole_update_but_differences_of_examples_within_a_part(reduction):
    whole, split = (replace(PLAIN, loss=CrossEntropy(reduction=reduction), accumulate=n) for n in (1, 4))
    state, batch, slots = initial_state(whole, (5,)), drawn(dtype=np.float32), empty_slots(3)
    at_once, pooled = (jax.jit(lambda u=u: accumulate(u, state, batch, slots).signals)() for u in (whole, split))
    at = PROBED.index("signal")
    columns = [i for i in range(len(PROBED)) if i != at]
    np.testing.assert_allclose(pooled[:, columns], at_once[:, columns], rtol=2e-5, atol=1e-6)
    squares = [np.asarray(part.signals)[:, at] ** 2 for part in alone(split, state, batch, slots)]
    np.testing.assert_allclose(pooled[:, at], np.sqrt(np.mean(squares, axis=0)), rtol=1e-5)
    assert (pooled[:, at] <= at_once[:, at]).all()


def test_a_run_in_micro_batches_takes_the_same_batches_at_the_same_rates_and_is_watched():
    whole, split, watched = (train(recipe) for recipe in (
        RECIPE, replace(RECIPE, accumulate=3), replace(RECIPE, accumulate=3, watch=Watch(5))))  # fmt: skip
    close(split.final, whole.final, 1e-4)
    close(split.history.columns(), whole.history.columns(), 1e-4)
    np.testing.assert_array_equal(*(run.history.columns()["learning_rate"] for run in (split, whole)))
    jax.tree.map(np.testing.assert_array_equal, watched.final, split.final)
    np.testing.assert_array_equal(watched.history.signals.steps, [1, 6, 11, 16])


def test_the_memory_of_an_update_is_that_of_one_part():
    update = replace(UPDATE, network=Sequential((Dense(64), Tanh(), Dense(64), Tanh(), Dense(3))), optimizer=SGD(0.1))
    x, y = jnp.ones((4096, 5)), jnp.zeros(4096, int)
    state, needed = initial_state(update, (5,)), []
    for parts in (1, 16):
        program = jax.jit(
            lambda state, n=parts: accumulate(replace(update, accumulate=n), state, Batch(x, y)).gradients
        )
        needed.append(program.lower(state).compile().memory_analysis().temp_size_in_bytes)
    assert needed[1] < needed[0] / 8


def test_a_number_that_is_not_finite_is_found_in_the_part_where_it_arises():
    update, batch = replace(PLAIN, accumulate=4), drawn(dtype=np.float32)
    state = initial_state(update, (5,))
    assert "'0'" in first_non_finite(update, state, batch._replace(x=batch.x.at[7].set(jnp.inf)))
    update = replace(update, loss=MeanSquaredError(), network=Dense(1))
    state = initial_state(update, (5,))
    spoiled = batch._replace(y=batch.y.astype(jnp.float32).at[10].set(jnp.nan), keys=None)
    assert "the loss" in first_non_finite(update, state, spoiled)


@pytest.mark.parametrize("parts", [5, 7, 48])
def test_a_batch_that_does_not_divide_into_equal_parts_is_refused(parts):
    with pytest.raises(HeadwayError, match=r"accumulate: must divide the batch_size of 24; got .*choose a divisor"):
        replace(RECIPE, accumulate=parts)


def test_one_example_a_part_is_too_few_for_batch_norm():
    with pytest.raises(
        HeadwayError, match=r"^network/first: .* at least 2 values .* Set batch_size=2 or more a micro-batch"
    ):
        train(replace(RECIPE, network=NORMED, accumulate=24))


def test_the_effective_batch_of_a_norm_is_shown_with_what_is_penalized_and_averaged():
    network = Sequential((NORMED, LayerNorm()))
    full = replace(RECIPE, network=network, accumulate=3, penalties=(L2(0.1), L1(0.2, only=("0/4/*",))), average=EMA())
    assert describe_update(prepare(full)) == (
        "updates of 24 examples, in 3 micro-batches of 8\n"
        "  batch statistics of 8 examples in 0/first, 0/3\n"
        "  L2(0.1) on 0/1/w, 0/4/w\n"
        "  L1(0.2, only=('0/4/*',)) on 0/4/w, 0/4/b\n"
        "  EMA() of the weights is judged and kept"
    )
    assert describe_update(prepare(RECIPE)) == "updates of 24 examples"
    assert prepare(replace(RECIPE, accumulate=3)).epoch == prepare(RECIPE).epoch
