"""Slices: a known double well, quadratics in closed form, a network point by point."""

import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from headway.learning.landscape.directions import difference, random_direction
from headway.learning.landscape.slices import Line, slice_between, slice_line, slice_path, slice_plane
from headway.learning.landscape.surface import landscape
from headway.learning.losses import CrossEntropy
from headway.network.compose import Sequential
from headway.network.dense import Dense
from headway.network.layer import apply
from headway.network.normalization import BatchNorm
from headway.spec.error import HeadwayError
from tests.learning.landscape.test_surface import NETWORK, examples, start


def double_well(p):
    """Minima of 0 at x = ±1, a hill of 1 between them."""
    return (p["x"] ** 2 - 1) ** 2 + p["y"] ** 2


def at(x, y=0.0):
    return {"x": jnp.asarray(x), "y": jnp.asarray(y)}


def test_the_barrier_between_the_wells_is_the_height_of_the_hill():
    found = slice_between(double_well, at(-1.0), at(1.0))
    np.testing.assert_allclose(found.losses, ((2 * found.at - 1) ** 2 - 1) ** 2, atol=1e-6)
    assert found.barrier == pytest.approx(1, abs=1e-6)
    assert found.at[np.argmax(found.above)] == 0.5


def test_the_barrier_is_measured_from_the_line_between_the_end_losses():
    """From (1, 1) down to (−1, 0): L(a) = ((1 − 2a)² − 1)² + (1 − a)², its ends joined by 1 − a."""
    a = np.linspace(0, 1, 51)
    rise = ((1 - 2 * a) ** 2 - 1) ** 2 + (1 - a) ** 2 - (1 - a)
    assert slice_between(double_well, at(1.0, 1.0), at(-1.0)).barrier == pytest.approx(rise.max(), abs=1e-6)


def test_in_a_bowl_nothing_is_in_the_way():
    assert slice_between(lambda p: p["x"] ** 2, at(-1.0), at(3.0)).barrier == 0
    assert np.isnan(Line(np.array([0, 0.5, 1]), np.array([1, np.nan, 1])).barrier)


def test_a_network_along_a_line_has_the_loss_of_each_network_on_it():
    batch, (theta, _) = examples(), start()
    f, d = landscape(NETWORK, CrossEntropy(), batch, batch_size=3), random_direction(start()[0], jax.random.key(5))
    found = slice_line(f, theta, d, [-0.5, 0, 2])
    for a, loss in zip(found.at, found.losses, strict=True):
        there = jax.tree.map(lambda p, d, a=a: p + a * d, theta, d)
        np.testing.assert_allclose(loss, CrossEntropy()(apply(NETWORK, there, batch.x)[0], batch.y), rtol=1e-5)


def test_a_plane_holds_its_lines():
    f = landscape(NETWORK, CrossEntropy(), examples())
    theta, (d, e) = start()[0], (random_direction(start()[0], jax.random.key(i)) for i in (1, 2))
    found = slice_plane(f, theta, (d, e), 5, [-1, 0, 3])
    assert found.losses.shape == (3, 5)
    np.testing.assert_allclose(found.losses[1], slice_line(f, theta, d, 5).losses, rtol=1e-6)
    np.testing.assert_allclose(found.losses[:, 2], slice_line(f, theta, e, [-1, 0, 3]).losses, rtol=1e-6)


def test_running_statistics_go_along_the_line_where_both_are_given():
    network = Sequential((Dense(6), BatchNorm(), Dense(3)))
    batch, ((one, _), (two, _)) = examples(), (start(network, seed=seed) for seed in (0, 1))
    states = [
        {"1": {"mean": jnp.full(6, m), "variance": jnp.full(6, v), "weight": jnp.ones(())}}
        for m, v in ((0.0, 1.0), (2.0, 9.0))
    ]
    f = landscape(network, CrossEntropy(), batch, states[0])
    found = slice_between(f, one, two, [0, 0.5, 1], states=(states[0], states[1]))
    middle = jax.tree.map(lambda a, b: (a + b) / 2, (one, states[0]), (two, states[1]))
    expected = [f(one), f(*middle), f(two, states[1])]
    np.testing.assert_allclose(found.losses, expected, rtol=1e-5)
    assert slice_between(f, one, two, [0, 0.5, 1]).losses[2] == pytest.approx(float(f(two)), rel=1e-5)


def test_a_path_is_seen_on_the_plane_where_it_was():
    """Gradient descent on a quadratic of two parameters lies in its plane: losses there are those of its points."""

    def bowl(p):
        return jnp.sum(jnp.array([1.0, 6.0]) * p["w"] ** 2)

    path = [{"w": jnp.array([2.0, 1.0])}]
    for _ in range(12):
        path.append(jax.tree.map(lambda p, g: p - 0.1 * g, path[-1], jax.grad(bowl)(path[-1])))
    found = slice_path(bowl, path, points=9)
    assert sum(found.shares) == pytest.approx(1)
    np.testing.assert_allclose(found.path[-1], 0, atol=1e-7)
    lengths = np.linalg.norm(np.diff(found.path, axis=0), axis=1)
    steps = [np.linalg.norm(difference(b, a)["w"]) for a, b in itertools.pairwise(path)]
    np.testing.assert_allclose(lengths, steps, rtol=1e-4)
    room = [
        a.min() < p.min() and p.max() < a.max() for a, p in ((found.a, found.path[:, 0]), (found.b, found.path[:, 1]))
    ]
    assert all(room)

    # A quadratic is a quadratic in the plane's coordinates too: fitted to the grid, it gives the path's losses.
    def terms(a, b):
        return np.stack([a**2, a * b, b**2, a, b, np.ones_like(a)], axis=-1)

    grid = np.meshgrid(found.a, found.b)
    fit = np.linalg.lstsq(terms(*grid).reshape(-1, 6), found.losses.ravel(), rcond=None)[0]
    np.testing.assert_allclose(terms(*found.path.T) @ fit, [float(bowl(p)) for p in path], atol=1e-4)


def test_slices_keep_the_dtype_of_the_parameters():
    theta = {"w": jnp.ones((2, 2), jnp.bfloat16)}
    seen = []
    slice_line(lambda p: seen.append(p["w"].dtype) or jnp.sum(p["w"]), theta, theta, 3)
    assert set(seen) == {jnp.dtype("bfloat16")}


@pytest.mark.parametrize(
    ("act", "message"),
    [
        (lambda: slice_line(double_well, at(1.0), at(1.0), 1), "at: must be two or more numbers that rise"),
        (lambda: slice_line(double_well, at(1.0), at(1.0), [1, 0]), "numbers that rise"),
        (lambda: slice_line(double_well, at(1.0), {"x": jnp.ones(())}), "direction: must have the names and shapes"),
        (
            lambda: slice_between(double_well, at(1.0), {"x": jnp.ones(2), "y": jnp.ones(())}),
            "end: must have the names",
        ),
        (lambda: slice_path(double_well, [at(0.0), at(1.0)]), "path: 2 directions need more than 2 points"),
    ],
)
def test_a_wrong_slice_is_refused(act, message):
    with pytest.raises(HeadwayError, match=message):
        act()
