"""Stationary points of functions whose kind is known, and of a network at a minimum in closed form."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from headway.learning.landscape.stationary import classify_point
from headway.learning.landscape.surface import landscape
from headway.learning.losses import MeanSquaredError
from headway.network.dense import Dense
from headway.spec.error import HeadwayError
from headway.training.step import Batch

KNOWN = {
    "bowl": ({"xx": 1, "yy": 1}, (0, 0), "minimum"),
    "bowl, beside its bottom": ({"xx": 1, "yy": 1}, (1e-9, 0), "not stationary"),
    "saddle": ({"xx": 1, "yy": -1}, (0, 0), "saddle"),
    "saddle, beside it": ({"xx": 1, "yy": -1}, (1e-3, 2e-3), "not stationary"),
    "dome": ({"xx": -1, "yy": -3}, (0, 0), "maximum"),
    "monkey saddle": ({"xxx": 1, "xyy": -3}, (0, 0), "undecided"),
    "quartic bowl": ({"xxxx": 1, "yyyy": 1}, (0, 0), "undecided"),
    "valley": ({"xx": 1}, (0, 5), "undecided"),
    "bowl with a trough": ({"xx": 1, "yyyy": 1}, (0, 0), "undecided"),
    "level": ({"": 3}, (1, 2), "undecided"),
    "slope": ({"x": 1}, (1, 2), "not stationary"),
    "double well, a well": ({"xxxx": 1, "xx": -2, "": 1, "yy": 1}, (-1, 0), "minimum"),
    "double well, the pass": ({"xxxx": 1, "xx": -2, "": 1, "yy": 1}, (0, 0), "saddle"),
    "Rosenbrock": ({"": 1, "x": -2, "xx": 1, "yy": 100, "xxy": -200, "xxxx": 100}, (1, 1), "minimum"),
    "Rosenbrock, in the valley": (
        {"": 1, "x": -2, "xx": 1, "yy": 100, "xxy": -200, "xxxx": 100}, (0.9, 0.81), "not stationary"),
}  # fmt: skip
"""Polynomials by their terms, a point, and what it is."""


def polynomial(coefficients, p):
    """Σ c_ij x^i y^j, i and j below 5."""
    x, y = (jnp.stack([p[name] ** i for i in range(5)]) for name in "xy")
    return x @ coefficients @ y


def known(name, of_loss=1.0, of_params=1.0):
    """The function in other units, which one compiled program serves, and the point."""
    terms, point, kind = KNOWN[name]
    c = np.zeros((5, 5), np.float32)
    for term, value in terms.items():
        c[term.count("x"), term.count("y")] = of_loss * value / of_params ** len(term)
    params = {name: jnp.asarray(of_params * value, jnp.float32) for name, value in zip("xy", point, strict=True)}
    return jax.tree_util.Partial(polynomial, jnp.asarray(c)), params, kind


@pytest.mark.parametrize("name", KNOWN)
def test_a_point_of_a_known_function_is_what_it_is_known_to_be(name):
    f, params, kind = known(name)
    assert classify_point(f, params).kind == kind


@pytest.mark.parametrize("name", KNOWN)
@pytest.mark.parametrize("units", [(1e6, 1), (1e-6, 1), (1, 1e3), (1, 1e-3)], ids=str)
def test_the_kind_does_not_depend_on_the_units_of_loss_or_parameters(name, units):
    f, params, kind = known(name, *units)
    assert classify_point(f, params).kind == kind


def test_gain_is_the_share_of_the_loss_that_the_best_step_along_the_gradient_wins():
    """L = x² + 2 at 1: g = 2, and the best step, to 0, takes 1 of 3."""
    found = classify_point(lambda x: x**2 + 2, jnp.ones(()))
    assert found.gain == pytest.approx(1 / 3, rel=1e-6)
    assert (found.loss, found.gradient_norm) == (3, 2)
    assert classify_point(lambda x: x**2 + 2, jnp.ones(()), tolerance=0.34).kind == "minimum"


def test_least_squares_solved_in_closed_form_is_a_minimum_and_a_step_away_is_not():
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(40, 3)), rng.normal(size=(40, 1))
    solved = np.linalg.lstsq(np.hstack([x, np.ones((40, 1))]), y, rcond=None)[0]
    f = landscape(Dense(1), MeanSquaredError(), Batch(jnp.asarray(x, jnp.float32), jnp.asarray(y, jnp.float32)))
    params = {"w": jnp.asarray(solved[:3], jnp.float32), "b": jnp.asarray(solved[3], jnp.float32)}
    found = classify_point(f, params)
    assert found.kind == "minimum"
    X = np.hstack([x, np.ones((40, 1))])
    true = np.linalg.eigvalsh(2 * X.T @ X / 40)
    np.testing.assert_allclose([found.lowest.values[0], found.highest.values[0]], true[[0, -1]], rtol=1e-4)
    assert classify_point(f, {"w": params["w"] + 0.1, "b": params["b"]}).kind == "not stationary"


def test_a_direction_in_which_nothing_changes_makes_a_minimum_undecided():
    """Two inputs that are always equal: only the sum of their weights matters."""
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(20, 1)), rng.normal(size=(20, 1))
    batch = Batch(jnp.asarray(np.hstack([x, x]), jnp.float32), jnp.asarray(y, jnp.float32))
    w = float((x * y).sum() / (x * x).sum()) / 2
    f = landscape(Dense(1, bias=False), MeanSquaredError(), batch)
    found = classify_point(f, {"w": jnp.full((2, 1), w)})
    assert found.kind == "undecided"
    assert found.highest.values[0] == pytest.approx(4 * np.mean(x * x), rel=1e-4)


@pytest.mark.parametrize(
    ("act", "message"),
    [
        (lambda: classify_point(jnp.sum, jnp.ones(2), -1.0), "tolerance: must be at least 0"),
        (lambda: classify_point(lambda p: jnp.sum(jnp.log(p)), jnp.zeros(2)), "params: the loss and its derivatives"),
    ],
)
def test_a_wrong_request_is_refused(act, message):
    with pytest.raises(HeadwayError, match=message):
        act()
