"""Augmentations against NumPy, SciPy and the distributions they draw from."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import ndimage, stats

from headway.data.augment import (
    CorrelatedNoise,
    Erase,
    Flip,
    Roll,
    Rotate,
    Scale,
    Shift,
    augmented,
    expect_augmentable,
    rotated,
)
from headway.data.dataset import Dataset, Examples
from headway.data.mixing import CutMix, Mixup, Pick
from headway.data.schema import Schema
from headway.learning.losses import BinaryCrossEntropy, CrossEntropy, Hinge, MeanSquaredError
from headway.spec.error import HeadwayError
from headway.spec.numbers import join, split

PICK = Pick((Shift(2), Rotate(20.0), Erase(2, rate=1.0)))
ALONE = (Flip(), Shift(2), Roll(2), Rotate(30.0), Erase(2), Scale(0.3), CorrelatedNoise(0.5), PICK)
EVERY = (*ALONE, Mixup(0.4), CutMix())
IMAGE = np.arange(1.0, 61.0, dtype=np.float32).reshape(5, 6, 2)


def keys_of(examples):
    """The key of each example, as the loop makes it: a function of the example alone."""
    return jax.vmap(lambda e: jax.random.fold_in(jax.random.key(7), e))(jnp.array(examples))


@functools.partial(jax.jit, static_argnums=(0, 5))
def compiled(structure, numbers, x, y, keys, outputs):
    return augmented(tuple(join(*part) for part in zip(structure, numbers, strict=True)), x, y, keys, outputs)


def altered(augment, x, keys, y=None, outputs=(2,)):
    """Examples and targets after augmentations whose numbers are data, as in the compiled step."""
    structure, numbers = zip(*map(split, augment), strict=True)
    return compiled(structure, numbers, x, jnp.zeros(len(x)) if y is None else jnp.asarray(y), keys, outputs)


def versions(augmentation, x, count):
    """One example altered `count` times, with a key each time: [count, *shape]."""
    return np.asarray(altered((augmentation,), np.tile(x, (count, *[1] * x.ndim)), keys_of(range(count)))[0])


def within(share, chance, draws):
    """Whether a share of so many draws is within four standard errors of the chance."""
    return abs(share - chance) <= 4 * np.sqrt(chance * (1 - chance) / draws)


@pytest.mark.parametrize("n", [1, 4, 7])
@pytest.mark.parametrize("quarters", [-1, 0, 1, 2, 3])
def test_a_rotation_by_quarter_turns_is_numpy_s(n, quarters, rng):
    x = rng.normal(size=(n, n, 3)).astype(np.float32)
    np.testing.assert_allclose(rotated(x, quarters * np.pi / 2), np.rot90(x, quarters), atol=1e-5)


@pytest.mark.parametrize(("degrees", "fill"), [(10.0, 0.0), (-37.0, 2.5), (123.0, -1.0)])
def test_a_rotation_by_any_angle_is_scipy_s_bilinear_one(degrees, fill):
    theirs = ndimage.rotate(IMAGE, degrees, reshape=False, order=1, mode="grid-constant", cval=fill)
    np.testing.assert_allclose(rotated(IMAGE, np.deg2rad(degrees), fill), theirs, rtol=1e-4, atol=1e-4)


def test_angles_are_uniform_up_to_the_degrees_given():
    x = np.zeros((9, 9, 1), np.float32)
    x[:, :, 0] = np.arange(9)  # a plane stays a plane when turned: its slopes at the centre are cos and sin
    y = versions(Rotate(40.0), x, 2000)
    angles = np.rad2deg(np.arctan2(y[:, 5, 4, 0] - y[:, 3, 4, 0], y[:, 4, 5, 0] - y[:, 4, 3, 0]))
    assert stats.kstest(angles / 40, stats.uniform(-1, 2).cdf).pvalue > 1e-3


def crops(x, pixels, fill):
    wide = np.pad(x, [(pixels, pixels)] * (x.ndim - 1) + [(0, 0)], constant_values=fill)
    starts = np.ndindex(*[2 * pixels + 1] * (x.ndim - 1))
    return [wide[tuple(slice(a, a + n) for a, n in zip(at, x.shape[:-1], strict=True))] for at in starts]


def rolls(x, pixels):
    ways = np.ndindex(*[2 * pixels + 1] * (x.ndim - 1))
    return [np.roll(x, [d - pixels for d in way], range(x.ndim - 1)) for way in ways]


@pytest.mark.parametrize("x", [IMAGE, IMAGE.reshape(30, 2)], ids=["image", "sequence"])
@pytest.mark.parametrize("kind", ["shift", "roll"])
def test_a_shift_is_a_crop_of_the_padded_example_and_a_roll_numpy_s_all_equally_often(kind, x):
    augmentation = Shift(2, fill=-3.0) if kind == "shift" else Roll(2)
    allowed = {a.tobytes(): i for i, a in enumerate(crops(x, 2, -3.0) if kind == "shift" else rolls(x, 2))}
    found = [allowed[y.tobytes()] for y in versions(augmentation, x, 1000)]
    counts = np.bincount(found, minlength=len(allowed))
    assert stats.chisquare(counts).pvalue > 1e-3


@pytest.mark.parametrize("rate", [0.0, 0.3, 1.0])
def test_a_flip_exchanges_left_and_right_as_often_as_its_rate(rate):
    y = versions(Flip(rate), IMAGE, 4000)
    flipped = (y == IMAGE[:, ::-1]).all((1, 2, 3))
    assert (flipped | (y == IMAGE).all((1, 2, 3))).all()
    assert within(flipped.mean(), rate, 4000)
    sequence = versions(Flip(1.0), IMAGE[0], 1)[0]
    np.testing.assert_array_equal(sequence, IMAGE[0][::-1])


@pytest.mark.parametrize(("size", "rate"), [(0, 1.0), (2, 0.4), (3, 1.0), (5, 1.0)])
def test_an_erased_square_has_its_size_its_rate_and_any_place_inside(size, rate):
    gone = versions(Erase(size, rate=rate, fill=-9.0), IMAGE, 3000) == -9
    shares = gone.mean((1, 2, 3))
    assert set(np.unique(shares).round(6)) <= {0.0, round(size**2 / 30, 6)}
    if size:
        assert within((shares > 0).mean(), rate, 3000)
        corners = [divmod(int(g[:, :, 0].argmax()), 6) for g in gone[shares > 0]]
        for (i, j), g in zip(corners, gone[shares > 0], strict=True):
            assert g[i : i + size, j : j + size].all()
        counts = np.unique(corners, axis=0, return_counts=True)[1]
        assert len(counts) == (6 - size) * (7 - size)
        assert len(counts) == 1 or stats.chisquare(counts).pvalue > 1e-3


def test_a_factor_is_uniform_around_1_and_one_for_the_whole_example():
    factors = versions(Scale(0.2), IMAGE, 2000) / IMAGE
    np.testing.assert_allclose(factors, factors[:, :1, :1, :1] * np.ones_like(factors), rtol=1e-5)
    assert stats.kstest(factors[:, 0, 0, 0], stats.uniform(0.8, 0.4).cdf).pvalue > 1e-3


@pytest.mark.parametrize("width", [0.1, 1.0, 2.0])
def test_noise_has_its_scale_everywhere_and_the_correlation_of_smoothed_white_noise(width):
    """Smoothing by a Gaussian of deviation s leaves a correlation of exp(−d² / 4 s²) at distance d."""
    y = versions(CorrelatedNoise(0.5, width=width), np.ones((40, 2), np.float32), 4000) - 1
    np.testing.assert_allclose(y.std(0), 0.5, rtol=5 / np.sqrt(2 * 4000))
    correlation = np.corrcoef(y[:, :, 0].T)
    inner = [correlation[20, 20 + d] for d in range(6)]
    np.testing.assert_allclose(inner, np.exp(-(np.arange(6) ** 2) / (4 * width**2)), atol=5 / np.sqrt(4000))
    assert abs(np.corrcoef(y[:, 20, 0], y[:, 20, 1])[0, 1]) < 5 / np.sqrt(4000)


@pytest.mark.parametrize("augmentation", ALONE, ids=repr)
def test_what_is_drawn_for_an_example_does_not_depend_on_the_batch_it_is_in(augmentation, rng):
    x = jnp.asarray(rng.normal(size=(6, 5, 6, 2)), jnp.float32)

    def drawn(x, examples):
        return altered((augmentation,), x, keys_of(examples))[0]

    full = drawn(x, range(6))
    np.testing.assert_array_equal(drawn(x, range(6)), full)
    np.testing.assert_array_equal(drawn(x[::-1], [5, 4, 3, 2, 1, 0])[::-1], full)
    np.testing.assert_array_equal(drawn(x[3:4], [3]), full[3:4])
    assert not np.array_equal(drawn(x, range(6, 12)), full)


def test_augmentations_act_in_order_each_with_draws_of_its_own():
    x, keys, erase = np.tile(IMAGE, (400, 1, 1, 1)), keys_of(range(400)), Erase(2, rate=1.0, fill=7.5)

    def after(*augment):
        return np.asarray(altered(augment, x, keys)[0])

    assert (after(Scale(0.5), erase) == 7.5).mean((1, 2, 3)) == pytest.approx(4 / 30), "what is erased last stays"
    assert not (after(erase, Scale(0.5)) == 7.5).any(), "what is erased first is scaled"
    once, twice = ((after(*flips) != x).any((1, 2, 3)) for flips in ((Flip(),), (Flip(), Flip())))
    assert within((once ^ twice).mean(), 0.5, 400), "the second flip is drawn apart from the first"
    np.testing.assert_array_equal((after(Scale(0.0), Flip()) != x).any((1, 2, 3)), once)


def data_of(inputs, tokens=None, y=(0, 1, 0, 1), weights=None):
    """A data set of examples of this shape, with labels."""
    examples = Examples(np.zeros((4, *inputs), np.float32), np.array(y), weights)
    return Dataset(examples, None, None, Schema(inputs, 2, classes=("a", "b"), tokens=tokens))


@pytest.mark.parametrize(("augmentation", "data", "loss", "said"), [
    (Flip(), data_of((64,)), CrossEntropy(), r"^augment/1: Flip takes sequences .* or images .*; got shape \(64,\)"),
    (Shift(1), data_of(()), CrossEntropy(), r"^augment/1: Shift takes sequences"),
    (Roll(1), data_of((4, 4, 4, 1)), CrossEntropy(), r"^augment/1: Roll takes .*shape \(4, 4, 4, 1\)"),
    (Rotate(5.0), data_of((40, 1)), CrossEntropy(), r"^augment/1: Rotate takes images .*shape \(40, 1\)"),
    (CorrelatedNoise(0.1), data_of((40,)), CrossEntropy(), r"^augment/1: CorrelatedNoise takes sequences"),
    (Shift(8), data_of((8, 9, 1)), CrossEntropy(), r"^augment/1: Shift\(8\) needs 9 places .*Set a smaller number"),
    (Erase(9), data_of((10, 8, 1)), CrossEntropy(), r"^augment/1: Erase\(9\) needs 9 places .*\(10, 8, 1\)"),
    (Flip(), data_of((3, 1), y=np.zeros((4, 3), int)), CrossEntropy(),
     r"^augment/1: Flip moves inputs .*got labels at every place, which would stay"),
    (Mixup(), data_of((12,)), Hinge(), r"^augment/1: Mixup makes distributions .*Hinge.*CrossEntropy"),
    (Mixup(), data_of((12,), weights=np.ones(4)), CrossEntropy(), r"^augment/1: Mixup .*got examples with weights"),
    (CutMix(), data_of((12,)), CrossEntropy(), r"^augment/1: CutMix takes sequences .*shape \(12,\)"),
    (CutMix(), data_of((8, 8, 1)), Hinge(), r"^augment/1: CutMix makes distributions"),
    (Pick((Flip(), Rotate(5.0))), data_of((40, 1)), CrossEntropy(), r"^augment/1/1: Rotate takes images"),
])  # fmt: skip
def test_an_augmentation_that_does_not_suit_is_named_with_what_came(augmentation, data, loss, said):
    with pytest.raises(HeadwayError, match=said):
        expect_augmentable((Scale(0.1), augmentation), data, loss)


@pytest.mark.parametrize("augmentation", EVERY, ids=repr)
def test_token_ids_are_not_altered(augmentation):
    with pytest.raises(HeadwayError, match=r"^augment/0: \w+ alters amounts; got token ids 0 to 49"):
        expect_augmentable((augmentation,), data_of((8, 8, 1), tokens=50), CrossEntropy())


def test_what_suits_is_let_through():
    expect_augmentable(EVERY, data_of((8, 8, 1)), CrossEntropy())
    expect_augmentable((Mixup(), Scale(0.1)), data_of((64,)), MeanSquaredError())
    expect_augmentable((Erase(8), Shift(7), Roll(9)), data_of((8, 3), weights=np.ones(4)), BinaryCrossEntropy())
    expect_augmentable((Erase(1), Scale(0.1)), data_of((3, 1), y=np.zeros((4, 3), int)), CrossEntropy())
    expect_augmentable((), data_of((12,), tokens=50), Hinge())
