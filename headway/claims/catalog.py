"""All claims by number, and the designs that they name."""

import functools
import importlib
import pkgutil
from collections.abc import Iterable, Iterator
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

from headway.claims.claim import Claim
from headway.spec.error import HeadwayError, did_you_mean

if TYPE_CHECKING:
    from headway.claims.design import Design

PARTS = "RXCFHN"
"""Edges of the drawing, of the matrix alone, across lessons; facts and places of the hierarchy; proposed edges."""


@functools.cache
def claims() -> dict[str, Claim]:
    """Every claim by its number, part by part."""
    found: dict[str, Claim] = {}
    for module in _groups():
        for claim in module.CLAIMS:
            if claim.id in found:
                raise HeadwayError(claim.id, "must be claimed once", module.__name__)
            found[claim.id] = claim
    return dict(sorted(found.items(), key=lambda item: (PARTS.index(item[0][0]), item[0])))


def chosen(ids: Iterable[str]) -> list[Claim]:
    """The claims of these numbers, in any case; all, where none is given."""
    known = claims()
    for id in (wanted := [id.upper() for id in ids]):
        if id not in known:
            near = did_you_mean(id, known)
            fix = near if "?" in near else "All are listed by: headway claims."
            raise HeadwayError("claims", "no claim of this number", id, fix)
    return [known[id] for id in wanted or known]


def design(name: str) -> "Design":
    """The design of this name, `module.name`."""
    module, _, own = name.partition(".")
    found: Design = importlib.import_module(f"headway.claims.designs.{module}").DESIGNS[own]
    return found


def _groups() -> Iterator[ModuleType]:
    """The files in which claims are written down."""
    for found in pkgutil.iter_modules([str(Path(__file__).parent / "rows")]):
        yield importlib.import_module(f"headway.claims.rows.{found.name}")
