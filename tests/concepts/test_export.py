"""What is exported is read by other programs as the same map."""

import io
import json
import re

import networkx
import pytest
from hypothesis import given

from headway.concepts.catalog import deep_learning, map_of
from headway.concepts.centrality import network_of
from headway.concepts.export import FORMATS, export
from headway.concepts.mermaid import mermaid_of, parse_mermaid
from headway.spec.error import HeadwayError
from maps import maps


@given(maps())
def test_graphml_is_read_by_networkx_as_the_same_graph(subject):
    read = networkx.read_graphml(io.BytesIO(export(subject, "graphml").encode()), force_multigraph=True)
    graph = network_of(subject)
    assert dict(read.nodes(data=True)) == dict(graph.nodes(data=True))
    assert {edge: read.edges[edge] for edge in read.edges} == {edge: graph.edges[edge] for edge in graph.edges}


@given(maps())
def test_json_is_a_map_file_and_mermaid_a_drawing_of_the_same_map(subject):
    assert map_of(json.loads(export(subject, "json"))) == subject
    assert parse_mermaid(export(subject, "mermaid")).titled() == mermaid_of(subject).titled()


@given(maps())
def test_markdown_has_a_heading_for_the_map_each_group_and_each_concept_whatever_their_titles(subject):
    lines = export(subject, "markdown").splitlines()
    levels = [line.partition(" ")[0] for line in lines if re.match(r"#+ ", line)]
    groups = {concept.group for concept in subject.concepts}
    assert (levels.count("#"), levels.count("##"), levels.count("###")) == (1, len(groups), len(subject.concepts))


def test_markdown_says_what_the_map_says_of_a_concept():
    text = export(deep_learning(), "markdown")
    (relu,) = re.findall(r"^### ReLU\n\n(.*?)\n\n(.*?)\n\n", text, re.M | re.S)
    assert relu == (deep_learning().concept("ReLU").definition,
                    "- solves **Vanishing Gradient**\n- requires Activation Function")  # fmt: skip
    assert "## Outside the groups\n\n### Overfitting" in text


def test_an_unknown_format_is_answered_with_those_there_are():
    assert set(FORMATS) == {"mermaid", "markdown", "json", "graphml"}
    with pytest.raises(HeadwayError, match=r"format: no such format; got 'markdow'.*Did you mean 'markdown'"):
        export(deep_learning(), "markdow")
