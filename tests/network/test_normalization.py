from dataclasses import replace
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import linen
from hypothesis import given
from hypothesis import strategies as st

from headway.learning.optimizers.descent import decaying
from headway.network.activations import ReLU, Tanh
from headway.network.compose import Sequential
from headway.network.convolution import Conv
from headway.network.dense import Dense
from headway.network.layer import Context, apply, initialize
from headway.network.normalization import BatchNorm, GroupNorm, LayerNorm, RMSNorm
from headway.network.values import flatten
from headway.spec.edit import InsertAfter, InsertBefore, edit, new_address
from headway.spec.error import HeadwayError

ALL = (LayerNorm(), RMSNorm(), GroupNorm(2), BatchNorm())
TRAIN, EVAL = Context("train"), Context("eval")
every = pytest.mark.parametrize("layer", ALL, ids=repr)


def some(rng, features, dtype=np.float32):
    return {"g": rng.normal(size=features).astype(dtype), "b": rng.normal(size=features).astype(dtype)}


def run(layer, params, x, context=TRAIN, state=None):
    """The output alone."""
    return apply(layer, params, x, state or layer.state(x.shape[1:]), context)[0]


def formula(params, x, layer=LayerNorm()):  # noqa: B008 (a frozen spec)
    """The docstrings' equations for inputs [batch, features], in float64."""
    x, g, b = (np.asarray(a, np.float64) for a in (x, params["g"], params["b"]))
    rows = x.reshape(len(x), layer.groups, -1) if isinstance(layer, GroupNorm) else x
    axis = 0 if isinstance(layer, BatchNorm) else -1
    if isinstance(layer, RMSNorm):
        return g * x / np.sqrt(np.square(x).mean(axis, keepdims=True) + layer.epsilon)
    z = (rows - rows.mean(axis, keepdims=True)) / np.sqrt(rows.var(axis, keepdims=True) + layer.epsilon)
    return g * z.reshape(x.shape) + b


FLAX = {
    LayerNorm(epsilon=1e-3): linen.LayerNorm(epsilon=1e-3, use_fast_variance=False),
    RMSNorm(epsilon=1e-3): linen.RMSNorm(epsilon=1e-3, use_fast_variance=False),
    GroupNorm(2, epsilon=1e-3): linen.GroupNorm(num_groups=2, epsilon=1e-3, use_fast_variance=False),
    BatchNorm(epsilon=1e-3): linen.BatchNorm(
        epsilon=1e-3, use_fast_variance=False, momentum=0.9, use_running_average=False
    ),
}


@pytest.mark.parametrize("shape", [(8,), (5, 8), (3, 4, 2)])
@pytest.mark.parametrize("layer", FLAX, ids=repr)
def test_a_norm_and_its_gradients_are_those_of_flax(layer, shape, rng):
    params, x = some(rng, shape[-1]), rng.normal(2.0, 3.0, size=(6, *shape)).astype(np.float32)
    names = {"scale": "g"} if isinstance(layer, RMSNorm) else {"scale": "g", "bias": "b"}
    statistics = {"batch_stats": {"mean": np.zeros(shape[-1]), "var": np.ones(shape[-1])}}

    def flax(params, x):
        values = {theirs: params[ours] for theirs, ours in names.items()}
        return FLAX[layer].apply({"params": values} | statistics, x, mutable=["batch_stats"])[0]

    y, back = jax.vjp(lambda p, x: run(layer, p, x), params, x)
    expected, expected_back = jax.vjp(flax, params, x)
    np.testing.assert_allclose(y, expected, rtol=1e-4, atol=1e-5)
    for ours, flaxs in zip(jax.tree.leaves(back(jnp.cos(y))), jax.tree.leaves(expected_back(jnp.cos(y))), strict=True):
        np.testing.assert_allclose(ours, flaxs, rtol=1e-3, atol=1e-4)


FIGURES = np.load(Path(__file__).parent / "pytorch_normalization.npz")


@pytest.mark.parametrize("layer", [LayerNorm(), RMSNorm(), GroupNorm(3), BatchNorm()], ids=repr)
def test_a_norm_and_its_gradients_are_those_of_pytorch(layer):
    layer, name = replace(layer, epsilon=1e-3), type(layer).__name__
    with jax.enable_x64(True):
        params, x = {p: FIGURES[p] for p in layer.parameters((6,))}, FIGURES["x"][1]
        y, back = jax.vjp(lambda p, x: run(layer, p, x), params, x)
        np.testing.assert_allclose(y, FIGURES[f"{name}/y"], rtol=1e-10, atol=1e-10)
        of_params, of_x = back(jnp.cos(y))
        for found, key in [(of_x, "x"), *((of_params[p], p) for p in params)]:
            np.testing.assert_allclose(found, FIGURES[f"{name}/{key}"], rtol=1e-9, atol=1e-10, err_msg=key)


def test_running_statistics_are_those_of_pytorch_free_of_their_first_value():
    """Torch's after two batches are 0.81 × the first value (0 and 1) + 0.19 × ours."""
    layer, params = BatchNorm(epsilon=1e-3), {p: FIGURES[p] for p in "gb"}
    with jax.enable_x64(True):
        state = layer.state((3, 2, 6))
        for x in FIGURES["x"]:
            _, state = apply(layer, params, x, state, TRAIN)
        for name, first in (("mean", 0.0), ("variance", 1.0)):
            np.testing.assert_allclose(state[name], (FIGURES[f"running/{name}"] - 0.81 * first) / 0.19, rtol=1e-5)
        theirs = {name: FIGURES[f"running/{name}"] for name in ("mean", "variance")}
        np.testing.assert_allclose(run(layer, params, FIGURES["x"][0], EVAL, theirs), FIGURES["eval/y"], rtol=1e-10)


def test_value_and_jacobian_are_the_closed_forms(rng):
    """dy/dx = diag(g) (I − 1 1ᵀ / n − z zᵀ / n) / s with s = √(σ² + epsilon) and z = (x − μ) / s."""
    n, epsilon = 6, 0.01
    with jax.enable_x64(True):
        params, x = some(rng, n, np.float64), rng.normal(size=n)
        layer = LayerNorm(epsilon=epsilon)
        s = np.sqrt(x.var() + epsilon)
        z = (x - x.mean()) / s
        np.testing.assert_allclose(apply(layer, params, x[None])[0], formula(params, x[None], layer), rtol=1e-12)
        expected = np.diag(params["g"]) @ (np.eye(n) - np.ones((n, n)) / n - np.outer(z, z) / n) / s
        jacobian = jax.jacobian(lambda x: apply(layer, params, x[None])[0][0])(x)
        np.testing.assert_allclose(jacobian, expected, rtol=1e-12, atol=1e-13)


def test_at_first_every_row_comes_out_with_mean_0_and_variance_1(key, rng):
    x = jnp.array(rng.normal(5.0, 20.0, size=(4, 3, 50)), jnp.float32)
    params, _ = initialize(LayerNorm(), (3, 50), key)
    y = np.asarray(apply(LayerNorm(), params, x)[0])
    np.testing.assert_allclose(y.mean(-1), np.zeros((4, 3)), atol=1e-5)
    np.testing.assert_allclose(y.var(-1), np.ones((4, 3)), rtol=1e-5)


@given(scale=st.floats(0.1, 100), shift=st.floats(-100, 100), seed=st.integers(0, 99))
def test_scale_and_shift_of_the_input_go_out(scale, shift, seed):
    rng = np.random.default_rng(seed)
    with jax.enable_x64(True):
        params, x = some(rng, 5, np.float64), rng.normal(size=(3, 5))
        y, again = (apply(LayerNorm(epsilon=1e-14), params, jnp.array(x))[0] for x in (x, scale * x + shift))
        np.testing.assert_allclose(again, y, rtol=1e-6, atol=1e-8)


@every
@pytest.mark.parametrize("dtype", [jnp.bfloat16, jnp.float16])
def test_low_precision_is_rounded_once_at_the_end(dtype, layer, rng):
    """Deviations of a few units from 500: in float16 their squares' sum overflows, in bfloat16 the mean is far off."""
    x = jnp.array(500 + 200 * rng.normal(size=(16, 256)), dtype)
    params = {name: value.astype(dtype) for name, value in some(rng, 256).items()}
    y, state = apply(layer, params, x, layer.state((256,)), TRAIN)
    assert y.dtype == dtype
    assert {leaf.dtype for leaf in state.values()} <= {jnp.dtype(jnp.float32)}
    # Half a unit in the last place, and what float32 rounds before.
    expected = formula(params, x, layer)
    error = np.abs(np.asarray(y, np.float64) - expected)
    assert (error <= 0.501 * jnp.finfo(dtype).eps * np.abs(expected) + 1e-5).all()


@every
@pytest.mark.parametrize("context", [TRAIN, EVAL], ids=lambda context: context.mode)
def test_an_example_is_normalized_alone_but_by_batch_norm_in_training(layer, context, rng):
    params, x = some(rng, 6), rng.normal(size=(4, 3, 6)).astype(np.float32)
    others = jax.jacobian(lambda x: run(layer, params, x, context)[2])(x)
    others = np.delete(np.asarray(others), 2, axis=2)
    assert others.any() == (isinstance(layer, BatchNorm) and context.mode == "train")
    if not others.any():
        np.testing.assert_allclose(run(layer, params, x[2:3], context), run(layer, params, x, context)[2:3], rtol=2e-6)


def test_layer_and_rms_norm_treat_positions_alone_and_group_norm_together(rng):
    params, x = some(rng, 6), rng.normal(size=(1, 4, 6)).astype(np.float32)
    for layer, together in ((LayerNorm(), False), (RMSNorm(), False), (GroupNorm(2), True)):
        jacobian = np.asarray(jax.jacobian(lambda x, layer=layer: run(layer, params, x)[0, 2])(x))[:, 0]
        assert np.delete(jacobian, 2, axis=1).any() == together
        groups = jacobian.any(axis=1)
        same_group = np.arange(6)[:, None] // 3 == np.arange(6) // 3
        np.testing.assert_array_equal(groups, same_group if together else np.ones((6, 6), bool))


def test_norms_are_each_other_where_their_equations_meet(rng):
    params, x = some(rng, 6), rng.normal(2.0, 3.0, size=(5, 6)).astype(np.float32)
    y = run(LayerNorm(), params, x)
    np.testing.assert_allclose(run(GroupNorm(1), params, x), y, rtol=1e-6, atol=1e-6)
    without_mean = run(RMSNorm(), params, x - x.mean(-1, keepdims=True)) + params["b"]
    np.testing.assert_allclose(without_mean, y, rtol=1e-4, atol=1e-5)
    ones = {"g": np.ones(6, np.float32), "b": np.zeros(6, np.float32)}
    turned = {"g": np.ones(5, np.float32), "b": np.zeros(5, np.float32)}
    np.testing.assert_allclose(run(BatchNorm(), ones, x), run(LayerNorm(), turned, x.T).T, rtol=1e-5, atol=1e-6)
    np.testing.assert_array_equal(run(GroupNorm(6), params, x), np.broadcast_to(params["b"], (5, 6)))


@pytest.mark.parametrize("features", [1, 5])
@pytest.mark.parametrize("layer", [LayerNorm(), GroupNorm(1), BatchNorm()], ids=repr)
def test_a_constant_row_becomes_b_and_its_gradients_are_finite(layer, features, rng):
    params, x = some(rng, features), jnp.full((2, features), 3.0)
    y, back = jax.vjp(lambda p, x: run(layer, p, x), params, x)
    np.testing.assert_array_equal(y, np.broadcast_to(params["b"], (2, features)))
    assert all(jnp.isfinite(leaf).all() for leaf in jax.tree.leaves(back(jnp.ones_like(y))))


@every
def test_the_parameters_start_at_1_and_0_and_do_not_decay(layer, key):
    params, state = initialize(layer, (3, 4), key)
    assert bool(state) == isinstance(layer, BatchNorm)
    expected = {"g": np.ones(4)} | ({} if isinstance(layer, RMSNorm) else {"b": np.zeros(4)})
    jax.tree.map(np.testing.assert_array_equal, params, expected)
    assert decaying(layer.declare((3, 4))) == ()


@pytest.mark.parametrize("at", ["0", "1", "2", "3", "4"])
@pytest.mark.parametrize(("insert", "layer"), [*zip([InsertBefore, InsertAfter] * 2, ALL, strict=True)])
def test_a_norm_put_anywhere_leaves_all_other_first_weights_bit_equal(at, insert, layer, key):
    network = Sequential((Conv(4), ReLU(), Dense(6), Tanh(), Dense(2)))
    edited = edit(network, insert(at, new=layer))
    before, after = (flatten(initialize(net, (6, 2), key)[0]) for net in (network, edited.spec))
    moved = {new_address(edited.moved, address): value for address, value in before.items()}
    for address, value in moved.items():
        np.testing.assert_array_equal(after[address], value)
    assert {address.rpartition("/")[2] for address in after.keys() - moved.keys()} == layer.parameters((4,)).keys()


@every
def test_what_cannot_be_normalized_is_refused(layer, key):
    name = type(layer).__name__
    with pytest.raises(HeadwayError, match=rf"^1: {name} needs a dimension of features; got shape \(\)\. Put Dense"):
        Sequential((ReLU(), layer)).shape(())
    params, state = initialize(layer, (4,), key)
    with pytest.raises(HeadwayError, match=r"the weights here take 4 features; got shape \(6,\)"):
        apply(layer, params, jnp.ones((2, 6)), state)
    for epsilon in (0.0, -1e-5):
        with pytest.raises(HeadwayError, match=rf"^{name}\.epsilon: must be greater than 0"):
            replace(layer, epsilon=epsilon)


def test_groups_that_do_not_divide_and_a_momentum_of_1_are_refused():
    with pytest.raises(HeadwayError, match=r"^0/groups: must divide the 6 channels; got 4"):
        Sequential((GroupNorm(4),)).shape((5, 6))
    with pytest.raises(HeadwayError, match=r"^BatchNorm\.momentum: must be less than 1; got 1\.0"):
        BatchNorm(momentum=1.0)
