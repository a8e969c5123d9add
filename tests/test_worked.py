"""The worked examples: their pages are what the stored cures make, and say what these found and proved."""

from dataclasses import replace

import pytest

from benchmarks import story, worked
from headway.doctor.cure import Cure
from headway.doctor.trial import Trial
from headway.training.named import named


def test_the_pages_of_the_worked_examples_are_made_from_the_stored_cures_and_none_is_left_over():
    """Write them anew with `python -m benchmarks.worked`."""
    assert {path.name: path.read_text() for path in worked.PAGES.iterdir()} == worked.pages()


WORKED = {
    "digits-sigmoid20": ("vanishing-gradient",),
    "digits-residual-unscaled": ("initial-scale", "exploding-gradient"),
    "digits-dead-relu": ("dying-relu",),
    "copy-post-ln": ("learning-rate-high",),
    "digits-noisy150": ("overfitting",),
}
"""Worked example → the causes that its page tells of."""


@pytest.mark.parametrize("one", worked.WORKED, ids=lambda one: one.name)
def test_a_worked_example_names_its_cause_and_proves_a_remedy_and_its_page_says_so(one):
    cure, said = Cure.of(story.stored(one.name)), (worked.PAGES / f"{one.name}.md").read_text()
    assert (cure.recipe, cure.proof.trial) == (named(one.name).recipe, Trial())
    assert tuple(cause.id for cause in cure.diagnosis.causes) == WORKED[one.name]
    verdict, remedy = cure.proof.verdicts[cure.proof.best], cure.proof.remedies[cure.proof.best]
    assert verdict.low > cure.proof.smallest
    assert f"{verdict.effect:+.2f} [{verdict.low:+.2f}, {verdict.high:+.2f}]" in said
    for sentence in (*(e for cause in cure.diagnosis.causes for e in cause.evidence), remedy.refuted_by):
        assert worked.plain(sentence) in said
    assert "```diff\n- " in said
    assert (story.ROOT / f"examples/{one.example}.py").is_file()


def test_what_changes_of_a_recipe_is_a_line_as_it_was_and_one_as_it_is():
    before = named("digits-dead-relu").recipe
    after = replace(before, length=30)
    assert worked.recipe_diff(before, after) == ["- length: Epochs(10.0)", "+ length: 30"]
    assert worked.recipe_diff(before, before) == []
