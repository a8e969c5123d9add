"""The claims on the command line: what is stored is told, nothing is run, and a wrong question gets one message."""

import json

import pytest

from headway.claims.catalog import claims
from headway.claims.run import known_of
from tests.test_bad_input import headway


@pytest.fixture
def told(capsys, monkeypatch):
    def run(*words):
        code, out, err = headway(capsys, monkeypatch, "claims", *words)
        assert code == 0, err
        return out

    return run


def test_without_a_number_every_claim_is_listed_with_its_verdict_and_they_are_counted(told):
    lines = told().splitlines()
    assert [line.split()[0] for line in lines if line[:1] in "RXCFHN" and line[1:3].isdigit()] == list(claims())
    (counted,) = (line for line in lines if " claims: " in line)
    assert sum(int(part.split()[0]) for part in counted.partition(": ")[2].split(", ")) == len(claims())


def test_a_claim_shows_its_design_its_conditions_and_the_numbers_of_its_arms(told):
    text, (record,) = told("r07"), json.loads(told("show", "R07", "--json"))
    assert text.startswith("R07  Activation Function —variant→ ReLU\nVerdict: ")
    for said in ("Design activations.exact.", "needs: ", "Measured in "):
        assert said in text
    ((_, _, evidence),) = known_of([claims()["R07"]])
    assert {arm: one["numbers"] for arm, one in record["arms"].items()} == {a: e.numbers for a, e in evidence.items()}
    assert record["verdict"] == text.splitlines()[1].removeprefix("Verdict: ")


def test_a_counterexample_is_told_as_it_was_measured(told):
    (record,) = json.loads(told("F15", "--json"))
    seen = record["counterexample"]
    assert seen["limit"] == claims()["F15"].counterexample.said
    assert f"counterexample: {seen['said']}\n    {seen['answer']}: " in told("F15")


def test_a_quick_look_stores_nothing_and_says_the_direction(told):
    assert told("run", "R07", "--tier", "quick") == "R07  points its way\n"


@pytest.mark.parametrize(("words", "said"), [
    (("R111",), "no claim of this number; got R111. Did you mean 'R11'"),
    (("elephants",), "no claim of this number; got ELEPHANTS. All are listed by: headway claims."),
    (("run", "R11", "--tier", "slow"), "--tier: must be quick or full; got slow"),
])  # fmt: skip
def test_a_wrong_question_gets_one_message(words, said, capsys, monkeypatch):
    code, out, err = headway(capsys, monkeypatch, "claims", *words)
    assert (code, out) == (2, "")
    assert said in err
