"""Mermaid text goes into a graph and back, whatever the labels; mistakes name their line."""

import re
from pathlib import Path

import pytest
from hypothesis import given

from headway.concepts.catalog import deep_learning
from headway.concepts.mermaid import (
    MermaidEdge,
    MermaidGraph,
    MermaidGroup,
    drawn,
    mermaid_of,
    parse_mermaid,
    write_mermaid,
)
from headway.spec.error import HeadwayError
from maps import NASTY, lines, maps

SEED = Path(__file__).parents[2] / "../shared/seed/concept-map-lesson-5.md"
SAFE = re.compile(r'(graph TD|    subgraph g\d+\[".*"\]|    end| +n\d+\[".*"\]|    n\d+ -->(\|".+"\|)? n\d+)')


@pytest.fixture(scope="module")
def seed() -> str:
    if not SEED.exists():
        pytest.skip("the seed document lies beside the checkout, in ../shared, and is not here")
    return re.search(r"```mermaid\n(.*?)```", SEED.read_text(encoding="utf-8"), re.DOTALL)[1]


def test_the_seed_s_drawing_goes_into_a_graph_and_back(seed):
    graph = parse_mermaid(seed)
    assert (len(graph.nodes), len(graph.edges), len(graph.groups), graph.direction) == (47, 48, 10, "TD")
    assert graph.nodes["LAND"] == "Loss Landscape"
    assert MermaidGroup("Skip Connections", ("RES", "SKIP", "HIGHWAY")) in graph.groups
    assert MermaidEdge("BACKPROP", "can cause", "EXPLODE") in graph.edges
    assert parse_mermaid(write_mermaid(graph)).titled() == graph.titled()


def test_the_map_of_deep_learning_draws_what_the_seed_draws(seed):
    graph = mermaid_of(drawn(deep_learning()))
    assert parse_mermaid(write_mermaid(graph)).titled() == parse_mermaid(seed).titled()


@given(maps())
def test_every_map_is_drawn_and_read_back_with_the_same_nodes_groups_and_edges(subject):
    graph = mermaid_of(subject)
    text = write_mermaid(graph)
    again = parse_mermaid(text)
    assert again.titled() == graph.titled()
    assert write_mermaid(again) == text
    for line in text.splitlines():
        assert SAFE.fullmatch(line), line
        inside = re.findall(r'"([^"]*)"', line)
        assert not any(re.search(r"[<>`|\\%{}]|#(?!\d+;)|end$", label) for label in inside if label != "end")


@given(lines)
def test_a_label_stands_in_its_quotes_and_nothing_in_it_can_end_them(label):
    text = write_mermaid(MermaidGraph({"a": label}, (), ()))
    assert text.count('"') == 2
    assert parse_mermaid(text).nodes == {"n1": label}


@pytest.mark.parametrize("label", NASTY)
def test_labels_that_break_other_writers_come_back(label):
    graph = MermaidGraph({"a": label, "b": "B"}, (MermaidGroup(label, ("a",)),), (MermaidEdge("a", label, "b"),))
    assert parse_mermaid(write_mermaid(graph)).titled() == graph.titled()


@pytest.mark.parametrize(
    ("text", "edges"),
    [
        ('A -->|"can cause"| B', [("A", "can cause", "B")]),
        ("A -->|two words| B", [("A", "two words", "B")]),
        ("A -- inside --> B", [("A", "inside", "B")]),
        ('A == "in --> quotes" ==> B', [("A", "in --> quotes", "B")]),
        ("A -. dotted .-> B", [("A", "dotted", "B")]),
        ("A --> B --- C -.-> D", [("A", "", "B"), ("B", "", "C"), ("C", "", "D")]),
        ("D ==> E ~~~ F", [("D", "", "E"), ("E", "", "F")]),
        ("A & B --> C & D", [("A", "", "C"), ("A", "", "D"), ("B", "", "C"), ("B", "", "D")]),
        ("A-->B;C-->D;", [("A", "", "B"), ("C", "", "D")]),
        ("A <--> B\nA --o C\nA --x D", [("A", "", "B"), ("A", "", "C"), ("A", "", "D")]),
        ("my-node.2 --> ä_1:::wide", [("my-node.2", "", "ä_1")]),
    ],
)  # fmt: skip
def test_edges_are_read_in_every_form(text, edges):
    assert [tuple(edge) for edge in parse_mermaid(f"flowchart LR\n{text}").edges] == edges


@pytest.mark.parametrize(
    "shape",
    ["[x y]", '["x y"]', "(x y)", "((x y))", "(((x y)))", "([x y])", "[[x y]]", "[(x y)]", "{x y}", "{{x y}}", ">x y]",
     "[/x y/]", '["`x y`"]', "[x<br/>y]", '[ "x#32;y" ]'],
)  # fmt: skip
def test_nodes_are_read_in_every_shape(shape):
    assert parse_mermaid(f"graph TD\nA{shape} --> B").nodes == {"A": "x y", "B": "B"}


def test_comments_styles_and_blank_lines_say_nothing():
    text = (
        "%%{init: {}}%%\n\ngraph TD;\r\n%% remark\nclassDef big fill:#f00\nA --> B\nstyle A fill:#f00\nclick A call()\n"
    )
    assert parse_mermaid(text) == parse_mermaid("graph TD\nA-->B")


def test_a_node_belongs_to_the_innermost_group_that_names_it_first():
    inner = 'subgraph "Inner"\ndirection LR\nB --> A\nend'
    text = f"graph TD\nsubgraph o [Outer one]\nA\n{inner}\nend\nsubgraph Plain words\nend"
    assert parse_mermaid(text).groups == (
        MermaidGroup("Outer one", ("A",)), MermaidGroup("Inner", ("B",)), MermaidGroup("Plain words", ()),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "line 1: a drawing begins with its kind"),
        ("pie\n", "line 1: a drawing begins with its kind.*graph TD"),
        ("graph TD\nA[y = F(x) + x]", "line 2: a label.*stands in quotes"),
        ('graph TD\n\nA["open', "line 3: a label closes its bracket"),
        ("graph TD\nA --> end", "line 2: a node has an id.*`end`"),
        ("graph TD\nA -->", "line 2: a node has an id"),
        ("graph TD\nA B", "line 2: a node is followed by an arrow; got 'B'"),
        ("graph TD\nsubgraph\nend", "line 2: a subgraph has a title"),
        ("graph TD\nsubgraph X\nA", "line 2: a subgraph is closed by a line `end`"),
        ("graph TD\nend", "line 2: `end` closes a subgraph, and none is open"),
        ("graph TD\nsubgraph q[Q]\nA\nend\nB --> q", "line 5: an edge joins nodes, not whole subgraphs"),
    ],
)
def test_a_mistake_names_its_line(text, message):
    with pytest.raises(HeadwayError, match=message):
        parse_mermaid(text)
