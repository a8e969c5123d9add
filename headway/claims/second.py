"""A second look: experiments measured again on seeds that nobody had seen, and whether their verdicts stay."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from headway.claims.catalog import claims
from headway.claims.claim import Claim, Verdict
from headway.claims.evidence import FOLDER
from headway.claims.run import known_of

FRESH = 1000
"""The first seed of a second look; no design takes as many."""
COUNT, DRAW = 20, 20261126
"""How many experiments are drawn for it, and the seed of the draw: the day on which it was stated."""


def drawn(count: int = COUNT, seed: int = DRAW) -> list[Claim]:
    """Experiments drawn by lot, in the order of the list."""
    experiments = [claim for claim in claims().values() if claim.check == "experiment" and not claim.pending]
    chosen = np.random.default_rng(seed).choice(len(experiments), count, replace=False)
    return [experiments[place] for place in sorted(chosen)]


@dataclass(frozen=True)
class Looked:
    """A claim with its verdict on the first seeds and on fresh ones."""

    claim: Claim
    first: Verdict
    second: Verdict

    @property
    def kept(self) -> bool:
        """Whether both are the same word."""
        return self.first.word == self.second.word


def looked_again(folder: Path = FOLDER) -> list[Looked]:
    """Every claim whose arms are all stored on fresh seeds too; nothing is run."""
    asked = [claim for claim in claims().values() if claim.check in ("experiment", "convention")]
    pairs = zip(known_of(asked, 0, folder), known_of(asked, FRESH, folder), strict=True)
    seen = [Looked(first.claim, first.verdict, second.verdict) for first, second in pairs]
    return [one for one in seen if one.second.word != "pending"]
