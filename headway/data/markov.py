"""A Markov model of tokens: what the last few say of the next by counting, the baseline of a language model."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from headway.data.dataset import Dataset, Examples
from headway.data.schema import Array
from headway.spec.error import HeadwayError

Codes = NDArray[np.int64]
STRENGTHS = tuple(float(a) for a in np.logspace(-1, 3, 17))


@dataclass(frozen=True)
class Counts:
    """How often each code was seen: `codes` sorted, `counts` beside them."""

    codes: Codes
    counts: Array

    @classmethod
    def of(cls, codes: Codes) -> "Counts":
        return cls(*np.unique(codes, return_counts=True))

    def __call__(self, codes: Codes) -> Array:
        """The count of each of these codes, 0 for one never seen."""
        at = np.minimum(np.searchsorted(self.codes, codes), len(self.codes) - 1)
        return np.where(self.codes[at] == codes, self.counts[at], 0)


class Seen(NamedTuple):
    """How often training saw the context of each place, and that context with the token that follows it."""

    context: Array
    pair: Array

    def mixed(self, p: Array, a: float) -> Array:
        """(n(context, c) + a p) / (n(context) + a) where there is a context so long, p before that."""
        start = p.shape[1] - self.context.shape[1]
        return np.concatenate([p[:, :start], (self.pair + a * p[:, start:]) / (self.context + a)], axis=1)


def markov_bits(data: Dataset, order: int = 2) -> dict[str, float]:
    """Bits a token of a Markov model fitted on the training part, on each part held out, by its name.

    p_k(c | the last k tokens) = (n(those, c) + a_k p_{k-1}(c)) / (n(those) + a_k), p_{-1} = 1 / vocabulary, up to k =
    `order`: counts fall back on those of a shorter context by a Dirichlet prior of strength a_k (MacKay & Peto 1995).
    Each a_k is the best of 17 from 0.1 to 1000 on the validation part, shorter contexts first. As a network does, the
    model sees the tokens of its own window alone, and every place counts by its weight.
    """
    tokens = data.schema.tokens
    if tokens is None or data.train.y.shape != data.train.x.shape or data.validation is None:
        raise HeadwayError("data", "a Markov model needs tokens, the next one at every place, and a validation part",
                           f"inputs {data.input_shape}, targets {data.train.y.shape[1:]}")  # fmt: skip
    if order < 0 or tokens ** (order + 1) >= 2**63:
        raise HeadwayError("order", f"must be 0 or more, and {tokens} ^ (order + 1) below 2^63", order)
    parts = {name: part for name, part in data.splits().items() if name != "train"}
    p = {name: np.full(part.x.shape, 1 / tokens) for name, part in parts.items()}
    for k in range(order + 1):
        start = max(k - 1, 0)
        real = _weights(data.train)[:, start:] > 0
        counted = [Counts.of(codes[real]) for codes in _codes(data.train, k, tokens)]
        seen = {name: Seen(*(count(codes) for count, codes in zip(counted, _codes(part, k, tokens), strict=True)))
                for name, part in parts.items()}  # fmt: skip
        tried = {a: _bits(seen["validation"].mixed(p["validation"], a), data.validation) for a in STRENGTHS}
        a = min(tried, key=tried.__getitem__)
        p = {name: seen[name].mixed(p[name], a) for name in parts}
    return {name: _bits(p[name], part) for name, part in parts.items()}


def _codes(part: Examples, k: int, tokens: int) -> tuple[Codes, Codes]:
    """Of every place with k tokens up to it: a number for these, and one for these with the next, [n, time - k + 1]."""
    x, start = part.x.astype(np.int64), max(k - 1, 0)
    context = np.zeros_like(x[:, start:])
    for back in range(k - 1, -1, -1):
        context = context * tokens + x[:, start - back : x.shape[1] - back]
    return context, context * tokens + part.y[:, start:]


def _weights(part: Examples) -> Array:
    return np.ones(part.y.shape) if part.weights is None else np.broadcast_to(part.weights, part.y.shape)


def _bits(p: Array, part: Examples) -> float:
    weights = _weights(part)
    return float(-np.sum(weights * np.log2(p)) / np.sum(weights))
