"""A layer at some places of a sequence, and attention of a target to the source in front of it."""

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from headway.learning.backpropagation.reverse import kinds_without_rule
from headway.models.transformer import decoder_block, encoder_decoder, post_ln, pre_ln, transformer_block
from headway.network.attention import CrossAttention, MultiHeadAttention
from headway.network.compose import Sequential
from headway.network.convolution import Flatten
from headway.network.dense import Dense
from headway.network.embedding import Embedding
from headway.network.layer import apply, initialize
from headway.network.places import Places
from headway.network.recurrent import Recurrent
from headway.network.summary import summary
from headway.network.tokens import Masked
from headway.spec.error import HeadwayError

X = jax.random.normal(jax.random.key(1), (2, 7, 12))


def drawn(layer, shape=(7, 12)):
    """Parameters with biases that are not 0."""
    params, state = initialize(layer, shape, jax.random.key(0))
    assert not state
    return jax.tree.map(lambda p: p + 0.1 * jnp.arange(p.size).reshape(p.shape) / p.size, params)


@pytest.mark.parametrize("bias", [False, True])
def test_cross_attention_and_its_gradients_are_those_of_flax(bias):
    layer, theirs = CrossAttention(3, source=4, bias=bias), nn.MultiHeadDotProductAttention(3, use_bias=bias)
    params, upstream = drawn(layer), jax.random.normal(jax.random.key(2), X.shape)

    def as_theirs(params):
        found = {}
        for name, long in zip("qkv", ("query", "key", "value"), strict=True):
            found[long] = {"kernel": params[f"w{name}"].reshape(12, 3, 4)}
            found[long] |= {"bias": params[f"b{name}"].reshape(3, 4)} if bias else {}
        out = {"kernel": params["wo"].reshape(3, 4, 12)} | ({"bias": params["bo"]} if bias else {})
        return {"params": found | {"out": out}}

    def flax(params, x):
        y = theirs.apply(as_theirs(params), x[:, 4:], x[:, :4], x[:, :4])
        return jnp.sum(y * upstream[:, 4:]), y

    def ours(params, x):
        y, _ = apply(layer, params, x)
        return jnp.sum(y * upstream), y

    (_, y), gradients = jax.value_and_grad(ours, (0, 1), has_aux=True)(params, X)
    (_, expected), wanted = jax.value_and_grad(flax, (0, 1), has_aux=True)(params, X)
    np.testing.assert_array_equal(y[:, :4], 0)
    np.testing.assert_allclose(y[:, 4:], expected, rtol=1e-5, atol=1e-5)
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-5), gradients, wanted)


@pytest.mark.parametrize(("start", "end"), [(0, 3), (2, 5), (4, None), (0, None)])
@pytest.mark.parametrize(
    "body", [Dense(12), Recurrent(12), MultiHeadAttention(3)], ids=lambda body: type(body).__name__
)
def test_the_body_sees_its_places_alone_and_the_others_stay_as_they_are(body, start, end):
    params = drawn(Places(body, start=start, end=end))
    y, _ = apply(Places(body, start=start, end=end), params, X)
    alone, _ = apply(body, params["body"], X[:, start:end])
    np.testing.assert_allclose(y, jnp.asarray(X).at[:, start:end].set(alone), rtol=1e-6, atol=1e-6)


def test_both_have_a_rule_of_backpropagation():
    assert not {"headway/Places", "headway/CrossAttention"} & set(kinds_without_rule())


def test_a_decoder_block_has_16_d_squared_parameters_and_its_vectors():
    d = 12
    params, _ = initialize(decoder_block(3, 4 * d, source=4), (7, d), jax.random.key(0))
    assert sum(leaf.size for leaf in jax.tree.leaves(params)) == 16 * d * d + 19 * d


@pytest.mark.parametrize("placement", [pre_ln, post_ln])
def test_a_decoder_block_leaves_the_source_as_it_is(placement):
    block = decoder_block(3, 24, source=4, placement=placement)
    y, _ = apply(block, drawn(block), X)
    np.testing.assert_array_equal(y[:, :4], X[:, :4])
    assert not np.allclose(y[:, 4:], X[:, 4:], atol=0.1)


@pytest.mark.parametrize("placement", [pre_ln, post_ln])
def test_the_target_sees_all_of_the_source_and_of_itself_what_came_before(placement):
    network = encoder_decoder(11, source=4, width=8, heads=2, blocks=2, placement=placement)
    params = drawn(network, (7,))
    tokens = jax.random.randint(jax.random.key(3), (1, 7), 0, 11)
    before = apply(network, params, tokens)[0][0]
    for place in range(7):
        after = apply(network, params, tokens.at[0, place].add(1) % 11)[0][0]
        changed = np.any(after != before, axis=-1)
        assert list(np.flatnonzero(changed)) == (list(range(7)) if place < 4 else list(range(place, 7)))


def test_nothing_of_a_padded_source_reaches_the_target():
    network = Masked(encoder_decoder(11, source=4, width=8, heads=2), padding=0)
    params = drawn(network, (7,))
    tokens = jnp.array([[3, 5, 0, 0, 7, 2, 9]])
    whole = apply(network, params, tokens)[0]
    table = params["body"]["0"]["table"]
    params["body"]["0"]["table"] = table.at[0].set(100 * table[0] + 7)
    other = apply(network, params, tokens)[0]
    np.testing.assert_array_equal(whole[0, 4:], other[0, 4:])
    assert not np.allclose(whole[0, 2:4], other[0, 2:4])


def test_the_longest_path_leads_through_encoder_and_decoder():
    def depth(network):
        return summary(network, (7, 12)).depth

    encoder = Places(transformer_block(3, 24), end=4)
    decoder = decoder_block(3, 24, source=4)
    assert depth(Sequential((encoder, decoder))) == depth(encoder) + depth(decoder)


def test_flops_count_the_queries_of_the_target_and_the_keys_of_the_source():
    d, target, source, heads = 12, 3, 4, 3
    products = 2 * 2 * (target + source) * d * d + 2 * 2 * target * source * d
    vectors = 2 * (target + source) * d
    found = CrossAttention(heads, source=source).flops((7, d)) - products - vectors
    assert found % (heads * target * source) == 0
    assert 0 < found <= 8 * heads * target * source


@pytest.mark.parametrize(
    ("layer", "shape", "says"),
    [
        (CrossAttention(3, source=7), (7, 12), r"^CrossAttention|source: leaves no place for the target"),
        (CrossAttention(5, source=2), (7, 12), r"5 heads must share the features evenly; got 12 features\. Give it 15"),
        (CrossAttention(3, source=2), (12,), r"sequence"),
        (Places(Dense(12), start=7), (7, 12), r"must be some of the 7 places of the sequence; got 7 to 7"),
        (Places(Dense(12), start=3, end=2), (7, 12), r"got 3 to 2\. Choose start < end ≤ 7"),
        (Places(Dense(12), end=9), (7, 12), r"got 0 to 9"),
        (Places(Dense(5)), (7, 12), r"^body: Places needs a body that keeps its shape; got \(7, 12\) → \(7, 5\)"),
        (Places(Flatten()), (7, 12), r"keeps its shape"),
        (Places(Dense(12)), (), r"needs a sequence"),
        (Sequential((Embedding(5, width=12), encoder_decoder(5, source=2))), (7,), r"^1"),
    ],
    ids=repr,
)
def test_what_cannot_be_is_refused_with_its_place(layer, shape, says):
    with pytest.raises(HeadwayError, match=says):
        layer.shape(shape)
