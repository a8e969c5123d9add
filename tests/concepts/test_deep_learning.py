"""The map of deep learning: complete against the list of claims and the seed, in words of our own, its code there."""

import math
import re
from collections import Counter
from dataclasses import replace
from pathlib import Path

import networkx
import pytest

from headway.concepts.catalog import deep_learning, resolved
from headway.concepts.graph import Concept
from headway.concepts.mermaid import drawn
from headway.concepts.pathways import course, prerequisites
from headway.spec.error import HeadwayError
from headway.spec.node import Spec, field_names, walk

MAP = deep_learning()
SEED = replace(
    MAP,
    concepts=tuple(concept for concept in MAP.concepts if not concept.proposed),
    edges=tuple(edge for edge in MAP.edges if edge.provenance != ("proposed",)),
    **dict.fromkeys(("hierarchy", "pathways", "critical", "neighbours"), ()),
)
"""The part of the map that the seed has too."""
SHARED = Path(__file__).parents[2] / "../shared"
every_concept = pytest.mark.parametrize("concept", MAP.concepts, ids=lambda concept: concept.name)


def shared(name: str) -> str:
    path = SHARED / name
    if not path.exists():
        pytest.skip(f"{name} lies beside the checkout, in ../shared, and is not here")
    return path.read_text(encoding="utf-8")


def section(title: str) -> str:
    return re.search(rf"^## {title}\n(.*?)(?=^## |\Z)", shared("seed/concept-map-lesson-5.md"), re.M | re.S)[1]


def test_it_holds_what_the_seed_holds():
    entries = [entry for heading in MAP.hierarchy for entry in heading.entries]
    assert (len(SEED.concepts), len(SEED.edges), len(MAP.groups), len(MAP.hierarchy)) == (58, 60, 10, 10)
    assert (len(drawn(MAP).concepts), len(drawn(MAP).edges)) == (47, 48)
    assert (len(entries), len({entry.title for entry in entries})) == (38, 37)
    assert sum(len(entry.facts) for entry in entries) == 52
    assert [len(neighbour.connections) for neighbour in MAP.neighbours] == [5, 4, 3]
    assert [len(path.stops) for path in (*MAP.pathways, *MAP.critical)] == [6, 6, 8, 5, 5, 14]
    assert [len(advice.items) for advice in MAP.advice] == [3, 3, 3, 3]


def test_provenance_and_strength_are_those_of_the_seed():
    where = Counter(edge.provenance for edge in SEED.edges)
    assert where == {("graph",): 27, ("graph", "matrix"): 21, ("matrix",): 12}
    assert Counter(edge.strength for edge in MAP.edges if "matrix" in edge.provenance) == {"Strong": 32, "Medium": 1}
    assert {edge.strength for edge in MAP.edges if edge.provenance == ("graph",)} == {""}
    assert [concept.group for concept in SEED.concepts].count(None) == 11


def test_the_edges_are_those_of_the_list_of_claims():
    rows = re.findall(r"^\| ([RX]\d\d) \| (.+?) —(.+?)→ (.+?) \| ([MT+]+) \|", shared("claims.md"), re.M)
    names = {"M": "graph", "T": "matrix", "M+T": "both"}
    listed = {(claim, MAP.concept(a).name, MAP.relation(word).name, MAP.concept(b).name, names[source])
              for claim, a, word, b, source in rows}  # fmt: skip
    ours = {(e.claim, e.source, e.relation, e.target, "both" if len(e.provenance) == 2 else e.provenance[0])
            for e in SEED.edges}  # fmt: skip
    assert ours == listed
    assert len(listed) == 60


def test_the_connections_to_other_lessons_have_the_claims_c01_to_c12():
    rows = re.findall(r"^\| (C\d\d) \| (.+?) ↔ ", shared("claims.md"), re.M)
    ours = [one for neighbour in MAP.neighbours for one in neighbour.connections]
    assert [one.claim for one in ours] == [claim for claim, _ in rows]
    for one, (_, title) in zip(ours, rows, strict=True):
        known = {word for name in one.concepts for word in MAP.concept(name).words}
        assert one.title == title or title.casefold() in known


def test_the_matrix_has_the_seed_s_rows_with_their_strength():
    lines = [line for line in section("Relationship Matrix").splitlines() if re.match(r"\| (?!From Concept)", line)]
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    seen = {
        (MAP.concept(a).name, MAP.relation(word).name, MAP.concept(b).name, strength) for a, b, word, strength in rows
    }
    assert seen == {(e.source, e.relation, e.target, e.strength) for e in MAP.edges if "matrix" in e.provenance}
    assert len(rows) == 33


def test_the_hierarchy_is_the_seed_s_line_by_line():
    lines = re.findall(r"^[│├└─ ]*[├└]── (.+)$", section("Concept Hierarchy"), re.M)
    ours = []
    for heading in MAP.hierarchy:
        ours += [heading.title, *(text for entry in heading.entries for text in (entry.title, *entry.facts))]
    assert ours == lines


def test_every_title_that_the_seed_s_own_sections_use_is_understood():
    rows = re.findall(r"^\| ([^|]+?) \|", section(r"Concept Definitions \(Quick Reference\)"), re.M)
    low = re.search(r"Low Centrality.*\n- (.*)", section("Centrality Index"))[1].split(", ")
    ranked = re.findall(r"^\| ([^|]+?) \| +\d", section("Centrality Index"), re.M)
    titles = [title for title in (*rows, *low, *ranked) if title != "Concept" and "---" not in title]
    assert len(titles) == 24 + 17 + 10
    assert len({MAP.concept(title).name for title in titles}) > 24


SAME = (("Swish", "SiLU", "Swish/SiLU"), ("BatchNorm", "Batch Normalization"), ("MSE", "Mean Squared Error"),
        ("LayerNorm", "Layer Normalization"), ("Layer", "Layers"), ("Residual Connection", "Residual Connections"),
        ("Activation Function", "Activation Functions", "Activation"), ("LR Schedule", "Learning Rate Schedule"),
        ("Weight Decay", "Weight Decay (L2)"), ("Loss Function", "Loss"), ("Cosine Decay", "Cosine"))  # fmt: skip


@pytest.mark.parametrize("words", SAME, ids=lambda words: words[0])
def test_one_concept_answers_to_all_its_names(words):
    assert len({MAP.concept(word).name for word in words}) == 1


def test_what_only_the_hierarchy_has_is_no_concept():
    only = {entry.title for heading in MAP.hierarchy for entry in heading.entries if entry.concept is None}
    assert only == {"Pre-LN vs Post-LN"}, "a comparison of two concepts"


def test_relations_are_of_the_family_counted_for_the_seed():
    families = {relation.name: relation.family for relation in MAP.relations}
    assert Counter(families[edge.relation] for edge in drawn(MAP).edges)["taxonomy"] == 23
    assert {relation.name for relation in MAP.relations} == {edge.relation for edge in MAP.edges}
    assert {relation.family for relation in MAP.relations} == {"taxonomy", "mechanism", "effect", "learning"}
    assert all(relation.domain and relation.range for relation in MAP.relations)


def test_the_statements_that_are_wrong_as_worded_stay_with_why_and_what_replaces_them():
    wrong = {edge.claim: edge.replaced_by for edge in MAP.edges if edge.why}
    assert set(wrong) == {"R12", "R17", "R18", "R30", "X10"}
    assert {claim for better in wrong.values() for claim in better} <= {edge.claim for edge in MAP.edges}


def test_the_proposed_edges_are_n01_to_n20():
    rows = set(re.findall(r"^\| (N\d\d) \|", shared("claims.md"), re.M))
    assert {e.claim for e in MAP.edges if e.claim and e.provenance == ("proposed",)} == rows


@every_concept
def test_every_concept_is_on_a_pathway(concept: Concept) -> None:
    assert any(concept.name in course(MAP, path) for path in MAP.pathways)


@pytest.mark.parametrize("path", MAP.pathways, ids=lambda path: path.title)
def test_a_pathway_s_stops_come_after_what_they_require(path):
    order = [name for stop in path.stops for name in stop.concepts]
    for at, name in enumerate(order):
        assert not set(prerequisites(MAP, name)) & set(order[at + 1 :])


@every_concept
def test_every_api_name_leads_to_code(concept: Concept) -> None:
    assert not (concept.type == "context" and concept.api)
    for name in concept.api:
        resolved(name)


def test_a_name_that_leads_nowhere_is_refused():
    assert resolved("math.pi") == math.pi
    for name in ("math.tau.nothing.at.all", "nowhere.at.all"):
        with pytest.raises(HeadwayError, match=rf"^{name}: must lead to code"):
            resolved(name)


@every_concept
def test_a_definition_is_one_sentence_with_a_source(concept: Concept) -> None:
    assert re.fullmatch(r"[A-Z].{30,230}[^.]\.", concept.definition)
    assert not re.search(r"\.\s+[A-Z]", concept.definition)
    assert re.search(r" \d{4}, .", concept.source), "a source has authors, year and title"


@every_concept
def test_what_a_concept_requires_occurs_in_its_definition(concept: Concept) -> None:
    for name in concept.requires:
        words = MAP.concept(name).words
        assert any(word in concept.definition.casefold() for word in words), f"{name} does not occur"


def test_no_prerequisite_follows_from_the_others():
    requires = networkx.DiGraph([(c.name, name) for c in MAP.concepts for name in c.requires])
    assert set(networkx.transitive_reduction(requires).edges) == set(requires.edges)


def test_every_concept_can_be_learned_from_ones_that_require_nothing():
    start = {concept.name for concept in MAP.concepts if not concept.requires}
    assert start == {"neuron", "chain-rule", "classification", "regression"}
    assert len(prerequisites(MAP, *(concept.name for concept in MAP.concepts))) == len(MAP.concepts)


def runs(text: str, length: int = 6) -> set[tuple[str, ...]]:
    words = re.findall(r"\w+", text.casefold())
    return {tuple(words[i : i + length]) for i in range(len(words) - length + 1)}


def texts(node: Spec) -> list[str]:
    values = [getattr(node, name) for name in field_names(type(node)) if name not in ("title", "facts", "aliases")]
    return [
        text for value in values for text in (value if isinstance(value, tuple) else [value]) if isinstance(text, str)
    ]


def test_no_six_words_in_a_row_are_taken_from_the_seed_s_sentences():
    """Names, arrows between them and the labels of the hierarchy are facts; what is said in sentences is not ours."""
    lines = shared("seed/concept-map-lesson-5.md").split("```")[::2]
    prose = [line for block in lines for line in block.splitlines() if "→" not in line]
    theirs = set().union(*(runs(cell) for line in prose for cell in line.split("|")))
    assert len(theirs) > 50
    for address, node in walk(MAP):
        for text in texts(node):
            assert not runs(text) & theirs, f"{address}: {text}"


def test_no_definition_implication_or_recommendation_is_the_seed_s():
    theirs = {cell.strip(" .*-").casefold() for line in shared("seed/concept-map-lesson-5.md").splitlines()
              for cell in re.split(r"\||\d\. |\*\* ?", line)}  # fmt: skip
    ours = [c.definition for c in MAP.concepts] + [one.implication for n in MAP.neighbours for one in n.connections]
    ours += [item for advice in MAP.advice for item in advice.items] + [
        r for path in MAP.critical for r in path.reasons
    ]
    ours += [text for path in MAP.pathways for text in (path.goal, path.assessment)]
    assert not {text.strip(" .").casefold() for text in ours} & theirs
