"""The neighbourhood of a cause: the map's edges, each with what was measured where a remedy followed it."""

import re
import statistics
import xml.etree.ElementTree as ET

import pytest

from headway.concepts.catalog import deep_learning
from headway.report.neighbourhood import decades, drawing, statements
from tests.report.test_story import not_proven, refused, stored, without_cause


def by_text(cure):
    return {one.text: one for one in statements(cure, deep_learning())}


def test_every_edge_at_the_cause_is_there_once():
    edges = [edge for edge in deep_learning().edges if "vanishing-gradient" in edge.pair]
    assert sum(one.near for one in statements(stored(), deep_learning())) == len(edges)


def test_every_edge_that_a_remedy_follows_is_one_of_the_map_and_is_there():
    followed = {remedy.edge for remedy in stored().proof.remedies.values() if remedy.edge}
    known = {(edge.source, deep_learning().word(edge), edge.target) for edge in deep_learning().edges}
    assert followed <= known
    assert sum(one.standing != "not measured" for one in statements(stored(), deep_learning())) == len(followed)


def test_a_proven_remedy_is_told_at_its_edge_with_losses_and_gradient_flow():
    proof = stored().proof
    control, arm = proof.arms["tuned control"], proof.arms["relu-and-he"]
    losses = f"{statistics.mean(control.losses):.2f} → {statistics.mean(arm.losses):.2f}"
    flows = " → ".join(f"{-statistics.median(one.decades):+.1f}" for one in (control, arm)).replace("-", "−")
    one = by_text(stored())["ReLU —solves→ Vanishing Gradient"]
    assert one.standing == "proven"
    assert one.notes == (f"relu-and-he: proven here, loss {losses}, ‖dL/dh‖ {flows}",)


def test_a_remedy_that_failed_says_so_at_its_edge():
    assert all(one.standing != "proven" for one in statements(not_proven(), deep_learning()))
    one = by_text(stored())["Optimizer —uses→ Learning Rate"]
    assert one.standing == "not proven"
    assert one.notes[0].startswith("learning-rate-alone: not proven here (eliminated)")


def test_a_refused_remedy_says_so_at_its_edge():
    notes = by_text(refused())["Normalization —stabilizes→ Neural Network"].notes
    assert any("not tried here, network/3" in note for note in notes)


def test_an_edge_without_a_remedy_has_no_notes():
    assert by_text(stored())["Backpropagation —can cause→ Vanishing Gradient"].notes == ()


def test_without_a_cause_there_is_no_neighbourhood():
    assert statements(without_cause(learns=True), deep_learning()) == []


@pytest.mark.parametrize(("lost", "said"), [([6.2, 6.3, 6.4], "−6.3"), ([-0.2], "+0.2"), ([None], "–")])
def test_decades_lost_are_told_as_the_change_of_the_gradient(lost, said):
    assert decades(lost) == said


def test_the_drawing_shows_the_cause_once_and_every_neighbour_inside_the_picture():
    found = statements(stored(), deep_learning())
    root = ET.fromstring(drawing(found, "Vanishing Gradient"))
    tag = "{http://www.w3.org/2000/svg}"
    width, height = map(int, re.fullmatch(r"0 0 (\d+) (\d+)", root.attrib["viewBox"]).groups())
    assert [rect.attrib["class"] for rect in root.iter(f"{tag}rect")].count("cause") == 1
    assert len(list(root.iter(f"{tag}line"))) == len(found)
    for rect in root.iter(f"{tag}rect"):
        x, y, w, h = (int(rect.attrib[name]) for name in ("x", "y", "width", "height"))
        assert x >= 0
        assert x + w <= width
        assert y >= 0
        assert y + h <= height
    words = [text.text for text in root.iter(f"{tag}text")]
    assert all(one.source in words and one.target in words for one in found)
