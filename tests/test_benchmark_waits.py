"""The benchmark of what one waits for: its commands are real ones, and its block is made from what is stored."""

import json

import pytest

from benchmarks import waits
from headway.doctor.faults.catalog import program
from headway.spec.json import load


def test_every_ruined_recipe_is_the_program_of_the_benchmark(tmp_path):
    known = waits.waits(tmp_path)
    for fault in waits.RUINED:
        assert load(tmp_path / f"{fault}.json") == program(f"{fault}@digits-mlp").recipe
    assert {wait.most for wait in known.values()} == {waits.CHECK, waits.DOCTOR, waits.BUDGET}


def test_a_diagnosis_names_its_first_cause_and_a_pre_flight_has_none(tmp_path):
    known = waits.waits(tmp_path)
    said = waits.run(known["headway doctor weights-0.json"].words, tmp_path)
    assert waits.first_cause(said) in program("weights-0@digits-mlp").causes
    assert waits.first_cause(waits.run(known["headway check digits-mlp"].words, tmp_path)) is None


def test_the_block_tells_the_median_the_bar_and_whether_the_cause_is_right():
    result = {
        "seconds": {"a check": [2.0, 2.5, 9.0], "a diagnosis": [70.0]}, "most": {"a check": 3.0, "a diagnosis": 60.0},
        "causes": {"a diagnosis": "underfitting"}, "right": {"a diagnosis": ["underfitting"]},
        "machine": {"cores": 2, "processor": "a processor"}, "versions": {"headway": "1", "jax": "2"},
    }  # fmt: skip
    made = waits.written("# Page\n<!-- waits -->\nold\n<!-- /waits -->\n", json.loads(json.dumps(result)))
    for said in ("2.5 (2.0 to 9.0)", "3 ✓", "70.0 (70.0 to 70.0)", "60 ✗", "underfitting ✓"):
        assert said in made
    assert "old" not in made
    with pytest.raises(AssertionError):
        waits.written("# Page", result)
