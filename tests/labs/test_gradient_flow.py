"""The recipes with a fault: what each measurement shows of them, and that the cure cures on seeds not known."""

import numpy as np
import pytest

from headway.labs.gradient_flow import (
    BAR,
    FAULTS,
    FLAT,
    LAB,
    cause_of,
    examples,
    learning,
    measured,
    passing,
    recipe_of,
)
from headway.labs.grading import check

SEEDS = {cause_of(seed): seed for seed in range(60)}
FAR = {"flow": lambda found: abs(found["flow"]) > 1.5, "zeros": lambda found: found["zeros"] > 0.99,
       "spike": lambda found: found["spike"] > 1000, "rise": lambda found: found["rise"] > 1.3}  # fmt: skip


def test_every_fault_comes_up_and_a_seed_always_has_the_same():
    assert SEEDS.keys() == FAULTS.keys()
    assert cause_of(5) == cause_of(5)


def test_only_a_recipe_that_misses_clipping_has_examples_in_another_unit():
    for cause, seed in SEEDS.items():
        assert (np.abs(examples(seed).train.x).max() > 100) == (cause == "no clipping")
        assert np.abs(examples(seed).test.x).max() < 100


def test_the_flow_passes_within_its_bound_both_ways_and_the_loss_below_its_bar():
    assert [passing(decades).points for decades in (-0.6, -FLAT, 0.0, FLAT, 0.6)] == [0, 1, 1, 1, 0]
    assert [learning([0.1, loss], 0.0).points for loss in (BAR, 0.31, np.inf)] == [1, 0, 0]
    assert "shrinks" in passing(-3.0).hint
    assert "grows" in passing(3.0).hint


@pytest.mark.accept
@pytest.mark.parametrize("cause", FAULTS)
def test_the_measurement_that_shows_a_fault_is_far_from_healthy_and_its_cure_has_all_points(cause, tmp_path):
    seed = SEEDS[cause]
    found = measured(recipe_of(seed), examples(seed))
    assert FAR[FAULTS[cause].evidence](found), found
    for name, text in LAB.files(seed).items():
        (tmp_path / name).write_text(text)
    (tmp_path / "answer.py").write_text(LAB.solution(seed))
    assert check(LAB, tmp_path / "answer.py").solved
