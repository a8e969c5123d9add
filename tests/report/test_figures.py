"""The pictures of a cure: what they show, and that they are the same bytes each time."""

import re
import xml.etree.ElementTree as ET

import pytest

from headway.report.figures import effects, gradient_flow, loss_curves
from headway.report.picture import on_white
from tests.report.test_story import OUTCOMES, diverged, not_finite, scaled, stored

SVG = "{http://www.w3.org/2000/svg}"
PICTURES = {"flow": gradient_flow, "curves": loss_curves, "effects": lambda cure: effects(cure.proof)}


def words(svg):
    return " ".join("".join(text.itertext()) for text in ET.fromstring(svg).iter(f"{SVG}text"))


@pytest.mark.parametrize("name", PICTURES)
def test_a_picture_is_the_same_bytes_each_time_whatever_the_users_style(name):
    from matplotlib import rc_context

    first = PICTURES[name](stored())
    with rc_context({"font.size": 20, "axes.grid": True, "svg.fonttype": "path", "axes.facecolor": "red"}):
        assert PICTURES[name](stored()) == first


@pytest.mark.parametrize("name", PICTURES)
def test_a_picture_names_nothing_outside_itself_but_its_namespaces(name):
    svg = PICTURES[name](stored())
    assert set(re.findall(r"https?://[^\"' ]+", svg)) <= {"http://www.w3.org/2000/svg", "http://www.w3.org/1999/xlink"}
    ids = re.findall(r'\bid="([^"]+)"', svg)
    assert all(one.startswith(f"{name}-") for one in ids)
    assert len(ids) == len(set(ids))
    assert set(re.findall(r'(?:href="#|url\(#)([^")]+)', svg)) <= set(ids)


@pytest.mark.parametrize("name", PICTURES)
def test_letters_stay_letters_in_the_colour_of_the_page(name):
    svg = PICTURES[name](stored())
    assert "currentColor" in svg
    assert "<style" not in svg
    assert words(svg)


def test_the_gradient_flow_has_a_point_for_every_layer_before_and_after():
    svg, cure = gradient_flow(stored()), stored()
    points = len(cure.before.flow) + len(cure.after.flow)
    legend = 2
    drawn = [use for use in ET.fromstring(svg).iter(f"{SVG}use") if re.search(r"#c4553b|#2f7fb8", use.get("style", ""))]
    assert len(drawn) == points + legend
    assert "before" in words(svg)
    assert "after" in words(svg)


def test_the_forest_shows_every_arm_with_its_verdict_and_a_dot_for_every_difference():
    svg, proof = effects(stored().proof), stored().proof
    for name, verdict in proof.verdicts.items():
        assert f"{name} · {verdict.word}" in words(svg)
    dots = len(re.findall(r"<use [^>]*fill-opacity: 0.6", svg))
    assert dots == sum(len(verdict.differences) for verdict in proof.verdicts.values())


def test_without_a_cure_only_the_run_before_is_drawn():
    assert "after" not in words(gradient_flow(OUTCOMES["healthy"]()))


@pytest.mark.parametrize("cure", [diverged(), scaled(1e4), scaled(1e-4)])
def test_one_run_that_diverged_does_not_flatten_the_others(cure):
    svg = effects(cure.proof)
    assert len(svg) < 100_000
    assert "e+38" not in words(svg)


def test_what_is_not_finite_is_left_out():
    assert words(gradient_flow(not_finite()))
    assert words(loss_curves(not_finite()))


def test_a_picture_that_stands_alone_is_on_white():
    assert on_white(gradient_flow(stored())).startswith('<svg style="color:#1c1e21;background:#ffffff"')
