"""Synthetic data: points that lie where the formula says, balanced, repeatable."""

import numpy as np
import pytest

from headway.data.dataset import Data
from headway.data.synthetic import XOR, Blobs, Circles, Friedman, Moons, Spirals

KINDS = [Blobs, Circles, Moons, Spirals, XOR]


@pytest.mark.parametrize("kind", KINDS)
def test_a_seed_gives_the_same_balanced_points_again(kind):
    first, again, other = kind(120).load(), kind(120).load(), kind(120, seed=1).load()
    np.testing.assert_array_equal(first.x, again.x)
    assert not np.array_equal(first.x, other.x)
    assert first.x.shape == (120, 2)
    assert len(set(np.bincount(first.y))) == 1
    assert len(first.classes) == len(np.unique(first.y))


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_becomes_a_data_set(kind):
    data = Data(kind(100)).load()
    assert data.input_shape == (2,)
    assert data.schema.task == "classification"


def test_blobs_have_the_spread_asked_for_around_their_centers():
    table = Blobs(9000, classes=3, features=4, spread=0.5).load()
    for label in range(3):
        np.testing.assert_allclose(table.x[table.y == label].std(axis=0), 0.5, rtol=0.05)
    assert table.feature_names == ("x1", "x2", "x3", "x4")


def test_circles_without_noise_lie_on_their_radii():
    table = Circles(inner=0.3, noise=0.0).load()
    np.testing.assert_allclose(np.linalg.norm(table.x, axis=1), np.where(table.y == 0, 1, 0.3))


def test_moons_without_noise_are_half_circles_around_two_centers():
    table = Moons(noise=0.0).load()
    centers = np.where(table.y[:, None] == 0, [0, 0], [1, 0.5])
    np.testing.assert_allclose(np.linalg.norm(table.x - centers, axis=1), 1)
    assert (table.x[table.y == 0, 1] >= 0).all()
    assert (table.x[table.y == 1, 1] <= 0.5).all()


def test_spirals_without_noise_have_the_angle_that_their_radius_says():
    table = Spirals(classes=3, turns=2.0, noise=0.0).load()
    r = np.linalg.norm(table.x, axis=1)
    turn = np.arctan2(table.x[:, 1], table.x[:, 0]) / (2 * np.pi)
    difference = turn - 2.0 * r - table.y / 3
    np.testing.assert_allclose(difference, np.round(difference), atol=1e-9)


def test_xor_without_noise_is_the_sign_of_the_product():
    table = XOR(noise=0.0).load()
    np.testing.assert_array_equal(table.y, table.x[:, 0] * table.x[:, 1] < 0)
    assert np.abs(np.corrcoef(table.x.T, table.y)[2, :2]).max() < 0.1


def test_noise_adds_its_variance():
    clean, noisy = Circles(20_000, noise=0.0, seed=5).load(), Circles(20_000, noise=0.2, seed=5).load()
    np.testing.assert_allclose((noisy.x - clean.x).std(axis=0), 0.2, rtol=0.03)


def test_friedmans_amounts_depend_on_five_features_as_his_formula_says():
    table = Friedman(2000, features=7, noise=0.0).load()
    x = np.asarray(table.x)
    known = [np.sin(np.pi * x[:, 0] * x[:, 1]), (x[:, 2] - 0.5) ** 2, x[:, 3], x[:, 4], x[:, 5], x[:, 6]]
    np.testing.assert_allclose(
        np.linalg.lstsq(np.stack(known, 1), table.y, rcond=None)[0], [10, 20, 10, 5, 0, 0], atol=1e-8
    )
    assert Data(Friedman(100)).load().schema.task == "regression"
    assert np.std(Friedman(2000, noise=2.0).load().y - Friedman(2000, noise=0.0).load().y) == pytest.approx(2, rel=0.05)
