"""The claims against the map they are about and the designs they name; and the quick tier, its directions stored."""

import json
import re
from pathlib import Path

import pytest

from headway.claims.catalog import chosen, claims, design
from headway.claims.claim import points
from headway.claims.run import needed, quick
from headway.concepts.catalog import deep_learning
from headway.spec.error import HeadwayError

DIRECTIONS = Path(__file__).parents[2] / "golden" / "claims.json"
"""Whether each claim points its way in the quick tier: `python tests/claims/test_claims.py` writes it anew."""
MAP = deep_learning()
TITLES = {concept.name: concept.title for concept in MAP.concepts}
STATEMENTS = {
    edge.claim: f"{TITLES[edge.source]} —{MAP.word(edge)}→ {TITLES[edge.target]}"
    for edge in MAP.edges
    if edge.provenance != ("proposed",)
}
DESIGNS = dict.fromkeys(claim.design for claim in claims().values() if not claim.pending)


def letters(text):
    return re.sub(r"[^a-z]", "", text.casefold())


@pytest.mark.parametrize("id", [id for id in claims() if id in STATEMENTS])
def test_a_claim_says_what_the_map_says_under_its_number(id):
    assert letters(claims()[id].says) == letters(STATEMENTS[id])


@pytest.mark.parametrize("id", claims())
def test_a_claim_takes_numbers_from_arms_that_its_design_has_and_names_claims_that_exist(id):
    claim = claims()[id]
    if not claim.pending:
        assert set(claim.arms) <= set(design(claim.design).names)
    assert set(claim.replaced_by) <= set(claims())
    assert claim.scope or claim.check in ("structural", "identity", "ill-typed"), "what is measured has a scope"
    assert claim.remark or not claim.limits or all(limit.said for limit in claim.limits)


def test_every_arm_of_a_design_is_read_by_a_claim():
    read = {arm for _, arm in needed(claims().values())}
    assert not {f"{name}: {arm}" for name in DESIGNS for arm in design(name).names if arm not in read}


@pytest.mark.parametrize("name", DESIGNS)
def test_the_quick_tier_points_where_it_pointed(name):
    taken = [claim for claim in claims().values() if claim.design == name and not claim.pending]
    expected = json.loads(DIRECTIONS.read_text())
    numbers = quick(taken)[name]
    assert {claim.id: points(claim, numbers) for claim in taken} == {claim.id: expected[claim.id] for claim in taken}


def test_an_unknown_claim_is_answered_with_a_near_one():
    with pytest.raises(HeadwayError, match=r"claims: no claim of this number; got R111\. Did you mean 'R11'"):
        chosen(["R111"])


if __name__ == "__main__":
    taken = [claim for claim in claims().values() if not claim.pending]
    numbers = quick(taken)
    DIRECTIONS.write_text(json.dumps({c.id: points(c, numbers[c.design]) for c in taken}, indent=1) + "\n")
