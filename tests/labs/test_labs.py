"""Every lab: untouched it fails, the reference answer passes, and each mistake that people make gets its own hint."""

import re

import numpy as np
import pytest

from headway.claims.catalog import chosen
from headway.concepts.catalog import deep_learning
from headway.labs.catalog import LABS, lab
from headway.labs.grading import check
from headway.labs.lab import hidden_seeds
from headway.labs.questions import Questions
from headway.spec.error import HeadwayError
from tests.labs.wrong import WRONG

SEED = 1
ALL = pytest.mark.parametrize("one", LABS, ids=lambda one: one.name)
ASKING = [one for one in LABS if isinstance(one.draw, Questions)]


def written(one, folder, text, seed=SEED):
    """A learner's folder with this answer in it; the path of the answer."""
    for name, other in one.files(seed).items():
        (folder / name).write_text(other)
    (folder / "answer.py").write_text(text)
    return folder / "answer.py"


@ALL
def test_untouched_it_has_no_point(one, tmp_path):
    grade = check(one, written(one, tmp_path, one.files(SEED)["answer.py"]))
    assert (grade.points, grade.solved) == (0, False)
    assert grade.hints


@ALL
def test_the_reference_answer_has_all_points(one, tmp_path):
    grade = check(one, written(one, tmp_path, one.solution(SEED)))
    assert (grade.solved, grade.hints) == (True, ()), grade


@pytest.mark.parametrize(("name", "case"), [(name, case) for name in WRONG for case in range(len(WRONG[name]))])
def test_a_plausible_wrong_answer_fails_with_the_right_hint(name, case):
    seed, given, hint = WRONG[name][case]
    grade = lab(name).draw(seed).grade(given)
    assert grade.points < grade.of
    assert any(re.search(hint, said) for said in grade.hints), grade.hints


@pytest.mark.parametrize("one", ASKING, ids=lambda one: one.name)
def test_each_mistake_costs_its_own_part_alone_and_gets_its_own_hint(one):
    told = set()
    for seed in (1, 2):
        given = one.draw.numbers(seed)
        asked = one.draw.asked(given)
        for at, question in enumerate(asked):
            for mistake in question.mistakes:
                own = {before.name: plain(before.truth) for before in asked[:at]} | {
                    question.name: plain(mistake.value)
                }
                own |= {later.name: plain(later.truth) for later in one.draw.asked(given, own)[at + 1 :]}
                if mistake.value != question.truth if isinstance(question.truth, str) else finite(own):
                    assert one.draw.grade(given, own).hints == (mistake.hint,)
                    told.add(mistake.hint)
    assert len(told) >= 3


def plain(value):
    return value if isinstance(value, str) else np.asarray(value, float).tolist()


def finite(values):
    return all(isinstance(value, str) or np.isfinite(value).all() for value in values.values())


def test_every_lab_is_tried_with_three_wrong_answers():
    assert {one.name for one in LABS if one not in ASKING} == set(WRONG)
    assert all(len(cases) >= 3 for cases in WRONG.values())


@ALL
def test_a_seed_is_a_task_and_another_seed_another_task(one):
    assert one.files(1) == one.files(1)
    tasks = {str(one.files(seed)).replace(f"SEED = {seed} ", "") for seed in range(9)}
    assert len(tasks) == 9


def test_each_task_is_graded_on_seeds_of_its_own_that_no_recipe_has():
    drawn = [hidden_seeds(seed) for seed in range(50)]
    assert drawn == [hidden_seeds(seed) for seed in range(50)]
    assert len(set(drawn)) == 50
    assert all(len(set(seeds)) == 3 and min(seeds) >= 1000 for seeds in drawn)


@pytest.mark.parametrize("one", ASKING, ids=lambda one: one.name)
def test_every_seed_has_a_task(one):
    assert all(one.files(seed) for seed in range(50))


@ALL
def test_no_answer_lies_in_the_learners_file(one):
    text = one.files(SEED)["answer.py"]
    for blank in one.draw(SEED).blanks:
        assert blank.solution not in text
        assert f"\n{blank.untouched}\n" in text


@ALL
def test_the_head_explains_the_task_in_lines_that_fit(one):
    text = one.files(SEED)["answer.py"]
    assert text.startswith(f'"""{one.title}.\n\n{one.text}\n')
    assert f"headway learn {one.name} --check" in text
    assert max(map(len, text.splitlines())) <= 120


def test_the_first_labs_are_the_assessments_of_the_pathways():
    assessments = [pathway.assessment for pathway in deep_learning().pathways]
    assert [one.teaches for one in LABS[:4]] == assessments


def test_every_piece_of_advice_has_a_lab():
    advice = [said for part in deep_learning().advice for said in part.items]
    assert [one.teaches for one in LABS[4:]] == advice


@ALL
def test_what_a_lab_teaches_was_measured(one):
    assert one.claims
    assert [claim.id for claim in chosen(one.claims)] == list(one.claims)


def test_a_lab_is_found_by_number_or_name_and_for_an_unknown_one_there_is_an_offer():
    assert lab("1") is lab("forward-pass") is lab("Forward-Pass")
    with pytest.raises(HeadwayError, match=r"no such lab; got forward-pas\. Did you mean 'forward-pass'"):
        lab("forward-pas")
    with pytest.raises(HeadwayError, match=r"no such lab; got 99\. Numbers go from 1 to"):
        lab("99")
