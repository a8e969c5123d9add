"""A bisection for a person: the edits between two recipes, which of them break training, and which cure it."""

from headway.doctor.bisect import Bisection
from headway.report.table import table
from headway.report.wording import fixed, joined, places_for


def bisection_text(found: Bisection) -> str:
    """The fewest edits that break training and the fewest whose undoing cures it, and every set that was run."""
    places = places_for(0.05 * max(found.middle, 1e-12))
    good, bad, middle = (fixed(loss, places) for loss in (found.good, found.bad, found.middle))
    sets = [(", ".join(str(n + 1) for n in one.edits) or "none", "–" if one.loss is None else fixed(one.loss, places),
             one.outcome) for one in found.tried]  # fmt: skip
    breaks = "breaks" if len(found.breaks) == 1 else "break"
    return "\n".join((
        f"{_numbers(found.breaks).capitalize()} alone {breaks} training; undoing {_numbers(found.cures)} cures it.",
        f"Held-out loss {good} for the good recipe, {bad} for the bad; above {middle} counts as bad, the mean over "
        f"{found.seeds} paired runs.",
        "",
        table(("edit", "of the good recipe"), [(n, one.sentence()) for n, one in enumerate(found.edits, start=1)]),
        "",
        table(("edits made", "loss", "outcome"), sets),
    ))  # fmt: skip


def _numbers(edits: tuple[int, ...]) -> str:
    """`Edits 1 and 3`."""
    return f"edit{'s' * (len(edits) != 1)} {joined([str(n + 1) for n in edits])}"
