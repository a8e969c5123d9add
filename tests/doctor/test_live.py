"""Warnings while a network trains: each once, and none while it is healthy."""

import io
from dataclasses import replace

import pytest

import headway as hw
from headway.models.mlp import mlp
from headway.network.activations import Sigmoid
from headway.signals.probe import Watch
from headway.training.named import named
from headway.training.recipe import Evaluation
from headway.training.train import train

HEALTHY = replace(named("iris").recipe, watch=Watch(5), evaluation=Evaluation(20), length=200)
SICK = replace(HEALTHY, network=mlp((8,) * 10, 3, activation=Sigmoid()), length=120)


def said(recipe):
    """What was said while a recipe trained."""
    stream = io.StringIO()
    train(recipe, callbacks=(hw.Warnings(recipe, stream=stream),))
    return stream.getvalue().splitlines()


def test_what_is_found_in_two_looks_is_said_once_with_its_evidence_and_what_to_do():
    lines = said(SICK)
    assert [line for line in lines if "(vanishing-gradient)" in line] == lines[:1]
    assert lines[0].startswith("Warning after update 40: vanishing gradient at ")
    assert "‖dL/dh‖" in lines[0]
    assert "headway cure" in lines[-1]


def test_nothing_is_said_of_a_healthy_run():
    assert said(HEALTHY) == []


def test_what_is_accepted_in_the_recipe_is_not_said():
    accepted = Watch(5, accepted=(hw.Accepted("vanishing-gradient", reason="a lesson on it"),))
    assert said(replace(SICK, watch=accepted)) == []
    found = hw.diagnose(train(replace(SICK, watch=accepted)))["vanishing-gradient"]
    assert (found.verdict, found.evidence[-1]) == ("noticed", "Accepted: a lesson on it")


def test_a_diagnosis_takes_what_is_accepted_too_and_an_unknown_rule_is_refused():
    run = train(SICK)
    assert hw.diagnose(run).cause.id == "vanishing-gradient"
    assert hw.diagnose(run, accepted={"vanishing-gradient": "meant"}).cause is None
    with pytest.raises(hw.HeadwayError, match=r"no rule of this id; got 'vanishing'"):
        hw.diagnose(run, accepted={"vanishing": "meant"})


def test_one_look_says_nothing():
    assert said(replace(SICK, length=20)) == []
