"""What counts as harm and as health, on numbers written by hand; and skill, beside what NumPy makes of it."""

from dataclasses import replace

import numpy as np
import pytest

from headway.doctor.faults.bases import SETS
from headway.doctor.faults.catalog import faulty, program
from headway.doctor.faults.healthy import healthy
from headway.doctor.faults.measure import (
    FOLDER,
    WORST,
    Measured,
    fingerprint,
    keeps,
    measure,
    measure_all,
    rival,
    skill,
    stored,
)
from headway.training.train import train

FINE = Measured((0.9, 0.88, 0.92), (0.91, 0.9, 0.92), 0.9, 0, "")


@pytest.mark.parametrize(
    ("skills", "cut", "loss", "promise"),
    [
        ((0.79, 0.79, 0.79), 0, True, False),
        ((0.81, 0.81, 0.81), 0, False, False),
        ((0.85, 0.5, 0.5), 0, False, False),
        ((0.9, 0.9, 0.9), 2, True, False),
        ((1.01, 1.01, 1.01), 0, False, True),
    ],
)
def test_a_fault_does_harm_where_it_costs_a_tenth_in_the_mean_and_on_the_programs_own_seed(skills, cut, loss, promise):
    measured = replace(FINE, skills=skills, cut=cut)
    assert (measured.harms("loss"), measured.harms("promise")) == (loss, promise)


@pytest.mark.parametrize(
    ("change", "fine"),
    [
        ({}, True),
        ({"cut": 1}, False),
        ({"skills": (0.84, 0.84, 0.84), "best": (0.84, 0.84, 0.84)}, False),
        ({"skills": (0.86, 0.86, 0.86), "best": (0.86, 0.86, 0.86)}, True),
        ({"skills": (0.79, 0.95, 0.95), "best": (0.79, 0.95, 0.95)}, False),
        ({"best": (0.91, 0.9, 0.98)}, False),
        ({"skills": (0.99, 0.99, 0.99), "best": (0.99, 0.99, 0.99)}, True),
    ],
)
def test_a_recipe_is_healthy_where_it_comes_close_on_every_seed_and_stays_there(change, fine):
    assert replace(FINE, **change).fine == fine


def test_skill_is_the_share_of_the_variance_or_of_the_entropy_that_is_explained():
    chosen = program("few-updates@friedman-mlp")
    run = train(chosen.recipe)
    data = run.data()
    held = data.validation
    made = np.asarray(run.outputs(chosen.recipe.data.source.load().x[:1]))
    assert made.shape == (1, 1)
    loss = run.evaluate("validation")["loss"]
    constant = np.mean((held.y - data.train.y.mean()) ** 2)
    assert skill(run, data, run.values) == pytest.approx(1 - loss / constant, abs=1e-3)


def test_a_rival_is_the_better_of_a_line_and_a_forest():
    def found(id: str) -> float:
        recipe = next(one for one in healthy() if one.id == id).recipe
        return rival(recipe, recipe.data.load())

    # A line does next to nothing with spirals; nothing can foretell mistakes: 1 − H(0.1) / ln 2 is the most.
    most = 1 + (0.1 * np.log(0.1) + 0.9 * np.log(0.9)) / np.log(2)
    assert 0.2 < found("noisy-labels-0.1@spirals-tanh") < most + 0.1
    assert found("sorted@iris-tanh") > 0.8


def test_what_is_measured_is_stored_and_not_measured_again_unless_the_recipe_is_another(tmp_path):
    chosen, seen = program("few-updates@iris-tanh"), []
    for _ in range(2):
        measure_all("some", [chosen], tmp_path, tell=lambda one: seen.append(one.id))
    assert seen == [chosen.id]
    assert stored("some", tmp_path)[chosen.id] == measure(chosen)
    other = replace(chosen, recipe=replace(chosen.recipe, batch_size=9))
    measure_all("some", [other], tmp_path, tell=lambda one: seen.append(one.id))
    assert len(seen) == 2
    assert keeps(chosen, stored("some", tmp_path)[chosen.id])


@pytest.mark.parametrize("name", SETS)
def test_what_is_stored_was_measured_of_the_recipes_as_they_are(name):
    known = {one.id: one for one in (*faulty(name), *healthy(name))}
    found = stored(name, FOLDER)
    assert set(found) == set(known)
    for id, measured in found.items():
        assert measured.recipe == fingerprint(known[id].recipe), f"{id}: python -m benchmarks.doctor measure"
        assert min(*measured.skills, *measured.best) >= WORST
        assert len(measured.skills) == len(measured.best) == len(known[id].base.seeds) == 3
