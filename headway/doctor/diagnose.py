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
    """What these rules say of a case; what is accepted, or can follow from an earlier cause, is only noticed."""
    for id in accepted:
        rule_of(id)
    findings: list[Finding] = []
    causes: dict[str, str] = {}  # what was found, or would have been but for its being accepted
    for rule in rules:
        finding = rule(case)
        earlier = [causes[id] for id in causes if id in rule.follows]
        if finding.verdict == "found" and not earlier:
            causes[rule.id] = rule.cause
        if finding.verdict == "found" and rule.id in accepted:
            meant = f"Accepted: {accepted[rule.id]}"
            finding = replace(finding, verdict="noticed", evidence=(*finding.evidence, meant))
        elif finding.verdict == "found" and earlier:
            follows = f"It can follow from {' and '.join(earlier)}."
            finding = replace(finding, verdict="noticed", evidence=(*finding.evidence, follows))
        findings.append(finding)
    return Diagnosis(case.split, case.loss, case.constant, case.learns, tuple(findings))
