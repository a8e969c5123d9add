"""Examples that are drawn, held against scikit-learn, against arithmetic of NumPy or by hand, and the chances named."""

from dataclasses import replace

import numpy as np
import pytest
from sklearn.datasets import (
    make_classification,
    make_friedman2,
    make_gaussian_quantiles,
    make_hastie_10_2,
    make_swiss_roll,
)
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import cross_val_score

from headway.data.dataset import Source
from headway.doctor.faults.drawn import FIGURES, WAVES, Cells, Chains, Drawn, Figures, Sorting, Waves
from headway.spec.error import HeadwayError
from headway.spec.json import dumps, loads


def arrays(source: Source) -> tuple[np.ndarray, np.ndarray]:
    table = source.load()
    return np.asarray(table.x), np.asarray(table.y)


@pytest.mark.parametrize(
    ("source", "theirs"),
    [
        (Drawn("classification", examples=90, settings=(("n_classes", 3), ("n_informative", 4), ("scale", None))),
         lambda: make_classification(90, n_classes=3, n_informative=4, scale=None, random_state=0)),
        (Drawn("gaussian_quantiles", examples=90, settings=(("n_features", 3),)),
         lambda: make_gaussian_quantiles(n_samples=90, n_features=3, random_state=0)),
        (Drawn("friedman2", examples=90, settings=(("noise", 2.0),), seed=5),
         lambda: make_friedman2(90, noise=2.0, random_state=5)),
        (Drawn("swiss_roll", examples=90, settings=(("noise", 0.3),)),
         lambda: make_swiss_roll(90, noise=0.3, random_state=0)),
    ],
)  # fmt: skip
def test_what_scikit_learn_draws_is_as_it_draws_it(source, theirs):
    for ours, drawn in zip(arrays(source), theirs(), strict=True):
        np.testing.assert_array_equal(ours, drawn)
    assert loads(dumps(source)) == source


def test_labels_below_0_are_numbered_and_amounts_are_no_classes():
    x, y = make_hastie_10_2(200, random_state=1)
    table = Drawn("hastie_10_2", examples=200, seed=1).load()
    np.testing.assert_array_equal(table.x, x)
    np.testing.assert_array_equal(table.y, y > 0)
    np.testing.assert_array_equal(table.y, np.sum(x**2, axis=1) > 9.34)
    assert table.classes == ("0", "1")
    assert Drawn("friedman3", examples=30).load().classes is Drawn("swiss_roll", examples=30).load().classes is None


@pytest.mark.parametrize("settings", [(("n_clases", 3),), (("random_state", 3),)])
def test_an_argument_that_scikit_learn_does_not_take_or_is_given_already_is_refused(settings):
    with pytest.raises(HeadwayError, match="settings"):
        Drawn("gaussian_quantiles", settings=settings).load()


def test_a_wave_has_its_shape_at_any_height_level_and_phase():
    x, y = arrays(Waves(900, noise=0.0, time=300))
    x = x[..., 0] - x[..., 0].min(axis=1, keepdims=True)
    height = x.max(axis=1)
    of = {name: (x / height[:, None])[y == label] for label, name in enumerate(WAVES)}
    assert (height.min(), height.max()) == pytest.approx((0.625, 4.0), abs=0.06)  # a pulse is 1.25 high, the others 2
    for name, share in (("square", 0.5), ("pulse", 0.2)):
        assert np.minimum(of[name], 1 - of[name]).max() < 1e-9, "low or high, and nothing between"
        assert of[name].mean() == pytest.approx(share, abs=0.03)
    # A sine about its level is its own second difference: they stand in one ratio, and that tells the periods.
    sine = 2 * of["sine"] - 1
    second = np.diff(sine, 2, axis=1)
    ratio = -(second * sine[:, 1:-1]).sum(axis=1) / (sine[:, 1:-1] ** 2).sum(axis=1)
    np.testing.assert_allclose(second, -ratio[:, None] * sine[:, 1:-1], atol=1e-3)
    periods = np.arccos(1 - ratio / 2) * 299 / (2 * np.pi)
    assert (periods.min(), periods.max()) == pytest.approx((1.5, 4.0), abs=0.08)
    for name in ("saw", "triangle"):
        steps = np.abs(np.diff(of[name], axis=1))
        straight = np.abs(steps - np.median(steps, axis=1, keepdims=True)) < 1e-9
        assert straight.mean() > 0.95
        assert (steps.max() > 0.5) == (name == "saw"), "a saw falls at once"
    # A chirp turns more often in its second half than in its first.
    turns = np.diff(np.sign(np.diff(of["chirp"], axis=1)), axis=1) != 0
    assert turns[:, 150:].sum() > 1.5 * turns[:, :150].sum()


def test_noise_is_added_with_the_spread_that_is_named():
    (x, y), (quiet, _) = arrays(Waves(400, noise=0.5)), arrays(Waves(400, noise=0.0))
    assert np.std(x - quiet) == pytest.approx(0.5, rel=0.02)
    (x, _), (quiet, _) = arrays(Figures(300, noise=0.5)), arrays(Figures(300, noise=0.0))
    assert np.std(x - quiet) == pytest.approx(0.5, rel=0.02)
    assert set(np.unique(quiet)) == {0.0, 1.0}
    np.testing.assert_array_equal(np.bincount(y), np.bincount(np.arange(400) % 6))


def test_simple_models_make_little_of_waves():
    x, y = arrays(Waves(1200))
    line = cross_val_score(LogisticRegression(max_iter=300), x.reshape(len(x), -1), y, cv=3).mean()
    assert line < 0.35
    forest = RandomForestClassifier(50, random_state=0)
    assert cross_val_score(forest, x.reshape(len(x), -1), y, cv=3).mean() < 0.65


def test_figures_are_what_they_are_called_and_lie_anywhere():
    x, y = arrays(Figures(400, noise=0.0))
    assert x.shape == (400, 12, 12, 1)
    middles = []
    for image, label in zip(x[..., 0] > 0, y, strict=True):
        down, across = np.nonzero(image)
        tall, wide = np.ptp(down) + 1, np.ptp(across) + 1
        middles.append((down.mean(), across.mean()))
        filled = image[down.min() : down.max() + 1, across.min() : across.max() + 1].mean()
        name = FIGURES[label]
        assert (min(tall, wide) <= 2) == (name == "bar")
        assert 3 <= max(tall, wide) <= 9
        assert image[round(down.mean()), round(across.mean())] == (name != "ring")
        assert name != "disc" or filled > 0.5
        assert name != "cross" or max(image.sum(axis=0)) == tall
    assert np.ptp(middles, axis=0).min() > 5


def test_cells_are_a_chessboard_stripes_or_a_parity():
    x, y = arrays(Cells(900, cells=4))
    assert (x.min(), x.max()) == pytest.approx((0, 1), abs=0.01)
    board = np.array([[0, 1, 0, 1], [1, 0, 1, 0], [0, 1, 0, 1], [1, 0, 1, 0]])
    row, column = np.digitize(x, [0.25, 0.5, 0.75]).T
    np.testing.assert_array_equal(y, board[row, column])
    x, y = arrays(Cells(900, cells=3, classes=3))
    latin = np.array([[0, 1, 2], [1, 2, 0], [2, 0, 1]])
    row, column = np.digitize(x, [1 / 3, 2 / 3]).T
    np.testing.assert_array_equal(y, latin[row, column])
    x, y = arrays(Cells(4000, features=3, cells=2))
    np.testing.assert_array_equal(y, np.prod(x - 0.5, axis=1) > 0)
    two = (x[:, 0] > 0.5) ^ (x[:, 1] > 0.5)
    assert abs(y[two].mean() - y[~two].mean()) < 0.06, "two columns of three say nothing"


def test_tokens_are_sorted_behind_the_delimiter_and_only_there_they_count():
    table = Sorting(4, symbols=5, examples=300, seed=2).load()
    x, y = np.asarray(table.x), np.asarray(table.y)
    assert (x.shape, table.tokens, table.classes) == ((300, 8), 6, ("0", "1", "2", "3", "4", "5"))
    for given, told, counts in zip(x.tolist(), y.tolist(), table.weights, strict=True):
        assert given[4] == 5
        assert told[4:] == sorted(given[:4])
        assert given[5:] == told[4:-1]
        assert told[:4] == given[1:5]
        assert counts.tolist() == [False] * 4 + [True] * 4
    assert len({tuple(row) for row in x[:, :4].tolist()}) == 300


def test_a_chain_follows_the_chances_of_the_two_tokens_before():
    source = Chains(4000, time=12, symbols=3, concentration=0.5, seed=4)
    x, y = arrays(source)
    np.testing.assert_array_equal(x[:, 1:], y[:, :-1])
    chances = np.random.default_rng(4).dirichlet(np.full(3, 0.5), (3, 3))
    for first in range(3):
        for second in range(3):
            after = y[:, 1:][(x[:, :-1] == first) & (x[:, 1:] == second)]
            shares = np.bincount(after, minlength=3) / len(after)
            spread = np.sqrt(chances[first, second] * (1 - chances[first, second]) / len(after))
            assert (np.abs(shares - chances[first, second]) <= 4.5 * spread + 1e-9).all()
    assert source.load().tokens == 3
    assert len(np.unique(x[:, :2], axis=0)) == 9


@pytest.mark.parametrize(
    "source", [Waves(40), Figures(40), Chains(40), Cells(40), Sorting(examples=40), Drawn("hastie_10_2", examples=40)]
)
def test_what_is_drawn_is_drawn_by_the_seed(source):
    first, again, other = (arrays(replace(source, seed=seed)) for seed in (3, 3, 4))
    assert all(np.array_equal(a, b) for a, b in zip(first, again, strict=True))
    assert not np.array_equal(first[0], other[0])
