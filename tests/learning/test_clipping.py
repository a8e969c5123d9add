import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from headway.learning.clipping import ClipByNorm, ClipByRatio, ClipByValue, ClipLayersByNorm, global_norm
from headway.learning.losses import MeanSquaredError
from headway.learning.optimizers.sgd import SGD
from headway.network.dense import Dense
from headway.spec.error import HeadwayError
from headway.spec.numbers import join, split
from headway.training.job import Update
from headway.training.step import Batch, initial_state, update_once

rng = np.random.default_rng(2)
GRADIENTS = {
    "0": {"w": jnp.asarray(rng.normal(size=(3, 4)), jnp.float32), "b": jnp.ones(4)},
    "2": {"w": jnp.zeros(2), "s": jnp.array(2.5)},
}
PARAMS = jax.tree.map(lambda g: 3 * jnp.cos(g), GRADIENTS)


def close(a, b, rtol=1e-6):
    jax.tree.map(lambda x, y: np.testing.assert_allclose(x, y, rtol=rtol), a, b)


@pytest.mark.parametrize("limit", [0.01, 1.0, 3.0, 100.0])
def test_clipping_agrees_with_optax(limit):
    for clip, oracle in [
        (ClipByNorm(limit), optax.clip_by_global_norm(limit)),
        (ClipByValue(limit), optax.clip(limit)),
        (ClipByRatio(limit), optax.adaptive_grad_clip(limit)),
        (ClipByRatio(limit, eps=5.0), optax.adaptive_grad_clip(limit, eps=5.0)),
    ]:
        close(clip.clip(GRADIENTS, PARAMS), oracle.update(GRADIENTS, oracle.init(PARAMS), PARAMS)[0])
    close(global_norm(GRADIENTS), optax.tree.norm(GRADIENTS))


@pytest.mark.parametrize("limit", [0.01, 1.0, 3.0, 100.0])
def test_clipping_layers_is_clipping_each_by_its_own_norm(limit):
    nested = {
        "stem": GRADIENTS["0"],
        "tail": {"0": {"g": jnp.full(9, 2.0)}, "1": GRADIENTS["2"], "b": jnp.full(3, 7.0)},
    }
    clipped, alone = ClipLayersByNorm(limit).clip(nested), ClipByNorm(limit).clip
    close(clipped["stem"], alone(nested["stem"]))
    close(clipped["tail"]["0"]["g"], np.full(9, min(2.0, limit / 3)))
    close(clipped["tail"]["b"], alone(nested["tail"]["b"]))
    for before, after in [(nested["stem"], clipped["stem"]), (nested["tail"]["0"], clipped["tail"]["0"])]:
        np.testing.assert_allclose(global_norm(after), min(limit, global_norm(before)), rtol=1e-6)
    assert jax.tree.structure(clipped) == jax.tree.structure(nested)


@pytest.mark.parametrize("clip", [ClipLayersByNorm(1.0), ClipByRatio(0.1)], ids=repr)
def test_every_copy_of_a_repeated_layer_is_clipped_as_a_layer_of_its_own(clip):
    """With every copy's gradients and weights of another size, stacked once and twice."""
    sizes = jnp.array([[0.01, 1.0, 100.0], [1e6, 0.1, 3.0]])
    copies = [[jax.tree.map(lambda g, s=s: s * g, GRADIENTS) for s in row] for row in sizes]
    weights = [[jax.tree.map(lambda p, s=s: p / s, PARAMS) for s in row] for row in sizes]

    def stacked(rows):
        return {"body": {"*": {"*": jax.tree.map(lambda *leaves: jnp.stack(leaves).reshape(2, 3, *leaves[0].shape),
                                                 *rows[0], *rows[1])}}}  # fmt: skip

    alone = [[clip.clip(g, p) for g, p in zip(gs, ps, strict=True)] for gs, ps in zip(copies, weights, strict=True)]
    close(clip.clip(stacked(copies), stacked(weights)), stacked(alone))


def test_an_exploding_layer_does_not_stop_the_others():
    gradients = {"0": {"w": jnp.full(4, 1e6)}, "1": {"w": jnp.full(4, 0.1)}}
    close(ClipLayersByNorm(1.0).clip(gradients), {"0": {"w": np.full(4, 0.5)}, "1": {"w": np.full(4, 0.1)}})
    assert jnp.max(ClipByNorm(1.0).clip(gradients)["1"]["w"]) < 1e-6


@pytest.mark.parametrize("shape", [(6, 4), (3, 6, 4), (3, 3, 6, 4), (3, 3, 3, 6, 4)])
def test_the_ratio_is_kept_for_every_neuron_or_channel_alone(shape):
    w, g = (jnp.asarray(rng.normal(size=shape) * [0.1, 1, 10, 0], jnp.float32) for _ in range(2))
    g = g.at[..., 3].set(1.0)
    axes = tuple(range(len(shape) - 1))
    norms = np.linalg.norm(np.reshape(w, (-1, 4)), axis=0), np.linalg.norm(np.reshape(g, (-1, 4)), axis=0)
    clipped = ClipByRatio(0.5).clip(g, w)
    after = np.sqrt(np.sum(np.square(clipped), axes))
    np.testing.assert_allclose(after, np.minimum(norms[1], 0.5 * np.maximum(norms[0], 1e-3)), rtol=1e-5)
    np.testing.assert_allclose(clipped / after, g / norms[1], rtol=1e-5)
    if len(shape) != 3:  # Optax takes three axes for those of attention heads
        oracle = optax.adaptive_grad_clip(0.5)
        close(clipped, oracle.update(g, oracle.init(w), w)[0], rtol=1e-5)


def test_a_layer_of_zeros_can_begin_to_learn():
    w, g = jnp.zeros((3, 2)), jnp.ones((3, 2))
    np.testing.assert_allclose(ClipByRatio(0.01).clip(g, w), np.full((3, 2), 0.01 * 1e-3 / np.sqrt(3)), rtol=1e-5)


def test_a_ratio_bounds_the_relative_change_of_every_neuron_in_one_update():
    network = Dense(4)
    update = Update(network, loss=MeanSquaredError(), optimizer=SGD(1.0), clip=ClipByRatio(0.01), batch_size=8, seed=0)
    state = initial_state(update, (3,))
    before = state["params"]["w"]
    x, y = jnp.asarray(rng.normal(size=(8, 3))), 1e4 * jnp.ones((8, 4))
    after = update_once(update, state, Batch(x, y))[0]["params"]["w"]
    change = jnp.linalg.norm(after - before, axis=0) / jnp.linalg.norm(before, axis=0)
    np.testing.assert_allclose(change, 0.01, rtol=1e-4)


def test_a_gradient_within_the_limit_is_left_bit_for_bit():
    for clip in (ClipByNorm(100.0), ClipByValue(100.0), ClipLayersByNorm(100.0), ClipByRatio(100.0)):
        jax.tree.map(np.testing.assert_array_equal, clip.clip(GRADIENTS, PARAMS), GRADIENTS)


@pytest.mark.parametrize("scale", [1e30, 1e-30])
def test_the_norm_neither_overflows_nor_vanishes(scale):
    scaled = jax.tree.map(lambda g: g * scale, GRADIENTS)
    np.testing.assert_allclose(global_norm(scaled) / scale, global_norm(GRADIENTS), rtol=1e-5)
    np.testing.assert_allclose(global_norm(ClipByNorm(scale).clip(scaled)), scale, rtol=1e-5)
    np.testing.assert_allclose(global_norm(ClipLayersByNorm(scale).clip(scaled)["0"]), scale, rtol=1e-5)
    params = jax.tree.map(lambda p: p * scale, PARAMS)
    once = ClipByRatio(0.1, eps=0.0).clip(scaled, params)
    close(jax.tree.map(lambda g: g / scale, once), ClipByRatio(0.1, eps=0.0).clip(GRADIENTS, PARAMS), rtol=1e-5)


@pytest.mark.parametrize("bad", [jnp.nan, jnp.inf, -jnp.inf])
def test_what_is_not_finite_passes_through_to_be_seen(bad):
    spoiled = {"a": jnp.array([1.0, bad]), "b": jnp.array([5.0])}
    jax.tree.map(np.testing.assert_array_equal, ClipByNorm(1.0).clip(spoiled), spoiled)
    np.testing.assert_array_equal(ClipByValue(0.5).clip(spoiled)["a"], [0.5, bad])
    layers = {"0": {"w": spoiled["a"], "b": jnp.array([5.0])}, "1": {"w": jnp.array([3.0, 4.0])}}
    clipped = ClipLayersByNorm(1.0).clip(layers)
    jax.tree.map(np.testing.assert_array_equal, clipped["0"], layers["0"])
    np.testing.assert_allclose(clipped["1"]["w"], [0.6, 0.8], rtol=1e-6)
    columns = jnp.array([[1.0, 3.0], [bad, 4.0]])
    np.testing.assert_allclose(ClipByRatio(1.0, eps=1.0).clip(columns, 0 * jnp.ones((2, 2))), [[1.0, 0.6], [bad, 0.8]])
    assert not jnp.isfinite(global_norm(spoiled))


def test_a_limit_of_zero_stops_everything_even_a_gradient_of_zero():
    for clip in (ClipByNorm(0.0), ClipByValue(0.0), ClipLayersByNorm(0.0), ClipByRatio(0.0)):
        for gradients in (GRADIENTS, jax.tree.map(jnp.zeros_like, GRADIENTS)):
            assert all(jnp.all(g == 0) for g in jax.tree.leaves(clip.clip(gradients, PARAMS)))


@pytest.mark.parametrize(
    "clip", [ClipByNorm(0.5), ClipByValue(0.5), ClipLayersByNorm(0.5), ClipByRatio(0.5, eps=0.125)], ids=repr
)
def test_the_limit_is_data_and_dtypes_are_kept(clip):
    structure, numbers = split(clip)
    traced = jax.jit(lambda numbers, g: join(structure, numbers).clip(g, PARAMS))
    half = jax.tree.map(lambda g: g.astype(jnp.bfloat16), GRADIENTS)
    assert all(g.dtype == jnp.bfloat16 for g in jax.tree.leaves(traced(numbers, half)))
    close(traced(numbers, GRADIENTS), clip.clip(GRADIENTS, PARAMS))
    traced({name: 0.5 * number for name, number in numbers.items()}, GRADIENTS)
    assert traced._cache_size() == 2


def test_no_gradients_have_norm_zero():
    assert global_norm({}) == 0
    for clip in (ClipByNorm(1.0), ClipByValue(1.0), ClipLayersByNorm(1.0), ClipByRatio(1.0)):
        assert clip.clip({}, {}) == {}


def test_mistakes_are_named():
    with pytest.raises(HeadwayError, match=r"clip: needs the parameters.*Call clip\(gradients, params\)"):
        ClipByRatio().clip(GRADIENTS)
    for make in (ClipByNorm, ClipByValue, ClipLayersByNorm, ClipByRatio):
        with pytest.raises(HeadwayError, match=f"{make.__name__}.limit: must be greater than or equal to 0; got -1.0"):
            make(-1.0)
