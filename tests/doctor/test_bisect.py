"""Bisection against planted truth, and once on real networks."""

import json
from dataclasses import replace
from itertools import chain, combinations

import pytest

from headway.data.bundled import Iris
from headway.data.dataset import Data
from headway.doctor import bisect as bisects
from headway.doctor.bisect import bisect, fewest, units
from headway.doctor.trial import Outcome
from headway.learning.clipping import ClipByNorm
from headway.learning.losses import CrossEntropy
from headway.learning.optimizers.adaptive import Adam
from headway.models.mlp import mlp
from headway.network.activations import ReLU, Softmax, Tanh
from headway.network.compose import Sequential
from headway.network.dense import Dense
from headway.network.residual import Residual
from headway.report.bisection import bisection_text
from headway.spec.edit import InsertAfter, Remove, Replace, Set
from headway.spec.error import HeadwayError
from headway.training.recipe import Recipe

GOOD = Recipe(mlp((6,), 3), data=Data(Iris()), loss=CrossEntropy(), optimizer=Adam(1e-2), batch_size=16, length=40)
BAD = replace(GOOD, optimizer=Adam(1e-2, b1=0.5), batch_size=8, seed=5, clip=ClipByNorm(9.0), length=41)


@pytest.mark.parametrize("size", [1, 2, 5, 8, 13])
@pytest.mark.parametrize("planted", [(0,), (3,), (0, 4), (2, 3), (1, 4, 7), (0, 1, 2, 3, 4)])
def test_what_is_needed_together_is_found_and_nothing_else(size, planted):
    if max(planted) >= size:
        return
    seen = []

    def test(chosen):
        seen.append(chosen)
        return "bad" if set(planted) <= set(chosen) else "good"

    assert fewest(tuple(range(size)), test) == planted
    assert len(seen) <= size**2 + 3 * size  # Zeller & Hildebrandt 2002, proposition 12


@pytest.mark.parametrize("rule", [
    lambda chosen: len(chosen) >= 3,
    lambda chosen: {1, 2} <= chosen or {5} <= chosen,
    lambda chosen: sum(chosen) >= 9,
])  # fmt: skip
def test_no_single_member_of_what_is_found_can_be_left_out(rule):
    def test(chosen):
        return "bad" if rule(set(chosen)) else "good"

    found = fewest(tuple(range(7)), test)
    assert test(found) == "bad"
    assert all(test(tuple(n for n in found if n != out)) == "good" for out in found)


def test_sets_that_are_unresolved_are_neither_good_nor_bad():
    """Edits 2 and 5 compute only together; 5 breaks."""

    def test(chosen):
        if (2 in chosen) != (5 in chosen):
            return "unresolved"
        return "bad" if 5 in chosen else "good"

    assert fewest(tuple(range(8)), test) == (2, 5)


class Planted:
    """A bench where a recipe is bad by the fields that it has."""

    constant, split = 1.0, "validation"

    def __init__(self, bad):
        self.bad, self.runs = bad, []

    def examples(self, recipe):
        return GOOD.data.load(), None

    def outcomes(self, lanes):
        self.runs += lanes
        return [Outcome(2.0 if self.bad(recipe) else 0.1, None) for recipe, _ in lanes]


@pytest.fixture
def planted(monkeypatch):
    def plant(bad):
        bench = Planted(bad)
        monkeypatch.setattr(bisects.Bench, "of", lambda recipe, data: bench)
        return bench

    return plant


def fields_of(edits, numbers):
    return {edits[n].at for n in numbers}


def test_two_edits_that_break_only_together_and_either_of_which_cures(planted):
    bench = planted(lambda recipe: recipe.batch_size == 8 and recipe.optimizer.b1 == 0.5)
    found = bisect(GOOD, BAD, seeds=2)
    assert fields_of(found.edits, found.breaks) == {"batch_size", "optimizer/b1"}
    assert len(found.cures) == 1
    assert fields_of(found.edits, found.cures) < {"batch_size", "optimizer/b1"}
    assert (found.good, found.bad, found.middle) == (0.1, 2.0, 0.55)
    assert len(bench.runs) == 2 * len({one.edits for one in found.tried}), "no set is run twice"


def test_two_edits_each_of_which_breaks_and_both_of_which_must_be_undone(planted):
    planted(lambda recipe: recipe.batch_size == 8 or recipe.optimizer.b1 == 0.5)
    found = bisect(GOOD, BAD)
    assert len(found.breaks) == 1
    assert fields_of(found.edits, found.cures) == {"batch_size", "optimizer/b1"}


def test_edits_that_cannot_be_computed_alone_are_unresolved(planted):
    """The body of a residual connection and what is in front of it must be equally wide."""

    def wide(units):
        return Sequential((Dense(units), Residual(Dense(units)), Dense(3)))

    bench = planted(lambda recipe: recipe.network == wide(8))
    found = bisect(replace(GOOD, network=wide(6)), replace(BAD, network=wide(8)))
    assert {one.outcome for one in found.tried} == {"good", "bad", "unresolved"}
    assert all((one.loss is None) == (one.outcome == "unresolved") for one in found.tried)
    assert fields_of(found.edits, found.breaks) == {"network/0/units", "network/1/body/units"}
    assert {recipe.network for recipe, _ in bench.runs} == {wide(6), wide(8)}


def test_a_layer_put_in_taken_out_or_replaced_is_one_edit():
    bad = replace(GOOD, network=Sequential((*GOOD.network.layers[:2], Tanh(), Dense(3), Softmax())))
    kinds = {type(one) for one in units(GOOD, bad)}
    assert units(GOOD, bad) == (Replace("network/2", by=Tanh()), InsertAfter("network/3", new=Softmax()))
    assert kinds == {Replace, InsertAfter}
    assert units(bad, GOOD) == (Replace("network/2", by=ReLU()), Remove("network/4"))


def test_recipes_that_are_equal_or_not_apart_are_refused(planted):
    with pytest.raises(HeadwayError, match="two recipes that differ"):
        bisect(GOOD, GOOD)
    planted(lambda recipe: False)
    with pytest.raises(HeadwayError, match="lower by more than"):
        bisect(GOOD, BAD)


def test_of_three_real_edits_the_one_that_breaks_is_found_told_and_written():
    good = replace(GOOD, optimizer=Adam(3e-2))
    bad = replace(good, optimizer=Adam(1e-6), batch_size=20, clip=ClipByNorm(5.0))
    found = bisect(good, bad, seeds=1)
    assert [found.edits[n] for n in found.breaks] == [Set("optimizer/learning_rate", value=1e-6)]
    assert found.cures == found.breaks
    record = json.loads(json.dumps(found.record()))
    assert record["breaks"] == list(found.breaks)
    assert record["sentences"][found.breaks[0]] == "set optimizer/learning_rate → 1e-06"
    text = bisection_text(found)
    number = found.breaks[0] + 1
    assert text.startswith(f"Edit {number} alone breaks training; undoing edit {number} cures it.")
    assert all(one.sentence() in text for one in found.edits)


def test_every_pair_of_planted_faults_among_five_edits_is_found(planted):
    edits = units(GOOD, BAD)
    assert len(edits) == 5
    for pair in chain(combinations(range(5), 2)):
        wanted = {edits[n].at for n in pair}

        def broken(recipe, wanted=wanted):
            made = {"optimizer/b1": recipe.optimizer.b1 == 0.5, "batch_size": recipe.batch_size == 8,
                    "seed": recipe.seed == 5, "clip": recipe.clip is not None,
                    "length": recipe.length == 41}  # fmt: skip
            return all(made[at] for at in wanted)

        planted(broken)
        assert fields_of(edits, bisect(GOOD, BAD, seeds=1).breaks) == wanted
