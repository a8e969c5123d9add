"""Pictures and words of the landscape: contours where the loss has their value, and what is said of known points."""

import jax.numpy as jnp
import numpy as np
import pytest

from headway.learning.landscape.hessian import Estimate
from headway.learning.landscape.slices import Line, Plane
from headway.learning.landscape.stationary import classify_point
from headway.report.landscape import (
    curvature_text,
    draw_line,
    draw_plane,
    levels,
    line_text,
    plane_size,
    plane_text,
    point_in_words,
)
from headway.report.picture import picture
from headway.report.plot import BARS
from tests.learning.landscape.test_stationary import known
from tests.report.test_figures import words

A = np.linspace(-1, 1, 41)
BOWL = A[None] ** 2 + A[:, None] ** 2
PATH = np.array([[-0.8, -0.5], [-0.2, -0.3], [0, 0]])
ALONG = ("along a", "along b")


def axes_of(draw):
    """The axes after drawing, for a look at what is on them."""
    kept = []
    svg = picture("plane", lambda axes: (draw(axes), kept.append(axes)), 4)
    return kept[0], svg


@pytest.mark.parametrize(("losses", "of"), [(BOWL, lambda r: r), (np.exp(9 * BOWL), lambda r: np.exp(9 * r))])
def test_contours_run_where_the_loss_has_their_value(losses, of):
    axes, svg = axes_of(lambda axes: draw_plane(axes, Plane(A, A, losses), along=ALONG))
    found = levels(losses)
    lines = axes.collections[-1]
    assert len(lines.get_paths()) == len(found) - 1
    for level, path in zip(found[1:], lines.get_paths(), strict=True):
        radius = np.square(path.vertices).sum(axis=1)
        if len(radius):
            np.testing.assert_allclose(of(radius), level, rtol=0.06)
    assert sum(f"{level:.2g}" in words(svg) for level in found[1:]) > 4


def test_a_path_is_drawn_with_its_start_and_end_where_they_are():
    axes, svg = axes_of(lambda axes: draw_plane(axes, Plane(A, A, BOWL, PATH, (0.8, 0.1)), along=ALONG))
    drawn = [np.stack(line.get_data(), axis=1) for line in axes.lines]
    assert sum(np.array_equal(one, PATH) for one in drawn) == 2
    at = {text.get_text(): text.xy for text in axes.texts if text.get_text() in ("start", "end")}
    assert at == {"start": tuple(PATH[0]), "end": tuple(PATH[-1])}
    assert "along a" in words(svg)
    assert "along b" in words(svg)


@pytest.mark.parametrize("corner", [np.inf, np.nan, 1e30])
def test_one_corner_that_is_out_of_bounds_flattens_nothing(corner):
    losses = BOWL.copy()
    losses[0, 0] = corner
    assert levels(losses)[-1] < 2
    assert words(picture("plane", lambda axes: draw_plane(axes, Plane(A, A, losses), along=ALONG), 4))
    assert "to 1e+30" in plane_text(Plane(A, A, losses)) or "to 2" in plane_text(Plane(A, A, losses))


def test_levels_are_powers_where_losses_lie_far_apart_and_even_where_not():
    wide = levels(np.geomspace(1e-4, 1, 1000))
    np.testing.assert_allclose(wide[1:] / wide[:-1], wide[1] / wide[0])
    even = levels(np.linspace(1, 3, 1000))
    np.testing.assert_allclose(np.diff(even), np.diff(even)[0])
    assert (np.diff(levels(np.ones((3, 3)))) > 0).all()


def test_a_plane_is_as_high_as_its_directions_say():
    height, width = plane_size(Plane(np.linspace(0, 2, 9), A, BOWL[:, :9]))
    assert (height - 0.6) / (width - 0.6) == pytest.approx(1)
    height, width = plane_size(Plane(np.linspace(0, 8, 9), A, BOWL[:, :9]))
    assert (height - 0.6) / (width - 0.6) == pytest.approx(1 / 4)


def test_a_barrier_is_marked_with_its_height():
    hill = Line(np.array([0, 0.5, 1]), np.array([1.0, 3.5, 2.0]))
    assert "barrier 2" in words(picture("line", lambda axes: draw_line(axes, hill, along="a", ends=True), 3))
    bowl = Line(hill.at, np.array([1.0, 0.5, 2.0]))
    assert "barrier" not in words(picture("line", lambda axes: draw_line(axes, bowl, along="a", ends=True), 3))


def test_a_line_is_told_as_bars_and_some_of_its_points():
    text = line_text(Line(A, A**2))
    assert text.splitlines()[0] == "".join(BARS[round(7 * a**2)] for a in A)
    assert "0.36" in text


SAID = {
    "bowl": "A local minimum: curvatures found go from 2 ± ",
    "dome": "A local maximum: curvatures found go from −6 ± ",
    "saddle": "A saddle point: curvatures found go from −2 ± ",
    "valley": "A stationary point, undecided of which kind: ",
    "Rosenbrock, in the valley": "Not a stationary point: ‖g‖ = ",
}


@pytest.mark.parametrize("name", SAID)
def test_a_known_point_is_said_to_be_what_it_is(name):
    f, params, _ = known(name)
    assert point_in_words(classify_point(f, params)).startswith(SAID[name])


def test_the_curvature_is_a_table_with_errors_and_the_trace():
    text = curvature_text(classify_point(lambda p: jnp.sum(p**2), jnp.zeros(3), k=2), Estimate(6.0, 0.25))
    assert text.count("highest") == 2
    assert text.count("lowest") == 2
    assert "trace 6 ± 0.25" in text
    assert max(map(len, text.splitlines())) <= 100
