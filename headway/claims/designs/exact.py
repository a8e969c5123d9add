"""What exact checks measure: the largest of many differences, and whether the registry knows a kind."""

from typing import Any

import numpy as np

from headway.spec.node import Spec, find_kind


def largest(differences: Any) -> float:
    """The largest of their sizes."""
    return float(np.abs(np.asarray(differences)).max())


def registered(part: Spec, family: type[Spec]) -> float:
    """Whether the registry has the kind of this part under its own name, as one of a family: 1 or 0."""
    kind = find_kind(f"headway/{type(part).__name__}")
    return float(kind is type(part) and issubclass(kind, family))
