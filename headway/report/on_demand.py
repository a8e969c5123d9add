"""Measurements on demand for a person: what was measured, gains by depth, and what to make of it, a section each."""

from collections.abc import Mapping

import numpy as np

from headway.doctor.on_demand.measured import Measured
from headway.report.plot import text_levels
from headway.report.section import Picture, Section, as_text
from headway.report.wording import short
from headway.signals.flow import LEAST


def measured_text(found: Mapping[str, Measured]) -> str:
    """The report for a terminal."""
    return as_text([Section(one.name, [" ".join(one.evidence), *_by_depth(one), one.advice]) for one in found.values()])


def _by_depth(one: Measured) -> list[Picture]:
    """What is known by layer, as a line of bars."""
    gains = one.numbers.get("gains") or {}
    if len(gains) < 2:
        return []
    logs = np.log10(np.maximum(list(gains.values()), LEAST))
    low, high = float(logs.min()), float(logs.max())
    said = f"log10 of the change behind each layer, from the input to the output: {short(low)} to {short(high)}"
    return [Picture("gains", f"{said}\n{text_levels(logs.tolist(), low, high)}")]
