"""The critical step: parabolas whose turning point is known, and functions that never rise or never fall."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from headway.learning.landscape.critical import critical_step
from headway.spec.error import HeadwayError
from tests.learning.landscape.test_hessian import quadratic, symmetric


@pytest.mark.parametrize("rate", [1e-4, 0.02, 0.3, 5.0])
def test_along_the_gradient_of_a_parabola_the_critical_rate_is_two_over_its_curvature_there(rate):
    H, theta = np.asarray(symmetric([0.1, 1, 3, 8])), np.array([1.0, -2.0, 0.5, 1.5], np.float32)
    g = H @ theta
    found = critical_step(quadratic(jnp.asarray(H)), jnp.asarray(theta), jnp.asarray(-rate * g), precision=1e-3)
    assert found.factor * rate == pytest.approx(2 / (g @ H @ g / (g @ g)), rel=1e-3)


@pytest.mark.parametrize("curvature", [0.5, 4.0])
def test_along_the_top_eigenvector_it_is_two_over_the_sharpness(curvature):
    found = critical_step(lambda p: curvature * p**2 / 2, jnp.array(3.0), jnp.array(-0.1 * curvature * 3.0))
    assert found.factor * 0.1 == pytest.approx(2 / curvature, rel=0.05)


def test_of_steps_in_other_units_it_is_the_closed_form_of_the_parabola():
    """The step of Adam's first update, −η sign(g): L(θ + a d) = L at a = −2 gᵀd / dᵀH d."""
    H, theta = np.diag([1.0, 50.0]).astype(np.float32), np.array([4.0, 0.1], np.float32)
    g = H @ theta
    d = -0.01 * np.sign(g)
    found = critical_step(quadratic(jnp.asarray(H)), jnp.asarray(theta), jnp.asarray(d), precision=1e-3)
    assert found.factor == pytest.approx(-2 * g @ d / (d @ H @ d), rel=2e-3)


def test_about_ten_passes_are_enough():
    found = critical_step(lambda p: p**2, jnp.array(1.0), jnp.array(-0.1))
    assert found.passes <= 11
    assert found.factor == pytest.approx(20, rel=0.05)


def test_uphill_it_is_0_and_where_nothing_rises_it_is_infinite():
    assert critical_step(lambda p: p**2, jnp.array(1.0), jnp.array(0.1)).factor == 0
    assert critical_step(lambda p: -p, jnp.array(1.0), jnp.array(0.1)).factor == np.inf


def test_what_is_not_finite_counts_as_risen():
    wall = lambda p: jnp.where(p > 0, p, jnp.nan)  # noqa: E731
    assert critical_step(wall, jnp.array(1.0), jnp.array(-0.25), precision=0.01).factor == pytest.approx(4, rel=0.02)


def test_nested_parameters_move_together():
    f = lambda p: (p["a"]["w"] ** 2).sum() + (p["b"] ** 2).sum()  # noqa: E731
    params = {"a": {"w": jnp.ones((2, 2))}, "b": jnp.ones(3)}
    step = jax.tree.map(lambda p: -0.1 * p, params)
    assert critical_step(f, params, step).factor == pytest.approx(20, rel=0.05)


def test_a_step_of_another_shape_and_a_loss_that_is_no_number_are_refused():
    with pytest.raises(HeadwayError, match="names and shapes of the parameters"):
        critical_step(lambda p: p.sum(), jnp.ones(2), jnp.ones(3))
    with pytest.raises(HeadwayError, match="must be finite"):
        critical_step(lambda p: jnp.log(-p), jnp.array(1.0), jnp.array(1.0))
    with pytest.raises(HeadwayError, match="must be above 0"):
        critical_step(lambda p: p, jnp.array(1.0), jnp.array(1.0), precision=0)
