"""Bundles: repairs joined where they go together, and ablated to what is needed, on planted truth."""

import json
from dataclasses import replace

import pytest

from headway.data.bundled import Iris
from headway.data.dataset import Data
from headway.doctor import proof as proofs
from headway.doctor.proof import CONTROL, Proof, prove
from headway.doctor.remedies import catalog
from headway.doctor.remedies.bundle import BUNDLE, ablated, bundled, together
from headway.doctor.remedies.catalog import remedies
from headway.doctor.remedies.remedy import Remedy
from headway.doctor.trial import Outcome, Trial
from headway.learning.losses import CrossEntropy
from headway.learning.optimizers.sgd import SGD
from headway.models.mlp import mlp
from headway.network.activations import ReLU, Softmax, Tanh
from headway.network.compose import Sequential
from headway.network.dense import Dense
from headway.network.initialization import Constant
from headway.spec.edit import Remove, Replace, Set, edit
from headway.training.recipe import Recipe
from tests.doctor.remedies.cases import case_of, diagnosed

SICK = Recipe(
    Sequential((Dense(8, init=Constant(0.1)), ReLU(), Dense(3), Softmax())), data=Data(Iris(), standardize=False),
    loss=CrossEntropy(reduction="sum"), optimizer=SGD(0.1), batch_size=16, length=20,
)  # fmt: skip
CERTAIN = ("output-loss-mismatch", "loss-reduction", "unscaled-features", "initial-symmetry")


def test_the_first_remedies_of_all_certain_causes_are_one_arm_before_all_others(monkeypatch):
    monkeypatch.setattr(catalog, "STATIC", set(CERTAIN))
    found = remedies(case_of(SICK), diagnosed(*((cause, 1.0) for cause in CERTAIN), ("oscillation", 1.0)))
    assert found[0].name == BUNDLE
    assert found[0].parts == ("remove-softmax", "mean-loss", "standardize", "default-weights")
    assert found[0].causes == CERTAIN
    whole = edit(SICK, *found[0].edits).spec
    assert whole.loss == CrossEntropy()
    assert whole.data == Data(Iris())
    assert whole.network.layers[0] == Dense(8)


@pytest.mark.parametrize("causes", [
    (("loss-reduction", 1.0),),
    (("loss-reduction", 1.0), ("unscaled-features", 0.9)),
    (("loss-reduction", 1.0), ("oscillation", 1.0)),
])  # fmt: skip
def test_one_certain_cause_makes_no_bundle(monkeypatch, causes):
    monkeypatch.setattr(catalog, "STATIC", set(CERTAIN))
    assert BUNDLE not in {one.name for one in remedies(case_of(SICK), diagnosed(*causes))}


def part(name, *edits):
    return Remedy(tuple(edits), name=name, reason=f"{name}.", cost=name)


def test_what_cannot_be_made_together_with_what_comes_before_is_left_out():
    tanh, out = part("tanh", Replace("network/1", by=Tanh())), part("out", Remove("network/1"))
    small = part("small", Set("batch_size", value=8))
    found = bundled(SICK, (tanh, out, small), SICK.data.load())
    assert found.parts == ("tanh", "small")
    assert bundled(SICK, (tanh, out), SICK.data.load()) is None


def test_an_edit_of_two_parts_is_made_once():
    one = Set("batch_size", value=8)
    assert together("both", [part("a", one), part("b", one, Set("length", value=5))]).edits == (
        one, Set("length", value=5),
    )  # fmt: skip


PARTS = {name: part(name) for name in "abcd"}
WHOLE = together(BUNDLE, list(PARTS.values()))


def ablation(loss_of, proves=lambda losses: True):
    """The ablation where what is left has the loss `loss_of` says; and the sets that were run."""
    seen = []

    def losses(remedy):
        seen.append(remedy.parts)
        return loss_of(set(remedy.parts))

    return ablated(WHOLE, PARTS, [0.1, 0.1], 0.05, losses, proves), seen


@pytest.mark.parametrize("needed", ["a", "c", "ab", "bd", "abcd"])
def test_exactly_the_parts_that_are_needed_are_kept(needed):
    found, seen = ablation(lambda kept: [0.1] * 2 if set(needed) <= kept else [0.9] * 2)
    assert found.kept == tuple(needed)
    assert [step.without for step in found.steps] == list(reversed("abcd"))[: len(found.steps)]
    assert {step.without for step in found.steps if step.stays_out} == set("abcd") - set(needed)
    assert (found.smallest == BUNDLE) is (needed == "abcd")
    assert found.smallest == BUNDLE or tuple(needed) in seen


def test_what_is_worse_by_the_smallest_effect_is_as_good_and_by_more_is_not():
    assert ablation(lambda kept: [0.1 + 0.0499 * (4 - len(kept)) / 3] * 2)[0].kept == ("a",)
    assert ablation(lambda kept: [0.1 + 0.0501] * 2)[0].kept == tuple("abcd")


def test_of_two_parts_that_do_the_same_the_first_is_kept():
    found, _ = ablation(lambda kept: [0.1] * 2 if kept & {"b", "c"} else [0.9] * 2)
    assert found.kept == ("b",)


def test_what_proves_nothing_by_itself_or_cannot_be_run_is_not_kept():
    assert ablation(lambda kept: [0.1] * 2, proves=lambda losses: False)[0].kept == tuple("abcd")
    assert ablation(lambda kept: None)[0].steps == ()


class Truth:
    """A bench where what a recipe has of two repairs decides: both are needed, the third does nothing."""

    constant, split = 1.0, "validation"

    def __init__(self, recipe):
        self.data = recipe.data.load()

    def outcomes(self, lanes, *, as_sham=False):
        def loss(recipe, seed):
            both = recipe.batch_size == 8 and recipe.length == 30
            return (0.2 if both else 0.9) + 0.001 * (seed % 7) + 0.0003 * as_sham

        return [Outcome(loss(*lane), None) for lane in lanes]


def test_a_proven_bundle_is_ablated_stored_and_its_smallest_part_cures(monkeypatch):
    recipe = replace(SICK, network=mlp((6,), 3), loss=CrossEntropy(), data=Data(Iris()))
    monkeypatch.setattr(proofs.Bench, "of", lambda recipe, data: Truth(recipe))
    parts = [part("batch", Set("batch_size", value=8)), part("idle", Set("evaluation/batch_size", value=7)),
             part("length", Set("length", value=30))]  # fmt: skip
    found = prove(recipe, (together(BUNDLE, parts), *parts), trial=Trial(randoms=0))
    assert found.proven == [BUNDLE], "no part of it does anything alone"
    assert found.ablation.kept == ("batch", "length")
    assert found.best == found.ablation.smallest == f"{BUNDLE} without idle"
    best = found.arms[found.best]
    assert (best.recipe.batch_size, best.recipe.length, best.recipe.evaluation) == (8, 30, recipe.evaluation)
    assert len(best.losses) == len(found.arms[CONTROL].losses) == 10
    assert Proof.of(json.loads(json.dumps(found.record()))) == found
