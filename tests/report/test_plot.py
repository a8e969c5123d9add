"""Pictures of a run."""

import xml.etree.ElementTree as ET
from dataclasses import replace

import pytest

from headway.learning.clipping import ClipByNorm
from headway.report.plot import BARS, curves, text_curve
from headway.training.train import train
from tests.training.test_loop import RECIPE


@pytest.mark.parametrize("suffix", ["svg", "png"])
def test_curves_are_drawn_as_the_kind_of_picture_the_name_asks_for(suffix, tmp_path):
    path = curves(train(RECIPE), tmp_path / f"curves.{suffix}")
    if suffix == "svg":
        text = ET.tostring(ET.parse(path).getroot(), encoding="unicode")
        assert "gradient norm" in text
        assert "learning rate" in text
    else:
        assert path.read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize(("limit", "clipped"), [(1e-3, True), (1e6, False)])
def test_curves_show_the_norm_after_clipping_where_something_was_clipped(limit, clipped, tmp_path):
    path = curves(train(replace(RECIPE, clip=ClipByNorm(limit))), tmp_path / "curves.svg")
    assert ("after clipping" in path.read_text()) == clipped


def test_a_text_curve_rises_and_falls_with_the_values():
    assert text_curve([0, 1, 2, 1, 0]) == BARS[0] + BARS[4] + BARS[7] + BARS[4] + BARS[0]


def test_a_long_text_curve_is_averaged_to_the_width():
    assert len(text_curve(range(1000), width=40)) == 40


def test_a_curve_of_zeros_is_flat():
    assert text_curve([0.0] * 5) == BARS[0] * 5
