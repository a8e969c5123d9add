"""The outcome of cures: which programs, the known fix, what counts as restored, and one cure to its end."""

import functools
import json
from dataclasses import replace

import numpy as np
import pytest
from typer.testing import CliRunner

import benchmarks.doctor as stored_results
import headway.doctor.faults.outcome as outcomes
from headway.cli.bench import app
from headway.doctor.cure import Cure, cure
from headway.doctor.faults.bases import SETS
from headway.doctor.faults.bench import programs
from headway.doctor.faults.catalog import FAULTS, faulty
from headway.doctor.faults.measure import skill
from headway.doctor.faults.outcome import CURES, NO_EDIT, SECONDS, fix, one_a_fault, outcome, restores, treat
from headway.doctor.faults.sets import LOOKED_AT
from headway.doctor.faults.sources import Fewer, Rescaled
from headway.doctor.trial import Trial
from headway.report.doctor_bench import as_lines
from headway.report.outcome import outcome_page, outcome_record, outcome_text
from headway.spec.error import HeadwayError
from headway.training.train import train

KNOWN = {one.id: one for one in faulty()}


def row(faulty, cured, random=0.0, *, family="rate", how="proven", fix=0.9):
    skill = {"faulty": faulty, "fix": fix, "cured": cured, "random": random, "rate": None}
    return {"family": family, "how": how, "remedy": "r", "random": "random: x", "skill": skill}


@pytest.mark.parametrize("set", SETS)
def test_every_fault_that_does_harm_is_cured_on_the_first_base_that_it_is_put_into(set):
    kept, expected = {one.id for one in programs(set)}, []
    for fault in FAULTS:
        expected += [f"{fault.id}@{base}" for base in fault.on if f"{fault.id}@{base}" in kept][:1]
    assert [one.id for one in one_a_fault(set)] == expected
    assert len(one_a_fault(set)) >= 40


def test_those_that_are_named_are_cured_whatever_their_fault_and_no_healthy_one():
    named = one_a_fault("tuning", ["weights-0", "as-it-is@wine-mlp"])
    assert [one.id for one in named] == ["weights-0@wine-mlp", "weights-0@digits-mlp"]


def test_the_known_fix_is_the_base_on_what_examples_there_are():
    for id in ("weights-0@wine-mlp", "raw-features@wine-mlp", "targets-1e5@friedman-mlp"):
        assert fix(KNOWN[id]) == KNOWN[id].base.recipe
    assert isinstance(KNOWN["features-thousandth@digits-mlp"].recipe.data.source, Rescaled)
    assert fix(KNOWN["features-thousandth@digits-mlp"]) == KNOWN["features-thousandth@digits-mlp"].base.recipe
    for id in ("shuffled-labels@digits-mlp", "outliers@digits-mlp", "test-shifted@spirals-tanh", "leakage@digits-mlp"):
        assert fix(KNOWN[id]) is None
    by_heart = KNOWN["by-heart@digits-mlp"]
    assert isinstance(fix(by_heart).data.source, Fewer)
    assert fix(by_heart).network == by_heart.base.recipe.network != by_heart.recipe.network


def test_four_fifths_of_the_gap_are_restored_and_the_gap_begins_at_the_best_constant():
    assert restores(row(0.1, 0.7401), "cured")  # 0.1 + 0.8 · 0.8 = 0.74
    assert not restores(row(0.1, 0.7399), "cured")
    assert restores(row(-10.0, 0.73), "cured")
    assert not restores(row(-10.0, 0.0), "cured")  # nine tenths of the way from −10, and nothing learned
    assert restores(row(0.1, 1.0), "cured")
    assert not restores(row(0.1, None), "cured")
    assert not restores({"error": "it broke"}, "cured")


def test_the_figures_count_what_an_edit_can_restore_and_name_who_restores_it():
    rows = [
        row(0.0, 0.9), row(0.0, 0.9, 0.9), row(0.0, 0.1, 0.9), row(0.0, None, how="not proven", family="batch"),
        {"family": "labels", "how": NO_EDIT}, {"family": "batch", "error": "it broke"},
    ]  # fmt: skip
    found = outcome(rows)
    assert [found["restored"][who]["hits"] for who in found["restored"]] == [2, 2, 0]
    assert found["restored"]["the doctor"]["of"] == 5
    assert found["how"] == {"proven": 3, "not proven": 1, NO_EDIT: 1, "broken": 1}
    assert found["proven"]["hits"] == 2
    assert found["proven"]["of"] == 3
    assert found["pairs"] == {"both": 1, "the doctor alone": 1, "random remedies alone": 1, "neither": 2}
    assert found["advantage"] == 0
    assert set(found["without a family"]) == {"rate", "batch"}
    alone = found["without a family"]["batch"]
    assert alone["others"]["restored"]["the doctor"]["share"] == 2 / 3
    assert alone["itself"]["restored"]["the doctor"]["share"] == 0


def test_a_fault_of_the_examples_is_not_treated(monkeypatch):
    monkeypatch.setattr(outcomes, "cure", None)
    assert treat(KNOWN["shuffled-labels@digits-mlp"]) == {"how": NO_EDIT}


@pytest.fixture
def small(monkeypatch):
    """Trials of one random remedy and two rates."""
    trial = Trial(randoms=1, factors=(1.0, 3.2), tuning_seeds=1)
    monkeypatch.setattr(outcomes, "Trial", lambda: trial)
    monkeypatch.setattr(outcomes, "cure", functools.partial(cure, trial=trial))


def test_a_cure_restores_what_the_fault_took_and_a_random_remedy_takes_the_same_test(small):
    one = KNOWN["l2-of-1@wine-mlp"]
    found = treat(one)
    assert (found["how"], found["remedy"]) == ("proven", "unregularized")
    for name, recipe in (("faulty", one.recipe), ("fix", one.base.recipe)):
        runs = [train(replace(recipe, seed=seed)) for seed in (1000, 1001, 1002)]
        skills = [skill(run, run.data(), run.final) for run in runs]
        assert found["skill"][name] == pytest.approx(np.median(skills), abs=1e-3)
    assert restores(found, "cured")
    assert not restores(found, "rate")
    assert found["random"].startswith("random: ")


def test_where_the_doctor_offers_nothing_random_remedies_are_tried_all_the_same(small):
    found = Cure(replace(KNOWN["weights-0@wine-mlp"].recipe, length=4), before=None, diagnosis=None)
    drawn, control = outcomes._drawn(found, 0)
    assert [len(arm.losses) for arm in (*drawn, control)] == [10, 10]
    assert set(control.tried) >= {1.0, 3.2}


@pytest.fixture(scope="module")
def record():
    chosen = [KNOWN[f"{fault}@wine-mlp"] for fault in ("weights-0", "weights-tiny", "l2-of-1")]
    rows = [row(-3.0, 0.85, 0.2), {"how": NO_EDIT}, {"error": "it broke"}]
    return outcome_record("tuning", chosen, [{"mark": "m"} | made for made in rows], "c")


def test_the_outcome_is_told_as_text_and_as_a_page(record):
    assert [one["id"].partition("@")[0] for one in record["programs"]] == ["weights-0", "weights-tiny", "l2-of-1"]
    for told in (outcome_text(record), outcome_page(record)):
        for said in ("94% ✓", "22%", NO_EDIT, "broken", "One base for each of 3 faults", "+50%"):
            assert said in told


def test_the_outcome_is_stored_by_set_and_shown_on_the_page(record, monkeypatch, tmp_path):
    monkeypatch.setattr(stored_results, "RESULTS", tmp_path)
    text = "# P\n\n<!-- results -->\nold\n<!-- /results -->\n"
    assert "No result is stored yet." in stored_results.page(text)
    (tmp_path / "doctor-outcome-second.json").write_text(as_lines(record | {"outcome": "second"}))
    for name in ("tuning", "reporting"):
        (tmp_path / "result.json").write_text(as_lines(record | {"outcome": name}))
        stored_results.store(tmp_path)
    assert {path.name for path in tmp_path.glob("doctor*")} == {
        "doctor-outcome.json", "doctor-outcome-second.json", "doctor-outcome-tuning.json",
    }  # fmt: skip
    made = stored_results.page(text)
    places = [made.index(f"Cures on the {name} set") for name in ("reporting", "second", "tuning")]
    assert places == sorted(places)
    assert "old" not in made


@pytest.mark.parametrize("name", LOOKED_AT)
def test_what_is_stored_of_a_look_stays_and_the_page_says_when_it_was(name, record, monkeypatch, tmp_path):
    monkeypatch.setattr(stored_results, "RESULTS", tmp_path)
    made = {**record["made on"], "day": "2001-02-03"}
    (tmp_path / f"doctor-outcome-{name}.json").write_text(as_lines(record | {"outcome": name, "made on": made}))
    page = stored_results.page("<!-- results -->\n<!-- /results -->\n")
    assert "It was the reporting set until it was looked at, once, on 2001-02-03" in page
    (tmp_path / "result.json").write_text(as_lines(record | {"outcome": name}))
    with pytest.raises(HeadwayError, match=name):
        stored_results.store(tmp_path)


def test_the_command_cures_and_stores(monkeypatch, tmp_path):
    monkeypatch.setattr(outcomes, "treat", lambda one: row(0.0, 0.9))
    words = ["bench", "--doctor", "--outcome", "--only", "weights-0@wine-mlp", "--out", str(tmp_path)]
    done = CliRunner().invoke(app, words)
    assert done.exit_code == 0, done.output
    assert "100%" in done.output
    kept = json.loads((tmp_path / "result.json").read_text())
    assert kept["score"]["restored"]["the doctor"]["hits"] == 1
    assert {path.name for path in tmp_path.iterdir()} == {"result.json", CURES}
    assert "weights-0@wine-mlp" in CliRunner().invoke(app, [*words, "--resume", "--json"]).output
    assert SECONDS <= 60
