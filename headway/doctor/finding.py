"""What a rule found: whether its cause is there, where, and by what evidence."""

from dataclasses import dataclass
from typing import Literal

Word = Literal["found", "noticed", "ruled out", "not seen"]


@dataclass(frozen=True)
class Seen:
    """What a rule says of a case.

    verdict     found: it is so, and does harm · noticed: it is so, and does none that can be seen ·
                ruled out: it is not so · not seen: what the rule needs was not measured
    where       addresses of the layers, parameters, columns or fields of the recipe concerned
    steps       the first and the last update looked at; (0, 0) before the first
    evidence    sentences with what was measured
    confidence  0 to 1: the share of the samples that agree, or 1 for what is certain
    """

    verdict: Word
    evidence: tuple[str, ...] = ()
    where: tuple[str, ...] = ()
    steps: tuple[int, int] = (0, 0)
    confidence: float = 1.0


@dataclass(frozen=True)
class Finding(Seen):
    """What a rule says, with the rule's name: `id`, its cause in words, and the concept on the map it belongs to."""

    id: str = ""
    cause: str = ""
    concept: str = ""
