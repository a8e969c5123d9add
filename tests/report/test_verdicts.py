"""What chance may have decided: counted by hand for claims and numbers that are made up; and a second look."""

import numpy as np

from headway.claims.catalog import claims
from headway.claims.claim import Claim, Limit, Verdict
from headway.claims.condition import Alike, Bounded, Differs, Dose, Level, Some
from headway.claims.evidence import Evidence
from headway.claims.run import Known, verdict_on
from headway.claims.second import Looked, drawn
from headway.report.verdicts import decided, second_text, verdicts_text

NOISE = np.random.default_rng(0).normal(0, 0.1, 10)
ARMS = {"a": NOISE, "b": NOISE[::-1] + 1, "c": NOISE + np.linspace(1.9, 2.1, 10), "near": NOISE[::-1] + 0.5}
NUMBERS = {arm: {"loss": values.tolist()} for arm, values in ARMS.items()}
EVIDENCE = {arm: Evidence("d.d", arm, [*range(10)], NUMBERS[arm], {}, "", 0.0, {}) for arm in ARMS}
RISES = Differs("loss", arm="b", than="a", by=0.5)


def claim(*needs, id="R01", check="experiment", **parts):
    return Claim(id, says="-", check=check, design="d.d", needs=needs, **parts)


def standing(one, evidence):
    return Known(one, verdict_on(one, evidence), evidence)


def count(*needs, **parts):
    return [one.intervals for one in decided(claim(*needs, **parts), NUMBERS)]


def test_an_interval_that_decides_counts_and_one_that_is_open_does_not():
    assert count(RISES, Level("loss", arm="b", low=0.5)) == [1, 1]
    assert count(Differs("loss", arm="near", than="a", by=0.5)) == []


def test_what_is_exact_cannot_err_by_chance():
    assert count(Bounded("loss", arm="a", high=5.0), Alike("loss", arm="a", than="a", within=0.1)) == []


def test_a_dose_takes_an_interval_a_step_besides_its_own():
    assert count(Dose("loss", along=("a", "b", "c"), by=1.0)) == [3]


def test_several_conditions_under_one_count_one_by_one():
    assert count(Some((RISES, Level("loss", arm="c", low=1.0)), least=2)) == [1, 1]


def test_controls_shams_and_limits_count_and_a_counterexample_does_not():
    level = Level("loss", arm="b", low=0.5)
    assert count(RISES, control=(level,), sham=(level,), limits=(Limit("-", shown_by=level), Limit("-")),
                 counterexample=Limit("-", shown_by=level)) == [1] * 4  # fmt: skip


def test_the_table_counts_verdicts_by_check_and_says_how_many_may_be_false():
    dose = claim(Dose("loss", along=("a", "b", "c"), by=1.0), id="R02")
    exact = claim(Bounded("loss", arm="a", high=5.0), id="R03", check="identity")
    wrong = claim(Differs("loss", arm="a", than="b", by=0.5), id="R04")
    waits = Claim("R05", says="-", check="experiment", pending="no time")
    text = verdicts_text({one.id: standing(one, EVIDENCE) for one in (dose, exact, wrong, waits)})
    assert "| check | supported | refuted | pending | all | intervals | false at most |" in text
    assert "| identity | 1 | 0 | 0 | 1 | 0 | 0 |" in text
    assert "| experiment | 1 | 1 | 1 | 3 | 4 | 0.1 |" in text
    assert "| all | 2 | 1 | 1 | 4 | 4 | 0.1 |" in text
    assert "4 intervals decided conditions of 2 claims." in text
    assert "at most 4 × 0.025 = 0.1 false verdicts are expected." in text
    assert (
        "1 differences are shown by their interval; the one-sided sign test, p ≤ 0.025, shows the direction of 1."
        in text
    )
    assert "doubts" not in text


def test_a_difference_that_the_sign_test_does_not_show_is_named():
    skewed = [-0.1] * 3 + [*np.linspace(1, 1.1, 7)]
    arms = {"a": [0.0] * 10, "b": skewed}
    found = {arm: Evidence("d.d", arm, [*range(10)], {"loss": values}, {}, "", 0.0, {}) for arm, values in arms.items()}
    text = verdicts_text({"R01": standing(claim(Differs("loss", arm="b", than="a", by=0.1)), found)})
    assert "shows the direction of 0. It doubts that of R01." in text


def test_a_second_look_names_what_was_drawn_and_what_else_changed():
    held, fell = Verdict("supported", ""), Verdict("refuted", "no effect")
    lot = drawn()
    others = [one for one in claims().values() if one.check == "experiment" and one not in lot][:3]
    looked = [Looked(one, held, fell if one == lot[0] else held) for one in lot]
    looked += [Looked(one, held, fell if one == others[1] else held) for one in others]
    text = second_text(looked)
    assert "19 of them keep their verdict" in text
    assert f"| {lot[0].id} | {lot[0].says} | supported | refuted |" in text
    assert text.endswith(f"3 other experiments and conventions were measured on fresh seeds too, and 2 keep their "
                         f"verdict. Of these it changed: {others[1].id}: supported, then refuted.")  # fmt: skip
    assert second_text(looked[1:]) == "Not all of them are measured yet: `headway claims run --fresh`."
