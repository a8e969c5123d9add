"""Designs joined: one claim takes numbers from what is exact, what is drawn and what is trained."""

from collections.abc import Sequence
from dataclasses import dataclass

from headway.claims.design import Design, Measured, Tier


@dataclass(frozen=True)
class Joined(Design):
    """The arms of several designs under one name; each measures its own, and an `Exact` one only once."""

    parts: tuple[Design, ...]

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(name for part in self.parts for name in part.names)

    def measure(self, arm: str, seeds: Sequence[int], tier: Tier) -> Measured:
        (part,) = (part for part in self.parts if arm in part.names)
        return part.measure(arm, seeds, tier)
