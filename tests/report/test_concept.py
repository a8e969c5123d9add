"""What a person sees of a map and of a concept says everything that the map says."""

from pathlib import Path

import pytest
from hypothesis import given

from headway.concepts.catalog import deep_learning, load_map
from headway.report.concept import described, described_text, overview, overview_text
from headway.spec.error import HeadwayError
from maps import maps

BREAD = load_map(Path(__file__).parents[2] / "examples" / "maps" / "bread.toml")


def test_the_overview_counts_and_ranks():
    seen = overview(deep_learning())
    assert seen["counts"] == {"concepts": 82, "edges": 95, "relations": 18, "groups": 10, "pathways": 4}
    assert sum(row["concepts"] for row in seen["groups"]) == 82
    assert seen["centrality"][0]["concept"] == "activation-function"
    assert seen["critical_path"][-1] == "training"
    assert seen["on_no_path"] == []


def test_the_overview_in_words_has_meanings_bridges_and_the_critical_path():
    text = overview_text(deep_learning())
    assert "betweenness: share of the shortest routes" in text
    assert "47 of 95 edges are bridges" in text
    assert "AdamW —preferred for→ Large-Scale Training: 9 concepts" in text
    assert "critical path: Neuron → Layer → Activation Function → Neural Network → Loss Function" in text


def test_a_concept_shows_everything_the_map_says_of_it():
    seen = described(deep_learning(), "vanishing gradients")
    assert seen["name"] == "vanishing-gradient"
    assert [row["claim"] for row in seen["edges"]] == ["N01", "R11", "N04", "R17", "", "R39", "R42"]
    assert seen["requires"] == ["depth", "backpropagation"]
    assert seen["learn_first"][0] == "neuron"
    assert seen["hierarchy"] == [
        "GRADIENT FLOW / Vanishing Gradient: Cause: Products < 1; Solutions: ReLU, Residuals, Init"
    ]
    assert seen["paths"] == ["Training Mechanics", "Expanded Path for Practitioners"]
    text = described_text(deep_learning(), "vanishing gradients")
    for word in (
        "failure, Gradient Flow",
        "ReLU —solves→ Vanishing Gradient",
        "R42",
        "Bengio",
        "Strong",
        "graph, matrix",
    ):
        assert word in text


@pytest.mark.parametrize(
    ("word", "code"),
    [
        ("ReLU", "headway.network.activations.ReLU"),
        ("Large-Scale Training", "planned"),
        ("Regression", "no code of its own"),
    ],
)
def test_a_concept_says_where_its_code_is_or_why_there_is_none(word, code):
    assert f"code         {code}" in described_text(deep_learning(), word)


def test_a_subject_without_code_speaks_of_none():
    assert "planned" not in described_text(BREAD, "loaf")
    assert "with code" not in overview_text(BREAD)


def test_relations_to_other_subjects_are_shown():
    assert "Chemistry: Anaerobic glycolysis (Warmth doubles the speed)" in described_text(BREAD, "Rise")


def test_an_edge_of_a_concept_with_itself_is_shown_once():
    seen = described(BREAD, "fermentation")
    assert [row["statement"] for row in seen["edges"]] == [
        "Yeast —makes→ Fermentation", "Loaf —needs→ Fermentation",
        "Fermentation —sets→ Crumb", "Fermentation —can cause→ Collapse",
    ]  # fmt: skip


@given(maps())
def test_every_map_and_concept_can_be_shown(subject):
    assert overview_text(subject).startswith(f"{subject.title}: {subject.subject}")
    for concept in subject.concepts:
        seen = described(subject, concept.title)
        assert concept.definition in described_text(subject, concept.name)
        assert len(seen["edges"]) == sum(concept.name in edge.pair for edge in subject.edges)


def test_an_unknown_concept_is_answered_with_what_comes_close():
    with pytest.raises(HeadwayError, match=r"'backprobagation'\. Did you mean 'backpropagation'"):
        described(deep_learning(), "backprobagation")
