"""What a story says of several causes, bundles, budgets and refutations, beside what its record holds."""

import re
from dataclasses import replace

from headway.concepts.catalog import deep_learning
from headway.doctor.budget import Budget, Costs
from headway.doctor.finding import Finding
from headway.doctor.remedies.bundle import BUNDLE, Ablation, Step, together
from headway.doctor.remedies.catalog import BY_HAND
from headway.report.page import page
from headway.report.story import headline, story
from tests.report.test_story import stored

COSTS = Costs(compile=2.0, run=0.25)


def read(cure):
    """The story in one line, as it is read."""
    return re.sub(r"\s+", " ", story(cure, deep_learning()))


def with_causes(cure, *causes):
    """The cure with other causes found."""
    found = tuple(Finding("found", (f"{cause} is so.",), id=id, cause=cause) for id, cause in causes)
    return replace(cure, diagnosis=replace(cure.diagnosis, findings=found))


def bundled():
    """The stored trial where the proven remedy was a bundle of two, of which one is needed."""
    cure = stored()
    proof, parts = cure.proof, [cure.proof.remedies[name] for name in ("residual", "relu-and-he")]
    renamed = {
        name: {BUNDLE if key == "residual" else key: value for key, value in getattr(proof, name).items()}
        for name in ("arms", "verdicts", "remedies")
    }
    renamed["remedies"][BUNDLE] = together(BUNDLE, parts)
    least = f"{BUNDLE} without relu-and-he"
    renamed["remedies"][least] = parts[0]
    renamed["arms"][least] = renamed["arms"][BUNDLE]
    ablation = Ablation(0.1924, (Step("relu-and-he", 0.2012, True), Step("residual", 2.3, False)), least, ("residual",))
    return replace(cure, proof=replace(proof, ablation=ablation, **renamed))


def ended(*, verdicts):
    """The stored trial where the budget ended, after a look or before the first."""
    proof = stored().proof
    budget = Budget(60.0, 0.0, spent=63.2, costs=COSTS, ended="not proven: the budget ended before seeds 6 to 10")
    left = {name: replace(one, word="not proven") for name, one in proof.verdicts.items()} if verdicts else {}
    refused = {"relu-and-he": "it does not fit into the budget"}
    return replace(
        stored(), proof=replace(proof, budget=budget, verdicts=left, refused=refused), cured=None, after=None
    )


def test_all_causes_are_named_with_their_evidence():
    cure = with_causes(stored(), ("vanishing-gradient", "vanishing gradient"), ("saturation", "saturated units"))
    assert headline(cure) == "Vanishing gradient and saturated units found, and a remedy proven: residual"
    assert "Vanishing gradient. vanishing gradient is so." in read(cure)
    assert "Saturated units. saturated units is so." in read(cure)


def test_the_concepts_of_all_causes_stand_on_the_map():
    two = [Finding("found", id=id, cause=id, concept=id) for id in ("vanishing-gradient", "overfitting")]
    text = read(replace(stored(), diagnosis=replace(stored().diagnosis, findings=tuple(two))))
    subject = deep_learning()
    assert all(subject.concept(one.concept).definition in text for one in two)
    assert "Sigmoid —saturates→ Vanishing Gradient" in text
    assert "Regularization —prevents→ Overfitting" in text


def test_where_no_remedy_is_known_it_says_so_and_what_to_do_by_hand():
    cure = replace(with_causes(stored(), ("no-signal", "no signal")), proof=None, cured=None, after=None)
    assert headline(cure) == "No signal found, no remedy known"
    assert BY_HAND["no-signal"] in read(cure)
    untried = replace(with_causes(stored(), ("saturation", "saturated units")), proof=None, cured=None, after=None)
    assert headline(untried) == "Saturated units found, nothing tried yet"


def test_the_smallest_part_of_a_bundle_is_the_cure_and_every_part_left_out_is_told():
    cure = bundled()
    assert headline(cure).endswith(f"a remedy proven: {BUNDLE} without relu-and-he")
    text = read(cure)
    assert "Of all repairs together, loss 0.19: without relu-and-he 0.20 (left out) and without residual 2.30." in text
    assert "Kept: residual." in text
    assert BUNDLE in page(cure, deep_learning())


def test_what_would_refute_the_cure_and_what_the_map_says_against_it_stand_beside_it():
    cure, residual = stored(), stored().proof.remedies["residual"]

    def told(**changes):
        remedies = cure.proof.remedies | {"residual": replace(residual, **changes)}
        return read(replace(cure, proof=replace(cure.proof, remedies=remedies)))

    assert residual.refuted_by
    assert f"refuted by {residual.refuted_by}" in read(cure)
    assert "the map Claim R42 is refuted." not in read(cure)
    assert "the map Claim R42 is refuted." in told(doubt="Claim R42 is refuted.")
    assert "refuted by" not in told(refuted_by=""), "a record of before does not know"


def test_a_budget_is_told_with_what_it_was_spent_on_and_where_it_ended():
    cure = ended(verdicts=True)
    text = read(cure)
    assert "Budget: 60 s, of which 63 s were spent. A run was estimated at 0.25 s" in text
    assert "2 s to compile" in text
    assert "Not proven: the budget ended before seeds 6 to 10." in text
    assert "Not tried: relu-and-he: it does not fit into the budget" in text
    assert headline(cure) == "Vanishing gradient found, no remedy proven"


def test_a_budget_that_ended_before_the_first_seed_has_a_story_and_a_page_too():
    cure = ended(verdicts=False)
    assert "Not proven: the budget ended before seeds 6 to 10." in read(cure)
    assert "relu-and-he: not tried here" in read(cure)
    assert "the budget ended" in page(cure, deep_learning())
