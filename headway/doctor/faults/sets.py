"""The names of the benchmark's sets."""

from typing import Literal, get_args

LookedAt = Literal["earlier", "second"]
SetName = Literal["tuning", LookedAt, "reporting"]
LOOKED_AT: tuple[str, ...] = get_args(LookedAt)
"""Sets that were for reporting until they were looked at, each once, in this order. They serve tuning since then."""
