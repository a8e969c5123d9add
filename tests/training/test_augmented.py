"""Runs on augmented examples: repeatable to the bit, and without augmentation the program that was there before."""

import re
from collections import Counter
from dataclasses import replace

import jax
import numpy as np
import optax
import pytest

from headway.data.augment import Rotate, Scale, Shift
from headway.data.batches import Place, batch_indices, example_keys
from headway.data.bundled import Diabetes, Digits
from headway.data.dataset import Arrays, Data, arrays
from headway.data.mixing import Mixup
from headway.learning.losses import Hinge, MeanSquaredError
from headway.learning.optimizers.sgd import SGD
from headway.network.activations import ReLU
from headway.network.compose import Sequential
from headway.network.convolution import Conv, Flatten
from headway.network.dense import Dense
from headway.network.embedding import Embedding
from headway.network.layer import salt
from headway.spec.error import HeadwayError
from headway.spec.json import dumps, loads
from headway.spec.numbers import split
from headway.training.chunk import run_chunk
from headway.training.job import prepare
from headway.training.recipe import Checkpoints, Evaluation
from headway.training.step import Batch, batch, draw_batches, initial_state, step, values_of
from headway.training.train import resume, train
from tests.training.test_chunk import looped
from tests.training.test_loop import RECIPE
from tests.training.test_resume import assert_bit_equal

IMAGES = replace(
    RECIPE,
    network=Sequential((Conv(3, kernel=3), ReLU(), Flatten(), Dense(10))),
    data=Data(Digits(shape="image")),
    augment=(Shift(1), Rotate(10.0), Mixup(0.3)),
    length=40,
    evaluation=Evaluation(13),
)


def test_without_augmentation_the_draw_has_no_operation_more():
    job = prepare(replace(IMAGES, augment=()))

    def operations(function):
        traced = str(jax.make_jaxpr(function)(job.dataset.train.x, job.dataset.train.y))
        return Counter(re.findall(r"= (\w+)", traced))

    def plain(x, y):
        indices, epochs, positions = batch_indices(0, 0, 0, 3 * 16, len(x))
        keys = example_keys(jax.random.fold_in(jax.random.key(0), salt("examples")), epochs, positions)
        return Batch(x[indices].reshape(3, 16, 8, 8, 1), y[indices].reshape(3, 16), keys.reshape(3, 16))

    def drawn(job):
        return lambda x, y: draw_batches(job.update, Arrays(x, y), Place(0, 0), 3)

    assert operations(drawn(job)) == operations(plain)
    assert operations(drawn(prepare(IMAGES))) > operations(plain)


def test_the_loop_computes_what_a_plain_loop_of_public_steps_on_public_batches_computes():
    job = prepare(IMAGES)
    state, losses = initial_state(job.update, job.dataset.input_shape), []
    for k in range(job.updates):
        state, measures = step(job.update, state, batch(job, k))
        losses.append(float(measures["loss"]))
    run = train(IMAGES)
    np.testing.assert_allclose(run.history.columns()["loss"], losses, rtol=1e-4)
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-3, atol=1e-5), run.final, values_of(state))


def test_an_example_comes_back_altered_otherwise_in_the_next_epoch():
    job = prepare(replace(RECIPE, augment=(Scale(0.5),), batch_size=104))
    raw = job.dataset.train.x
    (first, second), factors = (batch(job, k) for k in range(2)), []
    for drawn in (first, second):
        x = np.asarray(drawn.x)
        fitted = [(row @ raw.T) / np.square(raw).sum(1) for row in x]  # the factor, if it is that example
        errors = [np.abs(row - f[:, None] * raw).max(1) for row, f in zip(x, fitted, strict=True)]
        who = np.argmin(errors, axis=1)
        factors.append(dict(zip(who.tolist(), [f[i] for f, i in zip(fitted, who, strict=True)], strict=True)))
    both = factors[0].keys() & factors[1].keys()
    assert len(both) > 90
    assert np.mean([abs(factors[0][i] - factors[1][i]) < 1e-4 for i in both]) < 0.1


def test_repeats_chunks_of_any_length_and_resumed_runs_are_bit_equal(tmp_path):
    class StopError(Exception):
        pass

    def stop(event):
        if getattr(event, "step", 0) >= 20:
            raise StopError

    whole = looped(IMAGES, 1000)
    for pace in (1, 7):
        assert_bit_equal(looped(IMAGES, pace), whole)
    with pytest.raises(StopError):
        train(replace(IMAGES, checkpoints=Checkpoints(9)), out=tmp_path / "run", callbacks=(stop,))
    resumed = resume(tmp_path / "run")
    assert_bit_equal(resumed, whole)


def test_evaluation_sees_the_examples_as_they_are():
    still = replace(RECIPE, optimizer=SGD(0.0), clip=None, length=10, evaluation=Evaluation(5))
    plain, altered = train(still, anyway=True), train(replace(still, augment=(Scale(0.9), Mixup(1.0))), anyway=True)
    assert altered.results == plain.results
    assert altered.history.evaluations == plain.history.evaluations
    assert (altered.history.columns()["loss"] != plain.history.columns()["loss"]).all()


def test_changed_numbers_of_an_augmentation_compile_nothing_new():
    train(replace(IMAGES, length=5))
    before = run_chunk._cache_size()
    for numbers in ((0, 0.0, 1.0), (2, 90.0, 0.1)):
        shift, rotate, mixup = numbers
        train(replace(IMAGES, length=5, augment=(Shift(shift), Rotate(rotate), Mixup(mixup))))
    assert run_chunk._cache_size() == before


def test_the_loss_of_a_mixed_batch_is_the_mix_of_the_losses_of_both_labels():
    job = prepare(replace(RECIPE, network=Dense(3), augment=(Mixup(1.0),)))
    plain, mixed = batch(prepare(replace(RECIPE, network=Dense(3))), 4), batch(job, 4)
    state = initial_state(job.update, (4,))
    z = mixed.x @ state["params"]["w"] + state["params"]["b"]
    partner = np.roll(plain.x, 1, axis=0)
    weights = ((mixed.x - partner) * (plain.x - partner)).sum(1) / np.square(plain.x - partner).sum(1)
    own, other = (optax.softmax_cross_entropy_with_integer_labels(z, y) for y in (plain.y, np.roll(plain.y, 1)))
    expected = np.mean(weights * own + (1 - weights) * other)
    assert float(step(job.update, state, mixed)[1]["loss"]) == pytest.approx(float(expected), rel=1e-4)


def test_mixup_of_amounts_trains_and_a_recipe_with_augmentation_survives_json():
    recipe = replace(RECIPE, network=Dense(1), data=Data(Diabetes()), loss=MeanSquaredError(), augment=(Mixup(),),
                     evaluation=Evaluation(20))  # fmt: skip
    assert loads(dumps(recipe)) == recipe
    assert split(prepare(recipe).update)[1]["augment/0/alpha"] == 0.2
    mixed, plain = (batch(prepare(r), 0).y for r in (recipe, replace(recipe, augment=())))
    low, high = np.minimum(plain, np.roll(plain, 1)), np.maximum(plain, np.roll(plain, 1))
    assert ((mixed >= low - 1e-3) & (mixed <= high + 1e-3)).all()


def test_a_batch_is_mixed_whole_before_it_is_divided_into_micro_batches():
    whole, parted = (prepare(replace(IMAGES, accumulate=parts)) for parts in (1, 4))
    mixed = batch(parted, 3)
    jax.tree.map(np.testing.assert_array_equal, mixed._replace(keys=None), batch(whole, 3)._replace(keys=None))
    state = initial_state(whole.update, (8, 8, 1))
    at_once, in_parts = (step(job.update, state, mixed)[0]["params"] for job in (whole, parted))
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-6), at_once, in_parts)


@pytest.mark.parametrize(("changes", "said"), [
    ({"augment": (Scale(0.1), Shift(1))}, r"^augment/1: Shift takes sequences .*; got shape \(4,\)"),
    ({"augment": (Mixup(),), "loss": Hinge()}, r"^augment/0: Mixup makes distributions of labels; got Hinge\(\)"),
])  # fmt: skip
def test_an_augmentation_that_does_not_suit_is_refused_before_training(changes, said):
    with pytest.raises(HeadwayError, match=said):
        prepare(replace(RECIPE, **changes))


def test_token_ids_are_not_altered():
    data = arrays(np.arange(400).reshape(100, 4) % 7, np.arange(100) % 3, tokens=7)
    network = Sequential((Embedding(7, width=2), Flatten(), Dense(3)))
    with pytest.raises(HeadwayError, match=r"^augment/0: Scale alters amounts; got token ids 0 to 6"):
        prepare(replace(RECIPE, network=network, data=None, augment=(Scale(0.1),)), data)
