"""Sequences made by a rule: strings to repeat, sums modulo p, and tokens by chance of which the best loss is known."""

from dataclasses import KW_ONLY
from typing import Annotated

import numpy as np
from pydantic import Field

from headway.data.dataset import Seed, Source, Table
from headway.data.schema import Array
from headway.data.synthetic import numbered
from headway.spec.error import HeadwayError
from headway.spec.node import spec


@spec
class CopyTask(Source):
    """s_1 … s_L, a delimiter, s_1 … s_L: what stood before the delimiter is to be said again (Graves et al. 2014).

    Tokens 0 … symbols - 1 are symbols, `symbols` is the delimiter. Inputs are the first 2 L tokens, the target at every
    place is the next; only the copy counts, the weights before it are 0: a random string cannot be foretold. All
    strings are different, so that those held out were never seen.
    """

    length: Annotated[int, Field(ge=1)] = 8
    _: KW_ONLY
    symbols: Annotated[int, Field(ge=2)] = 8
    examples: Annotated[int, Field(ge=4)] = 2000
    seed: Seed = 0

    def __post_init__(self) -> None:
        if (most := self.symbols**self.length) < self.examples:
            raise HeadwayError("examples", f"there are {most} strings of {self.length} from {self.symbols} symbols",
                               self.examples, "Ask for fewer, or for longer ones.")  # fmt: skip

    def load(self) -> Table:
        strings = self._strings()
        whole = np.concatenate([strings, np.full((self.examples, 1), self.symbols), strings], axis=1)
        x, y = whole[:, :-1], whole[:, 1:]
        weights = np.broadcast_to(np.arange(x.shape[1]) >= self.length, x.shape)
        return Table(x, y, weights=weights, classes=numbered(self.symbols + 1), tokens=self.symbols + 1)

    def _strings(self) -> Array:
        """Different random strings [examples, length]."""
        rng = np.random.default_rng(self.seed)
        found = np.zeros((0, self.length), np.int64)
        while len(found) < self.examples:
            drawn = np.concatenate([found, rng.integers(0, self.symbols, (self.examples, self.length))])
            found = drawn[np.sort(np.unique(drawn, axis=0, return_index=True)[1])]
        return found[: self.examples]


@spec
class ModularAddition(Source):
    """a, b, = → a + b mod p, for all p² pairs: learned by heart first, understood much later (Power et al. 2022).

    Tokens 0 … p - 1 are numbers, p is the sign =; one label an example.
    """

    p: Annotated[int, Field(ge=2)] = 59

    def load(self) -> Table:
        a, b = (part.ravel() for part in np.indices((self.p, self.p)))
        x = np.stack([a, b, np.full_like(a, self.p)], axis=1)
        return Table(x, (a + b) % self.p, classes=tuple(str(i) for i in range(self.p)), tokens=self.p + 1)


@spec
class Zipf(Source):
    """Tokens drawn one by one, token k with probability proportional to 1 / (k + 1) (Zipf 1949), each to be foretold.

    Nothing can be known of the next token but how often each comes: the best loss is the entropy of that law. It
    stands in for text with a vocabulary of any size, to plan with and to measure with.
    """

    vocabulary: Annotated[int, Field(ge=2)] = 1000
    _: KW_ONLY
    time: Annotated[int, Field(ge=1)] = 128
    examples: Annotated[int, Field(ge=4)] = 1000
    seed: Seed = 0

    def load(self) -> Table:
        whole = np.random.default_rng(self.seed).choice(
            self.vocabulary, (self.examples, self.time + 1), p=self.probabilities()
        )
        names = numbered(self.vocabulary)
        return Table(whole[:, :-1], whole[:, 1:], classes=names, tokens=self.vocabulary)

    def probabilities(self) -> Array:
        """How often each token comes, [vocabulary]."""
        shares = 1 / np.arange(1, self.vocabulary + 1)
        found: Array = shares / shares.sum()
        return found
