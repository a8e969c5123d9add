"""Which remedies are offered: for every cause, in which order, against which edge, and when none is."""

import json
from dataclasses import replace

import pytest

from headway.claims.catalog import claims
from headway.claims.run import known_of
from headway.concepts.catalog import deep_learning
from headway.data.bundled import Diabetes, Iris
from headway.data.dataset import Data, arrays
from headway.doctor.case import Case
from headway.doctor.diagnose import Diagnosis
from headway.doctor.finding import Finding
from headway.doctor.remedies import catalog
from headway.doctor.remedies.catalog import AGAINST, BY_HAND, VERDICTS, by_hand, remedies, statement
from headway.doctor.remedies.remedy import RATE_ALONE
from headway.learning.losses import CrossEntropy, MeanSquaredError
from headway.learning.optimizers.adaptive import Adam, AdamW
from headway.learning.optimizers.groups import Frozen, Groups
from headway.learning.optimizers.sgd import SGD
from headway.models.mlp import mlp
from headway.network.activations import ReLU, Sigmoid, Softmax
from headway.network.compose import Sequential
from headway.network.dense import Dense
from headway.network.initialization import Constant, Normal
from headway.network.normalization import BatchNorm
from headway.network.residual import Residual
from headway.spec.edit import edit
from headway.training.recipe import Recipe
from tests.doctor.remedies.cases import case_of, diagnosed, offered

PLAIN = Recipe(mlp((8, 8), 3), data=Data(Iris()), loss=CrossEntropy(), optimizer=SGD(0.1), batch_size=16, length=20)
SUITED = {
    "output-loss-mismatch": replace(PLAIN, network=Sequential((*mlp((8,), 3).layers, Softmax()))),
    "loss-reduction": replace(PLAIN, loss=CrossEntropy(reduction="sum")),
    "unscaled-features": replace(PLAIN, data=Data(Iris(), standardize=False)),
    "unscaled-targets": replace(PLAIN, network=mlp((8,), 1), data=Data(Diabetes()), loss=MeanSquaredError()),
    "initial-scale": replace(PLAIN, network=Sequential((Dense(8, init=Normal(3.0)), ReLU(), Dense(3)))),
    "initial-symmetry": replace(PLAIN, network=Sequential((Dense(8, init=Constant(0.1)), ReLU(), Dense(3)))),
    "missing-nonlinearity": replace(PLAIN, network=Sequential((Dense(8), Dense(8), Dense(3)))),
    "examples-mixed": replace(PLAIN, network=Sequential((Dense(8), BatchNorm(), ReLU(), Dense(3)))),
    "decay-groups": replace(PLAIN, optimizer=AdamW(0.1, decay_only=("**/b",))),
    "over-regularised": replace(PLAIN, optimizer=AdamW(0.1, weight_decay=10.0)),
    "vanishing-gradient": replace(PLAIN, network=mlp((8,) * 4, 3, activation=Sigmoid())),
    "exploding-gradient": replace(PLAIN, network=Sequential((Dense(8), *(Residual(Dense(8)),) * 4, Dense(3)))),
}  # fmt: skip
for same in ("small-batch-statistics", "train-eval-gap"):
    SUITED[same] = SUITED["examples-mixed"]
SUITED["gradient-sign"] = PLAIN
SUITED["unreached-parameters"] = replace(PLAIN, optimizer=Groups(SGD(0.1), rules=(Frozen("**/w"),)))


@pytest.mark.parametrize("cause", [cause for cause in AGAINST if cause != "gradient-sign"])
def test_every_cause_has_a_remedy_that_can_be_computed_with_all_that_is_to_be_said(cause):
    recipe = SUITED.get(cause, PLAIN)
    found = offered(recipe, cause)
    assert RATE_ALONE.name in found, cause
    edited = [remedy for name, remedy in found.items() if name != RATE_ALONE.name]
    assert edited, cause
    for remedy in found.values():
        assert remedy.reason.endswith("."), remedy.name
        assert remedy.refuted_by.endswith("."), remedy.name
        assert remedy.cost, remedy.name
        assert (edit(recipe, *remedy.edits).spec != recipe) == (remedy.name != RATE_ALONE.name)


@pytest.mark.parametrize("cause", AGAINST)
def test_an_edge_that_a_remedy_follows_is_on_the_map(cause):
    for remedy in AGAINST[cause](patient_of(SUITED.get(cause, PLAIN), cause)):
        assert remedy.edge == () or statement(deep_learning(), remedy.edge), remedy.name


def patient_of(recipe, cause):
    case = case_of(recipe)
    return catalog.Patient(recipe, case.dataset, Finding("found", id=cause), case)


def test_the_verdicts_are_those_of_the_claims():
    """`make map` writes them."""
    known = {one.claim.id: one.verdict.word for one in known_of(claims().values())}
    assert json.loads(VERDICTS.read_text()) == known


def test_a_remedy_along_a_refuted_edge_comes_last_and_says_so(monkeypatch):
    sick = SUITED["vanishing-gradient"]
    monkeypatch.setattr(catalog, "verdicts", lambda: {"R11": "refuted", "R42": "supported"})
    found = list(offered(sick, "vanishing-gradient").values())
    assert [remedy.name for remedy in found][-2:] == ["relu-and-he", "learning-rate-alone"]
    assert "claim R11" in found[-2].doubt
    assert all(not remedy.doubt for remedy in found if remedy.name != "relu-and-he")


def test_the_first_remedies_of_all_causes_come_before_the_second_of_any():
    causes = ("unscaled-features", "loss-reduction", "batch-size")
    recipe = replace(SUITED["unscaled-features"], loss=CrossEntropy(reduction="sum"))
    names = [name for name in offered(recipe, *causes) if name != "all-certain-repairs"]
    assert names[:3] == ["standardize", "mean-loss", "larger-batch"]
    assert names.index("rescaled-inputs") > 2


def test_causes_that_are_certain_come_first():
    recipe = replace(PLAIN, loss=CrossEntropy(reduction="sum"))
    found = remedies(case_of(recipe), diagnosed(("oscillation", 0.9), ("loss-reduction", 1.0)))
    assert found[0].name == "mean-loss"


def test_a_remedy_against_two_causes_is_offered_once_and_names_both():
    found = offered(SUITED["vanishing-gradient"], "vanishing-gradient", "saturation")
    assert found["relu-and-he"].causes == ("vanishing-gradient", "saturation")


@pytest.mark.parametrize("cause", BY_HAND)
def test_where_no_edit_is_known_it_says_what_to_do_by_hand(cause):
    diagnosis = diagnosed((cause, 1.0))
    assert remedies(case_of(PLAIN), diagnosis) == ()
    assert by_hand(diagnosis) == {cause: BY_HAND[cause]}


@pytest.mark.parametrize("forbids", ["no-signal", "labels-shuffled"])
def test_nothing_is_prescribed_where_the_inputs_do_not_tell_of_the_targets(forbids):
    assert remedies(case_of(PLAIN), diagnosed((forbids, 1.0), ("learning-rate-low", 1.0))) == ()
    both = by_hand(diagnosed((forbids, 1.0), ("overfitting", 1.0)))
    assert list(both) == [forbids]


def test_a_cause_of_another_makers_rule_has_no_remedy_and_says_so():
    assert by_hand(diagnosed(("made-up", 1.0))) == {"made-up": "No remedy is known."}


def test_what_cannot_be_computed_is_not_offered():
    """Without a data spec there is nothing to standardize; a batch of all examples cannot be larger."""
    data = arrays(*(lambda table: (table.x, table.y))(Iris().load()), standardize=False)
    recipe = replace(PLAIN, data=None, batch_size=len(data.train))
    found = remedies(Case.before(recipe, data), diagnosed(("unscaled-features", 1.0), ("batch-size", 1.0)))
    names = [remedy.name for remedy in found if remedy.name != "all-certain-repairs"]
    assert names[:2] == ["rescaled-inputs", "smaller-batch"]
    assert not {"standardize", "larger-batch"} & set(names)


def test_a_run_without_causes_gets_no_remedies_at_all():
    healthy = Diagnosis("validation", 0.1, 1.0, True, (Finding("ruled out", id="overfitting"),))
    assert remedies(case_of(replace(PLAIN, optimizer=Adam(1e-2))), healthy) == ()
