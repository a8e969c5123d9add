import math

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from headway.network.activations import ReLU
from headway.network.attention import MultiHeadAttention, Rotary
from headway.network.compose import Sequential
from headway.network.embedding import LearnedPositions, SinusoidalPositions
from headway.network.heads import attend
from headway.network.initialization import GlorotUniform, HeNormal, Orthogonal
from headway.network.layer import apply, initialize
from headway.network.summary import summary
from headway.network.values import flatten
from headway.spec.error import HeadwayError

LAYERS = [
    MultiHeadAttention(heads, causal=causal, rotary=rotary)
    for heads in (1, 2, 4)
    for causal in (False, True)
    for rotary in (None, Rotary(), Rotary(100.0))
]


def drawn(layer, shape, key):
    """Parameters with biases that are not 0."""
    params, _ = initialize(layer, shape, key)
    return {n: p + 0.1 * jnp.arange(p.size).reshape(p.shape) / p.size for n, p in params.items()}


def by_hand(layer, params, x):
    """The equation in float64, one head, query and key at a time."""
    p = {name: np.asarray(value, float) for name, value in params.items()}
    batch, time, d = x.shape
    e = d // layer.heads
    q, k, v = (x @ p[f"w{n}"] + p[f"b{n}"] for n in "qkv")

    def turned(row, place):
        if layer.rotary is None:
            return row
        out = row.copy()
        for i in range(e // 2):
            a = place / layer.rotary.base ** (2 * i / e)
            c, s = math.cos(a), math.sin(a)
            out[2 * i : 2 * i + 2] = np.array([[c, -s], [s, c]]) @ row[2 * i : 2 * i + 2]
        return out

    heads = np.zeros_like(x)
    for n, h, s in np.ndindex(batch, layer.heads, time):
        at = slice(h * e, (h + 1) * e)
        keys = range(s + 1 if layer.causal else time)
        scores = [turned(q[n, s, at], s) @ turned(k[n, t, at], t) / math.sqrt(e) for t in keys]
        weights = np.exp(scores) / np.exp(scores).sum()
        heads[n, s, at] = sum(w * v[n, t, at] for w, t in zip(weights, keys, strict=True))
    return heads @ p["wo"] + p["bo"]


@pytest.mark.parametrize("layer", LAYERS, ids=repr)
def test_attention_follows_the_equation_query_by_query(layer, key, rng):
    with jax.enable_x64(True):
        x, params = rng.normal(size=(2, 5, 8)), drawn(layer, (5, 8), key)
        params = jax.tree.map(lambda p: p.astype(jnp.float64), params)
        np.testing.assert_allclose(apply(layer, params, jnp.array(x))[0], by_hand(layer, params, x), rtol=1e-10)


@pytest.mark.parametrize("causal", [False, True])
@pytest.mark.parametrize("bias", [False, True])
def test_attention_and_its_gradients_are_those_of_flax(causal, bias, key, rng):
    layer, heads, d = MultiHeadAttention(3, causal=causal, bias=bias), 3, 12
    x, upstream = jnp.array(rng.normal(size=(2, 2, 7, d)), jnp.float32)
    params = drawn(layer, (7, d), key)
    theirs = nn.MultiHeadDotProductAttention(heads, use_bias=bias)
    mask = nn.make_causal_mask(jnp.ones((2, 7))) if causal else None

    def as_theirs(params):
        found = {}
        for name, long in zip("qkv", ("query", "key", "value"), strict=True):
            found[long] = {"kernel": params[f"w{name}"].reshape(d, heads, -1)}
            found[long] |= {"bias": params[f"b{name}"].reshape(heads, -1)} if bias else {}
        found["out"] = {"kernel": params["wo"].reshape(heads, -1, d)} | ({"bias": params["bo"]} if bias else {})
        return {"params": found}

    y, back = jax.vjp(lambda p, x: apply(layer, p, x)[0], params, x)
    expected, their_back = jax.vjp(lambda p, x: theirs.apply(as_theirs(p), x, mask=mask), params, x)
    np.testing.assert_allclose(y, expected, rtol=1e-4, atol=1e-5)
    for ours, other in zip(*(jax.tree.leaves(b(upstream)) for b in (back, their_back)), strict=True):
        np.testing.assert_allclose(ours, other, rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("rotary", [None, Rotary()])
def test_nothing_comes_from_the_future_neither_value_nor_gradient(rotary, key, rng):
    """∂y_s / ∂x_t is exactly 0 for t > s, and not for t ≤ s."""
    layer, x = MultiHeadAttention(2, causal=True, rotary=rotary), jnp.array(rng.normal(size=(6, 8)), jnp.float32)
    params = drawn(layer, (6, 8), key)

    def run(x):
        return apply(layer, params, x[None])[0][0]

    reach = jnp.abs(jax.jacobian(run)(x)).max(axis=(1, 3))
    np.testing.assert_array_equal(reach > 0, np.tril(np.ones((6, 6), bool)))
    for s in (0, 3):
        np.testing.assert_array_equal(run(x.at[s + 1 :].set(1e6))[: s + 1], run(x)[: s + 1])
        np.testing.assert_allclose(run(x[: s + 1]), run(x)[: s + 1], rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("e", [2, 6, 16])
def test_rotary_products_depend_on_the_distance_alone_and_lengths_stay(e, rng):
    with jax.enable_x64(True):
        q, k = (jnp.array(np.tile(rng.normal(size=e), (1, 12, 1, 1))) for _ in range(2))
        turned_q, turned_k = Rotary().turn(q)[0, :, 0], Rotary().turn(k)[0, :, 0]
        products = np.asarray(turned_q @ turned_k.T)
        for distance in range(-11, 12):
            np.testing.assert_allclose(np.diag(products, distance), np.diag(products, distance)[0], rtol=1e-9)
        assert np.ptp(products[0]) > 1e-3
        np.testing.assert_allclose(jnp.linalg.norm(turned_q, axis=1), jnp.linalg.norm(q[0, :, 0], axis=1), rtol=1e-12)
        np.testing.assert_array_equal(turned_q[0], q[0, 0, 0])


@pytest.mark.parametrize("positions", [None, SinusoidalPositions(), LearnedPositions(), "rotary", "causal"])
def test_without_positions_a_reordered_sequence_gives_the_reordered_output(positions, key, rng):
    attention = MultiHeadAttention(2, rotary=Rotary() if positions == "rotary" else None, causal=positions == "causal")
    layer = attention if isinstance(positions, str | None) else Sequential((positions, attention))
    x, order = jnp.array(rng.normal(size=(2, 6, 8)), jnp.float32), np.array([3, 1, 5, 0, 4, 2])
    params, _ = initialize(layer, (6, 8), key)
    difference = jnp.abs(apply(layer, params, x[:, order])[0] - apply(layer, params, x)[0][:, order]).max()
    assert difference < 1e-5 if positions is None else difference > 1e-3


@pytest.mark.parametrize("causal", [False, True])
def test_equal_keys_give_the_mean_of_the_values_that_are_seen(causal, rng):
    q, v = jnp.array(rng.normal(size=(2, 2, 5, 3, 4)), jnp.float32)
    mean = np.cumsum(v, axis=1) / np.arange(1, 6)[:, None, None] if causal else np.mean(v, axis=1, keepdims=True)
    y = attend(q, jnp.ones_like(q), v, causal=causal)
    np.testing.assert_allclose(y, np.broadcast_to(mean, v.shape), rtol=1e-5, atol=1e-6)


def test_scores_that_would_overflow_an_exponential_choose_the_largest():
    q = jnp.full((1, 1, 1, 4), 1e4)
    k, v = jnp.array([1.0, 3.0, 2.0]).reshape(1, 3, 1, 1) * jnp.ones(4), jnp.arange(3.0).reshape(1, 3, 1, 1)
    value, gradient = jax.value_and_grad(lambda q: attend(q, k, v).sum())(q)
    assert value == 1
    assert jnp.isfinite(gradient).all()


def test_bfloat16_is_kept_and_its_softmax_has_the_digits_of_float32(key, rng):
    """Over 2,000 equal keys a sum of exponentials in bfloat16 would stop at 256."""
    q, v = jnp.zeros((1, 1, 1, 2), jnp.bfloat16), jnp.ones((1, 2000, 1, 2), jnp.bfloat16)
    y = attend(q, v, v)
    assert y.dtype == jnp.bfloat16
    np.testing.assert_allclose(y.astype(jnp.float32), 1, rtol=0.01)
    layer, x = MultiHeadAttention(2, causal=True, rotary=Rotary()), jnp.array(rng.normal(size=(2, 9, 8)), jnp.float32)
    params, _ = initialize(layer, (9, 8), key)
    low = apply(layer, *jax.tree.map(lambda a: a.astype(jnp.bfloat16), (params, x)))[0]
    assert low.dtype == jnp.bfloat16
    np.testing.assert_allclose(low.astype(jnp.float32), apply(layer, params, x)[0], atol=0.05)


def test_every_projection_starts_by_its_own_fans_and_only_the_last_meets_what_follows(key):
    declared = MultiHeadAttention(4).declare((3, 64), ReLU())
    assert {n: p.init for n, p in declared.items() if p.decays} == {
        "wq": GlorotUniform(), "wk": GlorotUniform(), "wv": GlorotUniform(), "wo": HeNormal()}  # fmt: skip
    params, _ = initialize(MultiHeadAttention(4), (3, 64), key)
    for name in ("wq", "wk", "wv", "wo"):
        assert float(params[name].var()) == pytest.approx(2 / 128, rel=0.05)
    made = MultiHeadAttention(4, init=Orthogonal(), bias=False).declare((3, 64), ReLU())
    assert {p.init for p in made.values()} == {Orthogonal()}
    assert list(made) == ["wq", "wk", "wv", "wo"]


def test_the_summary_counts_four_projections_and_the_products_of_positions(key):
    layer, time, d = MultiHeadAttention(2), 10, 8
    row = summary(layer, (time, d)).rows[0]
    assert (
        row.parameters == 4 * (d * d + d) == sum(p.size for p in flatten(initialize(layer, (time, d), key)[0]).values())
    )
    projections, products, softmax = 4 * time * d * (2 * d + 1), 2 * 2 * time * time * d, 2 * time * time * 6
    assert row.flops == projections + products + softmax


@pytest.mark.parametrize(
    ("layer", "shape", "message"),
    [
        (MultiHeadAttention(3), (5, 8), "^3 heads must share the features evenly; got 8 features. Give it 9"),
        (MultiHeadAttention(4, rotary=Rotary()), (5, 12), "^rotary: turns pairs: .*; got 3. Give 4 heads 16 features"),
        (MultiHeadAttention(2), (8,), r"^MultiHeadAttention takes sequences \(time, features\); got shape \(8,\)"),
        (Sequential((MultiHeadAttention(2),)), (4, 4, 2), "^0: MultiHeadAttention takes sequences"),
    ],
)
def test_shapes_that_do_not_fit_are_refused_with_the_fix(layer, shape, message, key):
    with pytest.raises(HeadwayError, match=message):
        initialize(layer, shape, key)


def test_inputs_of_another_width_than_the_weights_are_refused(key):
    params, _ = initialize(MultiHeadAttention(2), (5, 8), key)
    with pytest.raises(HeadwayError, match="the weights here take 8 features"):
        apply(MultiHeadAttention(2), params, jnp.ones((1, 5, 6)))


@pytest.mark.parametrize("key_heads", [1, 2, 4])
@pytest.mark.parametrize("causal", [False, True])
def test_a_head_of_keys_serves_a_row_of_heads_as_copies_of_it_would(key_heads, causal, key, rng):
    """Grouped-query attention is attention whose keys and values are the same for several heads."""
    heads, e = 4, 3
    grouped = MultiHeadAttention(heads, key_heads=key_heads, causal=causal, rotary=None)
    whole, x = MultiHeadAttention(heads, causal=causal), jnp.array(rng.normal(size=(2, 5, heads * e)), jnp.float32)
    params, upstream = drawn(grouped, (5, heads * e), key), jnp.array(rng.normal(size=x.shape), jnp.float32)
    assert params["wk"].shape == params["wv"].shape == (heads * e, key_heads * e)

    def copied(params):
        found = dict(params)
        for name in ("wk", "wv", "bk", "bv"):
            parts = jnp.split(params[name], key_heads, axis=-1)
            found[name] = jnp.concatenate([part for part in parts for _ in range(heads // key_heads)], axis=-1)
        return found

    def loss(layer, params):
        return jnp.sum(apply(layer, params, x)[0] * upstream)

    found = jax.value_and_grad(lambda p: loss(grouped, p))(params)
    expected = jax.value_and_grad(lambda p: loss(whole, copied(p)))(params)
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-5), found, expected)


def test_as_many_heads_of_keys_as_of_queries_is_the_same_layer(key, rng):
    x = jnp.array(rng.normal(size=(2, 5, 8)), jnp.float32)
    plain, named = MultiHeadAttention(2), MultiHeadAttention(2, key_heads=2)
    params = drawn(plain, (5, 8), key)
    np.testing.assert_array_equal(apply(named, params, x)[0], apply(plain, params, x)[0])
    assert named.flops((5, 8)) == plain.flops((5, 8))
    assert MultiHeadAttention(2, key_heads=1).flops((5, 8)) == plain.flops((5, 8)) - 2 * 5 * 4 * (2 * 8 + 1)


def test_heads_of_keys_that_do_not_divide_the_heads_are_refused():
    with pytest.raises(HeadwayError, match=r"^MultiHeadAttention/key_heads: must divide the 6 heads .*got 4"):
        MultiHeadAttention(6, key_heads=4)
