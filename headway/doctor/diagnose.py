"""The diagnosis: whether a network learns, what keeps it from learning, and what was ruled out."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from headway.data.dataset import Dataset
from headway.doctor.case import Case
from headway.doctor.finding import Finding
from headway.doctor.rules.catalog import RULES, rule_of
from headway.doctor.rules.rule import Rule
from headway.training.compilation import use_compilation_cache
from headway.training.recipe import Recipe
from headway.training.run import Run


@dataclass(frozen=True)
class Diagnosis:
    """What is known of a run, or of a recipe before it is run: then loss and `learns` are None.

    split       what the loss was judged on: that of the best weights, and of the best constant prediction
    findings    what every rule says, in causal order
    """

    split: str
    loss: float | None
    constant: float | None
    learns: bool | None
    findings: tuple[Finding, ...]

    @property
    def causes(self) -> tuple[Finding, ...]:
        """All causes found, in causal order."""
        return tuple(finding for finding in self.findings if finding.verdict == "found")

    @property
    def cause(self) -> Finding | None:
        """The first cause found, None where there is none."""
        return next(iter(self.causes), None)

    @property
    def healthy(self) -> bool:
        """Whether no rule found anything, and the run, where there is one, learns."""
        return self.learns is not False and self.cause is None

    def __getitem__(self, id: str) -> Finding:
        return next(finding for finding in self.findings if finding.id == id)


def diagnose(run: Run | Case, *, accepted: Mapping[str, str] | None = None) -> Diagnosis:
    """Look at a run by every rule; a case may hold less than a run: rules that lack something see nothing.

    accepted   ids of rules → why what they find is meant; with those in the recipe's `watch.accepted`
    """
    case = run if isinstance(run, Case) else Case.of(run)
    return looked_at(case, RULES, accepted_in(case.recipe) | dict(accepted or {}))


def preflight(recipe: Recipe, data: Dataset | None = None, *, accepted: Mapping[str, str] | None = None) -> Diagnosis:
    """Look at a recipe by every rule that needs no run, in seconds: at its data, its pairing, its first batch."""
    use_compilation_cache()
    rules = [rule for rule in RULES if rule.preflight]
    return looked_at(Case.before(recipe, data), rules, accepted_in(recipe) | dict(accepted or {}))


def accepted_in(recipe: Recipe | None) -> dict[str, str]:
    """Ids of rules → why what they find is meant, as the recipe says."""
    return {one.id: one.reason for one in recipe.watch.accepted} if recipe and recipe.watch else {}


def looked_at(case: Case, rules: Sequence[Rule], accepted: Mapping[str, str]) -> Diagnosis:
    """What these rules say of a case; what is accepted, or can follow from another cause, is only noticed."""
    for id in accepted:
        rule_of(id)
    seen = {rule.id: rule(case) for rule in rules}
    causes = first_causes([rule for rule in rules if seen[rule.id].verdict == "found"])
    findings: list[Finding] = []
    for id, finding in seen.items():
        why = f"Accepted: {accepted[id]}" if id in accepted else ""
        if not why and causes.get(id):
            why = f"It can follow from {' and '.join(causes[id])}."
        if finding.verdict == "found" and why:
            finding = replace(finding, verdict="noticed", evidence=(*finding.evidence, why))
        findings.append(finding)
    return Diagnosis(case.split, case.loss, case.constant, case.learns, tuple(findings))


def first_causes(found: Sequence[Rule]) -> dict[str, tuple[str, ...]]:
    """Id of each rule that found its cause → the causes that it can follow from; none of what is a first cause itself.

    Of a chain it is the beginning: a rate too high kills units, and behind these no gradient comes through. A rule is
    settled when all that it follows are; where rules follow each other in a circle, the first of them is the cause.
    """
    left, settled = {rule.id: rule for rule in found}, dict[str, tuple[str, ...]]()
    while left:
        free = (rule for rule in left.values() if not left.keys() & set(rule.follows))
        rule = next(free, next(iter(left.values())))
        before = [one for one in found if one.id in rule.follows and one.id in settled]
        settled[rule.id] = tuple(dict.fromkeys(name for one in before for name in settled[one.id] or (one.cause,)))
        del left[rule.id]
    return settled
