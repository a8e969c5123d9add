"""Cases and diagnoses made by hand, as a rule would give them."""

from headway.doctor.case import Case
from headway.doctor.diagnose import Diagnosis
from headway.doctor.finding import Finding
from headway.doctor.remedies.catalog import remedies
from headway.training.recipe import Recipe


def case_of(recipe: Recipe) -> Case:
    """A recipe that was not trained."""
    return Case.before(recipe)


def diagnosed(*causes: tuple[str, float]) -> Diagnosis:
    """A run that does not learn, with these causes found at these confidences."""
    found = tuple(Finding("found", id=id, cause=id, confidence=confidence) for id, confidence in causes)
    return Diagnosis("validation", None, None, False, found)


def offered(recipe: Recipe, *causes: str) -> dict:
    """Name → remedy, in the order in which they are offered."""
    return {one.name: one for one in remedies(case_of(recipe), diagnosed(*((cause, 1.0) for cause in causes)))}
