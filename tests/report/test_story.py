"""The story of a cure as text: its numbers are those of the record, and every outcome has its sections."""

import json
import re
import statistics
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from headway.concepts.catalog import deep_learning
from headway.concepts.graph import Concept, Map
from headway.doctor.cure import Cure
from headway.doctor.finding import Finding
from headway.report.section import WIDTH
from headway.report.story import arm_order, headline, sections, story

RECORD = Path(__file__).parents[2] / "docs" / "story" / "digits-sigmoid20.json"
ALWAYS = ["The diagnosis", "Also looked at"]


@cache
def stored():
    """The cure of the demo, from its stored record: a remedy is proven."""
    return Cure.of(json.loads(RECORD.read_text()))


def without_cause(*, learns):
    """The same run, where every rule has ruled its cause out."""
    cure = stored()
    findings = tuple(replace(finding, verdict="ruled out", where=()) for finding in cure.diagnosis.findings)
    diagnosis = replace(cure.diagnosis, learns=learns, findings=findings, loss=0.2 if learns else cure.diagnosis.loss)
    return replace(cure, diagnosis=diagnosis, proof=None, cured=None, after=None)


def not_proven():
    """The same trial, with no remedy proven."""
    cure = stored()
    verdicts = {n: replace(v, word="not proven") if v.word == "proven" else v for n, v in cure.proof.verdicts.items()}
    return replace(cure, proof=replace(cure.proof, verdicts=verdicts), cured=None, after=None)


def refused():
    """The same trial, where one remedy could not be built."""
    proof, name = stored().proof, "normalization-after"
    arms, verdicts = ({k: v for k, v in part.items() if k != name} for part in (proof.arms, proof.verdicts))
    reason = "network/3: must keep its shape <b>&"
    return replace(stored(), proof=replace(proof, arms=arms, verdicts=verdicts, refused={name: reason}))


def scaled(factor):
    """The same trial in another unit of the loss, as a regression has."""
    proof = stored().proof
    arms = {n: replace(a, losses=[factor * loss for loss in a.losses]) for n, a in proof.arms.items()}
    verdicts = {
        n: replace(v, differences=tuple(factor * d for d in v.differences), effect=factor * v.effect,
                   low=factor * v.low, high=factor * v.high)
        for n, v in proof.verdicts.items()
    }  # fmt: skip
    scales = {"constant": factor * proof.constant, "smallest": factor * proof.smallest}
    return replace(stored(), proof=replace(proof, arms=arms, verdicts=verdicts, **scales))


def diverged():
    """The same trial, where a random arm ran off to the largest number and was not watched."""
    proof, name, most = stored().proof, "random: dropout 0.2", float(np.finfo(np.float32).max)
    arm = replace(proof.arms[name], losses=[2.3, 2.3, most, 2.3, most], decades=[None] * 5)
    verdict = replace(proof.verdicts[name], differences=(0.0, 0.0, -most, 0.0, -most), effect=-0.4 * most, low=-most)
    return replace(stored(), proof=replace(proof, arms=proof.arms | {name: arm},
                                           verdicts=proof.verdicts | {name: verdict}))  # fmt: skip


def not_finite():
    """A run that ended with a number that is not finite, nothing tried yet."""
    cause = Finding("found", ("The loss is NaN.",), steps=(1, 7), id="non-finite", cause="numbers that are not finite",
                    concept="exploding-gradient")  # fmt: skip
    before = replace(stored().before, results={"test": {"loss": float("nan")}}, curve=[(1, float("inf"))],
                     flow=[("2", 0.0, 1.0), ("4", float("nan"), 1.0)])  # fmt: skip
    return replace(stored(), before=before, diagnosis=replace(stored().diagnosis, findings=(cause,)), proof=None,
                   cured=None, after=None)  # fmt: skip


OUTCOMES = {
    "proven": stored,
    "healthy": lambda: without_cause(learns=True),
    "no cause": lambda: without_cause(learns=False),
    "not proven": not_proven,
    "refused": refused,
    "large unit": lambda: scaled(2468.0),
    "small unit": lambda: scaled(1e-4),
    "diverged": diverged,
    "not finite": not_finite,
}
SECTIONS = {
    "proven": ["The diagnosis", "Noticed", "Also looked at", "The trial", "The cure", "On the map"],
    "healthy": ALWAYS,
    "no cause": ALWAYS,
    "not proven": ["The diagnosis", "Noticed", "Also looked at", "The trial", "No cure", "On the map"],
    "not finite": ["The diagnosis", "On the map"],
}


def told(name):
    return story(OUTCOMES[name](), deep_learning())


def row(name, text):
    """The line of the table of arms that begins with a name."""
    return next(line for line in text.splitlines() if re.match(rf"(· )?{re.escape(name)}  ", line))


def minus(text):
    return text.replace("-", "−")


@pytest.mark.parametrize("name", OUTCOMES)
def test_a_story_fits_a_terminal_and_has_no_empty_section(name):
    text = told(name)
    assert max(map(len, text.splitlines())) <= WIDTH
    assert all(section.parts for section in sections(OUTCOMES[name](), deep_learning()))
    assert not re.search(r"\bnan\b|\binf\b|None", text)


@pytest.mark.parametrize("name", SECTIONS)
def test_every_outcome_has_its_sections(name):
    found = [section.title for section in sections(OUTCOMES[name](), deep_learning())]
    assert found == [headline(OUTCOMES[name]()), *SECTIONS[name]]


def test_a_story_says_the_same_each_time_and_after_another_round_through_json():
    again = Cure.of(json.loads(json.dumps(stored().record())))
    assert story(again, deep_learning()) == story(stored(), deep_learning())


@pytest.mark.parametrize("name", ["as it is", "tuned control"])
def test_what_the_arms_are_held_against_stands_first_with_mean_and_deviation_of_its_losses(name):
    losses = stored().proof.arms[name].losses
    assert f"{statistics.mean(losses):.2f} ± {statistics.stdev(losses):.2f}" in row(name, told("proven"))


@pytest.mark.parametrize("name", ["residual", "normalization-after", "relu-and-he"])
def test_the_numbers_of_an_arm_are_those_of_the_record(name):
    record = json.loads(RECORD.read_text())["proof"]
    arm, verdict = record["arms"][name], record["verdicts"][name]
    expected = [
        f"{arm['factor']:g}  ",
        f"{statistics.mean(arm['losses']):.2f} ± {statistics.stdev(arm['losses']):.2f}",
        minus(f"{verdict['effect']:+.2f} [{verdict['low']:+.2f}, {verdict['high']:+.2f}]"),
        f"{verdict['level']:.4f}",
        f"{verdict['p']:.3f}",
        minus(f"{-statistics.median(arm['decades']):+.1f}"),
        verdict["word"],
    ]
    line = row(name, told("proven"))
    at = [line.index(text) for text in expected]
    assert at == sorted(at)


def test_an_eliminated_arm_shows_the_seeds_it_ran_and_no_others():
    record = json.loads(RECORD.read_text())["proof"]
    name = next(n for n, v in record["verdicts"].items() if v["word"] == "eliminated" and n in record["remedies"])
    seeds = len(record["verdicts"][name]["differences"])
    assert seeds < record["trial"]["seeds"]
    assert f"Eliminated arms ran {seeds} seeds." in " ".join(told("proven").split())


def test_remedies_stand_from_the_least_loss_on_then_the_sham_then_random_edits():
    order = arm_order(stored().proof)
    remedies, sham = order[: order.index("sham")], order[order.index("sham") + 1 :]
    assert all(name.startswith("random: ") for name in sham)
    losses = [statistics.mean(stored().proof.arms[name].losses) for name in remedies]
    assert losses == sorted(losses)


def test_the_rules_are_stated_with_seeds_smallest_effect_error_and_looks():
    text, proof = " ".join(told("proven").split()), stored().proof
    for said in (f"{proof.trial.seeds} seeds an arm", f"at least {proof.smallest:.2f} (5% of", "error of 0.05",
                 "after 5 seeds"):  # fmt: skip
        assert said in text


def test_the_cause_is_named_with_its_layers_and_evidence():
    text, cause = " ".join(told("proven").split()), stored().diagnosis.cause
    assert all(sentence in text for sentence in cause.evidence)
    assert f"network/{cause.where[0]} to network/{cause.where[-1]} ({len(cause.where)} layers)" in text


def test_what_is_noticed_is_told_with_its_evidence_and_all_that_is_ruled_out_in_one_row():
    parts = {section.title: section.parts for section in sections(stored(), deep_learning())}
    findings = stored().diagnosis.findings
    for title, word in (("Noticed", "noticed"), ("Also looked at", "ruled out")):
        assert [one for one in findings if one.verdict == word], word
        assert title in parts
    noticed, (rest,) = dict(parts["Noticed"][0].rows), parts["Also looked at"]
    assert list(noticed) == [one.id for one in findings if one.verdict == "noticed"]
    assert all(e in noticed[one.id] for one in findings if one.verdict == "noticed" for e in one.evidence)
    words, ids = zip(*rest.rows, strict=True)
    assert words == ("ruled out",)
    assert re.split(", | and ", *ids) == [one.id for one in findings if one.verdict == "ruled out"]


def test_the_cure_shows_edits_rate_and_results_before_and_after():
    text, cure = " ".join(told("proven").split()), stored()
    before, after = cure.before.results["test"], cure.after.results["test"]
    assert f"loss {before['loss']:.4g} → {after['loss']:.4g}" in text
    assert f"accuracy {before['accuracy']:.4g} → {after['accuracy']:.4g}" in text
    rates = (cure.recipe.optimizer.learning_rate, cure.cured.optimizer.learning_rate)
    assert "{:.3g} → {:.3g}".format(*rates) in text
    assert "(19 layers) as body/0 of Residual" in text


def test_the_healthy_twin_is_called_healthy_with_the_loss_it_beats():
    text = told("healthy")
    assert text.startswith("Healthy")
    assert "its best validation loss is 0.2, that of the best constant prediction 2.302" in " ".join(text.split())


def test_where_nothing_is_proven_nothing_is_called_proven():
    text = told("not proven")
    assert "no remedy proven" in text.splitlines()[0]
    assert "No remedy is proven" in text
    assert "proven here" not in text.replace("not proven here", "")


def test_a_refused_remedy_is_told_with_the_reason():
    assert "Not tried: normalization-after: network/3: must keep its shape" in told("refused")


def test_losses_of_another_unit_have_as_many_digits_as_the_smallest_effect_needs():
    assert "0.000012" in told("small unit")
    assert re.search(r"tuned control +1 +5683 ± 0 ", told("large unit"))


def test_a_run_off_to_infinity_is_shown_by_its_power_of_ten_and_what_was_not_watched_is_a_dash():
    line = row("dropout 0.2", told("diverged"))
    assert "e+38" in line
    assert " – " in line


def test_a_map_without_the_concept_of_the_cause_says_so():
    bread = Map(title="Bread", subject="Baking", concepts=(Concept("dough", title="Dough", type="component",
                                                                   definition="Flour and water."),))  # fmt: skip
    assert "Bread has no edge at vanishing-gradient." in story(stored(), bread)
