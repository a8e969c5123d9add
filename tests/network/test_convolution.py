import functools
import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.signal
from hypothesis import given
from hypothesis import strategies as st
from jax.test_util import check_grads

from headway.network.compose import Sequential
from headway.network.convolution import (
    AveragePool,
    Conv,
    Flatten,
    GlobalAveragePool,
    MaxPool,
    convolve_native,
    convolve_patches,
)
from headway.network.layer import Layer, apply, initialize
from headway.spec.error import HeadwayError

CONVS = [
    (Conv(4), (7, 3)),
    (Conv(4, kernel=5, stride=2, padding=1), (40, 1)),
    (Conv(6, kernel=4, stride=3, groups=3), (11, 6)),
    (Conv(2, kernel=3, padding="valid"), (3, 2)),
    (Conv(1, kernel=2, stride=5, bias=False), (12, 2)),
    (Conv(4), (6, 5, 3)),
    (Conv(4, kernel=1), (4, 4, 3)),
    (Conv(4, kernel=(2, 3), stride=(1, 2), padding="valid"), (6, 7, 2)),
    (Conv(6, kernel=(4, 1), stride=2, padding=2, groups=2), (7, 6, 4)),
    (Conv(8, groups=4, padding=0), (5, 6, 4)),
    (Conv(5, kernel=7, groups=5), (4, 5, 5)),
]
convs = pytest.mark.parametrize(("conv", "inputs"), CONVS, ids=repr)


def started(layer: Layer, inputs, batch=2, dtype=np.float64):
    """Random parameters and inputs of the layer."""
    rng = np.random.default_rng(1)
    params, _ = initialize(layer, inputs, jax.random.key(0), dtype)
    params = jax.tree.map(lambda p: jnp.array(rng.normal(size=p.shape), dtype), params)
    return params, jnp.array(rng.normal(size=(batch, *inputs)), dtype)


@functools.partial(jax.jit, static_argnums=0)
def output(layer: Layer, params, x):
    return apply(layer, params, x)[0]


def padded(x, window, stride, padding, value=0.0):
    """Inputs with their padding, by the definition of each kind of padding."""
    around = [(0, 0)]
    for n, k, s in zip(x.shape[1:-1], window, stride, strict=True):
        total = max((int(np.ceil(n / s)) - 1) * s + k - n, 0) if padding == "same" else 0
        around.append((total // 2, total - total // 2) if not isinstance(padding, int) else (padding, padding))
    return np.pad(x, [*around, (0, 0)], constant_values=value)


def windows(x, window, stride):
    """Every output position with what its window sees, [batch, *window, channels]."""
    counts = [(n - k) // s + 1 for n, k, s in zip(x.shape[1:-1], window, stride, strict=True)]
    for at in itertools.product(*map(range, counts)):
        cut = tuple(slice(p * s, p * s + k) for p, s, k in zip(at, stride, window, strict=True))
        yield at, x[(slice(None), *cut)]


def pair(value, n):
    return value if isinstance(value, tuple) else (value,) * n


def by_hand(conv: Conv, params, x):
    """The convolution's sum, one position, one channel at a time."""
    n, w = x.ndim - 2, np.asarray(params["w"])
    kernel, stride = pair(conv.kernel, n), pair(conv.stride, n)
    y = np.zeros((len(x), *conv.shape(x.shape[1:])))
    each, own = w.shape[-2], conv.channels // conv.groups
    for at, seen in windows(padded(x, kernel, stride, conv.padding), kernel, stride):
        for c in range(conv.channels):
            g = c // own
            y[(slice(None), *at, c)] = (seen[..., g * each : (g + 1) * each] * w[..., c]).sum(tuple(range(1, n + 2)))
    return y + (np.asarray(params["b"]) if conv.bias else 0)


@convs
def test_convolution_is_the_sum_over_its_window(conv, inputs):
    with jax.enable_x64(True):
        params, x = started(conv, inputs)
        np.testing.assert_allclose(output(conv, params, x), by_hand(conv, params, np.asarray(x)), rtol=1e-10)


@convs
def test_patches_and_xlas_convolution_agree_in_value_and_gradient(conv, inputs):
    with jax.enable_x64(True):
        params, x = started(conv, inputs)
        found = []
        for lowering in (convolve_patches, convolve_native):

            def f(x, w, lowering=lowering):
                return lowering(x, w, conv._axes(inputs), conv.groups)

            @jax.jit
            def all_of(x, w, f=f):
                y, back = jax.vjp(f, x, w)
                return y, *back(jnp.cos(jnp.arange(y.size)).reshape(y.shape))

            found.append(all_of(x, params["w"]))
        for ours, theirs in zip(*found, strict=True):
            np.testing.assert_allclose(ours, theirs, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("padding", ["same", "valid"])
def test_convolution_equals_scipys_correlation(padding):
    with jax.enable_x64(True):
        conv = Conv(1, kernel=(3, 5), padding=padding, bias=False)
        params, x = started(conv, (9, 8, 1), batch=1)
        expected = scipy.signal.correlate2d(x[0, ..., 0], params["w"][..., 0, 0], mode=padding)
        np.testing.assert_allclose(output(conv, params, x)[0, ..., 0], expected, rtol=1e-10)


@given(
    size=st.integers(1, 12),
    kernel=st.integers(1, 6),
    stride=st.integers(1, 4),
    padding=st.one_of(st.sampled_from(["same", "valid"]), st.integers(0, 3)),
)
def test_shape_is_that_of_xlas_convolution_or_an_error(size, kernel, stride, padding):
    conv = Conv(2, kernel=kernel, stride=stride, padding=padding)
    rule = padding.upper() if isinstance(padding, str) else [(padding, padding)]
    try:
        found = conv.shape((size, 1))
    except HeadwayError:
        assert padding != "same"
        assert kernel > size + 2 * (padding if isinstance(padding, int) else 0)
        return
    x, w = jax.ShapeDtypeStruct((1, size, 1), np.float32), jax.ShapeDtypeStruct((kernel, 1, 2), np.float32)
    y = jax.eval_shape(
        lambda x, w: jax.lax.conv_general_dilated(x, w, (stride,), rule, dimension_numbers=("NWC", "WIO", "NWC")), x, w
    )
    assert y.shape[1:] == found


def test_the_mnist1d_paper_net_has_the_paper_s_shapes():
    net = Sequential((*(Conv(25, kernel=k, stride=2, padding=1) for k in (5, 3, 3)), Flatten()))
    assert net.shape((40, 1)) == (5 * 25,)


@convs
def test_weights_have_the_shape_and_fans_stated(conv, inputs):
    w = conv.parameters(inputs)["w"]
    kernel = pair(conv.kernel, len(inputs) - 1)
    assert w.shape == (*kernel, inputs[-1] // conv.groups, conv.channels)
    assert w.fans == (np.prod(w.shape[:-1]), np.prod(kernel) * conv.channels // conv.groups)


def test_on_cpu_there_is_no_convolution_and_elsewhere_no_patches():
    conv = Conv(4)
    params, x = started(conv, (8, 8, 3), dtype=np.float32)

    def loss(params, x):
        return jax.lax.scan(lambda c, x: (c + output(conv, params, x[None]).sum(), None), 0.0, x)[0]

    traced = jax.jit(jax.grad(loss)).trace(params, x)
    assert "convolution" not in traced.lower(lowering_platforms=("cpu",)).as_text()
    assert "convolution" in traced.lower(lowering_platforms=("cuda",)).as_text()


def test_mixed_dtypes_meet_in_the_wider_one():
    conv = Conv(4)
    params, x = started(conv, (8, 3), dtype=np.float32)
    assert output(conv, params, x.astype(jnp.bfloat16)).dtype == np.float32


POOLS = [
    (2, None, "valid"),
    (2, None, "same"),
    (3, 2, "same"),
    (3, 1, "valid"),
    ((2, 3), (3, 1), "same"),
    (1, 2, "valid"),
]
pools = pytest.mark.parametrize(("window", "stride", "padding"), POOLS, ids=repr)


@pools
@pytest.mark.parametrize("inputs", [(7, 3), (7, 6, 2)])
@pytest.mark.parametrize(("kind", "fill", "reduced"), [(MaxPool, -np.inf, np.max), (AveragePool, np.nan, np.nanmean)])
def test_pooling_reduces_each_window_padding_left_out(kind, fill, reduced, inputs, window, stride, padding):
    if isinstance(window, tuple) and len(inputs) == 2:
        window, stride = window[0], stride[0]
    with jax.enable_x64(True):
        pool = kind(window, stride=stride, padding=padding)
        _, x = started(pool, inputs)
        n = len(inputs) - 1
        k, s = pair(window, n), pair(stride or window, n)
        y = np.zeros((2, *pool.shape(inputs)))
        for at, seen in windows(padded(np.asarray(x), k, s, padding, fill), k, s):
            y[(slice(None), *at)] = reduced(seen, axis=tuple(range(1, n + 1)))
        np.testing.assert_allclose(output(pool, {}, x), y, rtol=1e-12)


@pools
def test_max_pooling_and_its_gradient_equal_xlas_reduce_window(rng, window, stride, padding):
    pool = MaxPool(window, stride=stride, padding=padding)
    # Few different values: most windows have ties, of which XLA's gradient takes the first, too.
    x = jnp.array(rng.integers(0, 3, size=(2, 7, 6, 2)), jnp.float32)
    k, s = (1, *pair(window, 2), 1), (1, *pair(stride or window, 2), 1)
    y, back = jax.vjp(lambda x: output(pool, {}, x), x)
    z, theirs = jax.vjp(lambda x: jax.lax.reduce_window(x, -jnp.inf, jax.lax.max, k, s, padding.upper()), x)
    np.testing.assert_array_equal(y, z)
    g = jnp.arange(1.0, y.size + 1).reshape(y.shape)
    np.testing.assert_array_equal(back(g)[0], theirs(g)[0])


def test_the_first_of_equal_maxima_gets_the_gradient():
    x = jnp.array([[1.0, 2, 2], [2, 2, 0], [0, 0, 0]]).reshape(1, 3, 3, 1)
    g = jax.grad(lambda x: output(MaxPool(3), {}, x).sum())(x)
    np.testing.assert_array_equal(g[0, ..., 0], [[0, 1, 0], [0, 0, 0], [0, 0, 0]])


@pytest.mark.parametrize("place", range(4))
def test_a_nan_in_the_window_is_its_maximum(place):
    x = jnp.arange(4.0).at[place].set(jnp.nan).reshape(1, 2, 2, 1)
    assert jnp.isnan(output(MaxPool(), {}, x)).all()


@pytest.mark.parametrize("layer", [MaxPool(3, stride=2, padding="same"), AveragePool(2, padding="same"), Conv(2)])
def test_gradients_are_those_of_finite_differences(layer):
    with jax.enable_x64(True):
        params, x = started(layer, (5, 4, 2))

        def f(x, params):
            return jnp.sum(jnp.sin(output(layer, params, x)))

        check_grads(jax.jit(f), (x, params), order=1, modes=["fwd", "rev"], rtol=1e-5)


def test_global_average_pooling_and_flattening(rng):
    x = jnp.array(rng.normal(size=(2, 3, 4, 5)), jnp.float32)
    np.testing.assert_allclose(output(GlobalAveragePool(), {}, x), np.asarray(x).mean((1, 2)), rtol=1e-5)
    np.testing.assert_array_equal(output(Flatten(), {}, x), np.asarray(x).reshape(2, 60))
    assert Flatten().shape(()) == (1,)
    assert output(Flatten(), {}, jnp.ones(3)).shape == (3, 1)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Conv(5, groups=2), r"^Conv/groups: must divide the 5 channels; got 2"),
        (lambda: Conv(4, groups=2).shape((8, 3)), r"^groups: must divide the 3 input channels; got 2"),
        (lambda: Conv(4, kernel=9, padding=0).shape((8, 8, 3)), r"^kernel: must fit into the 8 positions .* got 9"),
        (lambda: MaxPool().shape((4, 1, 3)), r"^window: must fit into the 1 positions .*padding=\"same\""),
        (lambda: Conv(4, kernel=(3,)).shape((8, 8, 3)), r"^kernel: needs one number a dimension .*got \(3,\)"),
        (lambda: AveragePool(2, stride=(2, 2)).shape((8, 3)), r"^stride: needs one number a dimension"),
        (lambda: Conv(4).shape((8,)), r"^Conv takes \(length, channels\) or .*; got shape \(8,\)\. Put the channels"),
        (lambda: MaxPool().shape((2, 2, 2, 2)), r"^MaxPool takes \(length, channels\)"),
        (lambda: GlobalAveragePool().shape((2,)), r"^GlobalAveragePool takes \(length, channels\)"),
        (lambda: Conv(4, kernel=0), r"^Conv\.kernel"),
        (lambda: Conv(4, kernel=(1, 2, 3)), r"^Conv\.kernel"),
        (lambda: Conv(4, padding="half"), r"^Conv\.padding: must be 'same' or 'valid'.*got 'half'"),
        (lambda: Conv(4, padding=-1), r"^Conv\.padding"),
        (lambda: MaxPool(padding=1), r"^MaxPool\.padding: must be 'same' or 'valid'; got 1"),
    ],
)  # fmt: skip
def test_errors_say_what_is_wrong(make, message):
    with pytest.raises(HeadwayError, match=message):
        make()


def test_inputs_of_other_channels_than_the_weights_take_are_refused_by_address():
    net = Sequential((Conv(4, name="stem"),))
    params, _ = initialize(net, (8, 3), jax.random.key(0))
    with pytest.raises(HeadwayError, match=r"^stem: the weights here take 3 features; got shape \(8, 5\)"):
        apply(net, params, jnp.ones((2, 8, 5)))
