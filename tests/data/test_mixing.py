"""What is mixed is mixed in inputs and targets alike, and what is picked is picked evenly."""

import jax.numpy as jnp
import numpy as np
import optax
import pytest
from scipy import stats

from headway.data.augment import Erase, Flip, Scale, Shift
from headway.data.mixing import CutMix, Mixup, Pick
from headway.learning.losses import BinaryCrossEntropy, CrossEntropy
from headway.spec.error import HeadwayError
from tests.data.test_augment import IMAGE, altered, keys_of, versions, within


def mixed(alpha, y, outputs, examples=8, features=5):
    x = np.random.default_rng(0).normal(size=(examples, features)).astype(np.float32)
    new_x, q = altered((Mixup(alpha),), x, keys_of(range(examples)), y, outputs)
    partner = np.roll(x, 1, axis=0)
    weights = ((np.asarray(new_x) - partner) * (x - partner)).sum(1) / np.square(x - partner).sum(1)
    np.testing.assert_allclose(new_x, weights[:, None] * x + (1 - weights[:, None]) * partner, atol=1e-5)
    return weights, q


def test_mixed_labels_are_distributions_and_the_loss_is_that_of_both_labels_mixed(rng):
    y, z = np.arange(8) % 3, rng.normal(size=(8, 3)).astype(np.float32)
    weights, q = mixed(1.0, y, (3,))
    np.testing.assert_allclose(np.asarray(q).sum(1), 1, atol=1e-6)
    of_own, of_partner = (optax.softmax_cross_entropy_with_integer_labels(z, t) for t in (y, np.roll(y, 1)))
    expected = weights * of_own + (1 - weights) * of_partner
    np.testing.assert_allclose(CrossEntropy().per_example(jnp.asarray(z), q), expected, rtol=1e-4)


def test_mixed_answers_yes_or_no_and_mixed_amounts_are_mixed_directly(rng):
    y, z = np.arange(8) % 2, rng.normal(size=(8, 1)).astype(np.float32)
    weights, p = mixed(0.5, y, (1,))
    of_own, of_partner = (optax.sigmoid_binary_cross_entropy(z[:, 0], t) for t in (y, np.roll(y, 1)))
    expected = weights * of_own + (1 - weights) * of_partner
    np.testing.assert_allclose(BinaryCrossEntropy().per_example(jnp.asarray(z), p), expected, rtol=1e-4)
    amounts = rng.normal(size=(8, 2)).astype(np.float32)
    weights, made = mixed(0.5, amounts, (2,))
    expected = weights[:, None] * amounts + (1 - weights[:, None]) * np.roll(amounts, 1, axis=0)
    np.testing.assert_allclose(made, expected, atol=1e-5)


@pytest.mark.parametrize("alpha", [0.2, 1.0, 4.0])
def test_the_weights_of_a_mix_follow_the_beta_distribution(alpha):
    weights, _ = mixed(alpha, np.zeros(2000, int), (2,), examples=2000, features=20)
    assert stats.kstest(np.clip(weights, 0, 1), stats.beta(alpha, alpha).cdf).pvalue > 1e-3


def cut(alpha, shape, examples=3000):
    """Where the partner's places are in examples that are all i, and the targets."""
    x = np.broadcast_to(np.arange(examples, dtype=np.float32).reshape(-1, *[1] * len(shape)), (examples, *shape))
    new, q = altered((CutMix(alpha),), x, keys_of(range(examples)), np.eye(examples, 2, dtype=np.float32), (2,))
    taken = np.asarray(new) != x
    np.testing.assert_array_equal(np.where(taken, np.roll(x, 1, axis=0), x), new)
    return taken, np.asarray(q)


@pytest.mark.parametrize("shape", [(12, 2), (8, 9, 2)])
def test_the_place_of_the_partner_is_one_box_and_the_targets_have_its_share(shape):
    taken, q = cut(1.0, shape)
    assert np.all(taken == taken[..., :1])
    for axis in range(1, taken.ndim - 1):
        along = taken.any(axis=tuple(other for other in range(1, taken.ndim) if other != axis)).astype(int)
        assert np.all(np.abs(np.diff(along, axis=1)).sum(axis=1) <= 2), "one stretch along each dimension"
        assert np.all(np.diff(along, axis=1).clip(0).sum(axis=1) + along[:, 0] <= 1)
    box = np.ones(taken.shape[:1])
    for axis in range(1, taken.ndim - 1):
        box *= taken.any(axis=tuple(other for other in range(1, taken.ndim) if other != axis)).sum(axis=1)
    np.testing.assert_array_equal(taken[..., 0].sum(axis=tuple(range(1, taken.ndim - 1))), box)
    left = 1 - taken.mean(axis=tuple(range(1, taken.ndim)))
    own = np.eye(len(q), 2)
    np.testing.assert_allclose(q, left[:, None] * own + (1 - left)[:, None] * np.roll(own, 1, axis=0), atol=1e-6)


@pytest.mark.parametrize("alpha", [0.5, 2.0])
def test_the_share_of_a_stretch_is_that_of_beta_less_what_the_edges_cut_off(alpha):
    """Of a share s with a uniform centre s² / 8 lies outside at each end: E = E[s] − E[s²] / 4, to a place's width."""
    share, shares = stats.beta(alpha, alpha), cut(alpha, (200, 1))[0].mean(axis=(1, 2))
    expected = share.mean() - (share.var() + share.mean() ** 2) / 4
    assert abs(shares.mean() - expected) < 4 * shares.std() / np.sqrt(len(shares)) + 1 / 200


def test_each_is_picked_as_often_as_the_others_and_draws_follow_one_another():
    made = versions(Pick((Scale(0.0), Erase(2, rate=1.0, fill=-1.0), Flip(1.0)), draws=1), IMAGE, 3000)
    same = (made == IMAGE).all(axis=(1, 2, 3)).mean()
    erased = (made == -1).any(axis=(1, 2, 3)).mean()
    flipped = (made == IMAGE[:, ::-1]).all(axis=(1, 2, 3)).mean()
    assert same + erased + flipped == pytest.approx(1)
    assert all(within(share, 1 / 3, 3000) for share in (same, erased, flipped))
    twice = versions(Pick((Flip(1.0), Scale(0.0))), IMAGE, 3000)
    assert within((twice == IMAGE).all(axis=(1, 2, 3)).mean(), 0.5, 3000)


@pytest.mark.parametrize(("among", "said"), [
    ((), r"^Pick\.among: "),
    ((Shift(1), Mixup()), r"^Pick/among/1: must alter an example by itself; got Mixup\(\)"),
    ((CutMix(),), r"^Pick/among/0: must alter an example by itself"),
    ((Pick((Flip(),)),), r"^Pick/among/0: must alter"),
])  # fmt: skip
def test_what_cannot_be_picked_is_refused(among, said):
    with pytest.raises(HeadwayError, match=said):
        Pick(among)


def test_a_pick_without_draws_and_a_cut_without_width_are_refused():
    with pytest.raises(HeadwayError, match=r"^Pick\.draws: .*equal to 1; got 0"):
        Pick((Flip(),), draws=0)
    with pytest.raises(HeadwayError, match=r"^CutMix\.alpha: "):
        CutMix(0.0)
