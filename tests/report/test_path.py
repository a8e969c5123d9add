"""Ways through the map, against networkx's ancestors and orders, and on the command line."""

import json

import networkx
import pytest

from headway.concepts.catalog import deep_learning
from headway.report.path import pathway_record, way
from tests.test_bad_input import headway

MAP = deep_learning()
REQUIRES = networkx.DiGraph([(name, concept.name) for concept in MAP.concepts for name in concept.requires])
REQUIRES.add_nodes_from(concept.name for concept in MAP.concepts)


@pytest.mark.parametrize("goal", ["pre-ln", "loss-scaling", "gradient-highway", "neuron"])
def test_the_way_to_a_concept_holds_all_that_it_requires_each_after_what_it_requires(goal):
    found = [step["concept"] for step in way(MAP, goal)]
    assert set(found) == networkx.ancestors(REQUIRES, goal) | {goal}
    assert all(found.index(a) < found.index(b) for a, b in REQUIRES.subgraph(found).edges)


def test_what_is_known_is_left_out_with_what_it_requires():
    found = {step["concept"] for step in way(MAP, "Pre-LN", ["Layer", "Activation"])}
    known = {"layer", "activation-function"}
    assert found == networkx.ancestors(REQUIRES, "pre-ln") - known - networkx.ancestors(REQUIRES, "layer") | {"pre-ln"}
    assert way(MAP, "relu", ["ReLU"]) == []


@pytest.mark.parametrize("number", range(1, 5))
def test_a_pathway_takes_its_concepts_and_all_that_they_require_in_order(number):
    seen, path = pathway_record(MAP, str(number)), MAP.pathways[number - 1]
    own = {name for stop in path.stops for name in stop.concepts} | set(path.also)
    found = [step["concept"] for step in seen["course"]]
    assert set(found) == own.union(*(networkx.ancestors(REQUIRES, name) for name in own))
    assert all(found.index(a) < found.index(b) for a, b in REQUIRES.subgraph(found).edges)
    assert pathway_record(MAP, path.title.upper()) == seen


def test_the_command_prints_ways_pathways_and_routes(capsys, monkeypatch):
    def told(*words):
        code, out, err = headway(capsys, monkeypatch, "path", *words)
        assert code == 0, err
        return out

    assert json.loads(told("--to", "Pre-LN", "--json"))[-1]["title"] == "Pre-LN"
    assert "headway demo layernorm" in told("--to", "Pre-LN", "--know", "Layer, Activation")
    assert told("--to", "ReLU", "--know", "ReLU") == "ReLU: nothing is left to learn; you know it.\n"
    text = told("3")
    assert text.startswith("3. Optimization Mastery")
    assert "Assessment: " in text
    assert json.loads(told("network", "foundations", "--json"))["number"] == 1
    assert told("--from", "relu", "--to", "vanishing gradient") == "ReLU —solves→ Vanishing Gradient\n"


@pytest.mark.parametrize(("words", "said"), [
    ((), "path: needs a pathway or a goal"), (("3", "--to", "relu"), "path: needs a pathway or a goal"),
    (("7",), "no pathway of this number or title; got 7. There are: 1 Network Foundations"),
    (("network foundation",), "Did you mean 'network foundations'"),
    (("--to", "relo"), "Did you mean 'relu'"), (("--to", "relu", "--know", "Layr"), "Did you mean 'layer'"),
])  # fmt: skip
def test_a_wrong_question_is_answered_with_what_there_is(words, said, capsys, monkeypatch):
    code, out, err = headway(capsys, monkeypatch, "path", *words)
    assert (code, out) == (2, "")
    assert said in err
