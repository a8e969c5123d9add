"""Stability: optimizers run on parabolas just below their bound and just above, and sharpness against NumPy."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from headway.learning.landscape.stability import Scaled, preconditioner, sharpness, stable_until
from headway.learning.optimizers.adaptive import Adam, AdamW, Lion, RMSProp
from headway.learning.optimizers.groups import Frozen, Groups
from headway.learning.optimizers.sgd import SGD
from tests.learning.landscape.test_hessian import quadratic, symmetric

CURVATURE = 3.0
FIXED = 1 - 1e-7
"""A decay at which a second moment stays what it is over a few hundred updates."""


def went(optimizer, memory=None, updates=2000):
    """ "settles" or "grows" on the parabola 3 θ² / 2 from θ = 1; the state's moments are `memory` at first.

    It grows where it passes 100 on its way: what grows fills the second moment in the end, which halts it.
    """
    rule = optimizer.transformation()
    state = rule.init(jnp.ones(())) | (memory or {})

    def step(carry, _):
        theta, state = carry
        update, state = rule.update(CURVATURE * theta, state, theta)
        return (theta + update, state), abs(theta)

    way = np.asarray(jax.jit(lambda c: jax.lax.scan(step, c, None, updates))((jnp.ones(()), state))[1])
    return "grows" if not way.max() < 100 else "settles" if way[-1] < 0.1 else "neither"


@pytest.mark.parametrize(
    "settings", [{}, {"momentum": 0.5}, {"momentum": 0.9}, {"momentum": 0.5, "nesterov": True},
                 {"momentum": 0.9, "nesterov": True}], ids=str)  # fmt: skip
def test_gradient_descent_settles_below_its_bound_and_grows_above(settings):
    bound = stable_until(SGD(1.0, **settings)) / CURVATURE
    assert went(SGD(0.97 * bound, **settings)) == "settles"
    assert went(SGD(1.03 * bound, **settings)) == "grows"


@pytest.mark.parametrize("kind", [Adam, AdamW])
def test_adam_settles_below_38_in_the_units_in_which_it_steps_and_grows_above(kind):
    """With b1 = 0.9 and a second moment that is held at 16: P = 4 and P⁻¹ H = 3 / 4."""
    optimizer = kind(1.0, b2=FIXED, **({"weight_decay": None} if kind is AdamW else {}))
    assert stable_until(optimizer) == pytest.approx(38)
    memory = {"count": jnp.array(10**9), "v": jnp.array(16.0)}
    held = float(preconditioner(optimizer, {"v": jnp.array(16.0), "count": 10**9}))
    assert held == pytest.approx(4, rel=1e-4)
    rate = stable_until(optimizer) / (CURVATURE / held)
    assert went(optimizer.times(0.97 * rate), memory) == "settles"
    assert went(optimizer.times(1.03 * rate), memory) == "grows"


@pytest.mark.parametrize("momentum", [None, 0.8])
def test_rmsprop_settles_below_the_bound_of_gradient_descent_in_its_units(momentum):
    optimizer, memory = RMSProp(1.0, smoothing=FIXED, momentum=momentum), {"v": jnp.array(16.0)}
    rate = stable_until(optimizer) / (CURVATURE / float(preconditioner(optimizer, memory)))
    assert went(optimizer.times(0.97 * rate), memory) == "settles"
    assert went(optimizer.times(1.03 * rate), memory) == "grows"


def test_of_other_rules_no_bound_is_told():
    for optimizer in (Lion(), Groups(SGD(0.1), rules=(Frozen("0/*"),))):
        assert stable_until(optimizer) is None
        assert preconditioner(optimizer, {}) is None
    assert preconditioner(SGD(0.1), {}) is None


def test_the_preconditioner_undoes_the_start_at_0_as_adam_does():
    optimizer, params = Adam(1e-3, eps=1e-3), {"w": jnp.zeros(3)}
    rule, g = optimizer.transformation(), {"w": jnp.array([1.0, -2.0, 0.5])}
    state = rule.init(params)
    for _ in range(5):
        _, state = rule.update(g, state, params)
    np.testing.assert_allclose(preconditioner(optimizer, state)["w"], np.abs(g["w"]) + 1e-3, rtol=1e-4)


def test_sharpness_is_the_highest_eigenvalue_of_the_whole_matrix_preconditioned_or_not():
    values = [-2.0, 0.3, 1, 4, 9]
    H, P = np.asarray(symmetric(values), float), np.array([0.2, 1, 3, 0.5, 2])
    f, theta = quadratic(jnp.asarray(H, jnp.float32)), jnp.arange(5.0)
    assert sharpness(f, theta).value == pytest.approx(9, rel=1e-4)
    found = sharpness(f, theta, jnp.asarray(P, jnp.float32))
    assert found.value == pytest.approx(np.linalg.eigvals(H / P[:, None]).real.max(), rel=1e-4)
    assert found.error < 1e-3


def test_a_scaled_loss_is_the_loss_in_other_units():
    f = Scaled(jax.tree_util.Partial(lambda p: p["a"] ** 2 + p["b"]), {"a": jnp.array(3.0), "b": jnp.array(2.0)})
    assert f({"a": jnp.array(2.0), "b": jnp.array(5.0)}) == 6**2 + 10
