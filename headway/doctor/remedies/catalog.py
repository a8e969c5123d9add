"""All remedies by the cause they are against: for a case the candidates in the order in which to try them."""

import functools
import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from headway.concepts.catalog import deep_learning
from headway.concepts.graph import Edge, Map
from headway.doctor.case import Case
from headway.doctor.diagnose import Diagnosis
from headway.doctor.finding import Finding
from headway.doctor.remedies import descent, fitting, gradient, pairing
from headway.doctor.remedies.bundle import bundled
from headway.doctor.remedies.remedy import RATE_ALONE, Patient, Remedy
from headway.doctor.rules.catalog import RULES
from headway.doctor.rules.rule import STAGES
from headway.spec.edit import edit
from headway.spec.error import HeadwayError
from headway.training.job import prepare
from headway.training.recipe import Recipe
from headway.training.run import Run

Chapter = Callable[[Patient], tuple[Remedy, ...]]
AGAINST: dict[str, Chapter] = {
    "output-loss-mismatch": pairing.against_mismatch,
    "loss-reduction": pairing.against_reduction,
    "unscaled-features": pairing.against_unscaled_features,
    "unscaled-targets": pairing.against_unscaled_targets,
    "gradient-sign": descent.against_gradient_sign,
    "initial-scale": gradient.against_initial_scale,
    "initial-symmetry": gradient.against_symmetry,
    "missing-nonlinearity": fitting.against_missing_nonlinearity,
    "unreached-parameters": descent.against_unreached,
    "examples-mixed": fitting.against_mixing,
    "small-batch-statistics": fitting.against_mixing,
    "train-eval-gap": fitting.against_mixing,
    "schedule-length": descent.against_schedule,
    "decay-groups": fitting.against_decay_groups,
    "batch-size": descent.against_batch_size,
    "cannot-memorize": fitting.against_memory,
    "dying-relu": gradient.against_dying,
    "saturation": gradient.against_saturation,
    "vanishing-gradient": gradient.against_vanishing,
    "exploding-gradient": gradient.against_exploding,
    "unstable-start": descent.against_unstable_start,
    "learning-rate-high": descent.against_high_rate,
    "learning-rate-low": descent.against_low_rate,
    "oscillation": descent.against_oscillation,
    "plateau": descent.against_plateau,
    "non-finite": descent.against_non_finite,
    "overfitting": fitting.against_overfitting,
    "underfitting": fitting.against_underfitting,
    "over-regularised": fitting.against_over_regularisation,
    "too-few-steps": descent.against_too_few,
}
"""Rule's id → what is offered against its cause, the most direct first."""
BY_HAND: dict[str, str] = {
    "labels-shuffled": "Inputs and labels do not belong together: look where they are read, sorted or joined, and mend "
    "the data.",
    "label-noise": "Look at the examples whose label the network contradicts most surely, and correct or drop them.",
    "no-signal": "Nothing in the inputs tells of the targets: no edit of a recipe is prescribed. Bring inputs that do.",
    "data-faults": "Mend the columns and rows that are named: drop what is constant or double, fill or drop what is "
    "not a number, look at what lies far outside.",
    "leakage": "Take examples that are the same out of one of the parts, or give them a group so that no split tears "
    "them apart; take out the column that tells the target.",
    "split-mismatch": "Draw the parts from the same examples, by one split of all of them.",
    "data-order": "Shuffle the examples, or give the recipe the whole data set and let it draw the batches.",
    "imbalance": "Say what a mistake in each class costs, by weights of the examples (`arrays(x, y, weights=…)`): a "
    "proof judges by the loss on examples that count alike, and would not see what the rare ones gain.",
    "unreached-parameters": "Remove the layers that no gradient reaches, or connect them to the output.",
}  # fmt: skip
"""Rule's id → what to do by hand, where no edit of a recipe is known."""
REFUSES = ("no-signal", "labels-shuffled")
"""Causes with which nothing is prescribed: whatever an edit gained, it would not be for its reason."""
STATIC = {rule.id for rule in RULES if rule.stage in STAGES[:2]}
"""Causes that lie in the data, the pairing or the initialization: their first remedies are also tried together."""
VERDICTS = Path(__file__).parent / "verdicts.json"


def remedies(run: Run | Case, diagnosis: Diagnosis) -> tuple[Remedy, ...]:
    """Candidates against all causes found, in the order in which to try them; none where the data forbid it.

    The first remedy of each cause, causes that are certain first; then the second of each, and so on; at the end those
    whose edge the map's own measurements refute. What cannot be computed on this recipe and data is left out, what is
    offered against several causes is offered once, and the rate alone is always among them. Where several causes are
    certain before anything is trained, the first against each of them are also offered together, before all others.
    """
    case = run if isinstance(run, Case) else Case.of(run)
    recipe, data, causes = case.recipe, case.dataset, diagnosis.causes
    if recipe is None or data is None or any(cause.id in REFUSES for cause in causes):
        return ()
    offered = [_offered(Patient(recipe, data, cause, case)) for cause in _surest_first(causes)]
    ranked = [(found.doubt != "", place, found) for each in offered for place, found in enumerate(each)]
    joined: dict[str, Remedy] = {}
    for _, _, found in sorted(ranked, key=lambda one: one[:2]):
        known = joined.get(found.name, found)
        joined[found.name] = replace(known, causes=tuple(dict.fromkeys((*known.causes, *found.causes))))
    if joined:
        joined.setdefault(RATE_ALONE.name, RATE_ALONE)
    whole = bundled(recipe, _certain(list(joined.values()), causes), data)
    return (*([whole] if whole else []), *joined.values())


def by_hand(diagnosis: Diagnosis) -> dict[str, str]:
    """Cause found → what to do by hand, of those that no remedy is known against, or none that always can be."""
    return {one.id: BY_HAND.get(one.id, "No remedy is known.") for one in diagnosis.causes
            if one.id in BY_HAND or one.id not in AGAINST}  # fmt: skip


def _certain(offered: Sequence[Remedy], causes: Sequence[Finding]) -> list[Remedy]:
    """The first remedy with an edit against each cause that is certain before anything is trained."""
    found: dict[str, Remedy] = {}
    for cause in causes:
        if cause.confidence == 1 and cause.id in STATIC:
            first = next((one for one in offered if cause.id in one.causes and one.edits and not one.doubt), None)
            found |= {first.name: first} if first else {}
    return list(found.values())


def _surest_first(causes: Sequence[Finding]) -> list[Finding]:
    """In causal order, those that are certain before the others."""
    return sorted(causes, key=lambda cause: cause.confidence < 1)


def _offered(patient: Patient) -> list[Remedy]:
    """What is offered against one cause and can be computed, those with a refuted edge last."""
    cause = patient.finding.id
    made = AGAINST[cause](patient) if cause in AGAINST else ()
    found = [replace(one, causes=(cause,), doubt=doubt_of(one.edge)) for one in made
             if one.name == RATE_ALONE.name or (one.edits and computes(patient.recipe, one, patient.case))]  # fmt: skip
    return sorted(found, key=lambda one: one.doubt != "")


def computes(recipe: Recipe, remedy: Remedy, case: Case) -> bool:
    """Whether the recipe after the edit is another one, and can be prepared."""
    try:
        edited = edit(recipe, *remedy.edits).spec
        prepare(edited, case.dataset, anyway=True)
    except HeadwayError:
        return False
    return bool(edited != recipe)


def doubt_of(edge: tuple[str, ...]) -> str:
    """What the map's own measurements say against an edge, where they refute its claim."""
    claim = claim_of(edge)
    if verdicts().get(claim) != "refuted":
        return ""
    return f"The map's own measurements refute this edge (claim {claim})."


def claim_of(edge: tuple[str, ...]) -> str:
    """The number of the claim that an edge makes; empty where it makes none."""
    found = statement(deep_learning(), edge)
    return found.claim if found else ""


def statement(subject: Map, edge: tuple[str, ...]) -> Edge | None:
    """The statement of a map that an edge (source, word of the relation, target) names."""
    if not edge:
        return None
    source, word, target = edge
    relation = next((one.name for one in subject.relations if word in one.words), "")
    return next((one for one in subject.edges if (one.source, one.relation, one.target) == (source, relation, target)),
                None)  # fmt: skip


@functools.cache
def verdicts() -> dict[str, str]:
    """Claim → the word of its verdict, as `make map` wrote it down from the evidence."""
    return dict(json.loads(VERDICTS.read_text()))
