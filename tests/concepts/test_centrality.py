"""Measures of a map against values worked out by hand, and against the figures counted for the seed's drawing."""

import itertools

import networkx
import pytest
from hypothesis import given

from headway.concepts.catalog import deep_learning
from headway.concepts.centrality import BANDS, MEANING, bridges, centrality, components, network_of
from headway.concepts.graph import Concept, Edge, Map, Relation
from headway.concepts.mermaid import drawn
from maps import maps

COUNTED = {
    "Neural Network": (2, 4, 6), "Learning Rate": (1, 1, 2), "Layer": (1, 2, 3), "Optimizer": (0, 4, 4),
    "Backpropagation": (0, 3, 3), "Residual Connection": (0, 3, 3), "Regularization": (0, 5, 5),
    "Activation Function": (1, 4, 5), "Vanishing Gradient": (4, 0, 4), "Normalization": (0, 3, 3),
    "Large-Scale Training": (1, 4, 5), "Loss Function": (1, 3, 4), "LR Schedule": (1, 3, 4), "Depth": (2, 1, 3),
}  # fmt: skip


def drawing(*arrows: str, alone: str = "") -> Map:
    """`drawing("ab", "bc")`: a map with arrows from a to b and from b to c."""
    names = sorted({*"".join(arrows), *alone})
    relations = [Relation(name, word=name, family="effect") for name in ("r", "s")]
    seen: dict[str, int] = {}
    edges = []
    for arrow in arrows:
        seen[arrow] = seen.get(arrow, -1) + 1
        edges.append(Edge(f"c{arrow[0]}", relation="rs"[seen[arrow]], target=f"c{arrow[1]}"))
    concepts = [Concept(f"c{n}", title=n, type="component", definition="d") for n in names]
    return Map("T", subject="S", concepts=tuple(concepts), relations=tuple(relations), edges=tuple(edges))


def test_degrees_are_those_counted_for_the_drawing():
    subject = drawn(deep_learning())
    rows = {row.concept: (row.incoming, row.outgoing, row.total) for row in centrality(subject)}
    assert {title: rows[subject.concept(title).name] for title in COUNTED} == COUNTED
    assert sum(row.incoming for row in centrality(subject)) == len(subject.edges) == 48


def test_the_most_connected_come_first():
    rows = centrality(drawn(deep_learning()))
    assert rows[0].concept == "neural-network"
    assert [row.total for row in rows] == sorted((row.total for row in rows), reverse=True)


def test_betweenness_of_a_chain_of_five_is_worked_out_by_hand():
    """In a → b → c → d → e the pairs through b are (a,c) (a,d) (a,e): 3 of the 4 · 3 ordered pairs of others."""
    rows = {row.concept: row.betweenness for row in centrality(drawing("ab", "bc", "cd", "de"))}
    assert rows == pytest.approx({"ca": 0, "cb": 3 / 12, "cc": 4 / 12, "cd": 3 / 12, "ce": 0})


def test_betweenness_is_shared_by_routes_of_equal_length():
    rows = {row.concept: row.betweenness for row in centrality(drawing("ab", "ac", "bd", "cd"))}
    assert rows == pytest.approx({"ca": 0, "cb": 0.5 / 6, "cc": 0.5 / 6, "cd": 0})


def test_pagerank_of_an_arrow_is_worked_out_by_hand():
    """Of a → b: r_a = 0.15/2 + 0.85 r_b/2 (b leads nowhere, so anywhere), r_b = r_a + 0.85 r_a, r_a + r_b = 1."""
    rows = {row.concept: row.pagerank for row in centrality(drawing("ab"))}
    assert rows == pytest.approx({"ca": 1 / 2.85, "cb": 1.85 / 2.85}, abs=1e-5)


def test_bridges_are_the_edges_outside_every_circle_and_say_what_they_cut_off():
    subject = drawing("ab", "bc", "ca", "cd", "de", "df")
    assert {b.edge.pair: b.cut for b in bridges(subject)} == {
        ("cc", "cd"): ("cd", "ce", "cf"), ("cd", "ce"): ("ce",), ("cd", "cf"): ("cf",),
    }  # fmt: skip


def test_two_statements_about_one_pair_are_no_bridge_and_neither_is_one_of_itself():
    assert bridges(drawing("ab", "ab", "aa")) == ()
    assert bridges(drawing("ab", "ba")) == ()
    assert len(bridges(drawing("ab"))) == 1


def test_the_ill_typed_edge_alone_ties_regularization_to_the_drawing():
    subject = drawn(deep_learning())
    cuts = {bridge.edge.claim: bridge.cut for bridge in bridges(subject)}
    assert cuts["R30"] == ("regularization", "dropout", "weight-decay", "early-stopping", "data-augmentation")


def test_components_are_listed_by_size():
    assert components(drawing("ab", "cd", "de", alone="f")) == (("cc", "cd", "ce"), ("ca", "cb"), ("cf",))
    assert len(components(deep_learning())) == 1


def test_a_band_begins_at_its_threshold():
    subject = drawing("ab", "ac", "ad", "ae", "af", "ag", "hi", "hj", "hk", alone="l")
    bands = {row.concept: (row.total, row.band) for row in centrality(subject)}
    assert (bands["ca"], bands["ch"], bands["cb"], bands["cl"]) == (
        (6, "high"),
        (3, "medium"),
        (1, "low"),
        (0, "isolated"),
    )
    assert list(BANDS.values()) == sorted(BANDS.values(), reverse=True)


def test_every_measure_has_a_meaning():
    assert set(MEANING) == {"in", "out", "total", "betweenness", "PageRank", "bridges", "components"}
    assert all(len(sentence.split()) > 8 for sentence in MEANING.values())


@given(maps())
def test_measures_of_any_map_agree_with_counting(subject):
    rows = {row.concept: row for row in centrality(subject)}
    assert set(rows) == {concept.name for concept in subject.concepts}
    for name, row in rows.items():
        assert row.incoming == sum(edge.target == name for edge in subject.edges)
        assert row.outgoing == sum(edge.source == name for edge in subject.edges)
    assert sum(row.pagerank for row in rows.values()) == pytest.approx(1)
    parts = components(subject)
    assert sorted(itertools.chain(*parts)) == sorted(rows)
    for i, edge in enumerate(subject.edges):
        ways = network_of(subject).to_undirected()
        ways.remove_edge(*edge.pair, key=f"e{i}")
        cuts = networkx.number_connected_components(networkx.Graph(ways)) > len(parts)
        assert cuts == (edge in {bridge.edge for bridge in bridges(subject)})
