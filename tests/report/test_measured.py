"""The map beside what was measured: every place of the document, with verdicts that are made up."""

import re
from dataclasses import replace

import pytest

from headway.claims.catalog import claims
from headway.claims.claim import Claim, Verdict
from headway.claims.condition import Bounded, Differs, Judged, Some
from headway.claims.run import Known
from headway.concepts.catalog import deep_learning
from headway.concepts.writing import write
from headway.report.measured import deciding, effect, measured_map, told

MAP = deep_learning()
EDGE = next(edge for edge in MAP.edges if not edge.why)
WRONG = next(edge for edge in MAP.edges if edge.claim == "R12")
LOWER = Differs("loss", arm="b", than="a", by=-1.0)
EXACT = Bounded("loss", arm="a", high=0.0)
YES = Judged("loss of b is below that of a by 1", "yes", -2.0, -3.0, -1.5, 0.001)
NO = replace(YES, answer="no", value=0.1, low=-0.2, high=0.3, reason="no effect")
ZERO = Judged("loss of a ≤ 0", "yes", 0.0, 0.0, 0.0)


def known(word, because, *needs, check="experiment", control=(), conditions=(EXACT, LOWER)):
    claim = Claim("R11", says="-", check=check, design="-", needs=conditions, control=(LOWER,) * len(control))
    return Known(claim, Verdict(word, because, needs, control), {})


def test_shown_is_the_condition_that_compares_two_arms():
    assert effect(known("supported", "", ZERO, YES)) == "loss of b is below that of a by 1: −2 [−3, −1.5]"


@pytest.mark.parametrize("case", [
    known("not applicable", "", ZERO, YES, control=(NO,)),
    known("refuted", "", ZERO, NO),
])  # fmt: skip
def test_where_a_condition_is_not_met_that_one_is_shown(case):
    assert effect(case) == "loss of b is below that of a by 1: 0.1 [−0.2, 0.3]"


def test_of_several_conditions_under_one_it_is_said_how_many_hold():
    some = Some((LOWER, EXACT))
    case = known("inconclusive", "", Judged("1 of: x; y", "open", 0, 0, 2), conditions=(some,))
    assert effect(case) == "1 of: x; y: 0 hold, 2 may"


def test_what_is_pending_shows_nothing():
    assert deciding(known("pending", "not measured yet")) is None
    assert effect(known("pending", "not measured yet")) == ""


@pytest.mark.parametrize(("word", "because", "edge", "said"), [
    ("supported", "loss of b is below", EDGE, "supported"),
    ("conditional", "not at width 4", EDGE, "conditional: not at width 4"),
    ("refuted", "no effect: not loss of b", EDGE, "refuted: no effect"),
    ("convention", "the proxy holds: loss of b", EDGE, "convention: the proxy holds"),
    ("not applicable", "the control does not show it: not sure", EDGE, "not applicable: the control does not show it"),
    ("refuted", "as worded it is wrong", WRONG, f"refuted: {WRONG.why.rstrip('.')}; better said by R20 and N03"),
])  # fmt: skip
def test_a_verdict_is_told_with_its_condition_or_what_says_it_better(word, because, edge, said):
    assert told(known(word, because, YES), edge) == said


def test_every_line_of_the_hierarchy_has_its_own_claim():
    """The numbers stand where the list of claims says: `F07 ReLU → Dying ReLU Problem` behind that line."""
    seen = {claim.id: Known(claim, Verdict("supported", ""), {}) for claim in claims().values()}
    hierarchy = measured_map(MAP, seen).hierarchy
    assert hierarchy is not None
    places = 0
    for heading in hierarchy.children:
        for entry in heading.children:
            title, _, mark = entry.title.rstrip(")").rpartition(" (")
            if mark == "added":
                continue
            places += 1
            assert mark == f"H{places:02} supported"
            assert seen[mark[:3]].claim.says == f"{title} —filed under→ {heading.title}"
            for leaf in entry.children:
                for id in re.findall(r"\bF\d\d\b", leaf.title):
                    about = seen[id].claim.says.partition(" → ")[0] if id in seen else title
                    assert about == title or MAP.concept(about) == MAP.concept(title)
    assert places == 38


def test_every_concept_is_filed_once_more_where_the_source_files_it_nowhere():
    text = write(measured_map(MAP, {}))
    assert text.count("Sigmoid (added)") == 1
    assert "ReLU (added)" not in text.replace("Leaky ReLU (added)", "").replace("Dying ReLU (added)", "")


def test_without_any_claim_all_is_pending_and_what_nobody_claims_is_said():
    document = measured_map(MAP, {})
    assert document.header.date == ""
    assert {row.verdict for row in document.matrix} == {"pending", "not claimed"}
    assert {row.strength for row in document.matrix} == {"", "Strong", "Medium", "proposed"}


def test_a_critical_path_stands_beside_what_is_computed():
    least = measured_map(MAP, {}).critical[0]
    assert "Computed: Neuron → Layer → " in least.rationale
    assert least.rationale.endswith("The path leaves out Neuron, Neural Network, Loss Function and Chain Rule.")
    assert [reason.stop for reason in least.reasons] == list(least.stops)


def test_an_assessment_and_a_recommendation_are_commands():
    document = measured_map(MAP, {})
    assert [path.assessment.rpartition(": ")[2] for path in document.pathways] == [
        f"`headway learn {number}`" for number in (1, 2, 3, 4)]  # fmt: skip
    assert (
        document.advice[0]
        .items[1]
        .endswith(": `headway learn no-activation`. Measured: R06 pending (`headway claims R06`)")
    )
