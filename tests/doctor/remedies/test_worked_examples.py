"""The five worked examples: the first remedy against the cause of each really restores learning."""

import pytest

from headway.doctor.case import Case
from headway.doctor.remedies.catalog import remedies
from headway.spec.edit import edit
from headway.training.named import named
from headway.training.train import train
from tests.doctor.remedies.cases import diagnosed

EXAMPLES = {
    "digits-sigmoid20": ("vanishing-gradient", "relu-and-he", 1.0),
    "digits-residual-unscaled": ("exploding-gradient", "branches-scaled", 1.0),
    "digits-dead-relu": ("dying-relu", "leaky-relu", 1.0),
    "copy-post-ln": ("unstable-start", "warm-up", 0.8),
    "digits-noisy150": ("overfitting", "stop-at-best", 1.0),
}
"""Recipe → the cause, the first remedy, and what of the held-out loss is at most left."""


@pytest.mark.parametrize("name", EXAMPLES)
def test_the_first_remedy_restores_learning(name):
    recipe, (cause, first, left) = named(name).recipe, EXAMPLES[name]
    sick = train(recipe)
    remedy = remedies(Case.of(sick), diagnosed((cause, 1.0)))[0]
    assert (remedy.name, remedy.doubt) == (first, "")
    cured = train(edit(recipe, *remedy.edits).spec)
    before, after = (run.history.evaluations[-1]["loss"] for run in (sick, cured))
    constant = Case.of(sick).constant
    assert before > 0.95 * constant
    assert after < left * min(before, constant)
