"""What the edits against rates, constants and what holds updates back do to a recipe."""

from dataclasses import replace

import pytest

from headway.learning.clipping import ClipByNorm
from headway.learning.optimizers.adaptive import Adam, AdamW, RMSProp
from headway.learning.optimizers.groups import Adjusted, Frozen, Groups
from headway.learning.optimizers.orthogonal import Muon
from headway.learning.optimizers.sgd import SGD
from headway.learning.schedules.decay import Cosine, Step
from headway.spec.edit import edit
from headway.training.recipe import EarlyStopping
from tests.doctor.remedies.cases import offered
from tests.doctor.remedies.test_edits import PLAIN, after


def freezing(optimizer):
    return Groups(optimizer, rules=(Frozen("**/w"),))


@pytest.mark.parametrize(("optimizer", "becomes"), [
    (Adam(1e-5), Adam(1e-3)),
    (Adam(1.0), Adam(1e-3)),
    (SGD(1e-3), SGD(0.1)),
    (SGD(10.0, momentum=0.9), SGD(0.01, momentum=0.9)),
    (AdamW(Cosine(2e-5)), AdamW(Cosine(1e-3))),
    (Adam(3e-3), None), (SGD(0.5), None), (Muon(1.0), None),
])  # fmt: skip
def test_a_rate_far_from_the_usual_becomes_the_usual_one(optimizer, becomes):
    recipe = replace(PLAIN, optimizer=optimizer)
    for cause in ("learning-rate-low", "learning-rate-high"):
        found = offered(recipe, cause)
        assert ("usual-rate" in found) is (becomes is not None)
        if becomes is not None:
            cured, wanted = (
                [float(one.resolved(20, 5).rate(i)) for i in (0, 10, 19)]
                for one in (edit(recipe, *found["usual-rate"].edits).spec.optimizer, becomes)
            )
            assert cured == pytest.approx(wanted, rel=2e-3)


def test_a_rate_that_is_spent_early_falls_over_the_whole_run():
    early = replace(PLAIN, optimizer=SGD(Step(0.1, drops=(3, 6), factor=0.01)))
    assert after(early, "schedule-length", "rate-that-lasts").optimizer == SGD(Cosine(0.1))
    for lasting in (SGD(0.1), SGD(Cosine(0.1)), SGD(Step(0.1, drops=(15,), factor=0.01))):
        assert "rate-that-lasts" not in offered(replace(PLAIN, optimizer=lasting), "schedule-length")


def test_constants_that_hold_updates_back_become_the_usual_ones():
    for optimizer, becomes in (
        (SGD(0.1, momentum=0.999), SGD(0.1, momentum=0.9)),
        (AdamW(1e-3, eps=100.0), AdamW(1e-3)),
        (RMSProp(1e-3, momentum=0.99, eps=1.0), RMSProp(1e-3, momentum=0.9)),
    ):
        assert after(replace(PLAIN, optimizer=optimizer), "learning-rate-low", "usual-constants").optimizer == becomes
    for usual in (SGD(0.1, momentum=0.9), Adam(1e-3, eps=1e-5), freezing(Adam(1e-3))):
        assert "usual-constants" not in offered(replace(PLAIN, optimizer=usual), "learning-rate-low")


def test_a_run_that_was_stopped_early_makes_all_its_updates_and_one_that_was_not_more_of_them():
    patient = replace(PLAIN, stopping=EarlyStopping(1))
    assert after(patient, "too-few-steps", "unstopped") == PLAIN
    assert "longer" not in offered(patient, "too-few-steps")
    assert "unstopped" not in offered(PLAIN, "too-few-steps")
    assert "longer" in offered(PLAIN, "too-few-steps")


def test_what_is_clipped_or_frozen_is_let_go():
    assert after(replace(PLAIN, clip=ClipByNorm(1e-3)), "learning-rate-low", "unclipped") == PLAIN
    assert after(replace(PLAIN, optimizer=freezing(SGD(0.1))), "unreached-parameters", "thawed") == PLAIN
    other = Adjusted("**/b", rate_factor=2.0)
    mixed = Groups(SGD(0.1), rules=(Frozen("**/w"), other))
    assert after(replace(PLAIN, optimizer=mixed), "underfitting", "thawed").optimizer == Groups(
        SGD(0.1), rules=(other,)
    )
    for cause in ("learning-rate-low", "unreached-parameters"):
        assert not {"thawed", "unclipped"} & set(offered(PLAIN, cause))
