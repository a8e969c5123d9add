"""Decoders of published language models: the same parts in other forms and sizes, counted to the last parameter."""

from headway.models.transformer import pre_ln, transformer_block
from headway.network.attention import MultiHeadAttention, Rotary
from headway.network.compose import Repeat, Sequential
from headway.network.dense import Dense
from headway.network.embedding import Embedding, LearnedPositions
from headway.network.feedforward import SwiGLU
from headway.network.initialization import Normal
from headway.network.normalization import LayerNorm, RMSNorm
from headway.network.tokens import TiedEmbedding

SMALL = Normal(0.02)
"""The first weights of both families."""


def gpt2(
    vocabulary: int = 50257, *, width: int = 768, heads: int = 12, blocks: int = 12, time: int = 1024
) -> TiedEmbedding:
    """Tokens [time] to logits, in the form of GPT-2 (Radford et al. 2019): 124,439,808 parameters as it stands.

    Learned positions, LayerNorm before each part, biases everywhere, GELU, one table to read the tokens and to score
    them. Sequences of at most `time` tokens.
    """
    body = Repeat(transformer_block(heads, 4 * width, causal=True), times=blocks)
    layers = (LearnedPositions(time, init=SMALL), body, LayerNorm())
    return TiedEmbedding(Sequential(layers), vocabulary=vocabulary, width=width)


def llama(
    vocabulary: int = 32000,
    *,
    width: int = 4096,
    heads: int = 32,
    blocks: int = 32,
    hidden: int = 11008,
    key_heads: int | None = None,
) -> Sequential:
    """Tokens [time] to logits, in the form of Llama 2 (Touvron et al. 2023): 6,738,415,616 parameters as it stands.

    Rotary positions, RMSNorm before each part, SwiGLU of `hidden` units, no biases, two tables. With `key_heads` each
    head of keys and values serves several of queries.
    """
    attention = MultiHeadAttention(heads, causal=True, rotary=Rotary(), key_heads=key_heads, bias=False)
    norm = RMSNorm(epsilon=1e-5)
    block = Sequential((pre_ln(attention, norm), pre_ln(SwiGLU(hidden), norm)))
    return Sequential((
        Embedding(vocabulary, width=width, init=SMALL),
        Repeat(block, times=blocks),
        norm,
        Dense(vocabulary, bias=False),
    ))  # fmt: skip
