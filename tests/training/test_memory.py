"""Memory: what is observed of a known allocation, what a run logs, and what a later plan says of it."""

import json
from dataclasses import replace

import numpy as np
import pytest

from headway.plan.devices import DEVICES
from headway.plan.plan import plan
from headway.report.planned import error_text, plan_text
from headway.scale.mesh import Mesh
from headway.training import memory
from headway.training.memory import WORTH, Taken, remember, remembered, rise
from headway.training.named import named
from headway.training.train import resume, train

MEBIBYTE = 1 << 20


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setattr(memory, "cache_folder", lambda: tmp_path / "cache")


@pytest.mark.skipif(not memory.PEAK.exists(), reason="only Linux tells the most that a process held since a moment")
def test_the_rise_is_what_was_in_use_at_once_not_what_is_left():
    with rise() as found:
        for _ in range(2):
            np.ones(200 * MEBIBYTE, np.uint8)
    assert 195 * MEBIBYTE < found.bytes < 230 * MEBIBYTE


def test_where_nobody_tells_nothing_is_observed(tmp_path, monkeypatch):
    monkeypatch.setattr(memory, "PEAK", tmp_path / "absent")
    with rise() as found:
        np.ones(MEBIBYTE)
    assert found.bytes is None
    assert Taken("cpu", 100, None).off is None
    remember(Taken("cpu", 100, None))
    assert remembered("cpu") == []


def test_large_runs_are_remembered_by_the_kind_of_their_device():
    large = Taken("NVIDIA H100 80GB HBM3", 9 * WORTH, 10 * WORTH)
    others = [replace(large, device=name) for name in ("cpu", "TPU v5", "NVIDIA A100-SXM4-80GB")]
    for taken in (large, *others, Taken("cpu", 1, WORTH - 1)):
        remember(taken)
    assert remembered(DEVICES["v5p"].reported) == [others[1]]
    assert remembered(DEVICES["A100"].reported) == [others[2]]
    assert remembered(DEVICES["H100"].reported) == [large]
    assert [one.device for one in remembered("cpu")] == ["cpu"]
    assert remembered("TPU v5 lite") == []
    assert large.off == pytest.approx(-0.1)


def test_a_line_that_was_cut_off_is_passed_over(tmp_path):
    remember(Taken("cpu", WORTH, WORTH))
    with (tmp_path / "cache" / "memory.jsonl").open("a") as file:
        file.write('{"device": "cp')
    assert len(remembered("cpu")) == 1


def test_every_run_with_a_folder_logs_what_was_said_and_what_it_took(tmp_path):
    recipe = replace(named("iris").recipe, length=20)
    train(recipe, out=tmp_path / "run")
    lines = (tmp_path / "run" / "events.jsonl").read_text().splitlines()
    (told,) = [line for line in map(json.loads, lines) if line["event"] == "measured"]
    assert told["device"] == "cpu"
    assert told["predicted"] > 0
    assert told["observed"] is None or told["observed"] >= 0
    assert resume(tmp_path / "run").standing.step == 20


def test_a_plan_says_how_far_plans_were_off_on_this_kind_of_device():
    recipe = named("iris").recipe
    assert "No run on a CPU has been held against" in plan_text(plan(recipe, Mesh(), compile=False))
    for observed in (10, 20, 16):
        remember(Taken("cpu", 16 * WORTH, observed * WORTH))
    found = plan_text(plan(recipe, Mesh(), compile=False))
    assert "was off by +0.0% in 3 runs on this machine (-20.0% to +60.0%)" in found.replace("\u2212", "-")
    assert "in 1 run on" in error_text([Taken("cpu", 1, 2)], "a CPU")
