"""Masks against sequences without their padding, Flax, JAX and PyTorch; a tied table against an untied pair."""

from pathlib import Path

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from headway.learning.backpropagation.reverse import gradients
from headway.learning.losses import CrossEntropy
from headway.models.transformer import transformer_block
from headway.network.activations import Tanh
from headway.network.attention import MultiHeadAttention
from headway.network.compose import Sequential
from headway.network.convolution import AveragePool, GlobalAveragePool
from headway.network.dense import Dense
from headway.network.embedding import Embedding, SinusoidalPositions
from headway.network.heads import attend
from headway.network.layer import Context, apply, initialize
from headway.network.normalization import LayerNorm
from headway.network.recurrent import GRU, Last, Recurrent
from headway.network.summary import summary
from headway.network.tokens import Masked, TiedEmbedding, expect_tokens
from headway.spec.error import HeadwayError
from headway.training.step import Batch

TORCH = np.load(Path(__file__).with_name("pytorch_sequences.npz"))
REAL = np.arange(5) < TORCH["length"][:, None]
PADDING = 7


def torch_figures(part):
    return {name.removeprefix(f"{part}/"): jnp.asarray(TORCH[name]) for name in TORCH.files if name.startswith(part)}


@pytest.mark.parametrize("causal", [False, True])
def test_attention_over_padded_sequences_and_its_gradients_are_those_of_pytorch(causal):
    with jax.enable_x64(True):
        found = torch_figures("causal" if causal else "attention")
        params = {n: found[n] for n in ("wq", "bq", "wk", "bk", "wv", "bv", "wo", "bo")}
        layer, x, context = MultiHeadAttention(2, causal=causal), jnp.asarray(TORCH["x"]), Context(mask=jnp.array(REAL))

        def objective(params, x):
            y = apply(layer, params, x, context=context)[0]
            return jnp.sum(jnp.sin(y)[REAL]), y

        (dtheta, dx), y = jax.grad(objective, (0, 1), has_aux=True)(params, x)
        np.testing.assert_allclose(y[REAL], found["y"][REAL], rtol=1e-10)
        np.testing.assert_allclose(dx, found["x"], rtol=1e-8, atol=1e-12)
        for name, gradient in dtheta.items():
            np.testing.assert_allclose(gradient, found[f"d{name}"], rtol=1e-8, atol=1e-12)


def test_a_gru_over_padded_sequences_ends_in_the_state_of_pytorch():
    with jax.enable_x64(True):
        found = torch_figures("gru")
        params = {f"{n}_{g}": part for n in "uv" for g, part in zip("rzn", jnp.split(found[n], 3, axis=1), strict=True)}
        (b_r, b_z, b_n), (c_r, c_z, c) = jnp.split(found["b"], 3), jnp.split(found["c"], 3)
        params |= {"b_r": b_r + c_r, "b_z": b_z + c_z, "b_n": b_n, "c": c}
        layer, context = Sequential((GRU(3), Last())), Context(mask=jnp.array(REAL))
        y, _ = apply(layer, {"0": params}, jnp.asarray(TORCH["x"]), context=context)
        np.testing.assert_allclose(y, found["last"], rtol=1e-10)


def test_cross_entropy_over_places_that_count_is_that_of_pytorch():
    with jax.enable_x64(True):
        found = torch_figures("cross_entropy")
        loss = CrossEntropy(smoothing=0.1)
        value, gradient = jax.value_and_grad(loss)(found["z"], found["labels"], REAL.astype(float))
        np.testing.assert_allclose(value, found["loss"], rtol=1e-6)  # q is float32
        np.testing.assert_allclose(gradient, found["dz"], rtol=1e-6, atol=1e-8)


@pytest.mark.parametrize("causal", [False, True])
def test_masked_attention_is_that_of_flax_and_of_jax(causal, rng):
    q, k, v = jnp.asarray(rng.normal(size=(3, 3, 5, 2, 4)), jnp.float32)
    earlier = nn.make_causal_mask(REAL) if causal else None
    mask = nn.combine_masks(nn.make_attention_mask(jnp.ones((3, 5)), REAL), earlier)
    y = attend(q, k, v, causal=causal, mask=jnp.asarray(REAL))
    np.testing.assert_allclose(y, nn.dot_product_attention(q, k, v, mask=mask), rtol=1e-5, atol=1e-6)
    expected = jax.nn.dot_product_attention(q, k, v, mask=jnp.asarray(REAL)[:, None, None, :], is_causal=causal)
    np.testing.assert_allclose(y, expected, rtol=1e-5, atol=1e-6)


def test_what_sees_nothing_is_0_with_finite_gradients(rng):
    """Padding on the left of a causal sequence: its first queries see padding alone."""
    q, k, v = jnp.asarray(rng.normal(size=(3, 2, 4, 1, 3)), jnp.float32)
    mask = jnp.array([[False, False, True, True], [False] * 4])

    def run(q, k, v):
        return attend(q, k, v, causal=True, mask=mask)

    y, back = jax.vjp(run, q, k, v)
    assert not y[0, :2].any()
    assert not y[1].any()
    np.testing.assert_allclose(y[0, 2], v[0, 2], rtol=1e-6)
    found = back(jnp.ones_like(y))
    assert all(jnp.isfinite(g).all() for g in found)
    assert not any(g[1].any() or g[0, :2].any() for g in found)


def sequences(rng, left):
    """Tokens 0 … 6 of lengths 5, 2 and 5, padded to 5 with 7."""
    tokens = [rng.integers(0, PADDING, n) for n in (5, 2, 5)]
    at = [(5 - len(t), 0) if left else (0, 5 - len(t)) for t in tokens]
    return tokens, np.stack([np.pad(t, p, constant_values=PADDING) for t, p in zip(tokens, at, strict=True)])


READERS = [
    (Last(),),
    (MultiHeadAttention(2), GlobalAveragePool()),
    (Recurrent(3, reverse=True), Last()),
    (MultiHeadAttention(2, causal=True), GRU(3), Last()),
]


@pytest.mark.parametrize("left", [False, True], ids=["right", "left"])
@pytest.mark.parametrize("reader", READERS, ids=repr)
def test_a_padded_batch_gives_what_each_sequence_gives_alone(reader, left, key, rng):
    network = Masked(Sequential((Embedding(8, width=4), *reader)), padding=PADDING)
    tokens, padded = sequences(rng, left)
    params, _ = initialize(network, (5,), key)
    run = jax.jit(lambda x: apply(network, params, x)[0])
    alone = [run(jnp.asarray(t)[None])[0] for t in tokens]
    np.testing.assert_allclose(run(jnp.asarray(padded)), np.stack(alone), rtol=1e-5, atol=1e-6)


def test_what_stands_in_the_padding_changes_neither_loss_nor_gradient_of_a_network(key, rng):
    """Two batches of the same sequences: one padded to 5 places, one to 9, with other targets in the padding."""
    block = transformer_block(2, 8, causal=True)
    network = Masked(Sequential((Embedding(8, width=4), SinusoidalPositions(), block, Dense(7))), padding=PADDING)
    _, x = sequences(rng, left=False)
    y, weights = rng.integers(0, 7, x.shape), (x != PADDING).astype(np.float32)
    filled = ((x, PADDING), (y, -1), (weights, 0))
    longer = [np.pad(part, ((0, 0), (0, 4)), constant_values=fill) for part, fill in filled]
    params, _ = initialize(network, (5,), key)

    @jax.jit
    @jax.value_and_grad
    def solve(params, x, y, weights):
        return CrossEntropy()(apply(network, params, x)[0], y, weights)

    value, gradient = solve(params, x, y, weights)
    for found, found_gradient in (solve(params, *longer), solve(params, x, np.where(weights == 0, 3, y), weights)):
        np.testing.assert_allclose(found, value, rtol=1e-5)
        jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-6), found_gradient, gradient)


def test_a_sequence_of_padding_alone_gives_0(key):
    for head in (Last(), GlobalAveragePool()):
        network = Masked(Sequential((Embedding(8, width=4), MultiHeadAttention(2), head)), padding=PADDING)
        params, _ = initialize(network, (3,), key)
        assert not apply(network, params, jnp.full((1, 3), PADDING))[0].any()


BODY = Sequential((LayerNorm(), Dense(6), Tanh()))


def test_the_gradient_of_a_tied_table_is_the_sum_of_those_of_an_untied_pair(key, rng):
    tied = TiedEmbedding(BODY, vocabulary=9, width=6)
    x, y = jnp.asarray(rng.integers(0, 9, (4, 5))), rng.integers(0, 9, (4, 5))
    params, _ = initialize(tied, (5,), key)

    def untied(read, scores, body):
        h = apply(BODY, body, np.sqrt(6) * read[x])[0]
        return CrossEntropy()(h @ scores.T, y)

    table = params["table"]
    loss, (reads, scores, body) = jax.jit(jax.value_and_grad(untied, (0, 1, 2)))(table, table, params["body"])
    found = jax.jit(lambda params: gradients(tied, params, Batch(x, y), loss=CrossEntropy()))(params)
    np.testing.assert_allclose(found.loss, loss, rtol=1e-6)
    expected = {"table": reads + scores, "body": body}
    automatic = jax.jit(jax.grad(lambda p: CrossEntropy()(apply(tied, p, x)[0], y)))(params)
    for ours in (found.params, automatic):
        jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-6), ours, expected)
    assert min(abs(reads).max(), abs(scores).max()) > 1e-3


def test_a_tied_table_starts_with_inputs_and_logits_of_variance_1(key):
    seen = {}
    tied = TiedEmbedding(LayerNorm(), vocabulary=500, width=64)
    params, _ = initialize(tied, (50,), key)
    x = jnp.arange(500).reshape(10, 50)
    y, _ = apply(tied, params, x, context=Context(tap=lambda address, h: seen.setdefault(address, h)))
    assert float(seen["body"].var()) == pytest.approx(1, rel=0.05)
    others = np.asarray(y).reshape(500, 500)[~np.eye(500, dtype=bool)]
    assert others.var() == pytest.approx(1, rel=0.1)


def test_the_summary_counts_the_tied_table_once():
    found = summary(TiedEmbedding(Dense(6), vocabulary=9, width=6), (5,))
    assert found.parameters == 9 * 6 + 6 * 6 + 6
    assert summary(Sequential((Embedding(9, width=6), Dense(6), Dense(9, bias=False))), (5,)).parameters == 150


@pytest.mark.parametrize(
    ("network", "shape", "message"),
    [
        (
            TiedEmbedding(Dense(5), vocabulary=9, width=6),
            (4,),
            r"^body: TiedEmbedding needs a body that ends in 6 .*\(4, 5\)",
        ),
        (Masked(Dense(3)), (4, 2), r"^Masked takes token ids \(time,\); got shape \(4, 2\)\. Put the Embedding inside"),
    ],
)
def test_shapes_that_do_not_fit_are_refused_with_the_fix(network, shape, message, key):
    with pytest.raises(HeadwayError, match=message):
        initialize(network, shape, key)


def test_a_mask_for_another_length_is_refused(key):
    network = Masked(Sequential((Embedding(8, width=4), AveragePool(2), MultiHeadAttention(2))))
    params, _ = initialize(network, (6,), key)
    with pytest.raises(
        HeadwayError, match=r"^body/2: the mask is for sequences \(1, 6\), .*; got shape \(1, 3, 4\)\. End Masked"
    ):
        apply(network, params, jnp.ones((1, 6), int))


@pytest.mark.parametrize(
    ("network", "tokens", "message"),
    [
        (
            TiedEmbedding(Dense(6), vocabulary=9, width=6),
            None,
            "TiedEmbedding takes token ids; got inputs that are amounts",
        ),
        (
            TiedEmbedding(Dense(6), vocabulary=9, width=6),
            10,
            r"vocabulary: must be at least the data's 10 tokens; got 9",
        ),
        (Masked(Embedding(8, width=4), padding=9), 8, "padding: must be one of the data's token ids 0 to 7; got 9"),
        (Masked(Embedding(8, width=4)), 9, "body/vocabulary: must be at least the data's 9 tokens; got 8"),
    ],
)
def test_networks_of_tokens_are_held_against_the_tokens_of_the_data(network, tokens, message):
    with pytest.raises(HeadwayError, match=message):
        expect_tokens(network, tokens)
