"""Warnings while a network trains: what the rules find in its history so far, each said once."""

import sys
from typing import Any, TextIO

from headway.data.dataset import Dataset
from headway.doctor.case import Case
from headway.doctor.diagnose import accepted_in, looked_at
from headway.doctor.finding import Finding
from headway.doctor.rules.catalog import RULES
from headway.doctor.rules.rule import BEFORE
from headway.training.callbacks import Ended, Evaluated, Event
from headway.training.recipe import Recipe
from headway.training.record import History

LIVE = {"recipe", "dataset", "measures", "signals", "flow", "evaluations"}
"""What is known while a run goes on; a rule that needs more is asked when it is over."""
SAMPLES = 4
"""How many watched updates there must be before anything is said."""


class Warnings:
    """A callback that warns of what keeps a network from learning: `callbacks=(Warnings(recipe),)`.

    It looks at each evaluation, by the rules that need nothing but the history; what is found in two looks in a row is
    said, once. It is quiet while nothing is, and leaves the last word to the diagnosis of the whole run.
    """

    def __init__(self, recipe: Recipe, data: Dataset | None = None, stream: TextIO | None = None) -> None:
        self.recipe, self.data, self.stream = recipe, data, stream
        self.history, self.suspected, self.said = History(), set[str](), set[str]()
        self.known: dict[str, Any] = {}
        self.rules = [rule for rule in RULES if {need.partition(":")[0] for need in rule.needs} <= LIVE]

    def __call__(self, event: Event) -> None:
        self.history(event)
        if isinstance(event, Evaluated) and len(self.history.signals) >= SAMPLES:
            self.look(event.step)
        if isinstance(event, Ended) and self.said:
            self.say("`headway doctor` on the folder of the run says more, `headway cure` tries remedies.")

    def look(self, step: int) -> None:
        """Ask the rules, and say what was found in this look and the one before."""
        if self.data is None and self.recipe.data is not None:
            self.data = self.recipe.data.load()
        case = Case(self.recipe, self.data, self.history)
        vars(case).update(self.known)
        findings = looked_at(case, self.rules, accepted_in(self.recipe)).causes
        # What recipe and data alone decide is measured once, not at every look.
        self.known = {name: part for name, part in vars(case).items() if name in BEFORE}
        for finding in findings:
            if finding.id in self.suspected - self.said:
                self.say(sentence(step, finding))
                self.said.add(finding.id)
        self.suspected = {finding.id for finding in findings}

    def say(self, text: str) -> None:
        """Print a line."""
        print(text, file=self.stream or sys.stderr, flush=True)


def sentence(step: int, finding: Finding) -> str:
    """A finding as a warning."""
    places = f" at {', '.join(finding.where[:3])}{' …' * (len(finding.where) > 3)}" if finding.where else ""
    return f"Warning after update {step}: {finding.cause}{places} ({finding.id}). {' '.join(finding.evidence)}"
