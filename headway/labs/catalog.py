"""All labs: the assessments of the map's pathways, and one for every piece of advice."""

from headway.labs import architecture, foundation, optimization, scale
from headway.labs.forward_pass import LAB as FORWARD_PASS
from headway.labs.gradient_flow import LAB as GRADIENT_FLOW
from headway.labs.lab import Lab
from headway.labs.overfitting import LAB as OVERFITTING
from headway.labs.schedule import LAB as SCHEDULE
from headway.spec.error import HeadwayError, did_you_mean

LABS: tuple[Lab, ...] = (
    *(FORWARD_PASS, GRADIENT_FLOW, SCHEDULE, OVERFITTING),
    *(*foundation.LABS, *optimization.LABS, *architecture.LABS, *scale.LABS),
)
"""In an order to go through them, which nobody has to keep."""


def lab(word: str) -> Lab:
    """A lab by its number, from 1, or its name."""
    if word.isdecimal() and 1 <= int(word) <= len(LABS):
        return LABS[int(word) - 1]
    known = {one.name: one for one in LABS}
    if word.casefold() not in known:
        fix = f"Numbers go from 1 to {len(LABS)}." if word.isdecimal() else did_you_mean(word.casefold(), known)
        raise HeadwayError("lab", "no such lab", word, fix)
    return known[word.casefold()]
