"""Transformers: blocks of attention and feed-forward, each a residual connection with layer normalization.

The blocks of a model are one `Repeat`: what is compiled is as long with 32 of them as with 4.
"""

from collections.abc import Callable

from headway.network.attention import CrossAttention, MultiHeadAttention
from headway.network.compose import Repeat, Sequential
from headway.network.convolution import GlobalAveragePool
from headway.network.dense import Dense
from headway.network.embedding import Embedding, SinusoidalPositions
from headway.network.feedforward import FeedForward
from headway.network.layer import Layer
from headway.network.normalization import LayerNorm
from headway.network.places import Places
from headway.network.residual import Residual
from headway.network.tokens import TiedEmbedding

NORM = LayerNorm()
Placement = Callable[..., Layer]
"""A sublayer F, and the norm where it is not a `LayerNorm()` → the residual connection of both."""


def pre_ln(sublayer: Layer, norm: Layer = NORM) -> Residual:
    """y = x + F(LN(x)): the way around F is the identity (Xiong et al. 2020)."""
    return Residual(Sequential((norm, sublayer)))


def post_ln(sublayer: Layer, norm: Layer = NORM) -> Sequential:
    """y = LN(x + F(x)), as in the first transformer: the way around F is normalized too (Vaswani et al. 2017)."""
    return Sequential((Residual(sublayer), norm))


def transformer_block(heads: int, hidden: int, *, placement: Placement = pre_ln, causal: bool = False) -> Sequential:
    """Attention, then feed-forward with `hidden` units, both in the placement given, over [time, d]."""
    sublayers = (MultiHeadAttention(heads, causal=causal), FeedForward(hidden))
    return Sequential(tuple(placement(sublayer) for sublayer in sublayers))


def decoder_block(heads: int, hidden: int, *, source: int, placement: Placement = pre_ln) -> Sequential:
    """A block over `source` places of what an encoder made, which it leaves as they are, and a target behind them.

    The target's causal attention to itself, its attention to the source, and its feed-forward part.
    """
    attention, feed_forward = MultiHeadAttention(heads, causal=True), FeedForward(hidden)
    cross = placement(CrossAttention(heads, source=source), Places(LayerNorm(), start=source))
    return Sequential(
        (Places(placement(attention), start=source), cross, Places(placement(feed_forward), start=source))
    )


def sequence_classifier(
    vocabulary: int, outputs: int, *, width: int = 64, heads: int = 4, blocks: int = 2, placement: Placement = pre_ln
) -> Sequential:
    """Tokens [time] to `outputs` numbers: embedding, places, blocks that see the whole sequence, the mean over places.

    Feed-forward parts have 4 × `width` hidden units. Behind Pre-LN blocks stands one more LayerNorm: what comes out of
    them is a sum that nothing has normalized.
    """
    body = Repeat(transformer_block(heads, 4 * width, placement=placement), times=blocks)
    return Sequential((*embedded(vocabulary, width), body, *last_norm(placement), GlobalAveragePool(), Dense(outputs)))


def language_model(
    vocabulary: int, *, width: int = 64, heads: int = 4, blocks: int = 2, placement: Placement = pre_ln
) -> Sequential:
    """Tokens [time] to logits of the token that follows each, [time, vocabulary], from those before it alone."""
    body = Repeat(transformer_block(heads, 4 * width, placement=placement, causal=True), times=blocks)
    return Sequential((*embedded(vocabulary, width), body, *last_norm(placement), Dense(vocabulary)))


def encoder_decoder(
    vocabulary: int, *, source: int, width: int = 64, heads: int = 4, blocks: int = 2, placement: Placement = pre_ln
) -> Sequential:
    """Tokens [time], of which the first `source` are read as a whole, to logits [time, vocabulary].

    Vaswani et al. 2017. At the places of the target they are of the token that follows, from the source and the target
    up to there. At those of the source they mean nothing: give them the weight 0 in the data, as
    `CopyTask(length=source)` does.
    """
    encoder = Repeat(transformer_block(heads, 4 * width, placement=placement), times=blocks)
    decoder = Repeat(decoder_block(heads, 4 * width, source=source, placement=placement), times=blocks)
    reading = Places(Sequential((encoder, *last_norm(placement))), end=source)
    return Sequential((*embedded(vocabulary, width), reading, decoder, *last_norm(placement), Dense(vocabulary)))


def tied_language_model(
    vocabulary: int, *, width: int = 64, heads: int = 4, blocks: int = 2, placement: Placement = pre_ln
) -> TiedEmbedding:
    """As `language_model`, but one table reads the tokens and scores them."""
    body = Repeat(transformer_block(heads, 4 * width, placement=placement, causal=True), times=blocks)
    layers = (SinusoidalPositions(), body, *last_norm(placement))
    return TiedEmbedding(Sequential(layers), vocabulary=vocabulary, width=width)


def embedded(vocabulary: int, width: int) -> tuple[Layer, Layer]:
    """A vector for every token, and its place added to it."""
    return Embedding(vocabulary, width=width), SinusoidalPositions()


def last_norm(placement: Placement) -> tuple[Layer, ...]:
    """What normalizes the sum that Pre-LN blocks leave; nothing where they end in a norm themselves."""
    return () if placement is post_ln else (LayerNorm(),)
