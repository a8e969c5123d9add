"""Whether training examples are learned by heart: on evaluations that were planted, and on real digits."""

from dataclasses import replace

import numpy as np
import pytest

from headway.data.bundled import Digits
from headway.data.dataset import Data, Examples
from headway.doctor.case import Case
from headway.doctor.diagnose import diagnose
from headway.doctor.rules.fit import overfitting
from headway.learning.losses import CrossEntropy
from headway.learning.optimizers.adaptive import Adam
from headway.models.mlp import mlp
from headway.training.recipe import EarlyStopping, Evaluation, Recipe
from headway.training.record import History
from headway.training.train import train


class Planted(Case):
    """A case whose best constant prediction has loss 1."""

    constant = 1.0


def case(judged, losses, *, split="validation", recipe=None):
    """A case with these held-out losses, evenly spaced, and these losses of training."""
    history, every = History(), len(losses) // len(judged)
    history.chunks.append(np.stack([np.asarray(losses)] * 4, axis=1))
    history.evaluations = [
        {"step": every * (i + 1), "split": split, "loss": float(loss)} for i, loss in enumerate(judged)
    ]
    return Planted(history=history, recipe=recipe)


def falling(updates=200, noise=0.01):
    """Losses of training that fall from 1 towards 0, with noise."""
    rng = np.random.default_rng(0)
    return np.exp(-np.arange(updates) / 50) + noise * rng.standard_normal(updates)


RISING = [0.8, 0.5, 0.4, 0.42, 0.47, 0.52, 0.57, 0.62, 0.67, 0.72]


def test_held_out_loss_that_rises_while_training_loss_falls_is_overfitting():
    found = overfitting(case(RISING, falling()))
    assert (found.verdict, found.steps) == ("found", (60, 200))
    assert "0.4 at its least, after update 60, 0.72 at the end" in found.evidence[0]


@pytest.mark.parametrize(("rise", "verdict"), [(0.30, "found"), (0.06, "found"), (0.04, "noticed"), (0.0, "ruled out")])
def test_a_small_rise_is_what_every_small_data_set_shows(rise, verdict):
    judged = [0.8, 0.5, 0.2, *(0.2 + rise * np.array([0.5, 0.8, 0.95, 1, 1, 1, 1]))]
    assert overfitting(case(judged, falling())).verdict == verdict


@pytest.mark.parametrize(
    ("held_out", "left", "verdict"), [(0.55, 0.02, "found"), (0.5, 0.02, "ruled out"), (0.55, 0.1, "ruled out")]
)
def test_examples_known_by_heart_say_little_of_others(held_out, left, verdict):
    judged = [0.8, 0.6, *[held_out] * 6]
    assert overfitting(case(judged, left + falling(400))).verdict == verdict


@pytest.mark.parametrize(("later", "verdict"), [(2, "ruled out"), (3, "found")])
def test_three_evaluations_must_be_above_the_best(later, verdict):
    judged = [0.8, 0.6, 0.4, 0.3, 0.2, *[0.4] * later]
    assert overfitting(case(judged, falling())).verdict == verdict


def test_a_rise_within_the_noise_of_evaluations_is_none():
    judged = 0.4 + 0.1 * np.random.default_rng(0).standard_normal(20)
    assert overfitting(case(judged, falling())).verdict == "ruled out"


def test_a_held_out_loss_that_rises_with_that_of_training_is_something_else():
    assert overfitting(case(RISING, 1 - falling())).verdict == "ruled out"


def test_losses_on_the_training_set_say_nothing():
    assert overfitting(case(RISING, falling(), split="train")).verdict == "not seen"


def test_early_stopping_keeps_it_from_doing_harm():
    recipe = Recipe(mlp((8,), 3), loss=CrossEntropy(), optimizer=Adam(1e-3), stopping=EarlyStopping(5))
    assert overfitting(case(RISING, falling(), recipe=recipe)).verdict == "noticed"
    assert overfitting(case(RISING, falling(), recipe=replace(recipe, stopping=None))).verdict == "found"


@pytest.fixture(scope="module")
def digits():
    return Data(Digits()).load()


def few(data, wrong):
    """150 digits to learn from, a share of them with any label."""
    rng, y = np.random.default_rng(0), data.train.y[:150].copy()
    flipped = rng.random(150) < wrong
    y[flipped] = rng.integers(0, 10, flipped.sum())
    return replace(data, train=Examples(data.train.x[:150], y))


RECIPE = Recipe(mlp((64,), 10), loss=CrossEntropy(), optimizer=Adam(1e-2), batch_size=32, length=200,
                evaluation=Evaluation(20))  # fmt: skip


def test_150_noisy_digits_are_learned_by_heart_and_all_digits_are_not(digits):
    noisy, whole = (diagnose(train(RECIPE, data=data)) for data in (few(digits, 0.2), digits))
    assert (noisy.cause.id, noisy["overfitting"].verdict) == ("overfitting", "found")
    assert whole.healthy
    assert whole["overfitting"].verdict in ("ruled out", "noticed")
